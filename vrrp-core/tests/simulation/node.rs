//! A simulated node: the real router, a clock of its own, a backend that takes time and may fail.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
    time::Duration,
};

use vrrp_core::{
    Advert, Claim, Event, Generation, Input, Instant, InterfaceId, InterfaceStatus, Key, LeaseFailure,
    Output, Phase, Reach, Router, RxMeta, VirtualRouter, Want,
};

/// What a node wants from its surroundings.
pub(crate) enum Effect {
    /// A payload for everybody else on the link.
    Send(Vec<u8>),
    /// The backend answers after a while.
    Backend { generation: Generation, want: Want },
    /// The neighbours learn where the address is.
    Announce,
    /// The phase changed.
    Phase(Phase),
}

pub(crate) struct Node {
    pub(crate) address: IpAddr,
    pub(crate) config: VirtualRouter,
    pub(crate) router: Router,
    /// Parts per million by which its clock is fast.
    pub(crate) drift: i64,
    /// Whether the process runs; a crashed one neither sends nor receives.
    pub(crate) alive: bool,
    /// The wake-up that is queued for its deadline, in the network's time.
    pub(crate) wakes_at: Option<Instant>,
    /// Until when it neither runs nor loses what arrives (SIGSTOP, a paused VM).
    pub(crate) stalled_until: Option<Instant>,
    /// What arrived meanwhile.
    pub(crate) inbox: Vec<(IpAddr, Vec<u8>)>,
    pub(crate) island: u8,
    /// Whether the backend holds the address.
    pub(crate) holds: bool,
    pub(crate) broken_backend: bool,
    /// What a crash left in the kernel: when it was last advertised, in the network's time.
    pub(crate) left_behind: Option<Instant>,
    /// When it last advertised while it held the address.
    pub(crate) advertised_at: Option<Instant>,
    /// The request that the backend works on.
    pub(crate) generation: Option<Generation>,
}

pub(crate) fn interface() -> InterfaceId {
    InterfaceId::new(NonZeroU32::MIN)
}

impl Node {
    pub(crate) fn new(number: u8, config: VirtualRouter, drift: i64) -> Self {
        Self {
            address: Ipv4Addr::new(10, 0, number % 3, number).into(),
            config,
            router: Router::new(),
            drift,
            alive: false,
            wakes_at: None,
            stalled_until: None,
            inbox: Vec::new(),
            island: 0,
            holds: false,
            broken_backend: false,
            left_behind: None,
            advertised_at: None,
            generation: None,
        }
    }

    pub(crate) fn key(&self) -> Key {
        self.config.key(interface())
    }

    pub(crate) fn phase(&self) -> Phase {
        self.router.status(&self.key()).expect("configured").phase
    }

    /// The node's clock at the network's time.
    pub(crate) fn local(&self, now: Instant) -> Instant {
        scale(now, self.drift)
    }

    /// The network's time at which the node's clock shows `at`.
    pub(crate) fn global(&self, at: Instant) -> Instant {
        scale(at, -self.drift) + Duration::from_micros(1)
    }

    pub(crate) fn start(&mut self, now: Instant) -> Vec<Effect> {
        self.router = Router::new();
        self.wakes_at = None;
        self.alive = true;
        self.inbox.clear();
        let IpAddr::V4(ipv4) = self.address else { unreachable!("an IPv4 simulation") };
        let status =
            InterfaceStatus { present: true, up: true, ipv4: Some(ipv4), ..InterfaceStatus::default() };
        let mut effects = self.handle(now, Input::Interface { id: interface(), status });
        let desired = BTreeMap::from([(self.key(), self.config.clone())]);
        effects.extend(self.handle(now, Input::Configure(&desired)));
        effects
    }

    pub(crate) fn receive(&mut self, now: Instant, source: IpAddr, bytes: &[u8]) -> Vec<Effect> {
        let meta =
            RxMeta { interface: interface(), source, destination: vrrp_core::IPV4_GROUP.into(), ttl: 255 };
        self.handle(now, Input::Datagram { meta, bytes })
    }

    /// The backend is done with the request of `generation`.
    pub(crate) fn backend_done(&mut self, now: Instant, generation: Generation, want: Want) -> Vec<Effect> {
        if self.generation != Some(generation) {
            return Vec::new();
        }
        let result = if self.broken_backend { Err(LeaseFailure::Failed) } else { Ok(Reach::OnLink) };
        match want {
            Want::Acquire | Want::Repair => self.holds = result.is_ok(),
            Want::Adopt => {
                if let Some(at) = self.left_behind.take() {
                    self.holds = true;
                    let (key, advertised_at) = (self.key(), self.local(at));
                    return self
                        .handle(now, Input::Adopt { key, generation, reach: Reach::OnLink, advertised_at });
                }
                self.holds = false;
            }
            Want::Release { .. } => self.holds = false,
            Want::Inspect | Want::Leaving => {}
        }
        self.handle(now, Input::LeaseDone { key: self.key(), generation, result })
    }

    /// One input, then everything that it leads to.
    pub(crate) fn handle(&mut self, now: Instant, input: Input<'_>) -> Vec<Effect> {
        let local = self.local(now);
        let timers_ran = matches!(input, Input::Timeout);
        let _rejected = self.router.handle(local, input);
        let mut effects = Vec::new();
        while let Some(output) = self.router.poll_output() {
            match output {
                Output::Transmit(transmit) => {
                    if self.holds && transmit.advert().claim != Claim::Resign {
                        self.advertised_at = Some(now);
                    }
                    for packet in transmit.packets() {
                        let mut buffer = [0; Advert::MAX_LEN];
                        let len = packet.encode(&mut buffer).expect("large enough");
                        effects.push(Effect::Send(buffer[..len].to_vec()));
                    }
                }
                Output::Lease(request) => {
                    self.generation = Some(request.generation);
                    effects.push(Effect::Backend { generation: request.generation, want: request.want });
                }
                Output::Announce(_) => effects.push(Effect::Announce),
                Output::Event(Event::Transition { to, .. }) => effects.push(Effect::Phase(to)),
                Output::Event(_) => {}
                _ => unreachable!("an output that this simulation does not know"),
            }
        }
        if let Some(deadline) = self.router.next_deadline() {
            assert!(deadline > local || !timers_ran, "a deadline that is not in the future is a busy loop");
        }
        effects
    }
}

fn scale(at: Instant, ppm: i64) -> Instant {
    let nanos = i128::from(at.as_nanos());
    let scaled = nanos + nanos * i128::from(ppm) / 1_000_000;
    Instant::from_nanos(u64::try_from(scaled).expect("times are small"))
}
