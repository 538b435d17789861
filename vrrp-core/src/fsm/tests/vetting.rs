//! The backend is asked whether it would work before this node contends.

use super::*;

fn contending() -> Role {
    contender(100, Preempt::Always)
}

fn failed() -> Input {
    Input::Answer(Answer::Failed(LeaseFailure::AddressPresent))
}

/// A strong node that cannot hold the address leaves it to the one that has it, at every start.
#[test]
fn a9_who_cannot_hold_the_addresses_does_not_contend() {
    let mut machine = backup(contending());
    assert_eq!(machine.handle(t0(), Input::Answer(Answer::NothingLeft)).lease, Some(Want::Inspect));
    let effects = machine.handle(t0() + MS, failed());
    let reason = Reason::Backend(LeaseFailure::AddressPresent);
    assert_eq!(
        effects,
        Effects { transition: Some(reason), ..Effects::default() },
        "not a word on the wire"
    );
    assert_eq!(machine.phase(), Phase::Initialize(Hold::Backend(LeaseFailure::AddressPresent)));
    // As after any fault it is asked again, and heard this time.
    let asked = t0() + MS + SECOND;
    assert_eq!(machine.handle(asked, Input::Timeout).lease, Some(Want::Inspect));
    drive(&mut machine, asked, &[Input::Answer(Answer::Ready)]);
    assert_eq!(machine.phase(), Phase::Backup);
    assert_eq!(machine.deadline(), Some(asked + 3 * SECOND + SKEW));
}

#[test]
fn a9_an_owner_says_nothing_before_its_backend_has() {
    let mut machine = owner();
    assert_eq!(machine.handle(t0(), failed()).transmit, None);
    assert_eq!(machine.phase(), Phase::Initialize(Hold::Backend(LeaseFailure::AddressPresent)));
    let mut silent = owner();
    let bound = t0() + 2500 * MS;
    assert_eq!(silent.deadline(), Some(bound));
    let effects = silent.handle(bound, Input::Timeout);
    assert_eq!(
        effects.transition,
        Some(Reason::Backend(LeaseFailure::TimedOut)),
        "no answer is a no"
    );
}

#[test]
fn a9_a_timer_that_runs_out_waits_for_the_answer() {
    let resigned = t0() + 100 * MS;
    let due = resigned + SKEW;
    let waiting = || {
        let mut machine = backup(contending());
        drive(&mut machine, t0(), &[Input::Answer(Answer::NothingLeft)]);
        drive(&mut machine, resigned, &[advert(0, "192.0.2.1")]);
        assert_eq!(machine.handle(due, Input::Timeout), Effects::default());
        machine
    };
    let mut answered = waiting();
    let effects = answered.handle(due + 100 * MS, Input::Answer(Answer::Ready));
    assert_eq!(
        (effects.transition, effects.transmit),
        (Some(Reason::Resignation), Some(Say::Claim))
    );
    let mut silent = waiting();
    assert_eq!(silent.deadline(), Some(t0() + 2500 * MS), "the backend's timeout");
    drive(&mut silent, t0() + 2500 * MS, &[Input::Timeout]);
    assert_eq!(silent.phase(), Phase::Initialize(Hold::Backend(LeaseFailure::TimedOut)));
}

/// What an earlier process left is let go first, and no request may cut that off: the question
/// comes later.
#[test]
fn a9_after_leftovers_were_let_go_the_question_comes_when_contention_is_due() {
    let mut machine = backup(contending());
    let stale =
        Input::Answer(Answer::Adopted { reach: Reach::OnLink, advertised_at: t0() - 10 * SECOND });
    let release = Some(Want::Release { reason: Reason::Startup, successor: None });
    assert_eq!(machine.handle(t0(), stale).lease, release);
    let due = t0() + 3 * SECOND + SKEW;
    assert_eq!(machine.deadline(), Some(due));
    let effects = machine.handle(due, Input::Timeout);
    assert_eq!((effects.lease, effects.transmit), (Some(Want::Inspect), None));
    assert_eq!(
        machine.handle(due + MS, Input::Answer(Answer::Ready)).transition,
        Some(Reason::Silence)
    );
}

/// Whatever kept it out, the world may have changed meanwhile.
#[test]
fn a9_it_is_asked_again_after_a_pause_of_any_kind() {
    let mut machine = settled(contending());
    drive(&mut machine, t0(), &[Input::Link(Link::Down)]);
    assert_eq!(machine.handle(t0() + MS, ready()).lease, Some(Want::Inspect));
    drive(&mut machine, t0() + MS, &[Input::Answer(Answer::Ready), Input::Drain { force: false }]);
    assert_eq!(machine.handle(t0() + 2 * MS, Input::Resume).lease, Some(Want::Inspect));
}
