//! One virtual router of a simulated node, and its backend, which takes time and may fail.

use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
};

use vrrp_core::{
    Advert, Answer, Claim, Condition, Event, Generation, Health, Instant, InterfaceDetails,
    InterfaceId, InterfaceStatus, Key, LeaseFailure, Output, Phase, Reach, VirtualRouter, Want,
    play::{Given, To},
};

/// What a virtual router wants from its surroundings.
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

pub(crate) struct Member {
    pub(crate) address: IpAddr,
    pub(crate) interface: InterfaceId,
    pub(crate) config: VirtualRouter,
    /// It was taken out of the node's configuration.
    pub(crate) is_removed: bool,
    pub(crate) is_link_down: bool,
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

impl Member {
    /// Each member of a node has an interface of its own.
    pub(crate) fn new(node: u8, place: u8, config: VirtualRouter) -> Self {
        let interface = NonZeroU32::MIN.saturating_add(place.into());
        Self {
            address: Ipv4Addr::new(10, place, node % 3, node).into(),
            interface: InterfaceId::new(interface),
            config,
            is_removed: false,
            is_link_down: false,
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
        self.config.key(self.interface)
    }

    pub(crate) fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// The addresses of its configuration.
    pub(crate) fn configured(&self) -> Vec<IpAddr> {
        addresses(&self.config)
    }

    pub(crate) fn condition(&self) -> Condition {
        self.health.condition
    }

    /// What the node is told of its interface.
    pub(crate) fn link(&self) -> Given {
        let IpAddr::V4(ipv4) = self.address else { unreachable!("an IPv4 simulation") };
        let details = InterfaceDetails { ipv4: Some(ipv4), ..Default::default() };
        let status = match self.is_link_down {
            true => InterfaceStatus::Down(details),
            false => InterfaceStatus::Up(details),
        };
        Given::Interface { id: self.interface, status }
    }

    /// Ends with its process. Its addresses serve nobody any more; unless it was handing over, a
    /// process that is started again finds them.
    pub(crate) fn crash(&mut self, phase: Phase) {
        let held = std::mem::take(&mut self.held);
        let left = self.advertised_at.take().map(|at| (at, held));
        self.left_behind = left.filter(|(_, held)| !held.is_empty() && phase != Phase::Resigning);
        self.generation = None;
    }

    /// The backend is done with the request of `generation`. Work that was overtaken by other work
    /// has no effect. What a crash left was advertised at a time that the node's clock shows as
    /// `local` says.
    pub(crate) fn backend_done(
        &mut self,
        generation: Generation,
        work: BackendWork,
        local: impl Fn(Instant) -> Instant,
    ) -> Option<Given> {
        if self.generation != Some(generation) && self.asked != Some(generation) {
            return None;
        }
        let fails = self.broken_backend || std::mem::take(&mut self.fails_once);
        let answer = match work {
            BackendWork::Hold(addresses) => {
                self.held = if fails { Vec::new() } else { addresses };
                self.failed = fails;
                Answer::Held(Reach::OnLink)
            }
            BackendWork::Adopt(addresses) => match self.adopt(addresses, local) {
                Some(adopted) => return Some(self.answer(generation, adopted)),
                None => Answer::NothingLeft,
            },
            BackendWork::Inspect => Answer::Ready,
            BackendWork::Release => {
                self.held = Vec::new();
                return None;
            }
            BackendWork::Leaving => return None,
        };
        let failed = Answer::Failed(LeaseFailure::Failed);
        Some(self.answer(generation, if fails { failed } else { answer }))
    }

    /// Takes over what a crash left, if it is what is configured.
    fn adopt(
        &mut self,
        addresses: Vec<IpAddr>,
        local: impl Fn(Instant) -> Instant,
    ) -> Option<Answer> {
        self.held = Vec::new();
        let (at, _) = self.left_behind.take().filter(|(_, left)| *left == addresses)?;
        self.held = addresses;
        self.failed = false;
        Some(Answer::Adopted { reach: Reach::OnLink, advertised_at: local(at) })
    }

    fn answer(&self, generation: Generation, answer: Answer) -> Given {
        Given::Answer { key: self.key(), to: To::Generation(generation), answer }
    }

    /// Notes what one output asks of its surroundings. `holds` is whether it held the addresses
    /// before.
    pub(crate) fn effects(
        &mut self,
        now: Instant,
        holds: bool,
        output: &Output<'_>,
        note: &mut impl FnMut(Effect),
    ) {
        match output {
            Output::Transmit(transmit) => {
                if holds && transmit.advert().claim != Claim::Resign {
                    self.advertised_at = Some(now);
                }
                for packet in transmit.packets() {
                    let mut buffer = [0; Advert::MAX_LEN];
                    let len = packet.encode(&mut buffer).expect("large enough");
                    note(Effect::Send(buffer[..len].to_vec()));
                }
            }
            Output::Lease(request) => {
                let (generation, work) = (request.generation, work(request.want, request.config));
                match work {
                    BackendWork::Inspect => self.asked = Some(generation),
                    _ => (self.generation, self.asked) = (Some(generation), None),
                }
                note(Effect::Backend { generation, work });
            }
            Output::Announce(_) => note(Effect::Announce),
            Output::Event(Event::Transition { to, reason, .. }) => {
                let lied = self.failed && *to == Phase::Held;
                assert!(!lied, "Active, and not held: {reason:?}");
                note(Effect::Phase(*to));
            }
            Output::Greet(_) | Output::Event(_) | Output::Probe(_) | Output::Overhear { .. } => {}
        }
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
