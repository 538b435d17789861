//! Two nodes with two virtual routers that move together, on a network each: searched over one-way
//! cuts, priorities and preemption.

use std::{
    collections::{BTreeMap, VecDeque},
    net::Ipv4Addr,
    time::Duration,
};

use vrrp_core::{
    Advert, Centiseconds, Condition, Desired, Gate, GroupPolicy, Health, Hold, Instant,
    InterfaceDetails, InterfaceId, InterfaceStatus, Ipv4Addresses, Key, Output, Phase, Preempt,
    Reason, Role, RxMeta, VirtualRouter,
    play::{Given, Player},
};

const MEMBERS: [u8; 2] = [0, 1];
const DELAY: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// What a node is configured with: the role of each member.
type Roles = [Role; 2];

struct Node {
    player: Player,
    roles: Roles,
    is_up: bool,
}

/// Messages on their way: when, to which node, on which member's network, from whom, what.
type See<'a> = &'a mut dyn FnMut(Instant, &Output<'_>);
type Wire = VecDeque<(Instant, usize, RxMeta, Vec<u8>)>;

struct World {
    now: Instant,
    nodes: [Node; 2],
    wire: Wire,
    /// Whether the network of a member carries from a node to the other one.
    cut: BTreeMap<(u8, usize), bool>,
    transitions: Vec<(usize, u8, Phase, Reason)>,
    /// Of whom a drain was refused: node and member.
    refused: Vec<(usize, u8)>,
}

fn contender(priority: u8, preempt: Preempt) -> Role {
    Role::Contender { priority: priority.try_into().unwrap(), preempt }
}

fn interface(member: u8) -> InterfaceId {
    InterfaceId::new(u32::from(member + 1).try_into().unwrap())
}

fn own(node: usize, member: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2 + member, 1 + u8::try_from(node).unwrap())
}

fn router(member: u8, role: Role) -> VirtualRouter {
    let addresses = Ipv4Addresses::new([Ipv4Addr::new(192, 0, 2 + member, 100)]).unwrap();
    VirtualRouter::v3_ipv4(51.try_into().unwrap(), addresses, Centiseconds::ONE_SECOND)
        .with_role(role)
}

fn key(member: u8) -> Key {
    router(member, Role::default()).key(interface(member))
}

