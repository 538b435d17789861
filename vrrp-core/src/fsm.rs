//! One virtual router as a state machine: RFC 9568 6.4, with the backend's answers as inputs.
//!
//! ```text
//!                 Start, not owner                 Active_Down_Timer
//!  Initialize ----------------------> Backup ----------------------------> Active
//!   |      ^                          |    ^                               |   |
//!   |      +------ hold, Shutdown ----+    +---- stronger claim, stalled --+   |
//!   |      +------ hold, backend fault, end of a handover ---------------------+
//!   +----------- Start, owner -------------------------------------------------^
//! ```
//!
//! [`Machine`] is `Copy + Eq + Hash`: it can be model checked as it is. Deadlines live in the state
//! that they belong to, so that a timer of another state cannot fire. Embedders use
//! [`Router`](crate::Router), which runs many of these.

mod active;
mod announcing;
mod asking;
mod away;
mod backup;
mod delay;
mod fight;
mod greeting;
mod group;
mod handover;
mod health;
mod initialize;
mod lease;
mod look;
mod others;
mod parting;
mod probation;
mod sending;
mod state;
mod suspect;
#[cfg(test)]
mod tests;
mod vetting;
mod want;

use core::{net::IpAddr, time::Duration};

pub use announcing::Announcing;
pub use asking::Asking;
pub use fight::Fight;
pub use group::{Group, Stand};
pub use parting::Parting;
pub use probation::Probation;
pub use state::{Active, Away, Backup, Greeting, Lease, State, Then, Unanswered, Vetting};
pub use suspect::Suspect;
pub use want::Want;

use crate::{
    Announcements, Answer, Claim, Condition, Gate, Gates, Health, Hold, Holds, Instant, Look, Loss,
    MacAddr, Phase, Reason, Role, Timing, Weight,
};

/// The configuration of a machine: the parts of a [`VirtualRouter`](crate::VirtualRouter) on which
/// the protocol's decisions depend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "written as a literal by models and tests")]
pub struct Params {
    /// The configured advertisement interval, and the version.
    pub timing: Timing,
    /// The role of this node.
    pub role: Role,
    /// When the addresses are announced.
    pub announcements: Announcements,
    /// How long the backend may take to answer.
    pub backend_timeout: Duration,
    /// Shifts the refresh of announcements, so that many virtual routers do not announce together.
    pub spread: u8,
    /// Whether advertisements go to a list of peers, each of which has to know how to reach this
    /// node.
    pub unicast: bool,
    /// For how long it listens after its start before it contends.
    pub startup_delay: Duration,
    /// The same after its link came up.
    pub up_delay: Duration,
    /// What it does before silence alone makes it Active.
    pub look: Look,
}

/// What the interface allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the holds of an interface, and readiness")]
pub enum Link {
    /// It does not exist.
    Missing,
    /// It is down or has no carrier.
    Down,
    /// It is up, and no socket could be opened on it.
    NoSocket,
    /// It is up, without an address to send from.
    NoSource,
    /// It can send from this address.
    Ready(IpAddr),
}

/// An advertisement that is valid for this virtual router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "written as a literal by models and tests")]
pub struct Heard {
    /// What it claims.
    pub claim: Claim,
    /// The interval that it names.
    pub timing: Timing,
    /// Its source address; never this node's own.
    pub source: IpAddr,
    /// Whether it may be the previous one in the other checksum form, because both are in use.
    pub in_both_forms: bool,
}

/// Something that happened to one virtual router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the table of cells covers every one")]
pub enum Input {
    /// RFC 9568's Startup.
    Start,
    /// RFC 9568's Shutdown, as a handover; a second one releases at once.
    Shutdown,
    /// The interface changed.
    Link(Link),
    /// Whether the other interfaces that it relies on are up, as a level.
    Others {
        /// All of them are.
        ready: bool,
    },
    /// An advertisement.
    Advert(Heard),
    /// The answer of the backend to the last request.
    Answer(Answer),
    /// A held address is gone.
    LeaseLost(Loss),
    /// The last advertisement could not be sent.
    SendFailed,
    /// The last advertisement counts as sent, but none of the peers can be reached.
    Unreached,
    /// Another host says that it has an address of this virtual router.
    Sighting {
        /// Its hardware address; never one of this host's own.
        mac: MacAddr,
        /// Whether it answers a question of this node.
        solicited: bool,
    },
    /// Neighbours may look for the addresses elsewhere: the interface has another hardware address.
    Moved,
    /// Announce the addresses now, whatever is configured.
    Announce,
    /// Hand over, and stay out.
    Drain {
        /// Release even if nobody takes over.
        force: bool,
    },
    /// Take part again.
    Resume,
    /// What checks say, as a level.
    Health(Health),
    /// What its group lets it do, as a level.
    Group(Group),
    /// The configuration changed, apart from the addresses.
    Reconfigure(Params),
    /// The addresses changed; some may be the same.
    Readdress,
    /// A deadline has come.
    Timeout,
}

