//! A member of a group: what becomes of a handover, and of a resignation that it hears.

use super::*;

const NORMAL: Role = Role::Contender { priority: Priority::DEFAULT, preempt: Preempt::Always };

fn phase_after(mut machine: Machine, now: Instant, inputs: &[Input]) -> Phase {
    drive(&mut machine, now, inputs);
    machine.phase()
}

#[test]
fn a_handover_is_taken_back_only_if_there_is_no_other_reason_to_leave() {
    let joined = || {
        let (mut machine, at) = held(NORMAL);
        drive(&mut machine, at, &[Input::Group(Group::Held)]);
        (machine, at)
    };
    // The group lets go, and a check does not.
    let (machine, at) = joined();
    let goes_on = [Input::Group(Group::Wait)];
    assert_eq!(phase_after(machine, at, &goes_on), Phase::Held);
    let fails = [health(Condition::Out), Input::Group(Group::Wait)];
    assert_eq!(phase_after(machine, at, &fails), Phase::Resigning);
    // The check passes, and the group does not let go.
    let (mut machine, at) = held(NORMAL);
    drive(&mut machine, at, &[health(Condition::Out), Input::Group(Group::Held)]);
    assert_eq!(phase_after(machine, at, &[health(Condition::Good)]), Phase::Resigning);
    // The source is back, and a check or the group keeps it out.
    let (machine, at) = withdrawing(NORMAL);
    assert_eq!(phase_after(machine, at, &[ready()]), Phase::Held);
    for reason in [health(Condition::Out), Input::Group(Group::Held)] {
        assert_eq!(phase_after(machine, at, &[reason, ready()]), Phase::Resigning, "{reason:?}");
    }
}

#[test]
fn an_active_whose_group_goes_while_it_cannot_be_heard_asks_later() {
    let (mut machine, at) = held(NORMAL);
    let leave = Input::Group(Group::Leave);
    drive(&mut machine, at, &[Input::Link(Link::NoSource), leave, ready()]);
    assert_eq!(machine.phase(), Phase::Held);
    run(&mut machine, at + 10 * SECOND + MS);
    assert_eq!(machine.phase(), Phase::Resigning);
}

#[test]
fn a_member_whose_group_is_elsewhere_leaves_a_resignation_to_those_who_have_it() {
    let mut machine = settled(NORMAL);
    drive(&mut machine, t0(), &[advert(200, "192.0.2.1"), Input::Group(Group::Leave)]);
    drive(&mut machine, t0(), &[advert(0, "192.0.2.1")]);
    assert_eq!(machine.deadline(), Some(t0() + 3 * SECOND + SKEW));
    // The first member's Active has resigned, too: from here on it may be this node's turn.
    drive(&mut machine, t0(), &[Input::Group(Group::Wait)]);
    assert_eq!(machine.deadline(), Some(t0() + SKEW));
}
