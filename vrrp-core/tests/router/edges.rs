//! The edges of the timers: stalls, repairs, long intervals, announcements.

use std::time::Duration;

use vrrp_core::{fsm, *};

use super::{machine::*, world::*};

#[test]
fn b06_the_resignation_of_a_stalled_active_makes_nobody_later() {
    for late in [3000, 3100, 3300, 3600] {
        let (mut active, promoted) = held(params(100, Preempt::Always));
        let mut peer = backup(params(90, Preempt::Always));
        let _ = peer.handle(promoted, heard(100));
        let without = peer.deadline().unwrap();
        let now = promoted + late * MS;
        if active.handle(now, fsm::Input::Timeout).transmit == Some(fsm::Say::Resign) {
            let _ = peer.handle(now, heard(0));
        }
        let with = peer.deadline().unwrap();
        assert!(with <= without, "after {late} ms: {:?} later", with - without);
    }
}

#[test]
fn b07_the_bound_holds_while_it_resigns() {
    for (then, input) in [(false, fsm::Input::Timeout), (true, fsm::Input::Resume)] {
        let (mut machine, at) = held(params(100, Preempt::Always));
        let _ = machine.handle(at + 500 * MS, fsm::Input::Drain { force: then });
        // Suspended for a minute; nothing is in the sockets.
        let _ = machine.handle(at + 60 * SECOND, input);
        assert!(!machine.phase().is_active(), "{input:?}: {:?}", machine.phase());
    }
}

#[test]
fn b08a_active_means_held_after_a_repair_that_failed() {
    let (mut world, key) = (World::held(&v3()), key(&v3()));
    while world.phase(key) == Phase::Held {
        world.wait(SECOND / 10);
        if world.router.next_deadline().is_some_and(|at| at <= world.now) {
            world.give(Input::Timeout);
        }
        world.give(Input::LeaseLost { key, loss: Loss::Deleted });
        if world.phase(key) == Phase::Held {
            world.done(key, Ok(Reach::OnLink));
        }
    }
    world.done(key, Err(LeaseFailure::Denied)); // the repair that came with the handover
    while world.phase(key) == Phase::Resigning {
        world.timeout();
    }
    assert!(!world.phase(key).is_active(), "{:?}", world.phase(key));
}

#[test]
fn b08b_a_handover_does_not_cut_a_repair_off() {
    let (mut world, key) = (World::held(&v3()), key(&v3()));
    world.give(Input::LeaseLost { key, loss: Loss::Lapsed });
    let lines = world.give(drain(false));
    assert!(!lines.contains(&"51: leaving".to_string()), "the repair is superseded: {lines:?}");
}

#[test]
fn b09_a_drain_waits_for_a_healthy_successor_at_long_intervals() {
    let every_10_s =
        |priority| fsm::Params { timing: v3_every(1000), ..params(priority, Preempt::Always) };
    let ((mut active, at), mut peer) = (held(every_10_s(150)), backup(every_10_s(100)));
    let _ = peer.handle(at, hears(150, v3_every(1000)));
    let _ = active.handle(at + SECOND, fsm::Input::Drain { force: false });
    let _ = peer.handle(at + SECOND, hears(0, v3_every(1000)));
    let takes_over = peer.deadline().unwrap();
    while let Some(due) =
        active.deadline().filter(|due| *due <= takes_over && active.phase() == Phase::Resigning)
    {
        let refused = active.handle(due, fsm::Input::Timeout).drain_refused;
        assert!(
            !refused,
            "refused after {:?}; the successor is due after {:?}",
            due - at - SECOND,
            takes_over - at - SECOND
        );
    }
}

#[test]
fn b10_the_second_checksum_form_of_an_advertisement_is_no_answer() {
    let mut world = World::held(&v3());
    for form in [ChecksumForm::PseudoHeader, ChecksumForm::MessageOnly] {
        world.hear(&Message { form, ..Message::v3(200, "192.0.2.3") }).unwrap();
    }
    assert_eq!(world.timeout(), ["51: advertise 100"], "the last word is not repeated");
}

#[test]
fn b12_announcements_are_not_one_for_each_forged_packet() {
    let (mut machine, at) =
        held(fsm::Params { timing: v3_every(1), ..params(100, Preempt::Always) });
    let (mut packets, mut announced, mut now) = (0, 0, at);
    while now < at + SECOND {
        now = now + 1300 * MS / 1000;
        while let Some(due) = machine.deadline().filter(|due| *due <= now) {
            announced += u32::from(machine.handle(due, fsm::Input::Timeout).announce);
        }
        announced += u32::from(machine.handle(now, hears(50, v3_every(1))).announce);
        packets += 1;
    }
    assert!(announced < packets / 4, "{announced} announcements for {packets} packets in a second");
}

