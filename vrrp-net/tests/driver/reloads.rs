//! A thousand random pairs of configurations: what the difference does not demand does not happen.
//!
//! One node, alone, goes from the first to the second of each pair. A virtual router of both stays
//! active, whatever of it has changed; one that is the same in both is not even asked for; and no
//! advertisement of either comes late.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::{Instant, sleep};
use vrrp_core::{
    Announcements, Centiseconds, Cidr, Hear, Ipv4Addresses, Key, Peer, Phase, Preempt, Reach, Role,
    Seconds, VirtualRouter, Vrid,
};
use vrrp_net::{
    BackendError, Group, Lease, Member, NodeEvent, Release, VipBackend, VirtualAddress,
    backend::memory::Call,
    link::memory::{Hub, Sent},
};

use crate::world::{Host, becomes, key, until};

const PAIRS: u64 = 1000;
/// Longer than it takes anything to be active: three intervals of two seconds, and a skew.
const SETTLED: Duration = Duration::from_secs(9);
const MOST: u8 = 5;

/// Numbers that are the same for the same seed.
struct Dice(u64);

impl Dice {
    /// One of `0..sides` (SplitMix64).
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn octet(&mut self, sides: u8) -> u8 {
        u8::try_from(self.roll(sides.into())).unwrap()
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.roll(all.len().try_into().unwrap())).unwrap()].clone()
    }
}

/// What there is to say of a virtual router.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Plan {
    name: String,
    vrid: u8,
    router: VirtualRouter,
    group: Option<Group>,
    extra: Option<u8>,
}

impl Plan {
    fn roll(vrid: u8, dice: &mut Dice) -> Self {
        let mut octets: Vec<u8> = (0..4).filter(|_| dice.roll(2) == 0).collect();
        if octets.is_empty() {
            octets.push(0);
        }
        if dice.roll(2) == 0 {
            octets.reverse();
        }
        let address = |octet: u8| {
            let address = Ipv4Addr::new(192, 0, 2, 100 + 10 * vrid + octet);
            format!("{address}/24").parse::<Cidr<Ipv4Addr>>().unwrap()
        };
        let addresses = Ipv4Addresses::new(octets.iter().map(|octet| address(*octet))).unwrap();
        let vrid_ = Vrid::try_from(vrid).unwrap();
        let router = if dice.roll(3) == 0 {
            let interval = Seconds::try_from(dice.one_of(&[1_u8, 2])).unwrap();
            VirtualRouter::v2(vrid_, addresses, interval)
        } else {
            let millis = dice.one_of(&[100_u64, 300, 1000, 2000]);
            let interval = Centiseconds::try_from(Duration::from_millis(millis)).unwrap();
            VirtualRouter::v3_ipv4(vrid_, addresses, interval)
        };
        let preempt =
            dice.one_of(&[Preempt::Always, Preempt::Never, Preempt::After(Duration::from_secs(3))]);
        let priority = (1 + dice.octet(254)).try_into().unwrap();
        let role =
            if dice.roll(8) == 0 { Role::Owner } else { Role::Contender { priority, preempt } };
        let repeat = [Duration::ZERO, Duration::from_secs(dice.roll(3) + 1)];
        let announcements = Announcements::new(&repeat, Some(Duration::from_secs(60))).unwrap();
        let router = router.with_role(role).with_announcements(announcements);
        let router = if dice.roll(4) == 0 {
            let peer = Peer::from(IpAddr::from([192, 0, 2, 9]));
            router.with_peers([peer], Hear::Peers).unwrap()
        } else {
            router
        };
        let group = match dice.roll(4) {
            0 => Some(Group::all("all")),
            1 => Some(Group::any("any")),
            _ => None,
        };
        let name = format!("{}{vrid}", dice.one_of(&["web", "db"]));
        let extra = (dice.roll(4) == 0).then(|| 10 * vrid + dice.octet(3));
        Self { name, vrid, router, group, extra }
    }

    fn member(&self, backend: &Arc<dyn VipBackend>) -> Member {
        let member = Member::new("eth0", self.router.clone(), backend.clone()).name(&self.name);
        let member = match &self.group {
            Some(group) => member.group(group.clone()),
            None => member,
        };
        match self.extra {
            Some(octet) => {
                let cidr: Cidr = format!("198.51.100.{octet}/32").parse().unwrap();
                member.extra(VirtualAddress::from(cidr))
            }
            None => member,
        }
    }
}

type World = BTreeMap<u8, Plan>;

