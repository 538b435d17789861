//! One test for each paragraph that the machine implements, and one for each deliberate deviation
//! from them. Expected values are literals, worked out by hand.

use super::*;

fn contending() -> Role {
    contender(100, Preempt::Always)
}

fn at(after: Duration) -> Instant {
    t0() + after
}

fn v2(role: Role) -> Params {
    Params { timing: Interval::V2(crate::Seconds::ONE).timing(), ..params(role) }
}

fn v2_advert(priority: u8, source: &str) -> Input {
    let timing = Interval::V2(crate::Seconds::ONE).timing();
    Input::Advert(Heard {
        claim: Claim::from(priority),
        timing,
        source: address(source),
        in_both_forms: false,
    })
}

fn slower_advert(priority: u8, source: &str) -> Input {
    let timing = Interval::V3(Centiseconds::try_from(200).unwrap()).timing();
    Input::Advert(Heard {
        claim: Claim::from(priority),
        timing,
        source: address(source),
        in_both_forms: false,
    })
}

#[test]
fn rfc9568_6_4_1_an_owner_starts_as_active_and_advertises_at_once() {
    let mut machine = owner();
    let effects = machine.handle(t0(), Input::Answer(Answer::Ready));
    assert_eq!(machine.phase(), Phase::Acquiring);
    assert_eq!(effects.transmit, Some(Say::Claim));
    assert_eq!(effects.lease, Some(Want::Acquire));
    assert!(!effects.announce, "8.1.2: nothing is announced before the address is held");
    assert!(machine.handle(t0(), Input::Answer(Answer::Held(Reach::OnLink))).announce);
}

#[test]
fn rfc9568_6_4_1_anyone_else_starts_as_backup_for_active_down_interval() {
    let machine = backup(contending());
    assert_eq!(machine.deadline(), Some(at(3 * SECOND + SKEW)));
}

#[test]
fn rfc9568_6_4_2_active_down_timer_promotes_advert_first() {
    let mut machine = settled(contending());
    assert_eq!(machine.handle(at(3609 * MS), Input::Timeout), Effects::default());
    let effects = machine.handle(at(3 * SECOND + SKEW), Input::Timeout);
    let expected = Effects {
        transition: Some(Reason::Silence),
        transmit: Some(Say::Claim),
        lease: Some(Want::Acquire),
        ..Effects::default()
    };
    assert_eq!(effects, expected);
}

#[test]
fn rfc9568_6_4_2_priority_0_sets_the_timer_to_skew_time() {
    let mut machine = settled(contending());
    drive(&mut machine, at(SECOND), &[advert(0, "192.0.2.1")]);
    assert_eq!(machine.deadline(), Some(at(SECOND + SKEW)));
    let effects = machine.handle(at(SECOND + SKEW), Input::Timeout);
    assert_eq!(effects.transition, Some(Reason::Resignation));
}

#[test]
fn a_repeated_resignation_does_not_postpone_the_takeover() {
    let mut machine = settled(contending());
    drive(&mut machine, at(SECOND), &[advert(0, "192.0.2.1")]);
    drive(&mut machine, at(SECOND + 300 * MS), &[advert(0, "192.0.2.1")]);
    assert_eq!(machine.deadline(), Some(at(SECOND + SKEW)));
}

#[test]
fn rfc9568_6_4_2_an_equal_or_greater_priority_restarts_the_timer_with_the_advertised_interval() {
    for priority in [100, 101, 255] {
        let mut machine = backup(contending());
        drive(&mut machine, at(SECOND), &[slower_advert(priority, "192.0.2.1")]);
        // 3 x 2 s, and a skew of 156/256 of 2 s.
        assert_eq!(
            machine.deadline(),
            Some(at(SECOND + Duration::from_micros(7_218_750))),
            "{priority}"
        );
    }
}

#[test]
fn rfc9568_6_4_2_a_weaker_advertisement_moves_no_timer_when_preempting() {
    let mut machine = settled(contending());
    drive(&mut machine, at(SECOND), &[slower_advert(99, "192.0.2.1")]);
    assert_eq!(machine.deadline(), Some(at(3 * SECOND + SKEW)));
    let effects = machine.handle(at(3 * SECOND + SKEW), Input::Timeout);
    assert_eq!(effects.transition, Some(Reason::Preemption));
}