#[test]
fn b13a_a_refresh_needs_no_burst() {
    let announcements = Announcements::new(&[], Some(10 * SECOND)).unwrap();
    let (mut machine, at) = held(fsm::Params { announcements, ..params(100, Preempt::Always) });
    let mut announced = 0;
    while let Some(due) = machine.deadline().filter(|due| *due < at + 100 * SECOND) {
        announced += u32::from(machine.handle(due, fsm::Input::Timeout).announce);
    }
    assert!(announced > 0);
}

#[test]
fn b13b_a_policy_of_no_announcements_is_kept() {
    let announcements = Announcements::new(&[], None).unwrap();
    let (mut machine, at) = held(fsm::Params { announcements, ..params(100, Preempt::Always) });
    let _ = machine.handle(at + 100 * MS, heard(50));
    let due = machine.deadline().unwrap();
    assert!(!machine.handle(due, fsm::Input::Timeout).announce);
}

#[test]
fn b15_after_a_timeout_the_deadline_lies_after_now() {
    let (mut machine, at) = held(params(100, Preempt::Always));
    let _ = machine.handle(at + 500 * MS, heard(50)); // one more announcement after an eighth of an interval
    let _ = machine.handle(at + 510 * MS, fsm::Input::Drain { force: false });
    let until = at + 1610 * MS;
    while let Some(due) = machine.deadline().filter(|due| *due < until) {
        let _ = machine.handle(due, fsm::Input::Timeout);
    }
    let _ = machine.handle(until, fsm::Input::Timeout);
    assert!(
        machine.deadline().unwrap() > until,
        "{:?} before",
        until - machine.deadline().unwrap()
    );
}

#[test]
fn b19_what_was_advertised_was_advertised_before_now() {
    let mut machine = backup(params(100, Preempt::Always));
    let _ = machine.handle(
        t0(),
        fsm::Input::Answer(Answer::Adopted {
            reach: Reach::OnLink,
            advertised_at: t0() + 100 * SECOND,
        }),
    );
    let _ = machine.handle(t0(), fsm::Input::SendFailed);
    assert!(
        machine.active_until().unwrap() <= t0() + 3 * SECOND,
        "{:?} from now",
        machine.active_until().unwrap() - t0()
    );
}

#[test]
fn b21_a_lone_node_is_back_soon_after_one_failed_repair() {
    let (mut world, key) = (World::held(&v3()), key(&v3()));
    world.give(Input::LeaseLost { key, loss: Loss::Lapsed });
    world.done(key, Err(LeaseFailure::Failed));
    let begun = world.now;
    while world.phase(key) != Phase::Acquiring {
        if world.timeout().contains(&"51: inspect".to_string()) {
            world.done(key, Ok(Reach::OnLink));
        }
    }
    assert!(world.now - begun <= 3 * SECOND, "{:?}", world.now - begun);
}

#[test]
fn what_is_lost_during_a_handover_is_put_back_and_still_leaves() {
    for leave in [fsm::Input::Shutdown, fsm::Input::Drain { force: true }] {
        let (mut machine, at) = held(params(100, Preempt::Always));
        let _ = machine.handle(at + 100 * MS, leave);
        let lost = machine.handle(at + 150 * MS, fsm::Input::LeaseLost(Loss::Deleted));
        assert_eq!(lost.lease, Some(Want::Repair));
        let done = machine.handle(at + 160 * MS, fsm::Input::Answer(Answer::Held(Reach::OnLink)));
        assert_eq!((done.lease, done.repaired), (Some(Want::Leaving), true));
        // A backend that says nothing ends it.
        let _ = machine.handle(at + 170 * MS, fsm::Input::LeaseLost(Loss::Deleted));
        let slow = fsm::Params { backend_timeout: 200 * MS, ..params(100, Preempt::Always) };
        let (mut mute, at) = held(slow);
        let _ = mute.handle(at + 100 * MS, leave);
        let _ = mute.handle(at + 150 * MS, fsm::Input::LeaseLost(Loss::Deleted));
        let _ = mute.handle(at + 350 * MS, fsm::Input::Timeout);
        assert!(!matches!(mute.phase(), Phase::Resigning), "{:?}", mute.phase());
    }
}

#[test]
fn a_resignation_leaves_room_for_the_weakest_backup() {
    // Skew_Time of priority 1 is 255/256 of an interval, and counts anew from each resignation.
    for centiseconds in [1, 10, 100, 4095] {
        let every = fsm::Params { timing: v3_every(centiseconds), ..params(200, Preempt::Always) };
        let (mut machine, at) = held(every);
        let _ = machine.handle(at, fsm::Input::Drain { force: false });
        let mut said = vec![at];
        while let Some(due) =
            machine.deadline().filter(|_| machine.phase() == Phase::Resigning && said.len() < 3)
        {
            if machine.handle(due, fsm::Input::Timeout).transmit == Some(fsm::Say::Resign) {
                said.push(due);
            }
        }
        let interval = v3_every(centiseconds).interval();
        let skew = 255 * interval / 256;
        let third = said.get(2).map(|third| *third - said[1]);
        assert!(
            third.is_none_or(|after| after >= skew + interval / 32),
            "{centiseconds}: {third:?}"
        );
    }
}