/// What a due advertisement claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "own claim, or priority 0")]
pub enum Say {
    /// The claim of this node.
    Claim,
    /// Priority 0.
    Resign,
}

/// What one input led to. The order of execution is fixed: the transition is reported, a `Leaving`
/// goes to the backend, the advertisement leaves, any other request goes to the backend, the
/// addresses are announced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[must_use]
#[expect(clippy::exhaustive_structs, reason = "tests compare whole values")]
pub struct Effects {
    /// The phase may have changed, for this reason.
    pub transition: Option<Reason>,
    /// An advertisement leaves.
    pub transmit: Option<Say>,
    /// When Adver_Timer ran out, if that is why the advertisement leaves.
    pub due: Option<Instant>,
    /// The backend is asked for something.
    pub lease: Option<Want>,
    /// The addresses are announced.
    pub announce: bool,
    /// This node's own address is made known to the neighbours.
    pub greet: bool,
    /// Whoever else has an address is asked to answer.
    pub probe: bool,
    /// The advertisement is an answer to a weaker one.
    pub answered: bool,
    /// An answer was due, but withheld because ten were sent in this interval.
    pub withheld: bool,
    /// A repair was completed.
    pub repaired: bool,
    /// A drain was given up.
    pub drain_refused: bool,
    /// A check fails, and nobody took over.
    pub unrelieved: bool,
    /// It is still the Active, and a weaker one beside it is gone.
    pub reasserted: bool,
    /// A node other than the followed Active resigned, which changed nothing.
    pub stranger_resigned: bool,
}

/// One virtual router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Machine {
    params: Params,
    state: State,
    /// Started and not shut down.
    wanted: bool,
    drained: Option<handover::Drained>,
    link: Link,
    /// Whether it has taken part since it was started.
    took_part: bool,
    /// The fault of its own that keeps it out, if one does.
    fault: Option<state::Fault>,
    probation: Option<Probation>,
    /// Advertisements in a row that could not be sent.
    send_failures: u8,
    /// Whether the last advertisement was one of them.
    last_send_failed: bool,
    /// The last probation that send failures caused.
    blame: Option<sending::Blame>,
    health: Health,
    group: Group,
    /// The last time that it left because of a check, as the probation that it may lead to.
    lapse: Option<Probation>,
    /// What keeps it from contending after a start, or after its link came up.
    delay: Option<delay::Delay>,
    /// Since when the link is gone.
    down_since: Option<Instant>,
    /// Since when one of the other interfaces that it relies on is gone.
    others_down_since: Option<Instant>,
}

impl Machine {
    /// Creates a machine that has not been started, on a missing interface.
    #[must_use]
    pub const fn new(params: Params) -> Self {
        Self {
            params,
            state: State::Initialize,
            wanted: false,
            drained: None,
            link: Link::Missing,
            took_part: false,
            fault: None,
            probation: None,
            send_failures: 0,
            last_send_failed: false,
            blame: None,
            health: Health { condition: Condition::Good, weight: Weight::ZERO },
            group: Group::Free,
            lapse: None,
            delay: None,
            down_since: None,
            others_down_since: None,
        }
    }

