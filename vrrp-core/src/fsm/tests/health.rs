//! What the health of the service means in each state.

use super::*;

const HEALTHY: Condition = Condition::Good;

/// The end of the wait of an ill node with priority 100 that last heard an Active now: three
/// intervals and the Skew_Time of priority 1, one interval, and its own Skew_Time.
fn after_everybody() -> Duration {
    4 * SECOND + SECOND * 255 / 256 + SKEW
}

fn phase_after(machine: &mut Machine, now: Instant, input: Input) -> (Phase, Effects) {
    let effects = machine.handle(now, input);
    (machine.phase(), effects)
}

#[test]
fn an_active_that_turns_ill_serves_until_its_successor_speaks_and_follows_it() {
    let (mut machine, at) = held(contender(100, Preempt::Always));
    let (phase, effects) = phase_after(&mut machine, at, health(Condition::Ill));
    assert_eq!(phase, Phase::Resigning);
    assert_eq!(effects.transition, Some(Reason::CheckFailed));
    assert_eq!((effects.transmit, effects.lease), (Some(Say::Resign), Some(Want::Leaving)));

    let (phase, effects) = phase_after(&mut machine, at + 500 * MS, advert(50, "192.0.2.1"));
    assert_eq!((phase, effects.transition), (Phase::Backup, Some(Reason::Successor)));
    assert!(matches!(effects.lease, Some(Want::Release { successor: Some(_), .. })));
    assert!(machine.gates(at).contains(Gate::Ill));
    // It does not come back by preemption, for as long as the weaker one lives.
    for second in 1..=20 {
        let now = at + 500 * MS + second * SECOND;
        run(&mut machine, now);
        let (phase, _) = phase_after(&mut machine, now, advert(50, "192.0.2.1"));
        assert_eq!(phase, Phase::Backup);
    }
}

#[test]
fn an_ill_active_that_nobody_relieves_goes_on_claims_one_and_asks_again() {
    let (mut machine, at) = held(contender(100, Preempt::Always));
    drive(&mut machine, at, &[health(Condition::Ill)]);
    run(&mut machine, at + 1100 * MS);
    let mut now = at + 1100 * MS;
    let (phase, effects) = phase_after(&mut machine, now, Input::Timeout);
    assert_eq!((phase, effects.unrelieved), (Phase::Held, true));
    assert_eq!((effects.transmit, machine.claim()), (Some(Say::Claim), Claim::from(1)));
    drive(&mut machine, now, &[Input::Answer(Answer::Held(Reach::OnLink))]);
    for pause in [10, 20, 40, 80, 160, 300, 300] {
        let due = now + pause * SECOND;
        run(&mut machine, due);
        assert_eq!(machine.phase(), Phase::Held, "{pause}");
        drive(&mut machine, due, &[Input::Timeout]);
        assert_eq!(machine.phase(), Phase::Resigning, "{pause}");
        now = due + 1100 * MS;
        run(&mut machine, now);
        drive(&mut machine, now, &[Input::Timeout, Input::Answer(Answer::Held(Reach::OnLink))]);
        assert_eq!(machine.phase(), Phase::Held, "{pause}");
    }
    // Well again, it claims what it is worth, at once.
    let effects = machine.handle(now + SECOND / 2, health(HEALTHY));
    assert_eq!((effects.transmit, machine.claim()), (Some(Say::Claim), Claim::from(100)));
    run(&mut machine, now + 600 * SECOND);
    assert_eq!(machine.phase(), Phase::Held);
}

#[test]
fn an_ill_node_that_goes_on_from_an_earlier_process_asks_at_once() {
    let mut machine = backup(contender(100, Preempt::Always));
    let answer = Answer::Adopted { reach: Reach::OnLink, advertised_at: t0() - SECOND };
    drive(&mut machine, t0(), &[health(Condition::Ill), Input::Answer(answer)]);
    assert_eq!(machine.phase(), Phase::Adopted);
    run(&mut machine, t0() + 2 * MS);
    assert_eq!(machine.phase(), Phase::Resigning);
}

