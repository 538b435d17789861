//! Where the addresses are held: adoption, last words, and what becomes of addresses that somebody
//! deletes.

use super::*;

fn contending() -> Role {
    contender(100, Preempt::Always)
}

fn adopt(advertised_at: Instant) -> Input {
    Input::Answer(Answer::Adopted { reach: Reach::OnLink, advertised_at })
}

fn deleted(machine: &mut Machine, now: Instant) -> Effects {
    run(machine, now);
    let effects = machine.handle(now, Input::LeaseLost(Loss::Deleted));
    drive(machine, now, &[Input::Answer(Answer::Held(Reach::OnLink))]);
    effects
}

#[test]
fn a_restart_goes_on_with_one_advertisement_and_no_announcement() {
    let mut machine = backup(contending());
    let now = t0() + 5 * MS;
    let effects = machine.handle(now, adopt(t0() - 900 * MS));
    let expected = Effects {
        transition: Some(Reason::Adopted),
        transmit: Some(Say::Claim),
        ..Effects::default()
    };
    assert_eq!(effects, expected);
    assert_eq!((machine.phase(), machine.active_until()), (Phase::Adopted, Some(now + 3 * SECOND)));
    // Neighbours are told again with the refresh, and not before.
    let mut announced = None;
    while let Some(at) = machine.deadline()
        && announced.is_none()
    {
        announced = machine.handle(at, Input::Timeout).announce.then_some(at);
    }
    assert_eq!(announced, Some(now + 60 * SECOND));
}

#[test]
fn what_was_held_is_let_go_once_a_peer_may_have_taken_over() {
    for (ago, adopted) in [(2999 * MS, true), (3000 * MS, false)] {
        let mut machine = backup(contending());
        let effects = machine.handle(t0(), adopt(t0() - ago));
        assert_eq!(machine.phase() == Phase::Adopted, adopted, "{ago:?}");
        let release = Some(Want::Release { reason: Reason::Startup, successor: None });
        assert_eq!(effects.lease, release.filter(|_| !adopted));
    }
}

#[test]
fn what_was_held_is_let_go_once_anybody_was_heard() {
    for heard in [0, 50, 100, 200] {
        let mut machine = backup(contending());
        drive(&mut machine, t0() + MS, &[advert(heard, "192.0.2.1")]);
        let effects = machine.handle(t0() + 2 * MS, adopt(t0() - 100 * MS));
        assert_eq!(machine.phase(), Phase::Backup, "{heard}");
        assert_eq!(effects.lease, Some(Want::Release { reason: Reason::Startup, successor: None }));
    }
}

#[test]
fn an_adopted_address_is_not_kept_beyond_the_bound_of_the_process_that_advertised() {
    let mut machine = backup(contending());
    let advertised_at = t0() - 500 * MS;
    drive(&mut machine, t0(), &[adopt(advertised_at), Input::SendFailed]);
    assert_eq!(machine.active_until(), Some(advertised_at + 3 * SECOND));
    let effects = machine.handle(advertised_at + 3 * SECOND, Input::Timeout);
    assert_eq!(effects.transition, Some(Reason::SendFailed));
}

#[test]
fn whoever_stops_before_the_answer_leaves_nothing_behind() {
    for (input, reason) in [
        (Input::Shutdown, Reason::Shutdown),
        // This is before it has held anything: leftovers alone.
        (Input::Drain { force: false }, Reason::Startup),
        (Input::Link(Link::Down), Reason::Interface),
    ] {
        let mut machine = backup(contending());
        assert_eq!(
            machine.handle(t0(), input).lease,
            Some(Want::Release { reason, successor: None })
        );
        let mut machine = settled(contending());
        assert_eq!(machine.handle(t0(), input).lease, None, "nothing is held");
    }
}