#[test]
fn what_is_let_go_at_the_bound_is_let_go_before_the_backend_is_asked_anything() {
    // The link is back after the bound, where an advertisement of an earlier process was the last
    // one.
    for (config, expected) in [
        (v3(), vec!["51: adopted -> backup (startup)", "51: release (interface)"]),
        (
            v3().with_role(Role::Owner),
            vec!["51: held -> inspecting (startup)", "51: release (interface)"],
        ),
    ] {
        let mut world = World::new(&[]);
        world.configure(std::slice::from_ref(&config));
        let (key, now) = (key(&config), world.now);
        let generation = world.generations[&key];
        if config.role() == Role::Owner {
            world.done(key, Ok(Reach::OnLink));
            world.done(key, Ok(Reach::OnLink));
            world.wait(SECOND / 10);
        } else {
            let advertised_at = now - 1119 * MS;
            world.give(Input::Answer {
                key,
                generation,
                answer: Answer::Adopted { reach: Reach::OnLink, advertised_at },
            });
        }
        world.give(Input::Interface { id: interface(1), status: InterfaceStatus::default() });
        world.give(Input::SendFailed { key });
        world.wait(3 * SECOND);
        let lines = world.give(Input::Interface { id: interface(1), status: up() });
        assert_eq!(lines, expected);
        // The question is asked in its time.
        while world.phase(key) != Phase::Acquiring {
            if world.timeout().contains(&"51: inspect".to_string()) {
                world.done(key, Ok(Reach::OnLink));
            }
        }
    }
}

#[test]
fn a_win_is_announced_by_every_policy_that_announces_anything() {
    let burst = Announcements::new(&[Duration::ZERO], None).unwrap();
    let refresh = Announcements::new(&[], Some(10 * SECOND)).unwrap();
    for announcements in [burst, refresh] {
        let (mut machine, at) = held(fsm::Params { announcements, ..params(100, Preempt::Always) });
        let now = at + 500 * MS;
        let mut announced = machine.handle(now, heard(50)).announce;
        while let Some(due) = machine.deadline().filter(|due| *due <= now + 200 * MS) {
            announced |= machine.handle(due, fsm::Input::Timeout).announce;
        }
        assert!(announced, "{announcements:?}");
    }
}

#[test]
fn a_drain_that_ends_after_the_bound_is_refused() {
    for late in [3 * SECOND, 60 * SECOND] {
        let (mut machine, at) = held(params(100, Preempt::Always));
        let _ = machine.handle(at + 500 * MS, fsm::Input::Drain { force: false });
        let effects = machine.handle(at + late, fsm::Input::Timeout);
        assert!(effects.drain_refused, "somebody else may have the addresses by now, or nobody");
        assert_eq!((machine.phase(), effects.transition), (Phase::Backup, Some(Reason::Stalled)));
        let due = machine.deadline().unwrap();
        let _ = machine.handle(due, fsm::Input::Timeout);
        assert_eq!(machine.phase(), Phase::Acquiring, "it was nobody");
    }
}

#[test]
fn a_timer_that_is_a_whole_interval_late_is_not_due_again_at_once() {
    let (mut machine, at) = held(params(100, Preempt::Always));
    let late = at + 2 * SECOND;
    let _ = machine.handle(late, fsm::Input::Timeout);
    assert!(machine.deadline().unwrap() > late);
}

/// Found by the fuzzer: the advertisement that was due could not be sent, and stayed due.
#[test]
fn a_drain_that_is_taken_back_while_acquiring_without_a_source_lets_go() {
    let mut machine = backup(params(100, Preempt::Always));
    let at = machine.deadline().unwrap();
    for input in [
        fsm::Input::Timeout,
        fsm::Input::Drain { force: false },
        fsm::Input::Link(fsm::Link::NoSource),
    ] {
        let _ = machine.handle(at, input);
    }
    assert_eq!(machine.phase(), Phase::Resigning);
    let effects = machine.handle(at + MS, fsm::Input::Resume);
    assert_eq!(machine.phase(), Phase::Initialize(Hold::NoSource));
    let released = Want::Release { reason: Reason::Interface, successor: None };
    assert_eq!((effects.lease, effects.transmit), (Some(released), None));
    assert_eq!(machine.deadline(), None);
}
