//! One trace: the same events for the model and for the router, which are compared after each of
//! them.

use std::{fmt::Write as _, net::IpAddr, num::NonZeroU32, time::Duration};

use vrrp_core::{
    Advert, Checksum, Condition, Desired, Generation, Health, Input, Instant, InterfaceDetails,
    InterfaceId, InterfaceStatus, Ipv4Addresses, Ipv6Addresses, Key, Look, Output, Phase, Preempt,
    Protocol, Reach, Role, Router, RxMeta, VirtualRouter, Want, Weight,
};

use crate::{
    health::Service,
    judge::{Datagram, judge},
    model::{Holding, Model, State},
    random::Random,
    settings::{Form, Kind, PreemptMode, Settings},
};

/// What happens at one moment.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// The driver looks whether a timer is due.
    Time,
    Arrives(Datagram),
    /// The backend has the addresses.
    Acquired,
    Shutdown,
    Startup,
    /// What checks say: of the service, and a weight.
    Health(Service, i16),
}

pub(crate) struct Play {
    seed: u64,
    pub(crate) now: u64,
    pub(crate) model: Model,
    router: Router,
    config: VirtualRouter,
    generation: Generation,
    /// The backend was asked to acquire, and has not answered.
    pub(crate) acquiring: bool,
    /// What the router put out in this step.
    sent: Vec<(IpAddr, IpAddr, Vec<u8>)>,
    announced: bool,
    trace: Vec<(u64, Event)>,
}

impl Play {
    pub(crate) fn new(seed: u64, random: &mut Random) -> Self {
        let settings = Settings::draw(random);
        let mut play = Self {
            seed,
            now: 1_000_000_000_000,
            config: configured(&settings),
            model: Model::new(settings),
            router: Router::new(),
            generation: Generation::default(),
            acquiring: false,
            sent: Vec::new(),
            announced: false,
            trace: Vec::new(),
        };
        let mut details = InterfaceDetails::default();
        match play.model.settings.source {
            IpAddr::V4(source) => details.ipv4 = Some(source),
            IpAddr::V6(source) => details.ipv6_link_local = Some(source),
        }
        let status = InterfaceStatus::Up(details);
        play.router.handle(play.at(), Input::Interface { id: interface(), status });
        play.event(Event::Startup);
        play
    }

    fn at(&self) -> Instant {
        Instant::from_nanos(self.now)
    }

    fn key(&self) -> Key {
        self.config.key(interface())
    }

    /// Gives an event to both, and compares them.
    pub(crate) fn event(&mut self, event: Event) {
        self.trace.push((self.now, event.clone()));
        self.model.sent = None;
        self.sent.clear();
        self.announced = false;
        let was_held = self.holds();
        let now = self.now;
        match event {
            Event::Time => {
                self.model.time(now);
                self.give(Input::Timeout);
            }
            Event::Arrives(datagram) => self.arrive(&datagram),
            Event::Acquired => {
                self.model.acquired(now);
                self.acquiring = false;
                self.answer(Want::Acquire);
            }
            Event::Shutdown => {
                self.model.shutdown(now);
                self.give(Input::Shutdown);
            }
            Event::Health(service, weight) => {
                self.model.health(now, service, weight);
                let condition = match service {
                    Service::Good => Condition::Good,
                    Service::Unknown => Condition::Unknown,
                    Service::Ill => Condition::Ill,
                    Service::Out => Condition::Out,
                };
                let weight = Weight::try_from(weight).expect("a weight");
                let (key, health) = (self.key(), Health { condition, weight });
                self.give(Input::Health { key, health });
            }
            Event::Startup => {
                self.model.startup(now);
                let mut desired = Desired::new();
                let inserted = desired.insert(interface(), self.config.clone());
                // The backend is never late, so that its deadline is never the next one.
                let key = inserted.expect("the only one");
                desired.set_backend_timeout(&key, Duration::from_secs(1_000_000));
                self.give(Input::Configure(&desired));
            }
        }
        self.compare(was_held);
    }