#[test]
fn a_last_word_is_repeated_until_the_winner_has_answered() {
    let (mut machine, promoted) = held(contending());
    let now = promoted + 300 * MS;
    drive(&mut machine, now, &[advert(101, "192.0.2.1")]);
    assert_eq!(machine.deadline(), Some(now + 500 * MS));
    assert_eq!(machine.handle(now + 500 * MS, Input::Timeout).transmit, Some(Say::Claim));
    // On its schedule: it may not have heard anything.
    drive(&mut machine, now + SECOND, &[advert(101, "192.0.2.1")]);
    assert_eq!(machine.handle(now + SECOND, Input::Timeout).transmit, Some(Say::Claim));
    // Before its schedule: an answer.
    drive(&mut machine, now + 1001 * MS, &[advert(101, "192.0.2.1")]);
    let down = now + 1001 * MS + 3 * SECOND + SKEW;
    assert_eq!(machine.deadline(), Some(down), "nothing but Active_Down_Timer is left");
}

#[test]
fn the_last_word_of_an_old_active_is_said_once() {
    let (mut machine, promoted) = held(contending());
    let now = promoted + 3001 * MS;
    run(&mut machine, now);
    assert_eq!(machine.handle(now, advert(101, "192.0.2.1")).transmit, Some(Say::Claim));
    assert_eq!(machine.deadline(), Some(now + 3 * SECOND + SKEW), "Active_Down_Timer");
}

#[test]
fn a_last_word_is_said_for_three_intervals_at_most() {
    let (mut machine, promoted) = held(contending());
    drive(&mut machine, promoted, &[advert(101, "192.0.2.1")]);
    let mut said = 0;
    for step in 1..=100 {
        let now = promoted + step * 100 * MS;
        if step % 10 == 0 {
            drive(&mut machine, now, &[advert(101, "192.0.2.1")]);
        }
        while machine.deadline().is_some_and(|at| at <= now) {
            said += u32::from(machine.handle(now, Input::Timeout).transmit.is_some());
        }
        assert_eq!(machine.phase(), Phase::Backup);
    }
    assert_eq!(said, 6);
}

/// A winner of VRRPv2 need not answer.
#[test]
fn a_last_word_of_vrrpv2_is_said_for_one_interval() {
    let timing = Interval::V2(crate::Seconds::ONE).timing();
    let mut machine = settle(Machine::new(Params { timing, ..params(contending()) }), ready());
    let now = machine.deadline().unwrap();
    let stronger = Heard {
        claim: Claim::from(101),
        timing,
        source: address("192.0.2.1"),
        in_both_forms: false,
    };
    drive(
        &mut machine,
        now,
        &[Input::Timeout, Input::Answer(Answer::Held(Reach::OnLink)), Input::Advert(stronger)],
    );
    let mut said = Vec::new();
    while let Some(at) = machine.deadline().filter(|at| *at < now + 3 * SECOND) {
        assert_eq!(machine.handle(at, Input::Timeout).transmit, Some(Say::Claim));
        said.push(at - now);
    }
    assert_eq!(said, [500 * MS, SECOND]);
}

#[test]
fn what_is_deleted_now_and_then_is_put_back_without_a_transition() {
    let (mut machine, promoted) = held(contending());
    for n in 1..20 {
        let effects = deleted(&mut machine, promoted + n * 3 * SECOND);
        assert_eq!((effects.lease, effects.transition), (Some(Want::Repair), None));
        assert_eq!(machine.phase(), Phase::Held);
    }
}

#[test]
fn what_lapses_is_no_fight_however_often() {
    let (mut machine, promoted) = held(contending());
    for n in 1..200 {
        let now = promoted + n * 100 * MS;
        run(&mut machine, now);
        assert_eq!(machine.handle(now, Input::LeaseLost(Loss::Lapsed)).lease, Some(Want::Repair));
        drive(&mut machine, now, &[Input::Answer(Answer::Held(Reach::OnLink))]);
    }
    assert_eq!(machine.phase(), Phase::Held);
}

/// Faster than the backend's answers, which are all for older requests.
#[test]
fn whoever_deletes_faster_than_the_backend_answers_is_a_fight_and_no_fault_of_it() {
    let (mut machine, promoted) = held(contending());
    let mut now = promoted;
    while machine.phase() == Phase::Held {
        now = now + 100 * MS;
        run(&mut machine, now);
        drive(&mut machine, now, &[Input::LeaseLost(Loss::Deleted)]);
    }
    assert_eq!((machine.phase(), now - promoted), (Phase::Resigning, 5100 * MS));
}