fn world(dice: &mut Dice) -> World {
    let vrids = (1..=MOST).filter(|_| dice.roll(4) != 0).collect::<Vec<_>>();
    vrids.into_iter().map(|vrid| (vrid, Plan::roll(vrid, dice))).collect()
}

/// The same with some of it changed.
fn other(world: &World, dice: &mut Dice) -> World {
    let mut other = self::world(dice);
    for (vrid, plan) in world {
        if dice.roll(2) == 0 {
            other.insert(*vrid, plan.clone());
        }
    }
    other
}

#[test]
fn a_thousand_random_pairs_change_nothing_that_their_difference_does_not_demand() {
    for seed in 0..PAIRS {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(pair(seed));
    }
}

async fn pair(seed: u64) {
    let mut dice = Dice(seed);
    let before = world(&mut dice);
    let after = other(&before, &mut dice);
    let host = Host::new(&Hub::new(), 1);
    let backend: Arc<dyn VipBackend> = Arc::new(host.backend.clone());
    let members = |world: &World| world.values().map(|plan| plan.member(&backend)).collect();
    host.node.configure(members(&before)).await.unwrap();
    sleep(SETTLED).await;
    let status = host.node.status().await.unwrap();
    assert!(status.routers.iter().all(|router| router.phase.is_active()), "seed {seed}");
    let mut events = host.node.events();
    let asked = host.backend.calls().len();
    // Somewhere between two advertisements.
    sleep(Duration::from_millis(dice.roll(1000))).await;
    let reloaded = Instant::now();
    host.node.configure(members(&after)).await.unwrap();
    sleep(SETTLED).await;
    let calls = host.backend.calls().split_off(asked);
    let mut seen = Vec::new();
    while let Some(event) = events.try_next() {
        seen.push(event.unwrap());
    }
    let sent = host.wire.sent();
    for (vrid, new) in &after {
        let Some(old) = before.get(vrid) else { continue };
        let about = format!("seed {seed}, VRID {vrid}: {old:?} -> {new:?}");
        let moved: Vec<&NodeEvent> = seen.iter().filter(|event| moves(event, *vrid)).collect();
        assert!(moved.is_empty(), "{about}: {moved:?}");
        let own = key(*vrid);
        let has = |wanted: &dyn Fn(&Call) -> bool| calls.iter().any(wanted);
        assert!(!has(&|call| matches!(call, Call::Release { key, .. } if *key == own)), "{about}");
        let puts = |call: &Call| [Call::Acquire(own), Call::Repair(own)].contains(call);
        let is_put = has(&puts);
        let is_other = !same_addresses(old, new) || old.extra != new.extra;
        assert_eq!(is_put, is_other, "{about}: {calls:?}");
        keeps_its_schedule(&sent, *vrid, (old, new), reloaded, &about);
    }
    let is_there: Vec<u8> = host.node.status().await.unwrap().routers.iter().map(vrid_of).collect();
    assert!(is_there.len() == after.len() && is_there.iter().all(|it| after.contains_key(it)));
}

fn vrid_of(status: &vrrp_net::RouterStatus) -> u8 {
    status.router.vrid().get()
}

fn moves(event: &NodeEvent, wanted: u8) -> bool {
    let of = |key: &Key| key.vrid.get() == wanted;
    match event {
        NodeEvent::Transition { key, .. }
        | NodeEvent::Standing { key, .. }
        | NodeEvent::Backend { key, .. } => of(key),
        _ => false,
    }
}

fn same_addresses(old: &Plan, new: &Plan) -> bool {
    let sorted = |plan: &Plan| {
        let mut all: Vec<Cidr> = plan.router.addresses().collect();
        all.sort();
        all
    };
    sorted(old) == sorted(new)
}

/// No advertisement comes later than the longer of the two intervals allows; one of what is the same
/// comes when it would have come; and none resigns.
fn keeps_its_schedule(
    sent: &[Sent],
    vrid: u8,
    (old, new): (&Plan, &Plan),
    reloaded: Instant,
    about: &str,
) {
    let own: Vec<&Sent> = sent
        .iter()
        .filter(|sent| sent.payload[1] == vrid && sent.at + SETTLED >= reloaded)
        .collect();
    let resigns = own.iter().filter(|sent| sent.payload[2] == 0).count();
    assert_eq!(resigns, 0, "{about}");
    let mut moments: Vec<Instant> = own.iter().map(|sent| sent.at).collect();
    moments.dedup();
    let gaps = moments.windows(2).map(|pair| pair[1] - pair[0]);
    let intervals = [old, new].map(|plan| plan.router.interval().duration());
    let longest = intervals.into_iter().max().unwrap_or_default();
    let is_same = old.router == new.router;
    for gap in gaps {
        assert!(gap <= longest, "{about}: {gap:?}");
        assert!(!is_same || gap == longest, "{about}: {gap:?}, and not {longest:?}");
    }
    assert!(moments.last().is_some_and(|last| *last + longest >= reloaded + SETTLED), "{about}");
}

