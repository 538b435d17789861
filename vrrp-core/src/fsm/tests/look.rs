//! The look: who answers for the addresses before silence makes a node Active, and who says that it
//! has them while they are held.

use super::*;

const ANOTHER: MacAddr = MacAddr([2, 0, 0, 0, 0, 8]);

/// The lease of a peer at 1 s, and what the kernel may be late.
const LEASE: Duration = Duration::from_millis(2000 + 2500);

fn rival(machine: &Machine) -> Option<MacAddr> {
    machine.suspect().filter(|suspect| suspect.is_rival()).map(Suspect::mac)
}

/// Gives it [`Input::Timeout`] at each deadline up to `until`, and says when it asked.
fn asked(machine: &mut Machine, until: Instant) -> Vec<Duration> {
    let mut asked = Vec::new();
    while let Some(at) = machine.deadline().filter(|at| *at <= until) {
        if machine.handle(at, Input::Timeout).probe {
            asked.push(at - t0());
        }
    }
    asked
}

#[test]
fn silence_takes_over_at_the_same_moment_whether_somebody_answers_or_not() {
    let due = t0() + 3 * SECOND + SKEW;
    for (look, answers) in
        [(Look::Off, false), (Look::Warn, false), (Look::Warn, true), (Look::Hold, false)]
    {
        let role = contender(100, Preempt::Always);
        let mut machine = settle(Machine::new(Params { look, ..params(role) }), ready());
        while let Some(at) = machine.deadline().filter(|at| *at < due) {
            let effects = machine.handle(at, Input::Timeout);
            assert_eq!((effects.transition, effects.transmit), (None, None), "{look}");
            if effects.probe && answers {
                drive(&mut machine, at + MS, &[sighting(MAC, true)]);
            }
        }
        assert_eq!(machine.deadline(), Some(due), "{look}");
        let effects = machine.handle(due, Input::Timeout);
        assert_eq!(effects.transition, Some(Reason::Silence), "{look}");
        assert!(!effects.probe);
    }
}

#[test]
fn it_looks_on_silence_alone_and_not_while_anybody_is_heard() {
    let role = contender(100, Preempt::Always);
    let warn = Params { look: Look::Warn, ..params(role) };
    let mut machine = settle(Machine::new(warn), ready());
    for beat in 0..10 {
        drive(&mut machine, t0() + beat * SECOND, &[advert(200, "192.0.2.1")]);
        assert!(asked(&mut machine, t0() + beat * SECOND + 999 * MS).is_empty());
    }
    // A resignation, and then one that is weaker.
    drive(&mut machine, t0() + 10 * SECOND, &[advert(0, "192.0.2.1")]);
    assert!(asked(&mut machine, t0() + 10 * SECOND + 600 * MS).is_empty());
    let mut machine = settle(Machine::new(warn), ready());
    for beat in 0..10 {
        drive(&mut machine, t0() + beat * SECOND, &[advert(99, "192.0.2.1")]);
    }
    assert!(asked(&mut machine, t0() + 10 * SECOND).is_empty());
    assert_ne!(machine.phase(), Phase::Backup, "it preempts");
    // Nor as an owner, nor where something is adopted.
    let mut owner = Machine::new(Params { look: Look::Warn, ..params(Role::Owner) });
    drive(&mut owner, t0(), &[ready(), Input::Start, Input::Answer(Answer::Ready)]);
    assert!(asked(&mut owner, t0() + 100 * MS).is_empty());
    assert_eq!(owner.phase(), Phase::Acquiring);
    let mut machine = Machine::new(warn);
    let advertised_at = t0() - 500 * MS;
    let adopted = Input::Answer(Answer::Adopted { reach: Reach::OnLink, advertised_at });
    drive(&mut machine, t0(), &[ready(), Input::Start, adopted]);
    assert!(asked(&mut machine, t0() + 9 * SECOND).is_empty());
}

#[test]
fn whoever_answers_is_a_rival_if_it_answers_when_a_lease_would_have_ended() {
    let (mut machine, at) = looking(Look::Warn);
    drive(&mut machine, at, &[sighting(MAC, true)]);
    // An answer of before says nothing.
    drive(&mut machine, at + SECOND, &[Input::Timeout, Input::Answer(Answer::Held(Reach::OnLink))]);
    drive(&mut machine, at + SECOND, &[sighting(MAC, true)]);
    assert_eq!((machine.phase(), rival(&machine)), (Phase::Held, None));
    let asked = asked(&mut machine, at + LEASE);
    assert_eq!(asked, [at + LEASE - t0()]);
    let effects = machine.handle(at + LEASE + MS, sighting(MAC, true));
    assert_eq!(rival(&machine), Some(MAC));
    assert!(!effects.announce, "an answer has misled nobody");
}

#[test]
fn the_kernel_of_a_dead_program_is_forgotten_after_three_questions() {
    let (mut machine, at) = looking(Look::Warn);
    drive(&mut machine, at, &[sighting(MAC, true)]);
    drive(&mut machine, at + SECOND, &[Input::Timeout, Input::Answer(Answer::Held(Reach::OnLink))]);
    let questions = asked(&mut machine, at + LEASE + 9 * SECOND);
    let after = |seconds| at + LEASE + seconds * SECOND - t0();
    assert_eq!(questions, [after(0), after(1), after(2)]);
    assert_eq!(machine.suspect(), None);
}