#[test]
fn rfc9568_6_4_2_a_weaker_advertisement_restarts_the_timer_when_not_preempting() {
    let mut machine = backup(contender(100, Preempt::Never));
    drive(&mut machine, at(SECOND), &[advert(1, "192.0.2.1")]);
    assert_eq!(machine.deadline(), Some(at(4 * SECOND + SKEW)));
}

#[test]
fn rfc9568_6_4_2_shutdown_of_a_backup_sends_nothing() {
    let mut machine = settled(contending());
    let effects = machine.handle(at(SECOND), Input::Shutdown);
    assert_eq!(effects, Effects { transition: Some(Reason::Shutdown), ..Effects::default() });
    assert_eq!((machine.phase(), machine.deadline()), (Phase::Initialize(Hold::Stopped), None));
}

#[test]
fn rfc9568_6_4_3_adver_timer_sends_and_restarts() {
    let (mut machine, promoted) = held(contending());
    let effects = machine.handle(promoted + SECOND, Input::Timeout);
    assert_eq!(effects.transmit, Some(Say::Claim));
    let effects = machine.handle(promoted + 2 * SECOND, Input::Timeout);
    assert_eq!(effects.transmit, Some(Say::Claim));
}

#[test]
fn the_schedule_does_not_drift_with_late_timers() {
    let (mut machine, promoted) = acquiring(contending());
    drive(&mut machine, promoted, &[Input::Answer(Answer::Held(Reach::Routed))]);
    drive(&mut machine, promoted + SECOND + 40 * MS, &[Input::Timeout]);
    assert_eq!(machine.deadline(), Some(promoted + 2 * SECOND));
    // More than an interval late: no burst of what was missed.
    drive(&mut machine, promoted + 3 * SECOND + 10 * MS, &[Input::Timeout]);
    assert_eq!(machine.deadline(), Some(promoted + 4 * SECOND + 10 * MS));
}

#[test]
fn rfc9568_6_4_3_priority_0_is_answered_and_restarts_adver_timer() {
    let (mut machine, promoted) = acquiring(contending());
    drive(&mut machine, promoted, &[Input::Answer(Answer::Held(Reach::Routed))]);
    let effects = machine.handle(promoted + 300 * MS, advert(0, "192.0.2.1"));
    assert_eq!(effects.transmit, Some(Say::Claim));
    assert_eq!(machine.deadline(), Some(promoted + 1300 * MS));
}

#[test]
fn rfc9568_6_4_3_a_stronger_priority_makes_it_backup_with_the_advertised_interval() {
    let (mut machine, promoted) = held(contending());
    run(&mut machine, promoted + 10 * SECOND);
    let now = promoted + 10 * SECOND;
    let effects = machine.handle(now, slower_advert(101, "192.0.2.1"));
    let successor = Some(address("192.0.2.1"));
    let expected = Effects {
        transition: Some(Reason::StrongerClaim),
        transmit: Some(Say::Claim),
        lease: Some(Want::Release { reason: Reason::StrongerClaim, successor }),
        ..Effects::default()
    };
    assert_eq!(effects, expected);
    let State::Backup(backup) = machine.state() else { panic!("it is no Backup") };
    assert_eq!(backup.active_down_at, now + Duration::from_micros(7_218_750));
}

#[test]
fn rfc9568_6_4_3_equal_priorities_are_decided_by_the_address_in_network_order() {
    // 10.0.2.1 is greater than 10.0.1.2, although its last octet is not.
    for (ours, theirs, yields) in [
        ("10.0.1.2", "10.0.2.1", true),
        ("10.0.2.1", "10.0.1.2", false),
        ("127.0.0.1", "128.0.0.1", true),
        ("fe80::1:0", "fe80::2", false),
        ("fe80::2", "fe80::1:0", true),
    ] {
        let link = Input::Link(Link::Ready(address(ours)));
        let mut machine = settle(Machine::new(params(contending())), link);
        let promoted = machine.deadline().unwrap();
        drive(&mut machine, promoted, &[Input::Timeout, advert(100, theirs)]);
        assert_eq!(machine.phase() == Phase::Backup, yields, "{ours} against {theirs}");
    }
}

