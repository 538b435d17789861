//! What an operator changes while it runs: claim, Preempt_Mode, addresses, drains and shutdowns.

use vrrp_core::{fsm, *};

use super::{machine::*, world::*};

fn other_address() -> VirtualRouter {
    VirtualRouter::v3_ipv4(vrid(51), ipv4(&["192.0.2.77"]), Centiseconds::ONE_SECOND)
}

#[test]
fn b01a_a_priority_that_falls_ends_a_preemption_that_is_under_way() {
    // The Active has 50 and is alive; we had 100, and have 10 from 3.2 s on (a check failed).
    let mut machine = backup(params(100, Preempt::Always));
    for second in 1..=3 {
        let _ = machine.handle(t0() + second * SECOND + 100 * MS, heard(50));
    }
    let _ = machine.handle(t0() + 3200 * MS, fsm::Input::Reconfigure(params(10, Preempt::Always)));
    let _ = machine.handle(t0() + 3610 * MS, fsm::Input::Timeout); // its next advertisement comes at 4.1 s
    assert_eq!(machine.phase(), Phase::Backup, "10 takes over from a live 50");
}

#[test]
fn b01b_a_preempt_delay_ends_with_its_configuration() {
    for now in [params(100, Preempt::Never), params(10, Preempt::After(10 * SECOND))] {
        let mut machine = backup(params(100, Preempt::After(10 * SECOND)));
        for second in 0..10 {
            let _ = machine.handle(t0() + second * SECOND, heard(50));
        }
        let _ = machine.handle(t0() + 9500 * MS, fsm::Input::Reconfigure(now));
        let _ = machine.handle(t0() + 10 * SECOND, fsm::Input::Timeout);
        assert_eq!(machine.phase(), Phase::Backup, "{:?}", now.role);
    }
}

#[test]
fn b02a_one_more_address_takes_none_away() {
    let with =
        |list: &[&str]| VirtualRouter::v3_ipv4(vrid(51), ipv4(list), Centiseconds::ONE_SECOND);
    // One more; the same in another order.
    for next in [&["192.0.2.4", "192.0.2.1"][..], &["192.0.2.1", "192.0.2.4", "192.0.2.5"]] {
        let mut world = World::held(&with(&["192.0.2.1", "192.0.2.4"]));
        let start = world.now;
        world.configure(&[with(next)]);
        while !matches!(world.phase(key(&v3())), Phase::Acquiring | Phase::Held) {
            world.timeout();
        }
        assert!(
            world.now - start < SECOND,
            "{next:?}: a lone node acquires again after {:?}",
            world.now - start
        );
    }
}

#[test]
fn b02b_going_back_to_what_is_in_force_is_taken_back() {
    for between in [vec![other_address()], vec![]] {
        let mut world = World::held(&v3());
        world.configure(&between);
        world.configure(&[v3()]);
        assert_eq!(world.phase(key(&v3())), Phase::Held);
    }
}

#[test]
fn b03a_a_drain_survives_a_reload() {
    let mut world = World::held(&v3());
    world.give(drain(false));
    world.configure(&[other_address()]);
    let successor = Message { addresses: vec!["192.0.2.77"], ..Message::v3(50, "192.0.2.3") };
    world.hear(&successor).unwrap();
    world.give(Input::Timeout);
    assert_eq!(world.phase(key(&v3())), Phase::Initialize(Hold::Drained));
}

#[test]
fn b03b_a_drain_during_a_replacement_counts() {
    let mut world = World::held(&v3());
    world.configure(&[other_address()]);
    world.give(drain(false));
    let successor = Message { addresses: vec!["192.0.2.77"], ..Message::v3(50, "192.0.2.3") };
    world.hear(&successor).unwrap();
    world.give(Input::Timeout);
    assert_eq!(world.phase(key(&v3())), Phase::Initialize(Hold::Drained));
}

#[test]
fn b16_a_drain_while_acquiring_waits_too() {
    let mut world = World::new(&[v3()]);
    world.timeout();
    assert_eq!(
        world.give(drain(false)).first().map(String::as_str),
        Some("51: acquiring -> resigning (drain)")
    );
}

#[test]
fn b17_a_reload_is_no_second_shutdown() {
    let mut world = World::held(&v3());
    world.give(Input::Shutdown);
    assert_eq!(world.configure(&[]), [""; 0]);
}

