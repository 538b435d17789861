//! Two were Active, and this one stays: told once the other is gone.

use super::*;

/// An interval and a quarter.
const GONE: Duration = Duration::from_millis(1250);
const PEER: &str = "192.0.2.1";

/// The times at which a machine reasserts itself until `until`, by its own deadlines.
fn reasserts(machine: &mut Machine, until: Instant) -> Vec<Instant> {
    let mut times = Vec::new();
    while let Some(at) = machine.deadline()
        && at <= until
    {
        if machine.handle(at, Input::Timeout).reasserted {
            times.push(at);
        }
    }
    times
}

fn holding() -> (Machine, Instant) {
    held(contender(100, Preempt::Always))
}

#[test]
fn it_is_told_once_when_the_weaker_active_is_silent() {
    let (mut machine, now) = holding();
    let heard = now + 300 * MS;
    drive(&mut machine, heard, &[advert(50, PEER)]);
    assert_eq!(reasserts(&mut machine, heard + 10 * SECOND), [heard + GONE]);
}

#[test]
fn each_further_advertisement_of_the_weaker_one_puts_it_off() {
    let (mut machine, now) = holding();
    let mut last = now;
    for number in 1..=5 {
        last = now + number * SECOND;
        assert_eq!(reasserts(&mut machine, last), []);
        drive(&mut machine, last, &[advert(50, PEER)]);
    }
    assert_eq!(reasserts(&mut machine, last + 10 * SECOND), [last + GONE]);
}

#[test]
fn a_weaker_one_that_resigns_is_waited_for_and_one_that_was_never_heard_is_not() {
    let (mut machine, now) = holding();
    drive(&mut machine, now, &[advert(0, PEER)]);
    assert_eq!(reasserts(&mut machine, now + 10 * SECOND), []);
    let heard = now + 11 * SECOND;
    drive(&mut machine, heard, &[advert(50, PEER)]);
    drive(&mut machine, heard + 100 * MS, &[advert(0, PEER)]);
    assert_eq!(reasserts(&mut machine, heard + 10 * SECOND), [heard + 100 * MS + GONE]);
}

#[test]
fn a_slower_weaker_one_is_waited_for_by_its_own_interval() {
    let (mut machine, now) = holding();
    let timing = Interval::V3(Centiseconds::try_from(400).unwrap()).timing();
    let heard =
        Heard { claim: Claim::from(50), timing, source: address(PEER), in_both_forms: false };
    drive(&mut machine, now, &[Input::Advert(heard)]);
    assert_eq!(reasserts(&mut machine, now + 20 * SECOND), [now + 5 * SECOND]);
}

#[test]
fn one_that_yields_or_hands_over_meanwhile_says_nothing() {
    let others = [advert(200, PEER), Input::Shutdown, Input::Drain { force: true }];
    for other in others {
        let (mut machine, now) = holding();
        drive(&mut machine, now, &[advert(50, PEER), other]);
        assert_eq!(reasserts(&mut machine, now + SECOND), [], "{other:?}");
    }
}

#[test]
fn before_the_addresses_are_held_there_is_nothing_to_tell_again() {
    let (mut machine, now) = acquiring(contender(100, Preempt::Always));
    drive(&mut machine, now, &[advert(50, PEER), Input::Answer(Answer::Held(Reach::Routed))]);
    assert_eq!(machine.phase(), Phase::Held);
    assert_eq!(reasserts(&mut machine, now + 10 * SECOND), []);
}