#[test]
fn whoever_leaves_in_a_fight_leaves_nothing_to_be_adopted() {
    for input in [Input::Shutdown, Input::Drain { force: false }] {
        let (mut machine, now) = fought_over(contending());
        assert_eq!(machine.handle(now + MS, input).lease, Some(Want::Leaving));
    }
}

#[test]
fn a_last_word_is_not_said_with_another_priority() {
    let mut stronger = params(contending());
    stronger.role = contender(120, Preempt::Always);
    for input in [Input::Reconfigure(stronger), ready()] {
        let (mut machine, promoted) = held(contending());
        drive(&mut machine, promoted, &[advert(101, "192.0.2.1"), input]);
        let next = machine.deadline().unwrap();
        assert!(next > promoted + 3 * SECOND, "{input:?}: Active_Down_Timer");
    }
}

#[test]
fn in_a_fight_another_node_gets_the_addresses_and_is_left_alone() {
    let (mut machine, now) = fought_over(contending());
    let successor = advert(50, "192.0.2.1");
    // Served until the successor is heard.
    let effects = machine.handle(now + 50 * MS, Input::LeaseLost(Loss::Deleted));
    assert_eq!((machine.phase(), effects.lease), (Phase::Resigning, Some(Want::Repair)));
    let now = now + 60 * MS;
    let effects = machine.handle(now, successor);
    let release = Want::Release { reason: Reason::Fight, successor: Some(address("192.0.2.1")) };
    assert_eq!((machine.phase(), effects.lease), (Phase::Backup, Some(release)));
    assert_eq!(machine.probation_until(), Some(now + 10 * SECOND));
    // On probation it follows the weaker one.
    drive(&mut machine, now + SECOND, &[successor]);
    assert_eq!(machine.deadline(), Some(now + 4 * SECOND + SKEW));
}

#[test]
fn in_a_fight_without_another_node_the_addresses_are_put_back_once_a_second() {
    let (mut machine, begun) = fought_over_alone(contending());
    let mut repairs = 0;
    for n in 1..100 {
        let now = begun + n * 100 * MS;
        while let Some(at) = machine.deadline().filter(|at| *at <= now) {
            let repaired = machine.handle(at, Input::Timeout).lease == Some(Want::Repair);
            repairs += u32::from(repaired);
            if repaired {
                drive(&mut machine, at, &[Input::Answer(Answer::Held(Reach::OnLink))]);
            }
        }
        let effects = machine.handle(now, Input::LeaseLost(Loss::Deleted));
        assert_eq!((effects.transition, effects.announce), (None, false));
        repairs += u32::from(effects.lease == Some(Want::Repair));
        if effects.lease.is_some() {
            drive(&mut machine, now, &[Input::Answer(Answer::Held(Reach::OnLink))]);
        }
    }
    assert_eq!(repairs, 9, "in 9.9 s");
    assert_eq!(machine.phase(), Phase::Held);
    // Any other node does better.
    let effects = machine.handle(begun + 9950 * MS, advert(50, "192.0.2.1"));
    assert_eq!((machine.phase(), effects.transmit), (Phase::Backup, Some(Say::Resign)));
}

#[test]
fn what_waits_to_be_put_back_is_not_announced() {
    let (mut machine, begun) = fought_over_alone(contending());
    drive(&mut machine, begun + 100 * MS, &[Input::LeaseLost(Loss::Deleted)]);
    let effects = machine.handle(begun + 200 * MS, Input::Reconfigure(params(contending())));
    assert!(!effects.announce);
    // The burst of the last repair has a step 1 s after it, and the address is back by then.
    let mut announced = Vec::new();
    while let Some(at) = machine.deadline().filter(|at| *at < begun + 3 * SECOND) {
        let effects = machine.handle(at, Input::Timeout);
        if effects.announce {
            announced.push(at - begun);
        }
        if effects.lease == Some(Want::Repair) {
            assert!(machine.handle(at, Input::Answer(Answer::Held(Reach::OnLink))).announce);
        }
    }
    assert_eq!(announced, [2 * SECOND], "1 s after the repair");
}
