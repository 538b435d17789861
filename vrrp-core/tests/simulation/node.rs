//! A simulated node: the real router, a clock of its own, a backend that takes time and may fail.

use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
    time::Duration,
};

use vrrp_core::{
    Advert, Answer, Claim, Condition, Desired, Event, Generation, Health, Hold, Instant,
    InterfaceDetails, InterfaceId, InterfaceStatus, Key, LeaseFailure, Output, Phase, Reach,
    Router, RxMeta, VirtualRouter, Want,
    play::{Given, Player, To},
};

/// What a node wants from its surroundings.
pub(crate) enum Effect {
    /// A payload for everybody else on the link.
    Send(Vec<u8>),
    /// The backend answers after a while.
    Backend { generation: Generation, work: BackendWork },
    /// The neighbours learn where the address is.
    Announce,
    /// The phase changed.
    Phase(Phase),
}

/// A request to the backend, with the addresses that it is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum BackendWork {
    Adopt(Vec<IpAddr>),
    Hold(Vec<IpAddr>),
    Release,
    Inspect,
    Leaving,
}

pub(crate) struct Node {
    pub(crate) address: IpAddr,
    pub(crate) config: VirtualRouter,
    pub(crate) player: Player,
    /// Parts per million by which its clock is fast.
    pub(crate) drift: i64,
    /// Whether the process runs; a crashed one neither sends nor receives.
    pub(crate) alive: bool,
    /// The wake-up that is queued for its deadline, in the network's time.
    pub(crate) wakes_at: Option<Instant>,
    /// Turns in a row after which a deadline was not to come.
    pub(crate) turns: u32,
    /// Until when it neither runs nor loses what arrives (SIGSTOP, a paused VM).
    pub(crate) stalled_until: Option<Instant>,
    /// What arrived meanwhile.
    pub(crate) inbox: Vec<(IpAddr, Vec<u8>)>,
    /// Inputs were given whose outputs are polled later.
    pub(crate) is_piled_up: bool,
    /// The virtual router was taken out of its configuration.
    pub(crate) is_removed: bool,
    pub(crate) island: u8,
    /// What the backend holds: nothing, or these addresses.
    pub(crate) held: Vec<IpAddr>,
    pub(crate) broken_backend: bool,
    /// The next answer of the backend is a failure.
    pub(crate) fails_once: bool,
    /// What its checks say.
    pub(crate) health: Health,
    /// When an operator had it drained by force, unless it was resumed or started since.
    pub(crate) drained_at: Option<Instant>,
    /// What a crash left in the kernel: when it was last advertised, in the network's time, and the
    /// addresses.
    pub(crate) left_behind: Option<(Instant, Vec<IpAddr>)>,
    /// When it last advertised while it held the address.
    pub(crate) advertised_at: Option<Instant>,
    /// The request that the backend works on.
    pub(crate) generation: Option<Generation>,
    /// A question that the backend was asked meanwhile; it ends no work.
    asked: Option<Generation>,
    /// Whether the last answer about holding the addresses was a failure.
    failed: bool,
}

const BACKEND_TIMEOUT: Duration = Duration::from_secs(1);

pub(crate) fn interface() -> InterfaceId {
    InterfaceId::new(NonZeroU32::MIN)
}

impl Node {
    pub(crate) fn new(number: u8, config: VirtualRouter, drift: i64) -> Self {
        Self {
            address: Ipv4Addr::new(10, 0, number % 3, number).into(),
            config,
            player: Player::default(),
            drift,
            alive: false,
            wakes_at: None,
            turns: 0,
            stalled_until: None,
            inbox: Vec::new(),
            is_piled_up: false,
            is_removed: false,
            island: 0,
            held: Vec::new(),
            broken_backend: false,
            fails_once: false,
            health: Health::default(),
            drained_at: None,
            left_behind: None,
            advertised_at: None,
            generation: None,
            asked: None,
            failed: false,
        }
    }

    pub(crate) fn key(&self) -> Key {
        self.config.key(interface())
    }

    /// Of a virtual router that was removed, that it is stopped.
    pub(crate) fn phase(&self) -> Phase {
        let status = self.router().status(&self.key());
        status.map_or(Phase::Initialize(Hold::Stopped), |status| status.phase)
    }

    /// Whether its phase is a new one.
    pub(crate) fn has_changed_since(&self, at: Instant) -> bool {
        self.router().status(&self.key()).is_some_and(|status| status.since >= self.local(at))
    }

    pub(crate) fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether it runs and takes inputs.
    pub(crate) fn listens(&self) -> bool {
        self.alive && self.stalled_until.is_none()
    }

    /// The addresses of its configuration.
    pub(crate) fn configured(&self) -> Vec<IpAddr> {
        addresses(&self.config)
    }

    /// The node's clock at the network's time.
    pub(crate) fn local(&self, now: Instant) -> Instant {
        scale(now, self.drift)
    }

    /// The network's time from which on the node's clock shows `at`.
    pub(crate) fn global(&self, at: Instant) -> Instant {
        let rate = 1_000_000 + i128::from(self.drift);
        nanos((i128::from(at.as_nanos()) * 1_000_000 + rate - 1).div_euclid(rate))
    }

    /// A new process. Its configuration is yet to be given.
    pub(crate) fn boot(&mut self, now: Instant) {
        self.player = Player::default();
        self.wakes_at = None;
        self.alive = true;
        self.is_piled_up = false;
        self.turns = 0;
        self.drained_at = None;
        self.inbox.clear();
        let IpAddr::V4(ipv4) = self.address else { unreachable!("an IPv4 simulation") };
        let status =
            InterfaceStatus::Up(InterfaceDetails { ipv4: Some(ipv4), ..Default::default() });
        self.handle(now, &Given::Interface { id: interface(), status });
    }