#[test]
fn the_timer_follows_the_claim() {
    // Active_Down_Timer holds one Skew_Time, (256 - priority)/256 of an interval.
    let mut machine = backup(params(100, Preempt::Always));
    let _ = machine.handle(t0() + SECOND, heard(200));
    let skew = |priority: u32| (256 - priority) * SECOND / 256;
    for priority in [120, 1, 254] {
        let _ = machine
            .handle(t0() + 2 * SECOND, fsm::Input::Reconfigure(params(priority, Preempt::Always)));
        assert_eq!(
            machine.deadline(),
            Some(t0() + 4 * SECOND + skew(u32::from(priority))),
            "{priority}"
        );
    }
    // After a resignation it is all that is left.
    let _ = machine.handle(t0() + 3 * SECOND, heard(0));
    let _ =
        machine.handle(t0() + 3 * SECOND, fsm::Input::Reconfigure(params(128, Preempt::Always)));
    assert_eq!(machine.deadline(), Some(t0() + 3 * SECOND + SECOND / 2));
}

#[test]
fn a_takeover_that_is_still_allowed_goes_on() {
    let mut machine = backup(params(100, Preempt::Always));
    let _ = machine.handle(t0() + SECOND, heard(50));
    let before = machine.deadline().unwrap();
    let _ = machine.handle(t0() + SECOND, fsm::Input::Reconfigure(params(101, Preempt::Always)));
    assert_eq!(machine.deadline(), Some(before - SECOND / 256));
    let mut delayed = backup(params(100, Preempt::After(2 * SECOND)));
    let _ = delayed.handle(t0() + SECOND, heard(50));
    let _ = delayed
        .handle(t0() + SECOND, fsm::Input::Reconfigure(params(101, Preempt::After(2 * SECOND))));
    assert_eq!(delayed.deadline(), Some(t0() + 3 * SECOND));
}

#[test]
fn who_becomes_the_owner_waits_for_nobody() {
    let mut machine = backup(params(100, Preempt::Always));
    let _ = machine.handle(t0() + SECOND, heard(200));
    let owner = fsm::Params { role: Role::Owner, ..params(100, Preempt::Always) };
    let now = t0() + SECOND + 100 * MS;
    let _ = machine.handle(now, fsm::Input::Reconfigure(owner));
    assert_eq!(machine.deadline(), Some(now));
    assert_eq!(machine.handle(now, fsm::Input::Timeout).transition, Some(Reason::Owner));
    // And who is none any more before the timer ran out waits again.
    let mut undecided = backup(params(100, Preempt::Always));
    let _ = undecided.handle(now, fsm::Input::Reconfigure(owner));
    let _ = undecided.handle(now, fsm::Input::Reconfigure(params(100, Preempt::Always)));
    assert!(undecided.deadline().unwrap() > now + 3 * SECOND);
}

#[test]
fn a_backup_that_follows_nobody_waits_for_its_own_interval() {
    let slow = fsm::Params { timing: v3_every(4095), ..params(100, Preempt::Always) };
    let mut machine = backup(slow);
    let _ = machine.handle(t0() + SECOND, fsm::Input::Reconfigure(params(100, Preempt::Always)));
    assert_eq!(machine.deadline(), Some(t0() + 4 * SECOND + 156 * SECOND / 256));
    let mut follower = backup(slow);
    let _ = follower.handle(t0(), hears(200, v3_every(4095)));
    let before = follower.deadline();
    let _ = follower.handle(t0() + SECOND, fsm::Input::Reconfigure(params(100, Preempt::Always)));
    assert_eq!(follower.deadline(), before, "the interval is that of the Active");
}

#[test]
fn nothing_is_said_for_a_reload_that_changes_nothing() {
    let (mut machine, at) = held(params(100, Preempt::Always));
    let same = fsm::Input::Reconfigure(params(100, Preempt::Always));
    assert_eq!(machine.handle(at + 500 * MS, same), fsm::Effects::default());
}

