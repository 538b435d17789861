//! What a seed stands for: how many nodes there are, and how they are configured.

use std::{net::Ipv4Addr, time::Duration};

use vrrp_core::{
    Condition, GroupPolicy, Health, Ipv4Addresses, Preempt, Protocol, Role, VirtualRouter, Weight,
};

use crate::random::Random;

const SECOND: Duration = Duration::from_secs(1);
/// A preempt delay.
const DELAY: Duration = Duration::from_secs(2);

/// The addresses that every node lists in the end, for a member of the group.
pub(crate) fn addresses(member: u8) -> [Ipv4Addr; 2] {
    [Ipv4Addr::new(10, member, 0, 100), Ipv4Addr::new(10, member, 0, 101)]
}

/// An address that a reload puts beside them, or in their place.
fn another(member: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, member, 0, 102)
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    pub(crate) nodes: usize,
    pub(crate) version: u8,
    pub(crate) interval: Duration,
    pub(crate) equal_priorities: bool,
    pub(crate) owner: bool,
    pub(crate) preempt: Preempt,
    pub(crate) backend_faults: bool,
    pub(crate) startup_delay: Duration,
    pub(crate) up_delay: Duration,
    /// In percent, the nodes whose service stays ill in the end.
    pub(crate) ill: u64,
    /// What an ill service is in the end.
    pub(crate) illness: Condition,
    /// Two virtual routers of each node that move together; otherwise there is one.
    pub(crate) group: Option<GroupPolicy>,
    /// The node that is the strongest for the one is the weakest for the other.
    pub(crate) is_crossed: bool,
    /// How often, in percent, a node has its outputs polled before the next input comes.
    pub(crate) polls: u64,
}

impl Scenario {
    /// So far apart that the stronger one of two is heard before the weaker one takes over.
    pub(crate) const PRIORITIES: [u8; 7] = [10, 50, 90, 130, 170, 210, 250];

    pub(crate) fn draw(seed: u64) -> Self {
        let mut random = Random::new(seed);
        Self {
            seed,
            nodes: usize::try_from(2 + random.below(4)).expect("a few"),
            version: if random.chance(30) { 2 } else { 3 },
            interval: *random.pick(&[SECOND, SECOND, SECOND / 10, 3 * SECOND]),
            equal_priorities: random.chance(20),
            owner: random.chance(20),
            preempt: if random.chance(80) { Preempt::Always } else { Preempt::Never },
            backend_faults: random.chance(50),
            polls: *random.pick(&[5, 30, 70, 100, 100]),
            startup_delay: *random.pick(&[Duration::ZERO, Duration::ZERO, 5 * SECOND]),
            ill: *random.pick(&[0, 0, 40, 100]),
            illness: *random.pick(&[Condition::Ill, Condition::Ill, Condition::Out]),
            up_delay: *random.pick(&[Duration::ZERO, 4 * SECOND]),
            // Two of everything take twice as long to simulate.
            group: match random.below(10) {
                0 => Some(GroupPolicy::All),
                1 => Some(GroupPolicy::Any),
                _ => None,
            },
            is_crossed: random.chance(20),
        }
    }

    /// The number of virtual routers of a node.
    pub(crate) fn members(&self) -> u8 {
        if self.group.is_some() { 2 } else { 1 }
    }

    /// How a virtual router of a node is configured at first.
    pub(crate) fn config(&self, index: u8, member: u8) -> VirtualRouter {
        let turn = u8::try_from(self.nodes).expect("a few") - 1 - index;
        let rank = if self.is_crossed && member > 0 { turn } else { index };
        let priority = if self.equal_priorities { 100 } else { 50 + rank * 40 };
        let contender = contender(priority, self.preempt);
        let role = if self.owner && index == 0 { Role::Owner } else { contender };
        self.virtual_router(&addresses(member), self.interval, role)
    }

    pub(crate) fn virtual_router(
        &self,
        addresses: &[Ipv4Addr],
        interval: Duration,
        role: Role,
    ) -> VirtualRouter {
        let addresses = Ipv4Addresses::new(addresses.iter().copied()).expect("a list");
        let protocol = match self.version {
            2 => {
                let interval = interval.max(SECOND).try_into().expect("whole seconds");
                Protocol::V2 { addresses, interval, password: None }
            }
            _ => Protocol::V3Ipv4 {
                addresses,
                interval: interval.try_into().expect("centiseconds"),
                checksum: vrrp_core::Checksum::Auto,
            },
        };
        let vrid = 51.try_into().expect("a VRID");
        VirtualRouter::new(vrid, protocol)
            .with_role(role)
            .with_startup_delay(self.startup_delay)
            .with_up_delay(self.up_delay)
    }

    /// What the checks of a node may say.
    pub(crate) fn health(random: &mut Random) -> Health {
        let conditions = [
            Condition::Good,
            Condition::Good,
            Condition::Unknown,
            Condition::Unproven,
            Condition::Ill,
            Condition::Ill,
            Condition::Out,
        ];
        Health { condition: *random.pick(&conditions), weight: Self::weight(random) }
    }

    pub(crate) fn weight(random: &mut Random) -> Weight {
        Weight::try_from(*random.pick(&[0, 0, -30, -253, 60])).expect("a weight")
    }

    /// A configuration with one thing changed.
    pub(crate) fn reloaded(
        &self,
        random: &mut Random,
        member: u8,
        config: &VirtualRouter,
    ) -> VirtualRouter {
        let (mut list, mut interval, mut role) =
            (ipv4_addresses(config), config.interval().duration(), config.role());
        let ([first, second], another) = (addresses(member), another(member));
        match random.below(6) {
            0..3 => role = self.with_another_claim(random, config).role(),
            3 => interval = *random.pick(&[SECOND, SECOND / 10, 3 * SECOND]),
            _ => {
                list = match random.below(5) {
                    0 => vec![second, first],
                    1 => vec![first, second, another],
                    2 => vec![second],
                    3 => vec![another],
                    _ => vec![first, second],
                }
            }
        }
        self.virtual_router(&list, interval, role)
    }

    /// The same with another claim, and now and then another Preempt_Mode.
    pub(crate) fn with_another_claim(
        &self,
        random: &mut Random,
        config: &VirtualRouter,
    ) -> VirtualRouter {
        let preempt = match config.role().preempt() {
            preempt if random.chance(70) => preempt,
            _ => *random.pick(&[Preempt::Always, Preempt::Never, Preempt::After(DELAY)]),
        };
        config.clone().with_role(contender(1 + random.octet() % 254, preempt))
    }

    /// The configuration that a node has in the end: nodes that differ in addresses, or in the
    /// interval in VRRPv2, do not make one virtual router.
    pub(crate) fn agreed(&self, member: u8, interval: Duration, role: Role) -> VirtualRouter {
        let interval = if self.version == 2 { self.interval } else { interval };
        self.virtual_router(&addresses(member), interval, role)
    }
}

pub(crate) fn contender(priority: u8, preempt: Preempt) -> Role {
    Role::Contender { priority: priority.try_into().expect("1 to 254"), preempt }
}

fn ipv4_addresses(config: &VirtualRouter) -> Vec<Ipv4Addr> {
    match config.protocol() {
        Protocol::V2 { addresses, .. } | Protocol::V3Ipv4 { addresses, .. } => {
            addresses.as_slice().iter().map(|cidr| cidr.address()).collect()
        }
        Protocol::V3Ipv6 { .. } => unreachable!("an IPv4 simulation"),
    }
}
