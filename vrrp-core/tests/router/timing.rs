//! What is learned from others and what time does to it: intervals, delays, thresholds.

use std::time::Duration;

use vrrp_core::{
    Announcements, Centiseconds, Input, Instant, Interval, Look, Output, Phase, Preempt,
    VirtualRouter,
};

use super::world::*;

const MS: Duration = Duration::from_millis(1);
const THREE_SECONDS: u16 = 300;
/// Skew_Time of priority 100 at an interval of 3 s: 156/256 of it.
const SKEW_OF_THREE_SECONDS: Duration = Duration::from_nanos(1_828_125_000);

/// A peer that advertises every three seconds.
fn slower(priority: u8) -> Message {
    let interval = Interval::V3(Centiseconds::try_from(THREE_SECONDS).unwrap());
    Message { interval, ..Message::v3(priority, "192.0.2.3") }
}

/// Acts on every deadline up to `at`, and says what came of it.
fn run_until(world: &mut World, at: Instant) -> Vec<String> {
    let mut lines = Vec::new();
    while world.router.next_deadline().is_some_and(|deadline| deadline <= at) {
        lines.extend(world.timeout());
    }
    world.now = at;
    lines
}

fn announces(lines: &[String]) -> bool {
    lines.iter().any(|line| line == "51: announce")
}

/// RFC 9568 6.4.2 and 6.1: Skew_Time is that of the Active, and not of the interval that is
/// configured here.
#[test]
fn skew_time_after_a_resignation_is_that_of_the_active_that_was_followed() {
    let mut world = World::new(&[v3()]);
    world.hear(&slower(200)).unwrap();
    world.hear(&slower(0)).unwrap();
    assert_eq!(world.router.next_deadline(), Some(world.now + SKEW_OF_THREE_SECONDS));
}

/// RFC 9568 6.4.3: who yields adopts the interval of the winner with its timer.
#[test]
fn who_yields_counts_skew_time_by_the_interval_of_the_winner() {
    let mut world = World::held(&v3());
    world.hear(&slower(200)).unwrap();
    assert_eq!(world.phase(key(&v3())), Phase::Backup);
    world.hear(&slower(0)).unwrap();
    assert_eq!(world.router.next_deadline(), Some(world.now + SKEW_OF_THREE_SECONDS));
}

#[test]
fn a_clock_that_goes_back_moves_no_timer_back() {
    let mut world = World::new(&[v3()]);
    world.hear(&Message::v3(200, "192.0.2.3")).unwrap();
    let due = world.router.next_deadline();
    assert_eq!(due, Some(world.now + ACTIVE_DOWN));
    world.now = world.now - 2 * SECOND;
    world.hear(&Message::v3(200, "192.0.2.3")).unwrap();
    assert_eq!(world.router.next_deadline(), due);
}

#[test]
fn a_preempt_delay_begins_when_probation_is_over() {
    let config = v3().with_role(contender(100, Preempt::After(2 * SECOND)));
    let mut world = World::held(&config);
    // It was not scheduled for longer than its bound.
    world.wait(4 * SECOND);
    world.give(Input::Timeout);
    assert_eq!(world.phase(key(&config)), Phase::Backup);
    let over = world.router.status(&key(&config)).unwrap().probation_until.unwrap();
    while world.now < over {
        world.hear(&Message::v3(50, "192.0.2.3")).unwrap();
        assert_eq!(world.router.next_deadline(), Some(world.now + ACTIVE_DOWN), "on probation");
        world.wait(SECOND);
    }
    world.hear(&Message::v3(50, "192.0.2.3")).unwrap();
    assert_eq!(world.router.next_deadline(), Some(world.now + 2 * SECOND));
}

/// An answer to a last word comes at once; the schedule of the winner, with all that delays it, is
/// no answer.
#[test]
fn an_advertisement_after_three_quarters_of_an_interval_answers_no_last_word() {
    for (after, repeats) in [(700, false), (800, true)] {
        let mut world = World::held(&v3());
        let begun = world.now;
        world.hear(&Message::v3(200, "192.0.2.3")).unwrap();
        assert_eq!(
            run_until(&mut world, begun + 500 * MS),
            ["51: advertise 100"],
            "the first repeat"
        );
        run_until(&mut world, begun + after * MS);
        world.hear(&Message::v3(200, "192.0.2.3")).unwrap();
        let repeated = run_until(&mut world, begun + SECOND) == ["51: advertise 100"];
        assert_eq!(repeated, repeats, "heard after {after} ms");
    }
}