#[test]
fn a_drain_that_was_asked_for_during_a_shutdown_is_not_forgotten() {
    for (force, hold) in [(false, None), (true, Some(Hold::Drained))] {
        let (mut machine, at) = held(params(100, Preempt::Always));
        let _ = machine.handle(at + 100 * MS, fsm::Input::Shutdown);
        let _ = machine.handle(at + 200 * MS, fsm::Input::Drain { force });
        // It is to stay, and goes on with the drain.
        let _ = machine.handle(at + 300 * MS, fsm::Input::Start);
        assert_eq!(machine.phase(), Phase::Resigning);
        let mut now = at;
        while machine.phase() == Phase::Resigning {
            now = machine.deadline().unwrap();
            let _ = machine.handle(now, fsm::Input::Timeout);
        }
        assert_eq!(machine.hold(), hold, "forced: {force}");
        assert!(now <= at + 1300 * MS);
    }
    let (mut machine, at) = held(params(100, Preempt::Always));
    let _ = machine.handle(at + 100 * MS, fsm::Input::Shutdown);
    let _ = machine.handle(at + 200 * MS, fsm::Input::Drain { force: true });
    let _ = machine.handle(at + 300 * MS, fsm::Input::Resume);
    let _ = machine.handle(at + 400 * MS, fsm::Input::Start);
    assert_eq!(machine.phase(), Phase::Held, "the drain was taken back first");
}

#[test]
fn a_handover_that_begins_before_the_backend_has_answered_knows_what_it_holds() {
    let answers = [Ok(Reach::OnLink), Err(LeaseFailure::Failed)];
    for answer in answers {
        let mut world = World::new(&[v3()]);
        world.timeout();
        world.give(drain(false));
        let lines = world.done(key(&v3()), answer);
        let expected = match answer {
            Ok(_) => vec!["51: leaving"],
            Err(_) => vec![
                "51: resigning -> drained (backend-failed)",
                "51: advertise 0",
                "51: release (backend-failed)",
            ],
        };
        assert_eq!(lines, expected);
    }
    // Refused before there is an answer: it goes on acquiring.
    let mut world = World::new(&[v3()]);
    world.timeout();
    world.give(drain(false));
    while world.phase(key(&v3())) == Phase::Resigning {
        world.timeout();
    }
    assert_eq!(world.phase(key(&v3())), Phase::Acquiring);
    assert_eq!(
        world.done(key(&v3()), Ok(Reach::OnLink)),
        ["51: acquiring -> held (acquired)", "51: announce"]
    );
}

#[test]
fn a_takeover_that_is_off_waits_for_the_whole_interval() {
    let mut machine = backup(params(100, Preempt::Always));
    let _ = machine.handle(t0() + SECOND, heard(50));
    let now = t0() + 2 * SECOND;
    let _ = machine.handle(now, fsm::Input::Reconfigure(params(10, Preempt::Always)));
    assert_eq!(machine.deadline(), Some(now + 3 * SECOND + 246 * SECOND / 256));
}

#[test]
fn a_shutdown_during_a_long_drain_waits_for_four_seconds() {
    let slow = fsm::Params { timing: v3_every(1000), ..params(100, Preempt::Always) };
    let (mut machine, at) = held(slow);
    let _ = machine.handle(at, fsm::Input::Drain { force: false });
    let stopped = at + SECOND;
    let _ = machine.handle(stopped, fsm::Input::Shutdown);
    let mut ended = stopped;
    while let Some(due) = machine.deadline() {
        let _ = machine.handle(due, fsm::Input::Timeout);
        ended = due;
    }
    assert_eq!(ended, stopped + 4 * SECOND);
    assert_eq!(machine.hold(), Some(Hold::Stopped));
}

#[test]
fn what_is_drained_stays_so_in_another_version() {
    let mut world = World::held(&v3());
    world.give(drain(true));
    world.hear(&Message::v3(50, "192.0.2.3")).unwrap();
    world.configure(&[v2()]);
    world.give(Input::Timeout);
    assert_eq!(world.phase(key(&v2())), Phase::Initialize(Hold::Drained));
}

#[test]
fn what_is_removed_during_a_drain_goes() {
    let mut world = World::held(&v3());
    world.give(drain(true));
    world.configure(&[]);
    world.hear(&Message::v3(50, "192.0.2.3")).unwrap();
    world.give(Input::Timeout);
    assert_eq!(world.router.keys().count(), 0);
}