    /// Takes one input. After [`Input::Timeout`], [`deadline`](Self::deadline) lies after `now`, or
    /// is `None`.
    pub fn handle(&mut self, now: Instant, input: Input) -> Effects {
        let mut effects = Effects::default();
        // The bound comes first: an Active that may have been superseded receives no input as an
        // Active.
        self.judge_stall(now, &mut effects);
        match (self.state, input) {
            (_, Input::Start) => self.start(now, &mut effects),
            (_, Input::Link(link)) => self.link_changed(now, link, &mut effects),
            (_, Input::Others { ready }) => self.others_changed(now, ready, &mut effects),
            (_, Input::Reconfigure(params)) => self.reconfigure(now, params, &mut effects),
            (_, Input::Readdress) => self.readdress(now, &mut effects),
            (_, Input::Health(health)) => self.health_changed(now, health, &mut effects),
            (_, Input::Group(group)) => self.group_changed(now, group, &mut effects),

            (State::Initialize, Input::Shutdown) => {
                self.wanted = false;
                effects.transition = Some(Reason::Shutdown);
            }
            (State::Initialize, Input::Drain { force }) => self.stay_out(force, &mut effects),
            (State::Initialize, Input::Resume) => self.resume(now, &mut effects),
            (State::Initialize, Input::Timeout) => self.retry(now, &mut effects),
            (State::Initialize, Input::Answer(answer)) => {
                self.answered_in_initialize(now, answer, &mut effects)
            }
            (
                State::Initialize,
                Input::Advert(_)
                | Input::LeaseLost(_)
                | Input::SendFailed
                | Input::Unreached
                | Input::Sighting { .. }
                | Input::Moved
                | Input::Announce,
            ) => {}

            (State::Backup(_), Input::Shutdown) => {
                self.wanted = false;
                self.initialize(Reason::Shutdown, &mut effects);
            }
            (State::Backup(_), Input::Drain { force }) => self.drop_out(force, &mut effects),
            (State::Backup(backup), Input::Advert(heard)) => {
                self.backup_hears(now, backup, heard, &mut effects);
            }
            (State::Backup(backup), Input::Timeout) => {
                self.backup_timeout(now, backup, &mut effects)
            }
            (State::Backup(_), Input::SendFailed) => self.note_send_failure(),
            (State::Backup(backup), Input::Answer(answer)) => {
                self.answered_in_backup(now, backup, answer, &mut effects);
            }
            (State::Backup(backup), Input::LeaseLost(_)) => {
                self.lost_before_adoption(backup, &mut effects)
            }
            (State::Backup(backup), Input::Sighting { mac, .. }) => {
                self.backup_sights(now, backup, mac);
            }
            (
                State::Backup(_),
                Input::Resume | Input::Unreached | Input::Moved | Input::Announce,
            ) => {}

            (State::Active(active), Input::Shutdown) => {
                self.hand_over(now, active, Then::Stop, &mut effects)
            }
            (State::Active(active), Input::Drain { force }) => {
                self.hand_over(now, active, Then::Drain { force }, &mut effects);
            }
            (State::Active(active), Input::Resume) => {
                self.resume_as_active(now, active, &mut effects)
            }
            (State::Active(active), Input::Advert(heard)) => {
                self.active_hears(now, active, heard, &mut effects)
            }
            (State::Active(active), Input::Timeout) => {
                self.active_timeout(now, active, &mut effects)
            }
            (State::Active(active), Input::Answer(answer)) => {
                self.answered_in_active(now, active, answer, &mut effects);
            }
            (State::Active(active), Input::LeaseLost(loss)) => {
                self.lease_lost(now, active, loss, &mut effects);
            }
            (State::Active(active), Input::SendFailed) => {
                self.send_failed(now, active, &mut effects)
            }
            (State::Active(_), Input::Unreached) => self.note_unreached(),
            (State::Active(active), Input::Sighting { mac, solicited }) => {
                self.active_sights(now, active, mac, solicited, &mut effects);
            }
            (State::Active(active), Input::Moved) => self.announce_anew(now, active, &mut effects),
            (State::Active(active), Input::Announce) => {
                self.announce_at_once(now, active, &mut effects);
            }
        }
        self.note_timer(now);
        effects
    }

