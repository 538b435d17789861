//! RFC 9568 6.4 and RFC 3768 6.4 from their text: times are integers of nanoseconds, and each
//! branch is a sentence of the text or a deviation that is on record (DESIGN.md, conformance.tsv:
//! the rows `dev-`).

mod active;
mod backup;
mod forms;

use std::net::IpAddr;

use backup::LastWords;

use crate::{
    health::{Asking, Service},
    judge::Advertisement,
    probation::Probation,
    settings::{SECOND, Settings},
};

/// dev-handover: how long a successor is waited for beyond an interval, and at most.
const GRACE: u64 = SECOND / 10;
const LONGEST: u64 = 4 * SECOND;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Initialize,
    Backup(Backup),
    Active(Active),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backup {
    /// Active_Adver_Interval.
    pub(crate) active_adver_interval: u64,
    /// Active_Down_Timer.
    pub(crate) active_down_timer: u64,
    /// When a weaker Active is preempted (PreemptMode::After).
    pub(crate) preempt_at: Option<u64>,
    pub(crate) followed: Option<IpAddr>,
    /// How long the one that is followed counts as alive.
    pub(crate) fresh_until: u64,
    /// The last advertisement that counted was a resignation.
    pub(crate) resigned: bool,
    /// The last one was discarded, because a weaker Active is preempted.
    pub(crate) discarded: bool,
    last_words: Option<LastWords>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Active {
    /// Adver_Timer.
    pub(crate) adver_timer: u64,
    pub(crate) promoted_at: u64,
    /// The last advertisement with the own priority.
    pub(crate) advertised_at: u64,
    pub(crate) answers: u32,
    pub(crate) answers_since: u64,
    pub(crate) asking: Option<Asking>,
    pub(crate) holding: Holding,
}

/// How far the addresses are configured. RFC 9568 knows one state; on record: the backend is asked
/// first, announcements wait for it (8.1.2, 8.2.2), and a handover holds on (dev-handover).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holding {
    Acquiring,
    Held,
    Leaving { until: u64, then: Then },
}

/// What follows a handover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Stop,
    /// dev-health: it stays if nobody takes over.
    Ill,
    /// dev-health: it waits for its service.
    Out,
}

#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) settings: Settings,
    pub(crate) state: State,
    /// It was started, and not shut down since.
    is_started: bool,
    /// It listens, and does not contend before.
    pub(crate) delayed_until: u64,
    pub(crate) probation: Probation,
    /// dev-health: the priority without the weights of checks; what they say is not known yet; and
    /// the last time that it left for them.
    pub(crate) base: u8,
    pub(crate) service: Service,
    pub(crate) weight: i16,
    pub(crate) lapse: Probation,
    /// The checksums of VRRPv3 over IPv4 that were heard.
    pub(crate) heard_alone: bool,
    pub(crate) heard_with_pseudo_header: bool,
    /// Once both forms were heard: whether the last one was the message alone, and since when it is
    /// only that one.
    last_alone: Option<bool>,
    last_form_since: u64,
    backup_since: u64,
    /// The priority of what is sent in this step, if anything is.
    pub(crate) sent: Option<u8>,
}