#[test]
fn an_ill_service_waits_for_its_link_before_it_asks() {
    let (mut machine, at) = held(contender(100, Preempt::Always));
    drive(&mut machine, at, &[Input::Link(Link::Down), health(Condition::Ill)]);
    assert_eq!(machine.phase(), Phase::Held);
    drive(&mut machine, at + 100 * MS, &[ready(), Input::Timeout]);
    assert_eq!(machine.phase(), Phase::Resigning);
}

#[test]
fn an_ill_owner_claims_255_and_hands_over_nevertheless() {
    let mut machine = owner();
    let now = t0();
    drive(
        &mut machine,
        now,
        &[Input::Answer(Answer::Ready), Input::Answer(Answer::Held(Reach::OnLink))],
    );
    assert_eq!(machine.phase(), Phase::Held);
    drive(&mut machine, now, &[Input::Health(lowered(100))]);
    assert_eq!(machine.claim(), Claim::Own);
    drive(&mut machine, now, &[health(Condition::Ill)]);
    assert_eq!((machine.phase(), machine.claim()), (Phase::Resigning, Claim::Own));
    drive(&mut machine, now + SECOND / 2, &[advert(1, "192.0.2.1")]);
    assert_eq!(machine.phase(), Phase::Backup);
    // 6.4.1: once it is well it waits for nobody.
    let now = now + SECOND;
    drive(&mut machine, now, &[health(HEALTHY)]);
    assert_eq!(machine.phase(), Phase::Acquiring);
}

#[test]
fn an_ill_backup_waits_until_everybody_else_would_have_taken_over() {
    let mut machine = settled(contender(100, Preempt::Always));
    drive(&mut machine, t0(), &[advert(200, "192.0.2.1"), health(Condition::Ill)]);
    assert_eq!(machine.deadline(), Some(t0() + after_everybody()));
    drive(&mut machine, t0() + after_everybody(), &[Input::Timeout]);
    assert_eq!((machine.phase(), machine.claim()), (Phase::Acquiring, Claim::from(1)));
}

#[test]
fn a_resignation_only_restarts_the_wait_of_an_ill_backup() {
    let mut machine = settled(contender(100, Preempt::Always));
    let now = t0() + SECOND;
    drive(&mut machine, t0(), &[advert(200, "192.0.2.1"), health(Condition::Ill)]);
    drive(&mut machine, now, &[advert(0, "192.0.2.1")]);
    assert_eq!(machine.deadline(), Some(now + after_everybody()));
    // Well again, it waits for Skew_Time from the resignation on.
    drive(&mut machine, now + 100 * MS, &[health(HEALTHY)]);
    assert_eq!(machine.deadline(), Some(now + SKEW));
}

#[test]
fn a_backup_that_turns_ill_on_its_way_to_preempt_gives_that_up() {
    let mut machine = settled(contender(100, Preempt::Always));
    drive(&mut machine, t0(), &[advert(50, "192.0.2.1")]);
    let now = t0() + 3 * SECOND;
    drive(&mut machine, now, &[health(Condition::Ill)]);
    assert_eq!(machine.deadline(), Some(now + after_everybody()));
    let mut delayed = settled(contender(100, Preempt::After(20 * SECOND)));
    drive(&mut delayed, t0(), &[advert(50, "192.0.2.1"), health(Condition::Unknown)]);
    run(&mut delayed, t0() + 3 * SECOND);
    drive(&mut delayed, t0() + 3 * SECOND, &[advert(50, "192.0.2.1"), health(HEALTHY)]);
    // The delay counts from the next weaker advertisement.
    assert_eq!(delayed.deadline(), Some(t0() + 6 * SECOND + SKEW));
}