#[test]
fn rfc9568_6_4_3_a_weaker_advertisement_is_answered_without_restarting_adver_timer() {
    let (mut machine, promoted) = acquiring(contending());
    drive(&mut machine, promoted, &[Input::Answer(Answer::Held(Reach::Routed))]);
    let effects = machine.handle(promoted + 300 * MS, advert(99, "192.0.2.3"));
    assert_eq!((effects.transmit, effects.answered), (Some(Say::Claim), true));
    assert_eq!(machine.deadline(), Some(promoted + SECOND));
}

#[test]
fn rfc3768_6_4_3_a_weaker_advertisement_is_discarded_in_v2() {
    let mut machine = Machine::new(v2(contending()));
    drive(&mut machine, t0(), &[ready(), Input::Start]);
    // Master_Down_Interval: 3 x 1 s and 156/256 s.
    let promoted = t0() + 3 * SECOND + SKEW;
    assert_eq!(machine.deadline(), Some(promoted));
    drive(&mut machine, promoted, &[Input::Timeout, Input::Answer(Answer::Held(Reach::Routed))]);
    assert_eq!(machine.handle(promoted + 300 * MS, v2_advert(99, "192.0.2.3")), Effects::default());
}

#[test]
fn rfc9568_6_4_3_preempt_mode_is_not_looked_at_in_active() {
    let (mut machine, promoted) = held(contender(100, Preempt::Never));
    drive(&mut machine, promoted + 300 * MS, &[advert(99, "192.0.2.3")]);
    assert_eq!(machine.phase(), Phase::Held);
    drive(&mut machine, promoted + 400 * MS, &[advert(101, "192.0.2.3")]);
    assert_eq!(machine.phase(), Phase::Backup);
}

#[test]
fn an_owner_preempts_and_is_moved_by_another_owner_of_greater_address_only() {
    let mut machine = owner();
    drive(
        &mut machine,
        t0(),
        &[Input::Answer(Answer::Ready), Input::Answer(Answer::Held(Reach::OnLink))],
    );
    drive(&mut machine, at(100 * MS), &[advert(254, "192.0.2.9"), advert(255, "192.0.2.1")]);
    assert_eq!(machine.phase(), Phase::Held);
    drive(&mut machine, at(200 * MS), &[advert(255, "192.0.2.9")]);
    assert_eq!(machine.phase(), Phase::Backup);
}

#[test]
fn a_preempt_delay_counts_from_the_first_weaker_advertisement() {
    let mut machine = settled(contender(100, Preempt::After(10 * SECOND)));
    for second in 1..=10 {
        drive(&mut machine, at(second * SECOND), &[advert(50, "192.0.2.1")]);
        assert_eq!(machine.phase(), Phase::Backup);
    }
    assert_eq!(machine.deadline(), Some(at(11 * SECOND)));
    let effects = machine.handle(at(11 * SECOND), Input::Timeout);
    assert_eq!(effects.transition, Some(Reason::Preemption));
}

#[test]
fn a_preempt_delay_is_void_on_silence_on_a_resignation_and_on_a_stronger_active() {
    let delayed = || {
        let mut machine = backup(contender(100, Preempt::After(30 * SECOND)));
        drive(&mut machine, at(SECOND), &[advert(50, "192.0.2.1")]);
        machine
    };
    let silence = delayed();
    assert_eq!(silence.deadline(), Some(at(4 * SECOND + SKEW)));
    let mut resigned = delayed();
    drive(&mut resigned, at(2 * SECOND), &[advert(0, "192.0.2.1")]);
    assert_eq!(resigned.deadline(), Some(at(2 * SECOND + SKEW)));
    let mut stronger = delayed();
    drive(&mut stronger, at(2 * SECOND), &[advert(200, "192.0.2.9")]);
    let State::Backup(backup) = stronger.state() else { panic!("not a backup") };
    assert_eq!(backup.preempt_at, None);
}