#[test]
fn a_node_that_holds_back_takes_over_when_the_other_stops_to_answer() {
    let (mut machine, at) = waiting();
    assert_eq!(machine.phase(), Phase::Backup);
    let last = machine.suspect().unwrap().seen_at();
    while machine.phase() == Phase::Backup {
        let next = machine.deadline().unwrap();
        assert!(next <= at + 500 * MS);
        drive(&mut machine, next, &[Input::Timeout]);
        if machine.phase() != Phase::Backup {
            assert_eq!(next, last + 500 * MS);
        }
    }
}

#[test]
fn a_node_that_holds_back_waits_as_long_as_a_lease_and_no_longer() {
    let (mut machine, at) = looking(Look::Hold);
    drive(&mut machine, at, &[sighting(MAC, true)]);
    let mut now = at;
    while machine.phase() == Phase::Backup {
        now = machine.deadline().unwrap();
        if machine.handle(now, Input::Timeout).probe {
            drive(&mut machine, now, &[sighting(MAC, true)]);
        }
    }
    assert_eq!(now, at + LEASE);
    // Then it is asked as by one that warns.
    drive(&mut machine, now, &[Input::Answer(Answer::Held(Reach::OnLink))]);
    asked(&mut machine, now);
    drive(&mut machine, now + MS, &[sighting(MAC, true)]);
    assert_eq!(rival(&machine), Some(MAC));
}

#[test]
fn an_advertisement_ends_every_suspicion() {
    for (mut machine, at) in [waiting(), looking(Look::Warn)] {
        drive(&mut machine, at, &[sighting(MAC, true), advert(200, "192.0.2.1")]);
        assert_eq!(machine.suspect(), None);
        assert_eq!(machine.gates(at), Gates::EMPTY);
        drive(&mut machine, at, &[sighting(MAC, false)]);
        assert_eq!(machine.suspect(), None, "that is the Active that it follows");
    }
}

#[test]
fn held_addresses_are_defended_once_in_ten_seconds() {
    let (mut machine, at) = held(contender(100, Preempt::Always));
    let start = at + 7 * SECOND;
    run(&mut machine, start);
    let mut announced = Vec::new();
    for step in 0..250_u32 {
        let now = start + step * 100 * MS;
        run(&mut machine, now);
        for mac in [MAC, ANOTHER] {
            if machine.handle(now, sighting(mac, false)).announce {
                announced.push((step, mac));
            }
        }
    }
    assert_eq!(announced, [(0, MAC), (100, MAC), (200, MAC)]);
    assert_eq!(rival(&machine), Some(MAC));
}

#[test]
fn what_is_said_just_after_a_takeover_may_be_a_dead_programs_kernel() {
    let (mut machine, at) = held(contender(100, Preempt::Always));
    assert!(machine.handle(at + SECOND, sighting(MAC, false)).announce);
    assert_eq!(rival(&machine), None);
    run(&mut machine, at + LEASE);
    let effects = machine.handle(at + LEASE, sighting(MAC, false));
    assert_eq!((rival(&machine), effects.announce), (Some(MAC), false));
}

#[test]
fn nothing_is_defended_on_the_way_from_one_node_to_another() {
    let normal = contender(100, Preempt::Always);
    let (mut leaving, at) = held(normal);
    drive(&mut leaving, at, &[Input::Drain { force: false }]);
    let (acquiring, since) = acquiring(normal);
    // A weaker Active is heard, and what it announces is announced anyway.
    let (mut beside, won) = held(normal);
    drive(&mut beside, won + 9 * SECOND, &[Input::Timeout, advert(50, "192.0.2.1")]);
    let mut away = held(normal).0;
    drive(&mut away, at, &[Input::Link(Link::Down)]);
    for (mut machine, now) in
        [(leaving, at), (acquiring, since), (beside, won + 9 * SECOND), (away, at)]
    {
        let before = machine;
        let effects = machine.handle(now, sighting(MAC, false));
        assert_eq!(effects, Effects::default());
        assert_eq!(machine.suspect(), None, "{before:?}");
    }
}

#[test]
fn a_rival_is_watched_until_it_is_gone() {
    let (mut machine, at) = held(contender(100, Preempt::Always));
    // The look is off in these tests otherwise: then nobody is asked.
    let warn = Params { look: Look::Warn, ..*machine.params() };
    drive(&mut machine, at, &[Input::Reconfigure(warn)]);
    let start = at + 9 * SECOND;
    run(&mut machine, start);
    drive(&mut machine, start, &[sighting(MAC, false)]);
    let questions = asked(&mut machine, start + 11 * SECOND);
    assert_eq!(questions, [start + 10 * SECOND - t0(), start + 11 * SECOND - t0()]);
    drive(&mut machine, start + 11 * SECOND, &[sighting(MAC, true)]);
    assert_eq!(asked(&mut machine, start + 40 * SECOND).len(), 3);
    assert_eq!(rival(&machine), None);
}