#[test]
fn an_unknown_service_takes_over_on_silence_and_preempts_nobody() {
    let mut machine = settled(contender(100, Preempt::Always));
    drive(&mut machine, t0(), &[health(Condition::Unknown)]);
    let mut now = t0();
    for _ in 0..10 {
        now = now + SECOND;
        run(&mut machine, now);
        drive(&mut machine, now, &[advert(50, "192.0.2.1")]);
    }
    assert_eq!(machine.phase(), Phase::Backup);
    assert_eq!(machine.deadline(), Some(now + 3 * SECOND + SKEW));
    drive(&mut machine, now + 3 * SECOND + SKEW, &[Input::Timeout]);
    assert_eq!((machine.phase(), machine.claim()), (Phase::Acquiring, Claim::from(100)));
}

#[test]
fn a_service_that_must_be_proven_is_waited_for_and_then_nothing_more() {
    let mut machine = settled(contender(100, Preempt::Always));
    drive(&mut machine, t0(), &[health(Condition::Unproven)]);
    assert_eq!(machine.deadline(), Some(t0() + 3 * SECOND + SKEW));
    assert!(machine.gates(t0()).contains(Gate::Unproven));
    let now = t0() + 60 * SECOND;
    run(&mut machine, now);
    assert_eq!(machine.deadline(), None);
    assert_eq!(machine.phase(), Phase::Backup);
    drive(&mut machine, now, &[health(HEALTHY)]);
    assert_eq!(machine.phase(), Phase::Acquiring);
}

#[test]
fn an_ill_service_that_must_not_be_reached_is_a_hold() {
    let (mut machine, at) = held(contender(100, Preempt::Always));
    let (phase, effects) = phase_after(&mut machine, at, health(Condition::Out));
    assert_eq!((phase, effects.transmit), (Phase::Resigning, Some(Say::Resign)));
    run(&mut machine, at + 1100 * MS);
    let (phase, effects) = phase_after(&mut machine, at + 1100 * MS, Input::Timeout);
    assert_eq!(phase, Phase::Initialize(Hold::Check));
    assert!(matches!(effects.lease, Some(Want::Release { .. })));
    let now = at + 5 * SECOND;
    let (phase, effects) = phase_after(&mut machine, now, health(Condition::Ill));
    assert_eq!((phase, effects.transition), (Phase::Backup, Some(Reason::CheckPassed)));
}

#[test]
fn weights_move_the_claim_and_back_and_a_flapping_one_floods_nobody() {
    let (mut machine, at) = held(contender(100, Preempt::Always));
    let mut sent = 0;
    for _ in 0..100 {
        sent += u32::from(machine.handle(at, Input::Health(lowered(50))).transmit.is_some());
        assert_eq!(machine.claim(), Claim::from(50));
        sent += u32::from(machine.handle(at, health(HEALTHY)).transmit.is_some());
        assert_eq!(machine.claim(), Claim::from(100));
    }
    assert_eq!(sent, 10, "advertisements within an interval");
    let low = Health { weight: Weight::MIN, ..Health::default() };
    drive(&mut machine, at, &[Input::Health(low)]);
    assert_eq!(machine.claim(), Claim::from(1));
    let high = Health { weight: Weight::MAX, ..Health::default() };
    drive(&mut machine, at, &[Input::Health(high)]);
    assert_eq!(machine.claim(), Claim::from(254));
}

#[test]
fn a_check_that_flaps_ends_in_probation_and_one_failure_does_not() {
    let mut machine = settled(contender(100, Preempt::Always));
    let mut now = t0();
    for round in 0..3 {
        for _ in 0..5 {
            if machine.phase() == Phase::Held {
                break;
            }
            now = machine.deadline().unwrap();
            let answers = [Answer::Ready, Answer::Held(Reach::OnLink)].map(Input::Answer);
            drive(&mut machine, now, &[Input::Timeout, answers[0], answers[1]]);
        }
        assert_eq!(machine.phase(), Phase::Held, "{round}");
        drive(&mut machine, now, &[health(Condition::Ill), advert(50, "192.0.2.1")]);
        assert_eq!(machine.phase(), Phase::Backup, "{round}");
        drive(&mut machine, now, &[health(HEALTHY)]);
        assert_eq!(machine.gates(now).contains(Gate::Probation), round > 0, "{round}");
    }
}