    fn arrive(&mut self, datagram: &Datagram) {
        let Datagram { source, destination, ttl, octets } = datagram;
        let heard =
            judge(&self.model.settings, datagram).filter(|_| self.model.state != State::Initialize);
        let meta = RxMeta {
            interface: interface(),
            source: *source,
            destination: *destination,
            ttl: *ttl,
        };
        let outcome = self.router.receive(self.at(), meta, octets);
        if outcome.is_ok() != heard.is_some() {
            self.differ("whether it is let in", &heard, &outcome);
        }
        if let Some(heard) = heard {
            self.model.hear(self.now, heard);
        }
        self.drain();
    }

    fn give(&mut self, input: Input<'_>) {
        self.router.handle(self.at(), input);
        self.drain();
    }

    fn answer(&mut self, want: Want) {
        let reach = if self.model.settings.on_link { Reach::OnLink } else { Reach::Routed };
        let (key, generation) = (self.key(), self.generation);
        if let Some(answer) = want.done(reach) {
            self.give(Input::Answer { key, generation, answer });
        }
    }

    /// Takes what the router puts out. Its backend works, and answers everything but an acquire at
    /// once.
    fn drain(&mut self) {
        let mut asked = None;
        while let Some(output) = self.router.poll_output() {
            match output {
                Output::Transmit(transmit) => {
                    for packet in transmit.packets() {
                        let mut buffer = [0; Advert::MAX_LEN];
                        let length = packet.encode(&mut buffer).expect("large enough");
                        self.sent.push((
                            packet.source(),
                            packet.destination(),
                            buffer[..length].to_vec(),
                        ));
                    }
                }
                Output::Lease(request) => {
                    self.generation = request.generation;
                    self.acquiring = request.want == Want::Acquire;
                    asked = (!self.acquiring).then_some(request.want);
                }
                Output::Announce(_) => self.announced = true,
                Output::Event(_) => {}
                Output::Probe(_) if self.model.settings.looks => {}
                other => panic!("seed {}: {other:?}", self.seed),
            }
        }
        if let Some(want) = asked {
            self.answer(want);
        }
    }

    fn holds(&self) -> bool {
        matches!(self.model.state, State::Active(active) if active.holding == Holding::Held)
    }

    fn compare(&mut self, was_held: bool) {
        let expected = self.expected();
        if self.sent != expected {
            self.differ("what is sent", &expected, &self.sent);
        }
        self.compare_state();
        self.compare_deadline();
        // 8.1.2 and 8.2.2: nothing is announced before it is there. 6.4.2: and then it is.
        let is_new = self.holds() && !was_held;
        let must = is_new && self.model.settings.on_link;
        let may = self.holds() && self.model.settings.on_link;
        if (must && !self.announced) || (!may && self.announced) {
            self.differ("whether the addresses are announced", &must, &self.announced);
        }
    }

    fn expected(&self) -> Vec<(IpAddr, IpAddr, Vec<u8>)> {
        let Model { settings, heard_alone, heard_with_pseudo_header, sent, .. } = &self.model;
        let checksums = settings.checksums(*heard_alone, *heard_with_pseudo_header);
        let Some(priority) = sent else { return Vec::new() };
        let packet = |checksum| {
            let message = crate::codec::Message { checksum, ..settings.message(*priority) };
            (settings.source, settings.group, message.octets(settings.source, settings.group))
        };
        checksums.iter().map(|checksum| packet(*checksum)).collect()
    }

    /// The state, what is followed, and until when the node is Active if it sends nothing more.
    fn compare_state(&self) {
        let status = self.router.status(&self.key()).expect("it is configured");
        let interval = self.model.settings.advertisement_interval();
        let (phase, followed, until) = match self.model.state {
            State::Initialize => ("initialize", None, None),
            State::Backup(backup) => ("backup", backup.followed, None),
            State::Active(active) => match active.holding {
                Holding::Acquiring => ("acquiring", None, None),
                Holding::Held => ("held", None, Some(active.advertised_at + 3 * interval)),
                Holding::Leaving { .. } => ("resigning", None, None),
            },
        };
        let probation = self.model.probation;
        let probation = probation.is_on(self.now).then_some(probation.until);
        let theirs = match status.phase {
            Phase::Initialize(_) => "initialize",
            other => other.as_str(),
        };
        let nanoseconds = |at: Option<Instant>| at.map(Instant::as_nanos);
        let theirs = (
            theirs,
            status.active_peer,
            nanoseconds(status.active_until),
            nanoseconds(status.probation_until),
        );
        if theirs != (phase, followed, until, probation) {
            self.differ("the state", &(phase, followed, until, probation), &theirs);
        }
    }

