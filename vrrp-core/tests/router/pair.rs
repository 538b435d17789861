//! Two nodes with two virtual routers that move together, on a network each.

use std::{
    collections::{BTreeMap, VecDeque},
    net::Ipv4Addr,
    time::Duration,
};

use vrrp_core::{
    Advert, Centiseconds, Condition, Desired, GroupPolicy, Health, Instant, InterfaceDetails,
    InterfaceId, InterfaceStatus, Ipv4Addresses, Key, Output, Phase, Preempt, Reason, Role, RxMeta,
    VirtualRouter,
    play::{Given, Player},
};

pub(crate) const MEMBERS: [u8; 2] = [0, 1];
pub(crate) const DELAY: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// What a node is configured with: the role of each member.
pub(crate) type Roles = [Role; 2];

pub(crate) struct Node {
    pub(crate) player: Player,
    pub(crate) roles: Roles,
    pub(crate) is_up: bool,
}

/// Messages on their way: when, to which node, on which member's network, from whom, what.
type See<'a> = &'a mut dyn FnMut(Instant, &Output<'_>);
type Wire = VecDeque<(Instant, usize, RxMeta, Vec<u8>)>;

pub(crate) struct World {
    now: Instant,
    pub(crate) nodes: [Node; 2],
    wire: Wire,
    /// Whether the network of a member carries from a node to the other one.
    cut: BTreeMap<(u8, usize), bool>,
    pub(crate) transitions: Vec<(usize, u8, Phase, Reason)>,
    /// Of whom a drain was refused: node and member.
    pub(crate) refused: Vec<(usize, u8)>,
}

pub(crate) fn contender(priority: u8, preempt: Preempt) -> Role {
    Role::Contender { priority: priority.try_into().unwrap(), preempt }
}

pub(crate) fn interface(member: u8) -> InterfaceId {
    InterfaceId::new(u32::from(member + 1).try_into().unwrap())
}

fn own(node: usize, member: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2 + member, 1 + u8::try_from(node).unwrap())
}

pub(crate) fn router(member: u8, role: Role) -> VirtualRouter {
    let addresses = Ipv4Addresses::new([Ipv4Addr::new(192, 0, 2 + member, 100)]).unwrap();
    VirtualRouter::v3_ipv4(51.try_into().unwrap(), addresses, Centiseconds::ONE_SECOND)
        .with_role(role)
}

pub(crate) fn key(member: u8) -> Key {
    router(member, Role::default()).key(interface(member))
}

impl World {
    /// Both nodes start at the same time.
    pub(crate) fn new(roles: [Roles; 2], policy: GroupPolicy) -> Self {
        let now = Instant::EPOCH + 1000 * SECOND;
        let node = |roles| Node { player: Player::default(), roles, is_up: true };
        let mut world = Self {
            now,
            nodes: roles.map(node),
            wire: Wire::new(),
            cut: BTreeMap::new(),
            transitions: Vec::new(),
            refused: Vec::new(),
        };
        for node in 0..2 {
            world.nodes[node].player.stall_until(now);
            for member in MEMBERS {
                world.link(node, member, true);
            }
            world.configure(node, policy);
        }
        world
    }

    pub(crate) fn configure(&mut self, node: usize, policy: GroupPolicy) {
        let mut desired = self.desired(node);
        desired.group(policy, MEMBERS.map(key)).unwrap();
        self.give(node, &Given::Configure(desired));
    }

    /// Its virtual routers are a group no longer.
    pub(crate) fn apart(&mut self, node: usize) {
        let desired = self.desired(node);
        self.give(node, &Given::Configure(desired));
    }

    fn desired(&self, node: usize) -> Desired {
        let mut desired = Desired::new();
        for member in MEMBERS {
            let role = self.nodes[node].roles[usize::from(member)];
            desired.insert(interface(member), router(member, role)).unwrap();
        }
        desired
    }

    pub(crate) fn link(&mut self, node: usize, member: u8, is_up: bool) {
        let details = InterfaceDetails { ipv4: Some(own(node, member)), ..Default::default() };
        let status =
            if is_up { InterfaceStatus::Up(details) } else { InterfaceStatus::Down(details) };
        self.give(node, &Given::Interface { id: interface(member), status });
    }

