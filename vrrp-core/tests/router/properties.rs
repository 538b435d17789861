//! Any sequence of inputs: what has to hold after each of them.

use std::{collections::BTreeMap, time::Duration};

use proptest::prelude::*;
use vrrp_core::{
    ChecksumForm, Event, Generation, Hear, Input, Instant, InterfaceStatus, Key, LeaseFailure,
    Loss, Output, Phase, Preempt, Reach, Role, VirtualRouter, Want,
};

use super::world::*;

/// One input, drawn without knowing the state that it meets.
#[derive(Clone, Debug)]
enum Step {
    Configure { members: u8, role: Role, addresses: bool },
    Interface { present: bool, up: bool, source: bool },
    Advert { which: u8, priority: u8, last: u8, ttl: u8, v2: bool },
    Garbage(Vec<u8>),
    Done { which: u8, stale: bool, result: Result<Reach, LeaseFailure> },
    Adopt { which: u8, ago: u16 },
    Lost { which: u8, loss: Loss },
    SendFailed { which: u8 },
    Drain { which: u8, force: bool },
    Resume { which: u8 },
    Shutdown,
    Deadline { late: bool },
    Wait(u16),
}

fn role() -> impl Strategy<Value = Role> {
    let preempt = prop_oneof![
        Just(Preempt::Always),
        Just(Preempt::Never),
        (0_u64..3000).prop_map(|ms| Preempt::After(Duration::from_millis(ms))),
    ];
    prop_oneof![
        1 => Just(Role::Owner),
        6 => (1_u8..=254, preempt).prop_map(|(priority, preempt)| contender(priority, preempt)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let result = prop_oneof![
        5 => Just(Ok(Reach::OnLink)),
        1 => Just(Ok(Reach::Routed)),
        2 => Just(Err(LeaseFailure::Failed)),
    ];
    let which = 0_u8..3;
    prop_oneof![
        1 => (0_u8..8, role(), any::<bool>())
            .prop_map(|(members, role, addresses)| Step::Configure { members, role, addresses }),
        1 => (any::<bool>(), any::<bool>(), any::<bool>())
            .prop_map(|(present, up, source)| Step::Interface { present, up, source }),
        1 => Just(Step::Interface { present: true, up: true, source: true }),
        4 => (which.clone(), any::<u8>(), 1_u8..6, prop_oneof![9 => Just(255), 1 => Just(64)], prop::bool::weighted(0.1))
            .prop_map(|(which, priority, last, ttl, v2)| Step::Advert { which, priority, last, ttl, v2 }),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Step::Garbage),
        5 => (which.clone(), prop::bool::weighted(0.2), result)
            .prop_map(|(which, stale, result)| Step::Done { which, stale, result }),
        2 => (which.clone(), 0_u16..4000).prop_map(|(which, ago)| Step::Adopt { which, ago }),
        2 => (which.clone(), prop_oneof![Just(Loss::Deleted), Just(Loss::Lapsed)])
            .prop_map(|(which, loss)| Step::Lost { which, loss }),
        1 => which.clone().prop_map(|which| Step::SendFailed { which }),
        1 => (which.clone(), any::<bool>()).prop_map(|(which, force)| Step::Drain { which, force }),
        2 => which.prop_map(|which| Step::Resume { which }),
        1 => prop::bool::weighted(0.2).prop_map(|stop| if stop { Step::Shutdown } else { Step::Wait(1) }),
        8 => prop::bool::weighted(0.1).prop_map(|late| Step::Deadline { late }),
        1 => (0_u16..2000).prop_map(Step::Wait),
    ]
}

/// A multicast, a unicast and an IPv6 virtual router.
fn desired(members: u8, role: Role, other: bool) -> BTreeMap<Key, VirtualRouter> {
    let addresses = ipv4(if other { &["192.0.2.77"] } else { &["192.0.2.1"] });
    let second = vrrp_core::Centiseconds::ONE_SECOND;
    let unicast = VirtualRouter::v3_ipv4(vrid(52), addresses.clone(), second);
    let unicast = unicast.with_peers([ip("192.0.2.3"), ip(OWN)], Hear::Peers).unwrap();
    [VirtualRouter::v3_ipv4(vrid(51), addresses, second), unicast, v3_ipv6()]
        .into_iter()
        .enumerate()
        .filter(|(index, _)| members & (1 << index) != 0)
        .map(|(_, config)| (key(&config), config.with_role(role)))
        .collect()
}

fn key_of(which: u8) -> Key {
    match which {
        0 => key(&v3()),
        1 => Key { vrid: vrid(52), ..key(&v3()) },
        _ => key(&v3_ipv6()),
    }
}

/// What an observer of the outputs knows about one virtual router.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    phase: Option<Phase>,
    /// The request that was made last.
    want: Option<Want>,
    generation: Generation,
    /// Whether that acquire, or one that it repairs, was answered with `Ok`.
    holds: bool,
}