impl World {
    /// Both nodes start at the same time.
    fn new(roles: [Roles; 2], policy: GroupPolicy) -> Self {
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

    fn configure(&mut self, node: usize, policy: GroupPolicy) {
        let mut desired = Desired::new();
        for member in MEMBERS {
            let role = self.nodes[node].roles[usize::from(member)];
            desired.insert(interface(member), router(member, role)).unwrap();
        }
        desired.group(policy, MEMBERS.map(key)).unwrap();
        self.give(node, &Given::Configure(desired));
    }

    fn link(&mut self, node: usize, member: u8, is_up: bool) {
        let details = InterfaceDetails { ipv4: Some(own(node, member)), ..Default::default() };
        let status =
            if is_up { InterfaceStatus::Up(details) } else { InterfaceStatus::Down(details) };
        self.give(node, &Given::Interface { id: interface(member), status });
    }

    fn health(&mut self, node: usize, member: u8, condition: Condition) {
        let health = Health { condition, ..Health::default() };
        self.give(node, &Given::Health { key: key(member), health });
    }

    /// Cuts the network of a member from a node on, in that direction alone.
    fn cut(&mut self, member: u8, from: usize, is_cut: bool) {
        self.cut.insert((member, from), is_cut);
    }

    fn give(&mut self, node: usize, given: &Given) {
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

    fn run(&mut self, duration: Duration) {
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

    fn phase(&self, node: usize, member: u8) -> Phase {
        self.nodes[node].player.router().status(&key(member)).unwrap().phase
    }

    /// The phases of each node, member by member.
    fn phases(&self) -> [[Phase; 2]; 2] {
        [0, 1].map(|node| MEMBERS.map(|member| self.phase(node, member)))
    }

    fn is_active(&self, node: usize) -> [bool; 2] {
        MEMBERS.map(|member| self.phase(node, member).is_active())
    }

    /// Whether a member is the first one, and which other one it is held by or waits for.
    fn membership(&self, node: usize, member: u8) -> (bool, Option<Key>) {
        let router = self.nodes[node].player.router();
        let group = router.status(&key(member)).unwrap().group.unwrap();
        (group.is_first, group.cause)
    }

    /// Whether one node is active in both, and the other one in none.
    fn is_together(&self) -> bool {
        matches!(
            [self.is_active(0), self.is_active(1)],
            [[true, true], [false, false]] | [[false, false], [true, true]]
        )
    }
}

const ALWAYS: Preempt = Preempt::Always;

fn pair(strong: u8, weak: u8) -> [Roles; 2] {
    [[contender(strong, ALWAYS); 2], [contender(weak, ALWAYS); 2]]
}

#[test]
fn a_group_moves_together_when_a_link_is_lost_and_back() {
    let mut world = World::new(pair(200, 100), GroupPolicy::All);
    world.run(10 * SECOND);
    assert_eq!(world.is_active(0), [true, true]);
    world.link(0, 1, false);
    world.run(5 * SECOND);
    assert_eq!(world.is_active(1), [true, true], "{:?}", world.phases());
    assert_eq!(world.phase(0, 0), Phase::Initialize(Hold::Group));
    assert_eq!(world.membership(0, 0), (true, Some(key(1))));
    assert_eq!(world.membership(0, 1), (false, None));
    world.link(0, 1, true);
    world.run(10 * SECOND);
    assert_eq!(world.is_active(0), [true, true], "{:?}", world.phases());
    assert!(world.is_together());
    assert_eq!(world.membership(0, 0), (true, None));
}

#[test]
fn one_that_is_left_out_does_not_hold_the_others() {
    let mut world = World::new(pair(200, 100), GroupPolicy::Any);
    world.nodes[1].is_up = false;
    world.link(0, 1, false);
    world.run(10 * SECOND);
    assert_eq!(world.is_active(0), [true, false]);
    world.link(0, 1, true);
    world.run(10 * SECOND);
    assert_eq!(world.is_active(0), [true, true]);
    // The first one is left out as well, and then nobody is.
    world.link(0, 0, false);
    world.run(10 * SECOND);
    assert_eq!(world.is_active(0), [false, true]);
}

#[test]
fn an_ill_member_moves_all_and_nobody_is_without_an_active_meanwhile() {
    let mut world = World::new(pair(200, 100), GroupPolicy::All);
    world.run(10 * SECOND);
    world.health(0, 1, Condition::Ill);
    for _ in 0..3000 {
        world.run(DELAY);
        for member in MEMBERS {
            let holds = (0..2).any(|node| world.phase(node, member).holds_addresses());
            assert!(holds, "nobody holds {member}: {:?}", world.phases());
        }
    }
    assert_eq!(world.is_active(1), [true, true], "{:?}", world.phases());
    world.health(0, 1, Condition::Good);
    world.run(10 * SECOND);
    assert_eq!(world.is_active(0), [true, true], "{:?}", world.phases());
}

#[test]
fn whoever_leaves_a_group_has_its_own_health_again() {
    let mut world = World::new(pair(200, 100), GroupPolicy::All);
    world.run(10 * SECOND);
    world.health(0, 1, Condition::Ill);
    world.run(10 * SECOND);
    assert_eq!(world.is_active(1), [true, true]);
    for node in 0..2 {
        let mut apart = Desired::new();
        for member in MEMBERS {
            let role = world.nodes[node].roles[usize::from(member)];
            apart.insert(interface(member), router(member, role)).unwrap();
        }
        world.give(node, &Given::Configure(apart));
    }
    world.run(10 * SECOND);
    assert_eq!(world.is_active(0), [true, false], "{:?}", world.phases());
}

#[test]
fn a_drain_of_one_drains_all_and_without_a_successor_nobody() {
    let mut world = World::new(pair(200, 100), GroupPolicy::All);
    world.run(10 * SECOND);
    world.give(0, &Given::Drain { key: key(1), force: false });
    world.run(5 * SECOND);
    assert_eq!(world.is_active(1), [true, true]);
    assert_eq!(world.phases()[0], [Phase::Initialize(Hold::Drained); 2]);
    world.give(0, &Given::Resume(key(0)));
    world.run(10 * SECOND);
    assert_eq!(world.is_active(0), [true, true]);
    world.nodes[1].is_up = false;
    world.give(0, &Given::Drain { key: key(0), force: false });
    world.run(5 * SECOND);
    assert_eq!(world.is_active(0), [true, true], "{:?}", world.phases());
}

/// The first member that hears its successor decides for all: those that hear none let go, too, and
/// stay drained, and nobody is told that the drain is refused.
#[test]
fn the_first_successor_heard_decides_a_drain_for_all() {
    for policy in [GroupPolicy::All, GroupPolicy::Any] {
        for silent in MEMBERS {
            let mut world = World::new(pair(200, 100), policy);
            world.run(10 * SECOND);
            world.cut(silent, 1, true);
            world.give(0, &Given::Drain { key: key(0), force: false });
            world.run(5 * SECOND);
            let case = format!("{policy:?}, nobody is heard on {silent}");
            assert_eq!(world.refused, [], "{case}: {:?}", tail(&world));
            assert_eq!(world.phases()[0], [Phase::Initialize(Hold::Drained); 2], "{case}");
            assert_eq!(world.is_active(1), [true, true], "{case}");
            world.cut(silent, 1, false);
            world.give(0, &Given::Resume(key(1)));
            world.run(10 * SECOND);
            assert_eq!(world.is_active(0), [true, true], "{case}: {:?}", world.phases());
        }
    }
}

/// If nobody is heard, all take back: a member that was no Active when it was drained does not
/// stay so.
#[test]
fn a_drain_that_is_refused_is_refused_for_all() {
    let mut world = World::new(pair(200, 100), GroupPolicy::Any);
    world.nodes[1].is_up = false;
    world.link(0, 1, false);
    world.run(10 * SECOND);
    assert_eq!(world.is_active(0), [true, false]);
    world.give(0, &Given::Drain { key: key(1), force: false });
    world.run(5 * SECOND);
    assert_eq!(world.refused, [(0, 0), (0, 1)]);
    assert_eq!(world.phases()[0], [Phase::Held, Phase::Initialize(Hold::LinkDown)]);
    world.link(0, 1, true);
    world.run(10 * SECOND);
    assert_eq!(world.is_active(0), [true, true]);
}

#[test]
fn f40_equal_priorities_end_on_one_node_within_one_active_down() {
    // The greater address wins each tie, and here each node has the greater one once.
    for preempt in [Preempt::Always, Preempt::Never] {
        let mut world = World::new([[contender(100, preempt); 2]; 2], GroupPolicy::All);
        world.run(2 * 3609 * DELAY);
        assert!(world.is_together(), "{preempt:?}: {:?}", world.phases());
    }
}

#[test]
fn whoever_has_the_first_member_completes_the_group_although_it_may_not_preempt() {
    let never = |priority| [contender(priority, Preempt::Never); 2];
    let mut world = World::new([never(200), never(100)], GroupPolicy::All);
    // Node 1 is alone on the second network for a while, and cannot be heard on the first.
    for (member, from) in [(0, 1), (1, 0), (1, 1), (0, 0)] {
        world.cut(member, from, true);
    }
    world.run(10 * SECOND);
    for (member, from) in [(0, 1), (1, 0), (1, 1), (0, 0)] {
        world.cut(member, from, false);
    }
    world.run(10 * SECOND);
    assert_eq!(world.is_active(0), [true, true], "{:?}", world.phases());
    assert!(world.is_together());
}

#[test]
fn a_group_is_completed_against_a_peer_that_knows_no_groups() {
    let never = contender(200, Preempt::Never);
    let mut world = World::new([[never; 2], [contender(250, ALWAYS); 2]], GroupPolicy::All);
    let alone = |world: &mut World, role| {
        let mut desired = Desired::new();
        desired.insert(interface(1), router(1, role)).unwrap();
        world.give(1, &Given::Configure(desired));
    };
    alone(&mut world, contender(50, Preempt::Never));
    world.run(10 * SECOND);
    assert_eq!(world.is_active(0), [true, true]);
    // The peer takes one of the two, and is the weaker one afterwards.
    alone(&mut world, contender(250, ALWAYS));
    world.run(10 * SECOND);
    assert_eq!(world.is_active(0), [true, false]);
    alone(&mut world, contender(50, Preempt::Never));
    world.run(10 * SECOND);
    assert_eq!(world.is_active(0), [true, true], "{:?}", world.phases());
}

#[test]
fn a_member_that_hears_nobody_waits_for_one_that_does() {
    let mut world = World::new(pair(200, 100), GroupPolicy::All);
    world.run(10 * SECOND);
    world.cut(0, 0, true);
    world.run(10 * SECOND);
    assert_eq!(world.phases()[1], [Phase::Backup; 2]);
    let router = world.nodes[1].player.router();
    assert!(router.status(&key(0)).unwrap().gates.contains(Gate::Group));
    // The first one is silent and waits for the second, which follows and waits for nobody else.
    assert_eq!(world.membership(1, 0), (true, Some(key(1))));
    assert_eq!(world.membership(1, 1), (false, None));
}

#[test]
fn a_member_that_joins_late_follows_and_is_announced() {
    let mut world = World::new(pair(200, 100), GroupPolicy::All);
    world.nodes[1].is_up = false;
    let mut first = Desired::new();
    first.insert(interface(0), router(0, contender(200, ALWAYS))).unwrap();
    world.give(0, &Given::Configure(first));
    world.run(10 * SECOND);
    assert!(world.phase(0, 0).is_active());
    world.configure(0, GroupPolicy::All);
    let mut announced = 0;
    for _ in 0..5 {
        world.run(SECOND);
        let status = world.nodes[0].player.router().status(&key(1)).unwrap();
        announced = status.counters.announcements;
    }
    assert_eq!(world.is_active(0), [true, true]);
    assert!(announced > 0);
}

/// Every set of one-way cuts, and roles of several kinds: whatever is cut, nobody waits for the
/// other one, so that each member is served by somebody; and once nothing is cut, all are on one
/// node.
#[test]
fn two_nodes_with_one_way_cuts_never_wait_for_each_other() {
    let kinds = [contender(200, ALWAYS), contender(100, ALWAYS), contender(100, Preempt::Never)];
    for mine in kinds {
        for theirs in kinds {
            for cuts in 0..16_u8 {
                for policy in [GroupPolicy::All, GroupPolicy::Any] {
                    search([[mine; 2], [theirs; 2]], cuts, policy);
                }
            }
        }
    }
}

/// The same where each node is the stronger one for one member.
#[test]
fn two_nodes_that_are_stronger_once_each_end_on_one() {
    for cuts in 0..16_u8 {
        let (strong, weak) = (contender(200, ALWAYS), contender(100, ALWAYS));
        search([[strong, weak], [weak, strong]], cuts, GroupPolicy::All);
    }
}

fn search(roles: [Roles; 2], cuts: u8, policy: GroupPolicy) {
    let all = [(0, 0), (0, 1), (1, 0), (1, 1)];
    for before in [SECOND / 2, 10 * SECOND] {
        let mut world = World::new(roles, policy);
        world.run(before);
        for (bit, (member, from)) in all.into_iter().enumerate() {
            world.cut(member, from, cuts & (1 << bit) != 0);
        }
        world.run(30 * SECOND);
        let case = format!("{roles:?}, cuts {cuts:04b} after {before:?}, {policy:?}");
        for member in MEMBERS {
            let mut served = false;
            for _ in 0..20 {
                served |= (0..2).any(|node| world.phase(node, member).holds_addresses());
                world.run(SECOND / 10);
            }
            assert!(served, "{case}: nobody serves {member}: {:?}", world.phases());
        }
        for (member, from) in all {
            world.cut(member, from, false);
        }
        world.run(30 * SECOND);
        assert!(world.is_together(), "{case}: {:?} {:?}", world.phases(), tail(&world));
    }
}

fn tail(world: &World) -> Vec<(usize, u8, Phase, Reason)> {
    world.transitions.iter().rev().take(12).rev().copied().collect()
}