/// What one virtual router had and another one has now is released by nobody: neither where it moves
/// in place, nor where the first one goes.
#[tokio::test(start_paused = true)]
async fn an_address_that_another_virtual_router_has_now_is_not_released() {
    let host = Host::new(&Hub::new(), 1);
    let backend = Arc::new(Releases::default());
    let member = |vrid: u8, octets: &[u8]| {
        let cidr = |octet: &u8| format!("192.0.2.{octet}/24").parse::<Cidr<Ipv4Addr>>().unwrap();
        let addresses = Ipv4Addresses::new(octets.iter().map(cidr)).unwrap();
        let interval = Centiseconds::ONE_SECOND;
        let router = VirtualRouter::v3_ipv4(Vrid::try_from(vrid).unwrap(), addresses, interval);
        let backend: Arc<dyn VipBackend> = backend.clone();
        Member::new("eth0", router, backend)
    };
    let all = vec![member(1, &[10, 11]), member(2, &[20])];
    for mut handle in host.node.configure(all).await.unwrap() {
        becomes(&mut handle, Phase::Held).await;
    }
    backend.released.lock().unwrap().clear();
    host.node.configure(vec![member(1, &[20]), member(2, &[10])]).await.unwrap();
    let released = || backend.released.lock().unwrap().clone();
    until("the one that nobody has to go", || !released().is_empty()).await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(released(), ["192.0.2.11"], "and no other");
    // The second goes, and the first takes over what it had.
    host.node.configure(vec![member(1, &[20, 10])]).await.unwrap();
    sleep(Duration::from_secs(5)).await;
    assert_eq!(released(), ["192.0.2.11"]);
    host.node.configure(vec![]).await.unwrap();
    sleep(Duration::from_secs(5)).await;
    let all: BTreeSet<String> = released().into_iter().collect();
    assert_eq!(all.into_iter().collect::<Vec<_>>(), ["192.0.2.10", "192.0.2.11", "192.0.2.20"]);
}

/// Another VRID with the same address: who leaves serves it until it has handed over, whatever the one
/// that starts finds.
#[tokio::test(start_paused = true)]
async fn what_starts_takes_nothing_from_one_that_hands_over() {
    let host = Host::new(&Hub::new(), 1);
    let backend = Arc::new(Releases::default());
    let member = |vrid: u8| {
        let address: Cidr<Ipv4Addr> = "192.0.2.10/24".parse().unwrap();
        let addresses = Ipv4Addresses::new([address]).unwrap();
        let vrid = Vrid::try_from(vrid).unwrap();
        let router = VirtualRouter::v3_ipv4(vrid, addresses, Centiseconds::ONE_SECOND);
        let backend: Arc<dyn VipBackend> = backend.clone();
        Member::new("eth0", router, backend)
    };
    let mut old = host.node.configure(vec![member(51)]).await.unwrap().remove(0);
    becomes(&mut old, Phase::Held).await;
    backend.released.lock().unwrap().clear();
    let mut new = host.node.configure(vec![member(53)]).await.unwrap().remove(0);
    becomes(&mut new, Phase::Backup).await;
    becomes(&mut new, Phase::Held).await;
    assert_eq!(*backend.released.lock().unwrap(), ["192.0.2.10"], "once, by the one that went");
    host.node.shutdown().await.unwrap();
}

/// Notes which addresses it is to release.
#[derive(Default)]
struct Releases {
    released: Mutex<Vec<String>>,
}

impl Releases {
    fn note(&self, gone: &[VirtualAddress]) {
        let gone = gone.iter().map(|held| held.cidr.address().to_string());
        self.released.lock().unwrap().extend(gone);
    }
}

#[async_trait]
impl VipBackend for Releases {
    async fn acquire(&self, lease: &Lease) -> Result<Reach, BackendError> {
        self.note(&lease.previous);
        Ok(Reach::OnLink)
    }

    async fn release(&self, lease: &Lease, _: &Release) -> Result<(), BackendError> {
        self.note(&lease.addresses);
        self.note(&lease.previous);
        Ok(())
    }
}