#[derive(Debug)]
struct Observer {
    world: World,
    known: BTreeMap<Key, Known>,
}

impl Observer {
    fn new() -> Self {
        let mut observer = Self { world: World::new(&[]), known: BTreeMap::new() };
        observer.give(Input::Configure(&desired(7, Role::default(), false)));
        observer
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Configure { members, role, addresses } => {
                self.give(Input::Configure(&desired(*members, *role, *addresses)));
            }
            Step::Interface { present, up: is_up, source } => {
                let mut status = InterfaceStatus { present: *present, up: *is_up, ..up() };
                if !source {
                    (status.ipv4, status.ipv6_link_local) = (None, None);
                }
                self.give(Input::Interface { id: interface(1), status });
            }
            Step::Advert { which, priority, last, ttl, v2 } => {
                let key = key_of(*which);
                let mut message = match *which {
                    2 => Message::v3(*priority, &format!("fe80::{last}")),
                    _ if *v2 => Message::v2(*priority, &format!("192.0.2.{last}")),
                    _ => Message::v3(*priority, &format!("192.0.2.{last}")),
                };
                if last % 2 == 1 || *which == 2 {
                    message.form = ChecksumForm::PseudoHeader;
                }
                message.vrid = key.vrid.get();
                message.meta.ttl = *ttl;
                self.datagram(message.meta, &message.bytes());
            }
            Step::Garbage(bytes) => self.datagram(Message::v3(1, "192.0.2.3").meta, bytes),
            Step::Done { which, stale, result } => self.answer(key_of(*which), *stale, *result),
            Step::Adopt { which, ago } => {
                self.adopt(key_of(*which), Duration::from_millis((*ago).into()))
            }
            Step::Lost { which, loss } => {
                self.give(Input::LeaseLost { key: key_of(*which), loss: *loss })
            }
            Step::SendFailed { which } => self.give(Input::SendFailed { key: key_of(*which) }),
            Step::Drain { which, force } => {
                self.give(Input::Drain { key: key_of(*which), force: *force });
            }
            Step::Resume { which } => self.give(Input::Resume { key: key_of(*which) }),
            Step::Shutdown => self.give(Input::Shutdown),
            Step::Deadline { late } => {
                if let Some(deadline) = self.world.router.next_deadline() {
                    self.world.now = deadline.max(self.world.now);
                    if *late {
                        self.world.wait(4 * SECOND);
                    }
                }
                self.settle();
            }
            Step::Wait(ms) => self.world.wait(Duration::from_millis((*ms).into())),
        }
    }

    /// Serves what is due. A handover that ends takes a second turn, in which it makes room.
    fn settle(&mut self) {
        for _ in 0..2 {
            if self.world.router.next_deadline().is_some_and(|at| at <= self.world.now) {
                self.give(Input::Timeout);
            }
        }
        let next = self.world.router.next_deadline();
        assert!(next.is_none_or(|next| next > self.world.now), "{next:?} is not in the future");
    }

    fn answer(&mut self, key: Key, stale: bool, result: Result<Reach, LeaseFailure>) {
        let Some(known) = self.known.get_mut(&key) else { return };
        let generation = if stale { Generation::default() } else { known.generation };
        if !stale && known.want == Some(Want::Acquire) && result.is_ok() {
            known.holds = true;
        }
        if !stale && known.want == Some(Want::Adopt) {
            known.want = None;
        }
        self.give(Input::LeaseDone { key, generation, result });
    }

    /// The backend says that an earlier process held the addresses, if it was asked.
    fn adopt(&mut self, key: Key, ago: Duration) {
        let Some(known) = self.known.get_mut(&key).filter(|known| known.want == Some(Want::Adopt))
        else {
            return;
        };
        known.holds = true;
        known.want = None;
        let (generation, advertised_at) = (known.generation, self.world.now - ago);
        self.give(Input::Adopt { key, generation, reach: Reach::OnLink, advertised_at });
    }

    /// What is rejected changes counters and speakers only, and may be told of once.
    fn datagram(&mut self, meta: vrrp_core::RxMeta, bytes: &[u8]) {
        self.settle();
        let keys: Vec<Key> = self.world.router.keys().collect();
        let before: Vec<Snapshot> = keys.iter().map(|key| self.world.snapshot(*key)).collect();
        if self.world.router.handle(self.world.now, Input::Datagram { meta, bytes }).is_err() {
            let told = self.world.router.poll_output();
            let is_notice =
                |output: Output<'_>| matches!(output, Output::Event(Event::Notice { .. }));
            assert!(told.is_none_or(is_notice));
            assert!(self.world.router.poll_output().is_none());
            for (key, before) in keys.iter().zip(before) {
                let mut after = self.world.snapshot(*key);
                (after.counters, after.speakers) = (before.counters, before.speakers.clone());
                assert_eq!(after, before);
            }
        }
        self.drain();
    }

    fn give(&mut self, input: Input<'_>) {
        self.world.handle(input);
        self.drain();
    }

    fn drain(&mut self) {
        let mut outputs = 0;
        let Self { world, known } = self;
        while let Some(output) = world.router.poll_output() {
            outputs += 1;
            assert!(outputs < 100, "there is no end to what it wants");
            observe(known, &output);
        }
        let router = &self.world.router;
        for key in router.keys() {
            let (status, known) =
                (router.status(&key).unwrap(), self.known.entry(key).or_default());
            let told = known.phase.get_or_insert(status.phase);
            assert_eq!(status.phase, *told, "{key}: the observer was told something else");
            let asked = status.phase == Phase::Resigning && known.want == Some(Want::Acquire);
            let held = matches!(status.phase, Phase::Held | Phase::Adopted | Phase::Resigning);
            assert!(
                !held || asked || known.holds,
                "{key} is {:?} without an address",
                status.phase
            );
            assert_eq!(status.active_until.is_some(), status.phase.is_active());
        }
        assert_ne!(router.next_deadline(), Some(Instant::EPOCH));
    }
}