/// Those who advertise every interval, a quarter of it late at the most, are one series.
#[test]
fn a_weaker_advertisement_after_more_than_five_quarters_of_an_interval_is_a_new_series() {
    for (after, is_new) in [(1200, false), (1300, true)] {
        let mut world = World::held(&v3());
        let settled = world.now + 20 * SECOND;
        run_until(&mut world, settled);
        let first = world.hear(&Message::v3(50, "192.0.2.3")).unwrap();
        assert!(announces(&first), "the first of a series is answered: {first:?}");
        run_until(&mut world, settled + after * MS);
        let next = world.hear(&Message::v3(50, "192.0.2.3")).unwrap();
        assert_eq!(announces(&next), is_new, "after {after} ms: {next:?}");
    }
}

#[test]
fn a_burst_may_begin_later() {
    let policy = Announcements::new(&[2 * SECOND], None).unwrap();
    let config = v3().with_announcements(policy);
    let mut world = World::new(std::slice::from_ref(&config));
    world.timeout();
    let held = world.now;
    let lines = world.done(key(&config), Ok(vrrp_core::Reach::OnLink));
    assert!(!announces(&lines), "{lines:?}");
    assert!(!announces(&run_until(&mut world, held + 2 * SECOND - MS)));
    assert!(announces(&run_until(&mut world, held + 2 * SECOND)));
}

#[test]
fn what_is_asked_for_is_announced_at_once_also_where_a_burst_begins_later_or_there_is_none() {
    let later = Announcements::new(&[2 * SECOND], None).unwrap();
    let never = Announcements::new(&[], None).unwrap();
    for policy in [later, never] {
        let config = v3().with_announcements(policy);
        let mut world = World::held(&config);
        let asked = world.now + 100 * MS;
        run_until(&mut world, asked);
        assert!(announces(&world.give(Input::Announce { key: key(&config) })), "{policy:?}");
        assert!(!announces(&run_until(&mut world, asked + 2 * SECOND - MS)), "{policy:?}");
        let follows = announces(&run_until(&mut world, asked + 2 * SECOND));
        assert_eq!(follows, policy == later, "{policy:?}");
        // Nobody answers for the addresses.
        world.hear(&Message::v3(200, "192.0.2.3")).unwrap();
        assert!(!announces(&world.give(Input::Announce { key: key(&config) })), "{policy:?}");
    }
}

/// Of each advertisement that this input leads to, when its timer ran out.
fn dues(world: &mut World, input: Input<'_>) -> Vec<Option<Instant>> {
    world.handle(input);
    let mut dues = Vec::new();
    while let Some(output) = world.router.poll_output() {
        if let Output::Transmit(transmit) = output {
            dues.push(transmit.due());
        }
    }
    dues
}

#[test]
fn an_advertisement_says_when_its_timer_ran_out_and_no_other_one_does() {
    let mut world = World::new(&[v3()]);
    world.now = world.router.next_deadline().unwrap();
    assert_eq!(dues(&mut world, Input::Timeout), [None], "the first one");
    let mut world = World::held(&v3());
    let promoted = world.now;
    world.now = promoted + SECOND + 30 * MS;
    assert_eq!(dues(&mut world, Input::Timeout), [Some(promoted + SECOND)], "30 ms late");
    // The schedule does not drift.
    world.now = promoted + 2 * SECOND;
    assert_eq!(dues(&mut world, Input::Timeout), [Some(world.now)]);
    let weaker = Message::v3(50, "192.0.2.3");
    let (meta, bytes) = (weaker.meta, weaker.bytes());
    assert_eq!(dues(&mut world, Input::Datagram { meta, bytes: &bytes }), [None], "an answer");
    assert_eq!(dues(&mut world, Input::Drain { key: key(&v3()), force: true }), [None]);
    world.now = world.router.next_deadline().unwrap();
    assert_eq!(dues(&mut world, Input::Timeout), [None], "a resignation that is repeated");
}

#[test]
fn each_virtual_router_has_a_timer_of_its_own_that_says_when_it_was_due() {
    let other = v3().with_priority(200.try_into().unwrap());
    let vrids = [51, 52].map(|number| {
        let addresses = ipv4(&["192.0.2.1"]);
        let config = VirtualRouter::v3_ipv4(vrid(number), addresses, Centiseconds::ONE_SECOND);
        config.with_role(other.role()).with_look(Look::Off)
    });
    let mut world = World::new(&vrids[..1]);
    world.hold(key(&vrids[0]));
    let first = world.now;
    world.wait(100 * MS);
    world.configure(&vrids);
    world.vet();
    world.hold(key(&vrids[1]));
    let second = world.router.status(&key(&vrids[1])).unwrap().active_until.unwrap() - 3 * SECOND;
    let before = world.router.status(&key(&vrids[0])).unwrap().active_until.unwrap() - 3 * SECOND;
    assert!(first <= before && before < second);
    world.now = before.max(second) + SECOND + 50 * MS;
    assert_eq!(
        dues(&mut world, Input::Timeout),
        [Some(before + SECOND), Some(second + SECOND)],
        "both are late, the one by more than the other"
    );
}