    /// Gives it its configuration, which is none if the virtual router was removed.
    pub(crate) fn configure(&mut self, now: Instant) {
        let mut desired = Desired::new();
        if !self.is_removed {
            let inserted = desired.insert(interface(), self.config.clone());
            desired.set_backend_timeout(&inserted.expect("the only one"), BACKEND_TIMEOUT);
        }
        self.handle(now, &Given::Configure(desired));
        self.tell_health(now);
    }

    /// Its checks say it again and again; what is the same changes nothing.
    pub(crate) fn tell_health(&mut self, now: Instant) {
        let (key, health) = (self.key(), self.health);
        self.handle(now, &Given::Health { key, health });
    }

    pub(crate) fn is_healthy(&self) -> bool {
        self.health.condition == Condition::Good
    }

    pub(crate) fn receive(&mut self, now: Instant, source: IpAddr, bytes: &[u8]) {
        let destination = vrrp_core::IPV4_GROUP.into();
        let meta = RxMeta { interface: interface(), source, destination, ttl: 255 };
        self.handle(now, &Given::Datagram { meta, bytes: bytes.to_vec() });
    }

    /// The backend is done with the request of `generation`. Work that was overtaken by other work
    /// has no effect.
    pub(crate) fn backend_done(&mut self, now: Instant, generation: Generation, work: BackendWork) {
        if self.generation != Some(generation) && self.asked != Some(generation) {
            return;
        }
        let fails = self.broken_backend || std::mem::take(&mut self.fails_once);
        let answer = match work {
            BackendWork::Hold(addresses) => {
                self.held = if fails { Vec::new() } else { addresses };
                self.failed = fails;
                Answer::Held(Reach::OnLink)
            }
            BackendWork::Adopt(addresses) => match self.adopt(addresses) {
                Some(adopted) => return self.answer(now, generation, adopted),
                None => Answer::NothingLeft,
            },
            BackendWork::Inspect => Answer::Ready,
            BackendWork::Release => {
                self.held = Vec::new();
                return;
            }
            BackendWork::Leaving => return,
        };
        let failed = Answer::Failed(LeaseFailure::Failed);
        self.answer(now, generation, if fails { failed } else { answer });
    }

    /// Takes over what a crash left, if it is what is configured.
    fn adopt(&mut self, addresses: Vec<IpAddr>) -> Option<Answer> {
        self.held = Vec::new();
        let (at, _) = self.left_behind.take().filter(|(_, left)| *left == addresses)?;
        self.held = addresses;
        self.failed = false;
        Some(Answer::Adopted { reach: Reach::OnLink, advertised_at: self.local(at) })
    }

    fn answer(&mut self, now: Instant, generation: Generation, answer: Answer) {
        let (key, to) = (self.key(), To::Generation(generation));
        self.handle(now, &Given::Answer { key, to, answer });
    }

    /// One input, and nothing of what it leads to.
    pub(crate) fn handle(&mut self, now: Instant, given: &Given) {
        self.player.stall_until(self.local(now));
        let _accepted = self.player.give(given);
    }

    pub(crate) const fn router(&self) -> &Router {
        self.player.router()
    }

    /// Everything that the inputs so far have led to.
    pub(crate) fn poll(&mut self, now: Instant) -> Vec<Effect> {
        let holds = self.holds();
        let mut effects = Vec::new();
        let Self { player, advertised_at, generation: requested, asked, failed, .. } = self;
        player.poll(&mut |_, output: &Output<'_>| match output {
            Output::Transmit(transmit) => {
                if holds && transmit.advert().claim != Claim::Resign {
                    *advertised_at = Some(now);
                }
                for packet in transmit.packets() {
                    let mut buffer = [0; Advert::MAX_LEN];
                    let len = packet.encode(&mut buffer).expect("large enough");
                    effects.push(Effect::Send(buffer[..len].to_vec()));
                }
            }
            Output::Lease(request) => {
                let (generation, work) = (request.generation, work(request.want, request.config));
                match work {
                    BackendWork::Inspect => *asked = Some(generation),
                    _ => (*requested, *asked) = (Some(generation), None),
                }
                effects.push(Effect::Backend { generation, work });
            }
            Output::Announce(_) => effects.push(Effect::Announce),
            Output::Event(Event::Transition { to, reason, .. }) => {
                let lied = *failed && *to == Phase::Held;
                assert!(!lied, "Active, and not held: {reason:?}");
                effects.push(Effect::Phase(*to));
            }
            Output::Greet(_) | Output::Event(_) => {}
        });
        self.is_piled_up = false;
        effects
    }
}

fn work(want: Want, config: &VirtualRouter) -> BackendWork {
    match want {
        Want::Adopt => BackendWork::Adopt(addresses(config)),
        Want::Acquire | Want::Repair => BackendWork::Hold(addresses(config)),
        Want::Release { .. } => BackendWork::Release,
        Want::Inspect => BackendWork::Inspect,
        Want::Leaving => BackendWork::Leaving,
    }
}

fn addresses(config: &VirtualRouter) -> Vec<IpAddr> {
    config.addresses().map(|cidr| cidr.address()).collect()
}

fn scale(at: Instant, ppm: i64) -> Instant {
    nanos(i128::from(at.as_nanos()) * (1_000_000 + i128::from(ppm)) / 1_000_000)
}

fn nanos(count: i128) -> Instant {
    Instant::from_nanos(u64::try_from(count).expect("times are small"))
}
