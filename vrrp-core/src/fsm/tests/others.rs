//! Another interface that the virtual router relies on is gone: for a moment, or for good.

use super::*;

/// Two intervals, and a quarter of a second at most.
const WAIT: Duration = Duration::from_millis(250);

fn contending() -> Role {
    contender(100, Preempt::Always)
}

#[test]
fn an_active_waits_advertises_and_puts_all_back() {
    let (mut machine, promoted) = held(contending());
    let now = promoted + 900 * MS;
    assert_eq!(machine.handle(now, others(false)), Effects::default());
    assert_eq!((machine.phase(), machine.waits_until()), (Phase::Held, Some(now + WAIT)));
    assert!(machine.holds().contains(Hold::OtherInterface));
    // What is lost meanwhile cannot be put back yet, and that is no fault of the backend's.
    for loss in [Loss::Lapsed, Loss::Deleted] {
        assert_eq!(machine.handle(now, Input::LeaseLost(loss)), Effects::default(), "{loss:?}");
    }
    let effects = machine.handle(promoted + SECOND, Input::Timeout);
    assert_eq!(effects.transmit, Some(Say::Claim), "it can be heard all the while");
    let effects = machine.handle(now + 200 * MS, others(true));
    assert_eq!((effects.transition, effects.lease), (None, Some(Want::Repair)));
    assert_eq!((machine.phase(), machine.waits_until()), (Phase::Held, None));
    assert!(machine.holds().is_empty());
}

/// The addresses of its own interface are served until a peer follows.
#[test]
fn what_stays_away_is_a_handover_and_a_hold() {
    let (mut machine, promoted) = held(contending());
    drive(&mut machine, promoted, &[others(false)]);
    let effects = machine.handle(promoted + WAIT, Input::Timeout);
    assert_eq!((effects.transmit, effects.lease), (Some(Say::Resign), Some(Want::Leaving)));
    assert_eq!(machine.phase(), Phase::Resigning);
    let effects = machine.handle(promoted + WAIT + SKEW, advert(1, "192.0.2.3"));
    let successor = Some(address("192.0.2.3"));
    assert_eq!(effects.lease, Some(Want::Release { reason: Reason::Successor, successor }));
    assert_eq!(machine.phase(), Phase::Initialize(Hold::OtherInterface));
    drive(&mut machine, promoted + 10 * SECOND, &[others(true)]);
    assert_eq!(machine.phase(), Phase::Backup);
}

#[test]
fn nobody_follows_and_it_lets_go_all_the_same() {
    let (mut machine, now) = apart_leaving(contending());
    let end = now + 1100 * MS;
    let mut effects = Effects::default();
    while machine.phase() == Phase::Resigning {
        let at = machine.deadline().unwrap();
        effects = machine.handle(at, Input::Timeout);
        assert!(at <= end);
    }
    let release = Want::Release { reason: Reason::NoSuccessor, successor: None };
    assert_eq!((effects.lease, effects.transmit), (Some(release), Some(Say::Resign)));
    assert_eq!(machine.phase(), Phase::Initialize(Hold::OtherInterface));
}

#[test]
fn a_resignation_is_taken_back_when_they_return() {
    let (mut machine, now) = apart_leaving(contending());
    let effects = machine.handle(now + 100 * MS, others(true));
    assert_eq!(effects.transition, Some(Reason::InterfaceBack));
    assert_eq!((effects.transmit, effects.lease), (Some(Say::Claim), Some(Want::Repair)));
    assert_eq!(machine.phase(), Phase::Held);
}

/// The one reason to leave does not hide the other.
#[test]
fn its_own_link_and_another_one_are_waited_for_apart() {
    let (mut machine, promoted) = held(contending());
    drive(&mut machine, promoted, &[others(false), Input::Link(Link::Down)]);
    let effects = machine.handle(promoted + 50 * MS, ready());
    assert_eq!((effects.transmit, effects.lease), (Some(Say::Claim), None), "not before the other");
    let effects = machine.handle(promoted + 60 * MS, others(true));
    assert_eq!(effects.lease, Some(Want::Repair));

    let (mut machine, now) = apart_leaving(contending());
    let inputs = [Input::Link(Link::NoSource), ready()];
    drive(&mut machine, now + 10 * MS, &inputs);
    assert_eq!(machine.phase(), Phase::Resigning, "the other one is still gone");

    let (mut machine, now) = withdrawing(contending());
    drive(&mut machine, now + 10 * MS, &[others(false), ready()]);
    assert_eq!(machine.phase(), Phase::Resigning, "it has another reason by now");
    drive(&mut machine, now + 20 * MS, &[others(true)]);
    assert_eq!(machine.phase(), Phase::Held);
}

/// A switch forwards nothing for a while after a link came up.
#[test]
fn the_delay_of_a_link_that_came_up_counts_for_each() {
    let mut config = params(contending());
    config.up_delay = 5 * SECOND;
    let mut machine = settle(Machine::new(config), ready());
    let now = t0() + 500 * MS;
    drive(&mut machine, now, &[others(false)]);
    let back = now + SECOND;
    drive(&mut machine, back, &[others(true)]);
    assert!(machine.gates(back).contains(Gate::UpDelay));
    assert!(!machine.gates(back + 5 * SECOND).contains(Gate::UpDelay));
}

/// It was asked for addresses that cannot be put.
#[test]
fn an_acquisition_is_given_up_at_once() {
    let (mut machine, now) = acquiring(contending());
    let effects = machine.handle(now + 10 * MS, others(false));
    assert_eq!(effects.transmit, Some(Say::Resign));
    let release = Want::Release { reason: Reason::Interface, successor: None };
    assert_eq!(effects.lease, Some(release));
    assert_eq!(machine.phase(), Phase::Initialize(Hold::OtherInterface));
    assert_eq!(machine.probation_until(), None, "no fault of its own");

    let (mut machine, now) = acquiring(contending());
    drive(&mut machine, now, &[health(Condition::Ill)]);
    assert_eq!(machine.phase(), Phase::Resigning);
    let effects = machine.handle(now + 10 * MS, others(false));
    assert_eq!((effects.transmit, effects.lease), (Some(Say::Resign), Some(release)));
    assert_eq!(machine.probation_until(), None, "no fault of its own");
}

#[test]
fn a_drain_and_an_ill_service_are_not_taken_back_without_them() {
    for input in [Input::Drain { force: false }, health(Condition::Ill)] {
        let (mut machine, promoted) = held(contending());
        drive(&mut machine, promoted, &[input, others(false)]);
        while machine.phase() == Phase::Resigning {
            let at = machine.deadline().unwrap();
            let effects = machine.handle(at, Input::Timeout);
            assert!(!effects.drain_refused, "{input:?}");
        }
        assert!(machine.holds().contains(Hold::OtherInterface), "{input:?}");
        assert!(matches!(machine.phase(), Phase::Initialize(_)), "{input:?}");
    }
}