#[test]
fn a_start_is_delayed_an_owners_too_and_what_was_held_before_is_adopted_at_once() {
    let ten = |role| Params { startup_delay: 10 * SECOND, ..params(role) };
    let mut machine = delayed(contender(100, Preempt::Always));
    assert!(machine.gates(t0()).contains(Gate::StartupDelay));
    assert_eq!(machine.deadline(), Some(t0() + 10 * SECOND));
    drive(&mut machine, t0() + 10 * SECOND, &[Input::Timeout]);
    assert_eq!(machine.phase(), Phase::Acquiring);

    let mut owner = settle(Machine::new(ten(Role::Owner)), ready());
    drive(&mut owner, t0() + 9 * SECOND, &[advert(100, "192.0.2.1"), Input::Timeout]);
    assert_eq!(owner.phase(), Phase::Backup);
    run(&mut owner, t0() + 10 * SECOND + MS);
    assert_eq!(owner.phase(), Phase::Acquiring);

    let mut adopts = Machine::new(ten(contender(100, Preempt::Always)));
    let answer = Answer::Adopted { reach: Reach::OnLink, advertised_at: t0() - SECOND };
    drive(&mut adopts, t0(), &[ready(), Input::Start, Input::Answer(answer)]);
    assert_eq!(adopts.phase(), Phase::Adopted);
}

#[test]
fn a_link_that_comes_up_is_waited_for_and_a_short_loss_is_none() {
    let five = Params { up_delay: 5 * SECOND, ..params(contender(100, Preempt::Always)) };
    let mut machine = settle(Machine::new(five), ready());
    let down = |machine: &mut Machine, at, gone| {
        drive(machine, at, &[Input::Link(Link::Down)]);
        drive(machine, at + gone, &[ready(), Input::Answer(Answer::Ready)]);
    };
    down(&mut machine, t0(), 250 * MS);
    assert!(!machine.gates(t0() + 250 * MS).contains(Gate::UpDelay));
    down(&mut machine, t0() + SECOND, 251 * MS);
    let back = t0() + SECOND + 251 * MS;
    assert!(machine.gates(back).contains(Gate::UpDelay));
    assert_eq!(machine.deadline(), Some(back + 5 * SECOND));
    drive(&mut machine, back + 5 * SECOND, &[Input::Timeout]);
    assert_eq!(machine.phase(), Phase::Acquiring);
}

#[test]
fn a_drain_comes_first_and_what_is_ill_when_it_ends_asks_then() {
    let (mut machine, at) = held(contender(100, Preempt::Always));
    drive(&mut machine, at, &[Input::Drain { force: false }, health(Condition::Ill)]);
    let end = at + 1100 * MS;
    run(&mut machine, end);
    let effects = machine.handle(end, Input::Timeout);
    assert!(effects.drain_refused);
    assert_eq!((machine.phase(), machine.claim()), (Phase::Held, Claim::from(1)));
    drive(&mut machine, end, &[Input::Answer(Answer::Held(Reach::OnLink))]);
    run(&mut machine, end + 10 * SECOND + MS);
    assert_eq!(machine.phase(), Phase::Resigning);

    // Resumed in the middle of it, it still leaves.
    let (mut machine, at) = held(contender(100, Preempt::Always));
    drive(
        &mut machine,
        at,
        &[Input::Drain { force: false }, health(Condition::Out), Input::Resume],
    );
    assert_eq!(machine.phase(), Phase::Resigning);
    run(&mut machine, at + 1100 * MS);
    drive(&mut machine, at + 1100 * MS, &[Input::Timeout]);
    assert_eq!(machine.phase(), Phase::Initialize(Hold::Check));
}