#[test]
fn announcements_come_at_once_after_1_s_after_5_s_and_are_refreshed() {
    let (mut machine, promoted) = held(contending());
    let mut announced = Vec::new();
    while let Some(deadline) = machine.deadline()
        && deadline < promoted + 130 * SECOND
    {
        if machine.handle(deadline, Input::Timeout).announce {
            announced.push((deadline - promoted).as_secs());
        }
    }
    // The first, at once, came with the answer of the backend.
    assert_eq!(announced, [1, 5, 65, 125]);
}

#[test]
fn weaker_advertisements_cause_one_burst_and_an_announcement_soon_after_the_last() {
    let (mut machine, promoted) = held(contending());
    run(&mut machine, promoted + 20 * SECOND);
    let won = promoted + 20 * SECOND;
    let mut announced = 0;
    for hundredth in 0..300 {
        let now = won + hundredth * 10 * MS;
        while machine.deadline().is_some_and(|at| at <= now) {
            announced += u32::from(machine.handle(now, Input::Timeout).announce);
        }
        announced += u32::from(machine.handle(now, advert(1, "192.0.2.3")).announce);
    }
    // At once and after 1 s; 300 packets in 3 s.
    assert_eq!(announced, 2);
    let mut later = Vec::new();
    while let Some(at) = machine.deadline()
        && at < won + 10 * SECOND
    {
        if machine.handle(at, Input::Timeout).announce {
            later.push((at - won).as_millis());
        }
    }
    // An eighth of an interval after the last one at 2,990 ms, and the end of the burst.
    assert_eq!(later, [3115, 5000]);
}

#[test]
fn dev_answers_are_bounded_to_ten_an_interval() {
    let (mut machine, promoted) = acquiring(contending());
    drive(&mut machine, promoted, &[Input::Answer(Answer::Held(Reach::Routed))]);
    let mut answers = 0;
    let mut last = promoted;
    for millisecond in 1..5000 {
        let now = promoted + millisecond * MS;
        let timer = machine.deadline().is_some_and(|at| at <= now);
        let scheduled = timer && machine.handle(now, Input::Timeout).transmit.is_some();
        for flood in [1, 0] {
            let effects = machine.handle(now, advert(flood, "192.0.2.3"));
            answers += u32::from(effects.transmit.is_some());
            assert_ne!(effects.answered, effects.withheld);
            if effects.answered {
                last = now;
            }
        }
        if scheduled {
            last = now;
        }
        assert!(now - last <= SECOND, "no advertisement for {:?}", now - last);
    }
    assert_eq!(answers, 50, "ten in each of five intervals");
}

#[test]
fn dev_last_word_is_said_by_whoever_yields() {
    for age in [Duration::ZERO, 2999 * MS, 3001 * MS, 3600 * SECOND] {
        let (mut machine, promoted) = held(contending());
        run(&mut machine, promoted + age);
        let effects = machine.handle(promoted + age, advert(101, "192.0.2.3"));
        assert_eq!(effects.transmit, Some(Say::Claim), "after {age:?}");
    }
}

/// The two sides of a partition: the winner announces again soon after the loser's last word,
/// however often it has heard the loser before; and never more than once for what it hears.
#[test]
fn a_winner_that_heard_the_loser_all_along_announces_when_it_yields() {
    let (mut machine, promoted) = held(contending());
    let begun = promoted + 100 * SECOND;
    run(&mut machine, begun);
    let mut announced = Vec::new();
    for at in (0..10_000).step_by(1000).chain([9300]) {
        let heard = begun + at * MS;
        while let Some(due) = machine.deadline().filter(|due| *due <= heard) {
            if machine.handle(due, Input::Timeout).announce {
                announced.push((due - begun).as_millis());
            }
        }
        if machine.handle(heard, advert(1, "192.0.2.3")).announce {
            announced.push(u128::from(at));
        }
    }
    // The burst of the first one, and an eighth of an interval after each.
    assert_eq!(announced[..4], [0, 125, 1000, 1125]);
    assert_eq!(announced[announced.len() - 2..], [8125, 9125], "one for each");
    assert_eq!(machine.deadline(), Some(begun + 9425 * MS));
    assert!(machine.handle(begun + 9425 * MS, Input::Timeout).announce);
}

