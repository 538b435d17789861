//! Priority 0, heard by a Backup: whose, and how often.

use super::*;

fn follows_200() -> Machine {
    let mut machine = settled(contender(100, Preempt::Always));
    drive(&mut machine, t0() + SECOND, &[advert(200, "192.0.2.3")]);
    machine
}

#[test]
fn b14_a_repeated_resignation_never_postpones() {
    let mut machine = settled(contender(100, Preempt::Always));
    drive(&mut machine, t0() + SECOND, &[advert(0, "192.0.2.1")]);
    let due = machine.deadline();
    drive(&mut machine, t0() + SECOND + 30 * MS, &[advert(50, "192.0.2.1")]);
    drive(&mut machine, t0() + SECOND + 62 * MS, &[advert(0, "192.0.2.1")]);
    assert_eq!(machine.deadline(), due);
    // An Active that is followed ends it: its own resignation counts from when it comes.
    drive(&mut machine, t0() + SECOND + 100 * MS, &[advert(200, "192.0.2.1")]);
    drive(&mut machine, t0() + SECOND + 200 * MS, &[advert(0, "192.0.2.1")]);
    assert_eq!(machine.deadline(), Some(t0() + SECOND + 200 * MS + SKEW));
}

#[test]
fn dev_a_resignation_of_another_changes_nothing_while_the_active_is_fresh() {
    for seconds in [0, 1, 3] {
        let mut machine = follows_200();
        let before = machine;
        let effects = machine.handle(t0() + SECOND + seconds * SECOND, advert(0, "192.0.2.4"));
        assert_eq!(effects, Effects { stranger_resigned: true, ..Effects::default() });
        assert_eq!(machine, before);
    }
    // A weaker one beside it, which was discarded, is no less another.
    let mut machine = follows_200();
    drive(&mut machine, t0() + 2 * SECOND, &[advert(50, "192.0.2.4")]);
    let before = machine;
    drive(&mut machine, t0() + 2 * SECOND, &[advert(0, "192.0.2.4")]);
    assert_eq!(machine, before);
}

#[test]
fn any_resignation_counts_when_nobody_is_followed_or_the_active_is_silent_or_has_resigned() {
    let nobody = settled(contender(100, Preempt::Always));
    let mut resigned = follows_200();
    drive(&mut resigned, t0() + SECOND, &[advert(0, "192.0.2.3")]);
    for mut machine in [nobody, resigned] {
        let effects = machine.handle(t0() + SECOND, advert(0, "192.0.2.4"));
        assert_eq!(effects, Effects::default());
        assert_eq!(machine.deadline(), Some(t0() + SECOND + SKEW));
    }
    // Its Active_Down_Interval is over, and the timer was not served yet.
    let mut silent = follows_200();
    let late = t0() + SECOND + Duration::from_nanos(3_609_375_000);
    let effects = silent.handle(late, advert(0, "192.0.2.4"));
    assert_eq!(effects, Effects::default());
    assert_eq!(silent.deadline(), Some(late + SKEW));
}

#[test]
fn the_one_that_was_followed_last_is_the_one_that_is_followed() {
    let mut machine = follows_200();
    drive(&mut machine, t0() + SECOND, &[advert(150, "192.0.2.4"), advert(0, "192.0.2.4")]);
    assert_eq!(machine.deadline(), Some(t0() + SECOND + SKEW));
}