fn observe(known: &mut BTreeMap<Key, Known>, output: &Output<'_>) {
    match output {
        Output::Event(Event::Transition { key, from, to, .. }) => {
            let known = known.entry(*key).or_default();
            assert_ne!(from, to);
            known.phase = Some(*to);
        }
        Output::Transmit(transmit) => {
            let phase = known.get(&transmit.key()).and_then(|known| known.phase);
            let resigns = transmit.advert().claim == vrrp_core::Claim::Resign;
            // A claim of a Backup is a last word; of one that takes no part there is none.
            let claims = matches!(
                phase,
                Some(Phase::Acquiring | Phase::Held | Phase::Adopted | Phase::Backup)
            );
            assert!(resigns || claims, "{phase:?} says {}", transmit.advert().claim);
            assert!(!resigns || !phase.is_some_and(Phase::is_active), "it resigns and stays");
        }
        Output::Lease(request) => {
            let known = known.entry(request.key).or_default();
            assert!(request.generation > known.generation, "generations grow, for each key");
            match request.want {
                Want::Acquire | Want::Adopt | Want::Release { .. } => known.holds = false,
                Want::Repair | Want::Leaving => {
                    assert!(known.holds, "{:?} of nothing", request.want)
                }
                Want::Inspect => assert!(!known.holds, "an inspection of what is held"),
            }
            (known.want, known.generation) = (Some(request.want), request.generation);
        }
        Output::Announce(announce) => {
            let known = known.get(&announce.key).unwrap();
            assert!(
                known.holds && matches!(known.phase, Some(Phase::Held | Phase::Adopted)),
                "{known:?} is announced"
            );
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_inputs_keeps_the_promises(steps in prop::collection::vec(step(), 1..200)) {
        let mut observer = Observer::new();
        for step in &steps {
            observer.step(step);
        }
        // Whatever it came to, two shutdowns end it.
        observer.give(Input::Shutdown);
        observer.give(Input::Shutdown);
        prop_assert!(observer.world.router.is_stopped());
        prop_assert!(observer.known.values().all(|known| !known.holds), "{:?}", observer.known);
    }
}