#[test]
fn dev_stalled_is_judged_before_any_input() {
    let stalled_inputs = [
        advert(1, "192.0.2.3"),
        advert(0, "192.0.2.3"),
        Input::Timeout,
        Input::LeaseLost(Loss::Lapsed),
        Input::Answer(Answer::Held(Reach::OnLink)),
        ready(),
        Input::SendFailed,
        Input::Resume,
    ];
    for input in stalled_inputs {
        let (mut machine, promoted) = held(contending());
        let now = promoted + 3 * SECOND;
        let effects = machine.handle(now, input);
        assert_eq!(machine.phase(), Phase::Backup, "{input:?}");
        assert_eq!(effects.transition, Some(Reason::Stalled), "{input:?}");
        assert_eq!(effects.lease, Some(Want::Release { reason: Reason::Stalled, successor: None }));
        assert_eq!(effects.transmit, None, "{input:?}");
    }
}

#[test]
fn dev_stalled_is_not_before_three_intervals() {
    let (mut machine, promoted) = held(contending());
    drive(&mut machine, promoted + 2999 * MS, &[Input::Timeout]);
    assert_eq!(machine.phase(), Phase::Held);
    let (mut machine, promoted) = held(contending());
    let now = promoted + 4 * SECOND;
    let effects = machine.handle(now, Input::Timeout);
    assert_eq!((machine.phase(), effects.transmit), (Phase::Backup, None));
    // One interval and Skew_Time: a lone node is back soon.
    assert_eq!(machine.deadline(), Some(now + SECOND + SKEW));
}

#[test]
fn dev_probation_forbids_preemption_but_neither_silence_nor_resignation() {
    let stalled = || {
        let (mut machine, promoted) = held(contending());
        let now = promoted + 4 * SECOND;
        drive(&mut machine, now, &[Input::Timeout]);
        (machine, now)
    };
    let (mut machine, now) = stalled();
    for half in 1..20 {
        drive(&mut machine, now + half * 500 * MS, &[advert(1, "192.0.2.3")]);
    }
    assert_eq!(
        machine.deadline(),
        Some(now + 9500 * MS + 3 * SECOND + SKEW),
        "followed the weaker one"
    );
    drive(&mut machine, now + 10 * SECOND, &[advert(1, "192.0.2.3")]);
    assert_eq!(machine.deadline(), Some(now + 9500 * MS + 3 * SECOND + SKEW), "preempts again");

    let (mut machine, now) = stalled();
    drive(&mut machine, now + SECOND, &[advert(1, "192.0.2.3"), advert(0, "192.0.2.3")]);
    assert_eq!(machine.deadline(), Some(now + SECOND + SKEW));
}

#[test]
fn a_failed_backend_resigns_pauses_is_asked_and_comes_back_on_probation() {
    let (mut machine, promoted) = acquiring(contending());
    let effects = machine.handle(promoted, Input::Answer(Answer::Failed(LeaseFailure::Denied)));
    let reason = Reason::Backend(LeaseFailure::Denied);
    let expected = Effects {
        transition: Some(reason),
        transmit: Some(Say::Resign),
        lease: Some(Want::Release { reason, successor: None }),
        ..Effects::default()
    };
    assert_eq!(effects, expected);
    assert_eq!(machine.phase(), Phase::Initialize(Hold::Backend(LeaseFailure::Denied)));
    let mut now = promoted;
    for pause in [1, 2, 4, 8, 10, 10] {
        assert_eq!(machine.deadline(), Some(now + pause * SECOND));
        now = now + pause * SECOND;
        assert_eq!(machine.handle(now, Input::Timeout).lease, Some(Want::Inspect));
        drive(&mut machine, now, &[Input::Answer(Answer::Failed(LeaseFailure::Denied))]);
    }
    now = now + 10 * SECOND;
    drive(&mut machine, now, &[Input::Timeout, Input::Answer(Answer::Ready)]);
    assert_eq!(machine.phase(), Phase::Backup);
}