    /// Returns when [`Input::Timeout`] is due next.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Initialize => match (self.hold(), self.fault) {
                (Some(Hold::Backend(_) | Hold::Inspecting | Hold::Send), Some(fault)) => {
                    Some(fault.inspect_until.unwrap_or(fault.retry_at))
                }
                (Some(_) | None, _) => None,
            },
            State::Backup(backup) => backup.deadline(self.opens(), self.look_at(&backup)),
            State::Active(active) => Some(active.deadline()),
        }
    }

    /// Returns the first reason not to take part, if there is one.
    #[must_use]
    pub fn hold(&self) -> Option<Hold> {
        self.each_hold().into_iter().flatten().next()
    }

    /// Returns every reason not to take part. An Active that hands over may have some, too: they
    /// count from the request on, and keep it out once it has released.
    #[must_use]
    pub fn holds(&self) -> Holds {
        self.each_hold().into_iter().flatten().collect()
    }

    /// Returns each hold, in order of weight.
    fn each_hold(&self) -> [Option<Hold>; 7] {
        let link = match self.link {
            Link::Missing => Some(Hold::InterfaceMissing),
            Link::Down => Some(Hold::LinkDown),
            Link::NoSocket => Some(Hold::NoSocket),
            Link::NoSource => Some(Hold::NoSource),
            Link::Ready(_) => None,
        };
        [
            (!self.wanted).then_some(Hold::Stopped),
            self.drained.map(|_| Hold::Drained),
            link,
            (!self.has_others()).then_some(Hold::OtherInterface),
            self.fault.map(|fault| fault.hold),
            (self.health.condition == Condition::Out).then_some(Hold::Check),
            (self.group == Group::Held).then_some(Hold::Group),
        ]
    }

    /// Returns what lets it listen, but keeps it from becoming Active, or from preempting.
    #[must_use]
    pub fn gates(&self, now: Instant) -> Gates {
        let is_asking = match self.state {
            State::Backup(backup) => backup.vetting.until().is_some(),
            State::Initialize | State::Active(_) => false,
        };
        let is_backup = matches!(self.state, State::Backup(_));
        let gates = [
            is_asking.then_some(Gate::Asking),
            self.delay_gate(now).filter(|_| is_backup),
            self.group_gate().filter(|_| is_backup),
            self.looks_until().filter(|until| now < *until).map(|_| Gate::Look),
            self.health_gate(),
            self.on_probation(now).then_some(Gate::Probation),
        ];
        gates.into_iter().flatten().collect()
    }

    /// Returns whether an operator keeps it out.
    #[must_use]
    pub const fn is_drained(&self) -> bool {
        self.drained.is_some()
    }

    /// Returns whether it was started, and not shut down since.
    #[must_use]
    pub const fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// Returns what it is doing.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.state {
            State::Initialize => Phase::Initialize(self.hold().unwrap_or(Hold::Stopped)),
            State::Backup(_) => Phase::Backup,
            State::Active(active) => active.phase(),
        }
    }

    /// Returns the state with its timers.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// Returns the configuration.
    #[must_use]
    pub const fn params(&self) -> &Params {
        &self.params
    }

    /// Returns what its advertisements claim.
    #[must_use]
    pub fn claim(&self) -> Claim {
        // Any healthy node is stronger, also than the last words of one that yields.
        if self.is_ill() { self.params.role.least() } else { self.own_claim() }
    }

    /// Returns what it would claim if it were well: by this its timers are skewed, so that of
    /// several ill nodes the strongest is first.
    fn own_claim(&self) -> Claim {
        self.params.role.weighted(self.health.weight)
    }

    /// Returns what checks say.
    #[must_use]
    pub const fn health(&self) -> Health {
        self.health
    }

    /// Returns the address that it sends from, when there is one.
    #[must_use]
    pub const fn source(&self) -> Option<IpAddr> {
        match (self.link, self.state) {
            (Link::Ready(source), _) => Some(source),
            // A handover continues from the old source.
            (Link::NoSource, State::Active(Active { away: Some(away), .. })) => Some(away.source),
            (Link::Missing | Link::Down | Link::NoSocket | Link::NoSource, _) => None,
        }
    }

    /// Returns until when it waits, as an Active, for a link, a source or another interface that is
    /// gone; `None` if it has all of them.
    #[must_use]
    pub fn waits_until(&self) -> Option<Instant> {
        match self.state {
            State::Active(active) if !active.is_resigning() => {
                active.away.map(|away| away.until).into_iter().chain(active.apart_until).min()
            }
            State::Initialize | State::Backup(_) | State::Active(_) => None,
        }
    }

    /// Returns until when it is Active if no further advertisement can be sent; `None` unless the
    /// addresses are held.
    #[must_use]
    pub fn active_until(&self) -> Option<Instant> {
        match self.state {
            State::Active(active) if active.phase().is_active() => {
                Some(active.superseded_at(&self.params))
            }
            State::Initialize | State::Backup(_) | State::Active(_) => None,
        }
    }

    /// Returns until when it does not preempt, because of a fault of its own.
    #[must_use]
    pub fn probation_until(&self) -> Option<Instant> {
        self.probation.map(Probation::until)
    }

    /// Leaves Backup or Active for Initialize.
    fn initialize(&mut self, reason: Reason, effects: &mut Effects) {
        // Leftovers of an earlier process are released, because nobody waits for the answer any
        // more.
        if let State::Backup(Backup { vetting: Vetting::Adopt { .. }, .. }) = self.state {
            effects.lease = Some(Want::Release { reason, successor: None });
        }
        self.state = State::Initialize;
        effects.transition = Some(reason);
    }

    fn reconfigure(&mut self, now: Instant, params: Params, effects: &mut Effects) {
        let before = *self;
        self.params = params;
        match self.state {
            State::Initialize => {}
            State::Backup(backup) => self.reconfigure_backup(now, backup, &before),
            State::Active(active) if before.params == params || active.is_resigning() => {}
            // Backups follow the new claim and interval from this advertisement on.
            State::Active(active) => self.advertise(now, active, effects),
        }
    }
}