    /// A node that holds the addresses wakes up to announce them, and to tell that a weaker one has
    /// gone, too; one that looks who answers for them wakes up for that. Then its deadline is that
    /// of the model or an earlier one, and after it has looked at its timers it is yet to come.
    fn compare_deadline(&self) {
        let (ours, theirs) =
            (self.model.deadline(), self.router.next_deadline().map(Instant::as_nanos));
        let has_looked = matches!(self.trace.last(), Some((_, Event::Time)));
        let is_to_come = !has_looked || theirs.is_some_and(|at| self.now < at);
        let looks = self.model.settings.looks && matches!(self.model.state, State::Backup(_));
        let may_wake = self.holds() || looks;
        if ours != theirs && !(may_wake && is_to_come && theirs < ours) {
            self.differ("the deadline", &ours, &theirs);
        }
    }

    fn differ(&self, what: &str, model: &dyn std::fmt::Debug, router: &dyn std::fmt::Debug) -> ! {
        let mut text =
            format!("REFERENCE_SEED={}: {what}\n model {model:?}\nrouter {router:?}\n", self.seed);
        let _infallible =
            writeln!(text, "{:?}\nnow {}, {:?}", self.model.settings, self.now, self.model.state);
        for (at, event) in &self.trace {
            let _infallible = writeln!(text, "{at} {event:?}");
        }
        panic!("{text}");
    }
}

fn interface() -> InterfaceId {
    InterfaceId::new(NonZeroU32::MIN)
}

/// The same settings, as the router takes them.
fn configured(settings: &Settings) -> VirtualRouter {
    let four = || {
        Ipv4Addresses::new(settings.addresses.iter().filter_map(|address| match address {
            IpAddr::V4(address) => Some(*address),
            IpAddr::V6(_) => None,
        }))
        .expect("IPv4 addresses")
    };
    let six = || {
        Ipv6Addresses::new(settings.addresses.iter().filter_map(|address| match address {
            IpAddr::V4(_) => None,
            IpAddr::V6(address) => Some(*address),
        }))
        .expect("IPv6 addresses")
    };
    let interval = Duration::from_nanos(settings.advertisement_interval());
    let protocol = match settings.kind {
        Kind::V2 => Protocol::V2 {
            addresses: four(),
            interval: interval.try_into().expect("seconds"),
            password: settings
                .password
                .map(|password| password.as_bytes().try_into().expect("a password")),
        },
        Kind::V3Ipv4 => Protocol::V3Ipv4 {
            addresses: four(),
            interval: interval.try_into().expect("centiseconds"),
            checksum: match settings.form {
                Form::Auto => Checksum::Auto,
                Form::Rfc9568 => Checksum::Rfc9568,
                Form::Rfc5798 => Checksum::Rfc5798,
            },
        },
        Kind::V3Ipv6 => Protocol::V3Ipv6 {
            addresses: six(),
            interval: interval.try_into().expect("centiseconds"),
        },
    };
    let preempt = match settings.preempt {
        PreemptMode::Always => Preempt::Always,
        PreemptMode::Never => Preempt::Never,
        PreemptMode::After(delay) => Preempt::After(Duration::from_nanos(delay)),
    };
    let role = match settings.priority {
        255 => Role::Owner,
        priority => Role::Contender { priority: priority.try_into().expect("1 to 254"), preempt },
    };
    VirtualRouter::new(settings.vrid.try_into().expect("a VRID"), protocol)
        .with_role(role)
        .with_look(if settings.looks { Look::Warn } else { Look::Off })
        .with_startup_delay(Duration::from_nanos(settings.startup_delay))
}