    pub(crate) fn health(&mut self, node: usize, member: u8, condition: Condition) {
        let health = Health { condition, ..Health::default() };
        self.give(node, &Given::Health { key: key(member), health });
    }

    /// Cuts the network of a member from a node on, in that direction alone.
    pub(crate) fn cut(&mut self, member: u8, from: usize, is_cut: bool) {
        self.cut.insert((member, from), is_cut);
    }

    pub(crate) fn give(&mut self, node: usize, given: &Given) {
        self.turn(node, |player, mut see| {
            let _ = player.give(given);
            player.poll(&mut see);
        });
    }

    /// Runs one node; what it sends goes on the wire, and its backend answers at once.
    fn turn(&mut self, node: usize, act: impl FnOnce(&mut Player, See<'_>)) {
        let Self { nodes, wire, cut, transitions, refused, .. } = self;
        let mut see = |now: Instant, output: &Output<'_>| match output {
            Output::Transmit(transmit) => {
                let member = if transmit.key() == key(0) { 0 } else { 1 };
                let is_cut = cut.get(&(member, node)).copied().unwrap_or_default();
                for packet in transmit.packets().filter(|_| !is_cut) {
                    let mut out = [0; Advert::MAX_LEN];
                    let len = packet.encode(&mut out).unwrap();
                    let meta = RxMeta {
                        interface: interface(member),
                        source: packet.source(),
                        destination: packet.destination(),
                        ttl: 255,
                    };
                    wire.push_back((now + DELAY, 1 - node, meta, out[..len].to_vec()));
                }
            }
            Output::Event(vrrp_core::Event::Transition { key: of, to, reason, .. }) => {
                let member = if *of == key(0) { 0 } else { 1 };
                transitions.push((node, member, *to, *reason));
            }
            Output::Event(vrrp_core::Event::DrainRefused { key: of, .. }) => {
                refused.push((node, if *of == key(0) { 0 } else { 1 }));
            }
            _ => {}
        };
        let player = &mut nodes[node].player;
        act(player, &mut see);
        player.answer_all(&mut see);
    }

    pub(crate) fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            let arrives = self.wire.front().map(|(at, ..)| *at);
            let due = (0..2).filter(|node| self.nodes[*node].is_up).filter_map(|node| {
                self.nodes[node].player.router().next_deadline().map(|at| (at, node))
            });
            let due = due.min();
            let next = arrives.into_iter().chain(due.map(|(at, _)| at)).min();
            let Some(at) = next.filter(|at| *at <= end) else { break };
            self.now = self.now.max(at);
            let now = self.now;
            if arrives == Some(at) {
                let (_, to, meta, bytes) = self.wire.pop_front().unwrap();
                if self.nodes[to].is_up {
                    self.turn(to, |player, mut see| {
                        player.stall_until(now);
                        let _ = player.give(&Given::Datagram { meta, bytes });
                        player.poll(&mut see);
                    });
                }
            } else if let Some((_, node)) = due {
                self.turn(node, |player, mut see| {
                    player.stall_until(now);
                    assert!(player.serve(&mut see), "a deadline stays due");
                });
            }
        }
        self.now = end;
        for node in &mut self.nodes {
            node.player.stall_until(end);
        }
    }

    pub(crate) fn phase(&self, node: usize, member: u8) -> Phase {
        self.nodes[node].player.router().status(&key(member)).unwrap().phase
    }

    /// The phases of each node, member by member.
    pub(crate) fn phases(&self) -> [[Phase; 2]; 2] {
        [0, 1].map(|node| MEMBERS.map(|member| self.phase(node, member)))
    }

    pub(crate) fn is_active(&self, node: usize) -> [bool; 2] {
        MEMBERS.map(|member| self.phase(node, member).is_active())
    }

    /// Whether a member is the first one, and which other one it is held by or waits for.
    pub(crate) fn membership(&self, node: usize, member: u8) -> (bool, Option<Key>) {
        let router = self.nodes[node].player.router();
        let group = router.status(&key(member)).unwrap().group.unwrap();
        (group.is_first, group.cause)
    }

    /// Whether one node is active in both, and the other one in none.
    pub(crate) fn is_together(&self) -> bool {
        matches!(
            [self.is_active(0), self.is_active(1)],
            [[true, true], [false, false]] | [[false, false], [true, true]]
        )
    }
}
