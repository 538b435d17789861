//! Groups on two nodes: what moves them, and a search over one-way cuts, priorities and preemption.

use vrrp_core::{
    Condition, Desired, Gate, GroupPolicy, Hold, Phase, Preempt, Reason, Role, play::Given,
};

use crate::pair::{DELAY, MEMBERS, Roles, SECOND, World, contender, interface, key, router};

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
fn what_must_not_be_reached_is_left_whatever_the_order_in_which_the_members_fail() {
    for order in [[0, 1], [1, 0]] {
        let mut world = World::new(pair(200, 100), GroupPolicy::All);
        world.nodes[1].is_up = false;
        world.run(10 * SECOND);
        assert_eq!(world.is_active(0), [true, true]);
        order.into_iter().for_each(|member| world.health(0, member, Condition::Out));
        world.run(10 * SECOND);
        assert_eq!(world.phases()[0], [Phase::Initialize(Hold::Check); 2]);
    }
}

/// Both nodes are Active in a part, and ill: nobody is healthy who would take all.
#[test]
fn ill_nodes_with_a_part_each_end_on_the_one_with_the_first_member() {
    let never = |priority| [contender(priority, Preempt::Never); 2];
    let all_cuts = [(0, 0), (0, 1), (1, 0), (1, 1)];
    let mut world = World::new([never(200), never(100)], GroupPolicy::Any);
    (0..2).for_each(|node| world.health(node, 0, Condition::Ill));
    // Each node is kept from one of the two until the other one has it.
    world.link(0, 1, false);
    world.link(1, 0, false);
    all_cuts.into_iter().for_each(|(member, from)| world.cut(member, from, true));
    world.run(20 * SECOND);
    all_cuts.into_iter().for_each(|(member, from)| world.cut(member, from, false));
    world.link(0, 1, true);
    world.link(1, 0, true);
    world.run(60 * SECOND);
    assert_eq!(world.is_active(0), [true, true], "{:?}", world.phases());
    assert!(world.is_together());
}

/// A peer that does not preempt takes all or nothing.
#[test]
fn an_ill_node_asks_for_its_whole_group_at_once_whenever_each_member_turned_ill() {
    let never = contender(100, Preempt::Never);
    let mut world = World::new([[contender(200, ALWAYS); 2], [never; 2]], GroupPolicy::All);
    world.apart(0);
    world.run(10 * SECOND);
    world.health(1, 0, Condition::Ill);
    for member in MEMBERS {
        world.health(0, member, Condition::Ill);
        world.run(5 * SECOND);
    }
    world.configure(0, GroupPolicy::All);
    world.run(SECOND);
    assert_eq!(world.is_active(0), [true, true], "{:?}", world.phases());
    world.health(1, 0, Condition::Good);
    world.run(120 * SECOND);
    assert_eq!(world.is_active(1), [true, true], "{:?}", world.phases());
    assert!(world.is_together());
}

#[test]
fn whoever_leaves_a_group_has_its_own_health_again() {
    let mut world = World::new(pair(200, 100), GroupPolicy::All);
    world.run(10 * SECOND);
    world.health(0, 1, Condition::Ill);
    world.run(10 * SECOND);
    assert_eq!(world.is_active(1), [true, true]);
    (0..2).for_each(|node| world.apart(node));
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

/// The second member may not be preempted. An owner waits for no timer, so that nothing else would tell
/// that nobody serves the first one.
#[test]
fn an_owner_that_hears_nobody_serves_what_nobody_serves() {
    let second = |priority| contender(priority, ALWAYS);
    let roles = [[Role::Owner, second(92)], [contender(181, ALWAYS), second(200)]];
    let mut world = World::new(roles, GroupPolicy::Any);
    world.health(0, 0, Condition::Out);
    world.run(10 * SECOND);
    assert_eq!(world.is_active(1), [true, true], "{:?}", world.phases());
    world.health(1, 0, Condition::Out);
    // Its resignation would say it.
    world.run(10 * SECOND);
    world.health(0, 0, Condition::Good);
    world.run(10 * SECOND);
    assert_eq!([world.is_active(0), world.is_active(1)], [[true, false], [false, true]]);
}

/// A weaker Active was to be preempted once the rest of the group is ready, and is gone.
#[test]
fn whom_a_member_would_preempt_may_go_before_it_does() {
    let mut world = World::new(
        [
            [contender(200, ALWAYS), contender(92, ALWAYS)],
            [contender(100, ALWAYS), contender(200, ALWAYS)],
        ],
        GroupPolicy::Any,
    );
    world.cut(0, 0, true);
    world.cut(1, 0, true);
    world.health(0, 0, Condition::Out);
    world.run(10 * SECOND);
    world.health(0, 0, Condition::Good);
    world.run(10 * SECOND);
    assert_eq!(world.is_active(1), [true, true], "{:?}", world.phases());
    world.link(1, 0, false);
    world.run(10 * SECOND);
    assert_eq!([world.is_active(0), world.is_active(1)], [[true, false], [false, true]]);
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