#[test]
fn a_backend_that_hangs_counts_as_failed() {
    let (mut machine, promoted) = acquiring(contending());
    run(&mut machine, promoted + 2500 * MS);
    assert_eq!(machine.phase(), Phase::Acquiring, "it advertises meanwhile");
    let effects = machine.handle(promoted + 2500 * MS, Input::Timeout);
    assert_eq!(effects.transition, Some(Reason::Backend(LeaseFailure::TimedOut)));
    assert_eq!(effects.transmit, Some(Say::Resign));
}

#[test]
fn an_owner_with_a_broken_backend_does_not_take_the_address_down_again_and_again() {
    let mut machine = owner();
    let failed = Input::Answer(Answer::Failed(LeaseFailure::Failed));
    drive(&mut machine, t0(), &[Input::Answer(Answer::Ready), failed]);
    // It is asked after 1 s and says that all is well; a peer is Active meanwhile.
    drive(&mut machine, at(SECOND), &[Input::Timeout, Input::Answer(Answer::Ready)]);
    assert_eq!(machine.phase(), Phase::Backup);
    for half in 3..20 {
        drive(&mut machine, at(half * 500 * MS), &[advert(100, "192.0.2.3"), Input::Timeout]);
        assert_eq!(machine.phase(), Phase::Backup);
    }
}

#[test]
fn three_advertisements_in_a_row_that_cannot_be_sent_are_a_hold() {
    let (mut machine, promoted) = held(contending());
    for second in 1..=2 {
        drive(&mut machine, promoted + second * SECOND, &[Input::Timeout, Input::SendFailed]);
        assert_eq!(machine.phase(), Phase::Held);
    }
    // The third is due at the bound of the lease, which counts from the last that was sent.
    assert_eq!(machine.active_until(), Some(promoted + 3 * SECOND));
    let effects = machine.handle(promoted + 3 * SECOND, Input::Timeout);
    assert_eq!(machine.phase(), Phase::Initialize(Hold::Send));
    assert_eq!(effects.lease, Some(Want::Release { reason: Reason::SendFailed, successor: None }));
}

#[test]
fn a_promotion_whose_advertisement_cannot_be_sent_did_not_happen() {
    let mut machine = settled(contending());
    let timer = at(3 * SECOND + SKEW);
    drive(&mut machine, timer, &[Input::Timeout]);
    assert_eq!(machine.phase(), Phase::Acquiring);
    let effects = machine.handle(timer, Input::SendFailed);
    assert_eq!(machine.phase(), Phase::Backup);
    assert_eq!(effects.transition, Some(Reason::SendFailed));
    assert_eq!(effects.lease, Some(Want::Release { reason: Reason::SendFailed, successor: None }));
    assert_eq!(effects.transmit, None, "a resignation would not arrive either");
    // On probation: a weaker Active is left alone. Without one it tries again, and gives up at the
    // third failure.
    for tries in 1..=2 {
        let again = timer + tries * (SECOND + SKEW);
        assert_eq!(machine.deadline(), Some(again));
        drive(&mut machine, again, &[Input::Timeout, Input::SendFailed]);
    }
    assert_eq!(machine.phase(), Phase::Initialize(Hold::Send));
}

#[test]
fn a_failure_between_successes_is_forgiven() {
    let (mut machine, promoted) = held(contending());
    for second in 1..=20 {
        drive(&mut machine, promoted + second * SECOND, &[Input::Timeout]);
        if second % 2 == 0 {
            drive(&mut machine, promoted + second * SECOND, &[Input::SendFailed]);
        }
    }
    assert_eq!(machine.phase(), Phase::Held);
}

