//! What another configuration says of what is known already.

use super::*;

/// A reload says nothing new of a check until that has a result.
#[tokio::test(start_paused = true)]
async fn a_check_that_takes_the_place_of_another_goes_on_from_its_state() {
    let (old, new) = (Puppet::new(Does::Fail), Puppet::new(Does::Pass));
    let here = Here::start(one(&old, every_second()));
    sleep(Duration::from_secs(5)).await;
    assert_eq!(here.condition(), Condition::Ill);
    here.take(one(&new, every_second()), true);
    assert_eq!(here.condition(), Condition::Ill, "nobody has looked yet");
    sleep(Duration::from_secs(5)).await;
    assert_eq!(here.condition(), Condition::Good);
    // Another schedule of the same.
    new.set(Does::Fail);
    here.take(one(&new, every_second().fall(NonZeroU8::MIN)), true);
    assert_eq!(here.condition(), Condition::Good);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(here.condition(), Condition::Ill);
}

#[tokio::test(start_paused = true)]
async fn a_new_check_is_good_to_who_is_there_and_unknown_to_who_starts_with_it() {
    let hangs = Puppet::new(Does::Hang);
    let here = Here::start(Setup::default());
    let it = || planned("it", &hangs, every_second().timeout(Duration::from_secs(9)).unwrap());
    let tracked = |name: &str| Tracked::new(name).track(Track::new("it", Effect::Hold));
    let both = [tracked("web"), tracked("new").starts()];
    here.take(Setup::new([it()], both).unwrap(), true);
    let condition = |name: &str| here.0.levels().borrow().get(name).map(|health| health.condition);
    assert_eq!(condition("web"), Some(Condition::Good));
    assert_eq!(condition("new"), Some(Condition::Unknown));
    // It is there by now, and the check has no result still.
    here.take(Setup::new([it()], [tracked("web"), tracked("new")]).unwrap(), true);
    assert_eq!(condition("new"), Some(Condition::Unknown));
}

#[tokio::test(start_paused = true)]
async fn who_is_tracked_no_more_is_told_that_nothing_is_wrong() {
    let puppet = Puppet::new(Does::Fail);
    let here = Here::start(one(&puppet, every_second()));
    let mut healths = Healths { levels: here.0.levels(), known: Levels::new() };
    while healths.next().await.unwrap().1.condition != Condition::Ill {}
    here.take(Setup::default(), true);
    assert_eq!(healths.next().await.unwrap(), ("web".into(), Health::default()));
    assert!(healths.news().is_none());
}

/// A name that one virtual router had while it was active goes to another one.
#[tokio::test(start_paused = true)]
async fn who_has_the_name_of_another_has_the_whole_grace() {
    let puppet = Puppet::new(Does::Fail);
    let schedule = every_second().while_active(SECOND * 5).unwrap();
    let here = Here::start(one(&puppet, schedule));
    here.0.set_phase("web", Phase::Held);
    sleep(SECOND * 20).await;
    assert_eq!(here.condition(), Condition::Ill);
    here.0.keep_phases(|name| name == "www");
    assert_eq!(here.condition(), Condition::Good);
    sleep(SECOND * 20).await;
    assert!(!here.status("it").runs_now);
    here.0.set_phase("web", Phase::Held);
    sleep(SECOND * 4).await;
    assert_eq!((here.condition(), here.status("it").runs_now), (Condition::Good, false));
}