impl Model {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            base: settings.priority,
            service: Service::Good,
            weight: 0,
            lapse: Probation::default(),
            settings,
            state: State::Initialize,
            is_started: false,
            delayed_until: 0,
            probation: Probation::default(),
            heard_alone: false,
            heard_with_pseudo_header: false,
            last_alone: None,
            last_form_since: 0,
            backup_since: 0,
            sent: None,
        }
    }

    pub(crate) fn deadline(&self) -> Option<u64> {
        match self.state {
            State::Initialize => None,
            State::Backup(backup) => {
                let last_words = backup.last_words.map(|words| words.next_at);
                let contends = backup.preempt_at.into_iter().chain([backup.active_down_timer]);
                let contends = contends.min().map(|at| at.max(self.delayed_until));
                contends.into_iter().chain(last_words).min()
            }
            State::Active(active) => match active.holding {
                Holding::Acquiring => Some(active.adver_timer),
                Holding::Held => {
                    let asking = active.asking.map(|asking| asking.at);
                    asking.into_iter().chain([active.adver_timer]).min()
                }
                Holding::Leaving { until, .. } => Some(until.min(active.adver_timer)),
            },
        }
    }

    /// 6.4.1, Startup.
    pub(crate) fn startup(&mut self, now: u64) {
        self.judge_stall(now);
        let was_started = std::mem::replace(&mut self.is_started, true);
        match self.state {
            State::Initialize if !was_started => {
                self.delayed_until = self.delayed_until.max(now + self.settings.startup_delay);
                self.enter(now);
            }
            State::Initialize | State::Backup(_) => {}
            State::Active(active) => {
                // dev-handover: the resignation is taken back, since the addresses are still held.
                // dev-health: whoever is ill leaves all the same.
                match (active.holding, self.service) {
                    (Holding::Leaving { until, then: Then::Stop }, Service::Ill) => {
                        let holding = Holding::Leaving { until, then: Then::Ill };
                        self.state = State::Active(Active { holding, ..active });
                    }
                    (Holding::Leaving { until, then: Then::Stop }, Service::Out) => {
                        let holding = Holding::Leaving { until, then: Then::Out };
                        self.state = State::Active(Active { holding, ..active });
                    }
                    (Holding::Leaving { then: Then::Stop, .. }, _) => self.take_back(now, active),
                    (_, _) => {}
                }
            }
        }
    }

    /// 6.4.1: the owner becomes Active, anybody else Backup. dev-health: who must not be reached is
    /// neither.
    pub(crate) fn enter(&mut self, now: u64) {
        if !self.is_started || self.service == Service::Out {
            return;
        }
        let is_owner = self.settings.priority == 255 && self.may_preempt(now);
        if is_owner && self.delayed_until <= now {
            return self.become_active(now);
        }
        let interval = self.settings.advertisement_interval();
        let timer = if is_owner { now } else { now + self.patience(interval) };
        let mut backup = self.become_backup(now, interval, timer);
        backup.discarded = is_owner;
        self.state = State::Backup(backup);
    }

    /// dev-handover: how long a successor is waited for by whoever leaves for good.
    pub(crate) fn longest_leave(&self) -> u64 {
        (self.settings.advertisement_interval() + GRACE).min(LONGEST)
    }

    /// 6.4.2 and 6.4.3, Shutdown.
    pub(crate) fn shutdown(&mut self, now: u64) {
        self.judge_stall(now);
        self.is_started = false;
        match self.state {
            State::Initialize => {}
            // Cancel Active_Down_Timer, go Initialize.
            State::Backup(_) => self.state = State::Initialize,
            State::Active(active) => match active.holding {
                // Cancel Adver_Timer, send priority 0, go Initialize.
                Holding::Acquiring => {
                    self.sent = Some(0);
                    self.state = State::Initialize;
                }
                // dev-handover: serve on until a successor is heard, and resign again meanwhile.
                Holding::Held => {
                    self.resign(now, active, now + self.longest_leave(), Then::Stop);
                }
                Holding::Leaving { until, then: Then::Ill | Then::Out } => {
                    let until = until.min(now + self.longest_leave());
                    let holding = Holding::Leaving { until, then: Then::Stop };
                    self.state = State::Active(Active { holding, ..active });
                }
                Holding::Leaving { then: Then::Stop, .. } => self.state = State::Initialize,
            },
        }
    }

    /// The backend holds the addresses.
    pub(crate) fn acquired(&mut self, now: u64) {
        self.judge_stall(now);
        if let State::Active(active) = &mut self.state
            && active.holding == Holding::Acquiring
        {
            active.holding = Holding::Held;
        }
    }

    /// A timer may have run out.
    pub(crate) fn time(&mut self, now: u64) {
        if self.deadline().is_none_or(|at| now < at) {
            return;
        }
        self.judge_stall(now);
        match self.state {
            State::Initialize => {}
            State::Backup(backup) => self.backup_timer(now, backup),
            State::Active(active) => self.active_timer(now, active),
        }
    }

    /// An advertisement that was let in.
    pub(crate) fn hear(&mut self, now: u64, heard: Advertisement) {
        self.note_form(now, &heard);
        self.judge_stall(now);
        match self.state {
            State::Initialize => {}
            State::Backup(backup) => self.backup_hears(now, backup, heard),
            State::Active(active) => self.active_hears(now, active, heard),
        }
    }
}