#[test]
fn dev_handover_keeps_serving_until_a_successor_is_heard() {
    let (mut machine, promoted) = held(contending());
    let now = promoted + 500 * MS;
    let effects = machine.handle(now, Input::Shutdown);
    let expected = Effects {
        transition: Some(Reason::Shutdown),
        transmit: Some(Say::Resign),
        lease: Some(Want::Leaving),
        ..Effects::default()
    };
    assert_eq!(effects, expected);
    let effects = machine.handle(now + SKEW, advert(1, "192.0.2.3"));
    let successor = Some(address("192.0.2.3"));
    assert_eq!(effects.lease, Some(Want::Release { reason: Reason::Successor, successor }));
    assert_eq!(effects.transmit, None);
    assert_eq!(machine.phase(), Phase::Initialize(Hold::Stopped));
}

#[test]
fn a_handover_ends_by_itself_and_after_four_seconds_at_most() {
    let (mut machine, promoted) = held(contending());
    drive(&mut machine, promoted, &[Input::Shutdown]);
    // A resignation that was lost is repeated soon, and at the end; nothing else is said.
    let repeat = Duration::from_micros(62_500);
    assert_eq!(machine.deadline(), Some(promoted + repeat));
    let effects = machine.handle(promoted + repeat, Input::Timeout);
    assert_eq!(effects, Effects { transmit: Some(Say::Resign), ..Effects::default() });
    assert_eq!(machine.deadline(), Some(promoted + 1100 * MS));
    let effects = machine.handle(promoted + 1100 * MS, Input::Timeout);
    assert_eq!(
        (effects.transition, effects.transmit),
        (Some(Reason::NoSuccessor), Some(Say::Resign))
    );
    assert_eq!((machine.phase(), machine.deadline()), (Phase::Initialize(Hold::Stopped), None));

    let mut slow = params(contending());
    slow.timing = Interval::V3(Centiseconds::try_from(4095).unwrap()).timing();
    let mut machine = settle(Machine::new(slow), ready());
    let promoted = machine.deadline().unwrap();
    drive(
        &mut machine,
        promoted,
        &[Input::Timeout, Input::Answer(Answer::Held(Reach::OnLink)), Input::Shutdown],
    );
    run(&mut machine, promoted + 4 * SECOND);
    assert_eq!(machine.phase(), Phase::Resigning);
    drive(&mut machine, promoted + 4 * SECOND, &[Input::Timeout]);
    assert_eq!(machine.phase(), Phase::Initialize(Hold::Stopped));
}

#[test]
fn a_drain_that_nobody_answers_is_taken_back_unless_forced() {
    for force in [false, true] {
        let (mut machine, promoted) = held(contending());
        drive(&mut machine, promoted, &[Input::Drain { force }]);
        let effects = machine.handle(promoted + 1100 * MS, Input::Timeout);
        assert_eq!(effects.drain_refused, !force);
        if force {
            assert_eq!(machine.phase(), Phase::Initialize(Hold::Drained));
        } else {
            assert_eq!(machine.phase(), Phase::Held);
            assert_eq!((effects.transmit, effects.lease), (Some(Say::Claim), Some(Want::Repair)));
        }
    }
}

#[test]
fn the_source_follows_the_interfaces_address() {
    let (mut machine, promoted) = held(contending());
    let moved = Input::Link(Link::Ready(address("192.0.2.200")));
    assert_eq!(machine.handle(promoted + 10 * MS, moved), Effects::default());
    drive(&mut machine, promoted + 20 * MS, &[advert(100, "192.0.2.100")]);
    assert_eq!(machine.phase(), Phase::Held, "192.0.2.200 is greater than 192.0.2.100");
}

#[test]
fn losses_that_go_on_do_not_postpone_the_end_of_a_repair() {
    let (mut machine, promoted) = held(contending());
    let lost = promoted + 100 * MS;
    drive(&mut machine, lost, &[Input::LeaseLost(Loss::Lapsed)]);
    run(&mut machine, lost + 2 * SECOND);
    drive(&mut machine, lost + 2 * SECOND, &[Input::LeaseLost(Loss::Lapsed)]);
    run(&mut machine, lost + 2500 * MS);
    assert_eq!(machine.phase(), Phase::Held);
    drive(&mut machine, lost + 2500 * MS, &[Input::Timeout]);
    assert_eq!(machine.phase(), Phase::Initialize(Hold::Backend(LeaseFailure::TimedOut)));
}
