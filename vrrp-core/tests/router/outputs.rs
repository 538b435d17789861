//! The order of outputs, what becomes of them when inputs pile up, and late answers of backends.

use std::slice::from_ref;

use vrrp_core::{Answer, Generation, Hold, Input, Instant, LeaseFailure, Loss, Phase, Reach};

use super::world::*;

#[test]
fn a_promotion_advertises_before_it_acquires_and_announces_once_held() {
    let mut world = World::new(&[v3()]);
    let key = key(&v3());
    assert_eq!(
        world.timeout(),
        ["51: backup -> acquiring (silence)", "51: advertise 100", "51: acquire"]
    );
    assert_eq!(
        world.done(key, Ok(Reach::OnLink)),
        ["51: acquiring -> held (acquired)", "51: announce"]
    );
    assert_eq!(world.router.status(&key).unwrap().active_until, Some(world.now + 3 * SECOND));
    assert_eq!(world.router.status(&key).unwrap().counters.became_active, 1);
}

#[test]
fn addresses_that_are_routed_are_not_announced() {
    let mut world = World::new(&[v3()]);
    world.timeout();
    assert_eq!(world.done(key(&v3()), Ok(Reach::Routed)), ["51: acquiring -> held (acquired)"]);
}

#[test]
fn a_demotion_says_its_last_word_and_names_the_successor() {
    for intervals in [0, 4] {
        let mut world = World::held(&v3());
        for _ in 0..intervals {
            world.timeout();
        }
        world.wait(SECOND / 2);
        let release = "51: release (stronger-claim to 192.0.2.3)";
        assert_eq!(
            world.hear(&Message::v3(101, "192.0.2.3")).unwrap(),
            ["51: held -> backup (stronger-claim)", "51: advertise 100", release]
        );
    }
}

#[test]
fn a_handover_marks_the_addresses_resigns_and_lets_go_when_a_successor_is_heard() {
    let mut world = World::held(&v3());
    assert_eq!(
        world.give(Input::Shutdown),
        ["51: held -> resigning (shutdown)", "51: leaving", "51: advertise 0"]
    );
    assert_eq!(
        world.hear(&Message::v3(50, "192.0.2.3")).unwrap(),
        ["51: resigning -> stopped (successor)", "51: release (successor to 192.0.2.3)"]
    );
    assert!(world.router.is_stopped());
}

#[test]
fn a_backend_failure_resigns_before_it_releases() {
    let mut world = World::new(&[v3()]);
    world.timeout();
    assert_eq!(
        world.done(key(&v3()), Err(LeaseFailure::AddressPresent)),
        [
            "51: acquiring -> address-present (address-present)",
            "51: advertise 0",
            "51: release (address-present)"
        ]
    );
    world.wait(SECOND);
    assert_eq!(world.give(Input::Timeout), ["51: inspect"]);
    assert_eq!(
        world.done(key(&v3()), Ok(Reach::OnLink)),
        ["51: address-present -> backup (retry)"]
    );
    assert!(world.router.status(&key(&v3())).unwrap().probation_until.is_some());
}

#[test]
fn a_stalled_active_says_nothing() {
    for late in [3 * SECOND, 3100 * SECOND / 1000, 4 * SECOND] {
        let mut world = World::held(&v3());
        world.wait(late);
        assert_eq!(
            world.give(Input::Timeout),
            ["51: held -> backup (stalled)", "51: release (stalled)"]
        );
    }
}

#[test]
fn promoted_and_out_again_before_anybody_polled() {
    let mut world = World::new(&[v3()]);
    world.wait(ACTIVE_DOWN);
    world.handle(Input::Timeout);
    // The interface is gone: there is nothing to say and nothing to acquire.
    world.handle(Input::Interface { id: interface(1), status: Default::default() });
    assert_eq!(
        world.drain(),
        ["51: backup -> interface-missing (interface)", "51: release (interface)"]
    );
}

#[test]
fn a_release_supersedes_the_acquire_and_one_event_goes_from_the_told_phase_to_the_last() {
    let mut world = World::new(&[v3()]);
    world.wait(ACTIVE_DOWN);
    world.handle(Input::Timeout);
    let stronger = Message::v3(200, "192.0.2.3");
    world.handle(Input::Datagram { meta: stronger.meta, bytes: &stronger.bytes() });
    // Backup again, which is what was told last; the last word is the only advertisement.
    assert_eq!(world.drain(), ["51: advertise 100", "51: release (stronger-claim to 192.0.2.3)"]);

    let mut world = World::held(&v3());
    let from_held = "51: held -> drained (successor)";
    world.handle(Input::Drain { key: key(&v3()), force: false });
    world.handle(Input::Datagram { meta: stronger.meta, bytes: &stronger.bytes() });
    assert_eq!(world.drain(), [from_held, "51: release (successor to 192.0.2.3)"]);
}

#[test]
fn a_resignation_survives_inputs_that_come_before_it_is_polled() {
    for input in [
        Input::Shutdown,
        Input::Resume { key: key(&v3()) },
        Input::Drain { key: key(&v3()), force: false },
        Input::Interface { id: interface(1), status: up() },
    ] {
        let mut world = World::new(&[v3()]);
        world.timeout();
        let generation = world.generations[&key(&v3())];
        world.handle(Input::Answer {
            key: key(&v3()),
            generation,
            answer: Answer::Failed(LeaseFailure::Failed),
        });
        world.handle(input.clone());
        let lines = world.drain();
        assert!(lines.contains(&"51: advertise 0".to_string()), "{input:?}: {lines:?}");
    }
}

#[test]
fn nothing_is_sent_without_an_interface_even_if_it_was_due() {
    let mut world = World::held(&v3());
    // Stalled, which is worth a resignation, and at once without an address to send it from.
    world.wait(3 * SECOND);
    let status = up().with(|own| own.ipv4 = None);
    let lines = world.give(Input::Interface { id: interface(1), status });
    assert_eq!(lines, ["51: held -> no-source-address (interface)", "51: release (stalled)"]);
    assert_eq!(
        world.give(Input::Interface { id: interface(1), status: up() }),
        ["51: no-source-address -> backup (interface-back)", "51: inspect"]
    );
}

#[test]
fn a_late_answer_to_an_older_request_is_ignored() {
    let mut world = World::new(&[v3()]);
    let key = key(&v3());
    world.timeout();
    let old = world.generations[&key];
    world.hear(&Message::v3(200, "192.0.2.3")).unwrap();
    world.wait(5 * SECOND);
    world.give(Input::Timeout);
    assert_eq!(world.phase(key), Phase::Acquiring);
    for generation in [old, Generation::default()] {
        let answer = Answer::Failed(LeaseFailure::Failed);
        assert_eq!(world.give(Input::Answer { key, generation, answer }), [""; 0]);
        assert_eq!(
            world.give(Input::Answer { key, generation, answer: Answer::Held(Reach::OnLink) }),
            [""; 0]
        );
    }
    assert_eq!(world.phase(key), Phase::Acquiring);
    assert!(world.generations[&key] > old);
}

#[test]
fn an_answer_is_ignored_while_a_newer_request_waits_to_be_polled() {
    let mut world = World::held(&v3());
    let key = key(&v3());
    world.give(Input::LeaseLost { key, loss: Loss::Lapsed });
    let generation = world.generations[&key];
    world.handle(Input::LeaseLost { key, loss: Loss::Lapsed });
    world.handle(Input::Answer { key, generation, answer: Answer::Failed(LeaseFailure::Failed) });
    assert_eq!(world.drain(), ["51: advertise 100", "51: repair"]);
    assert_eq!(world.done(key, Ok(Reach::OnLink)), ["51: announce"]);
    assert_eq!(world.router.status(&key).unwrap().counters.repairs, 1);
}

#[test]
fn an_answer_to_a_virtual_router_that_was_replaced_is_not_taken_for_one_to_its_successor() {
    let mut world = World::new(&[v3()]);
    let key = key(&v3());
    world.timeout();
    let old = world.generations[&key];
    world.configure(&[]);
    world.give(Input::Timeout);
    let again = v3();
    world.configure(from_ref(&again));
    world.vet();
    world.timeout();
    assert_eq!(world.phase(key), Phase::Acquiring);
    world.give(Input::Answer { key, generation: old, answer: Answer::Held(Reach::OnLink) });
    assert_eq!(
        world.phase(key),
        Phase::Acquiring,
        "an answer of generation {} was taken",
        old.get()
    );
}

#[test]
fn addresses_that_are_lost_are_not_announced_before_they_are_back() {
    let mut world = World::held(&v3());
    let key = key(&v3());
    world.wait(SECOND / 2);
    world.give(Input::LeaseLost { key, loss: Loss::Lapsed });
    world.wait(SECOND / 2);
    assert_eq!(world.give(Input::Timeout), ["51: advertise 100"]);
    assert_eq!(world.hear(&Message::v3(1, "192.0.2.3")).unwrap(), ["51: advertise 100"]);
    assert_eq!(world.done(key, Ok(Reach::OnLink)), ["51: announce"]);
}

#[test]
fn a_second_answer_to_the_same_request_is_ignored() {
    let mut world = World::held(&v3());
    assert_eq!(world.done(key(&v3()), Err(LeaseFailure::Failed)), [""; 0]);
    assert_eq!(world.phase(key(&v3())), Phase::Held);
}

#[test]
fn a_notice_does_not_end_the_polling_while_others_have_something_to_say() {
    let mut other = v3();
    other = vrrp_core::VirtualRouter::new(vrid(52), other.protocol().clone());
    let mut world = World::new(&[v3(), other]);
    for vrid in [51, 52] {
        let same = Message { vrid, ..Message::v3(100, "192.0.2.3") };
        world.handle(Input::Datagram { meta: same.meta, bytes: &same.bytes() });
    }
    assert_eq!(world.drain(), ["51: same-priority 192.0.2.3", "52: same-priority 192.0.2.3"]);
    assert!(world.router.next_deadline().unwrap() > world.now);
}

#[test]
fn b20_an_inspection_does_not_take_the_place_of_a_release() {
    let (mut world, key) = (World::new(&[v3()]), key(&v3()));
    world.timeout();
    let generation = world.generations[&key];
    world.handle(Input::Answer { key, generation, answer: Answer::Failed(LeaseFailure::Failed) });
    world.wait(SECOND);
    world.handle(Input::Timeout);
    let lines = world.drain();
    let place = |wanted: &str| lines.iter().position(|line| line.contains(wanted));
    assert!(place("release").is_some() && place("release") < place("inspect"), "{lines:?}");
}

#[test]
fn an_inspection_that_a_restart_supersedes_is_asked_for_again() {
    let mut world = World::new(&[v3()]);
    let key = key(&v3());
    world.timeout();
    world.done(key, Err(LeaseFailure::Failed));
    assert_eq!(world.timeout(), ["51: inspect"]);
    world.give(Input::Shutdown);
    assert_eq!(world.phase(key), Phase::Initialize(Hold::Stopped));
    let lines = world.configure(&[v3()]);
    assert_eq!(lines, ["51: stopped -> backend-failed (startup)", "51: inspect"]);
    assert_eq!(world.done(key, Ok(Reach::OnLink)), ["51: backend-failed -> backup (retry)"]);
}

#[test]
fn an_adoption_is_told_and_advertised_and_asks_the_backend_for_nothing() {
    let mut world = World::new(&[]);
    world.configure(&[v3()]);
    let key = key(&v3());
    let generation = world.generations[&key];
    let adopt = |generation, now: Instant| Input::Answer {
        key,
        generation,
        answer: Answer::Adopted { reach: Reach::OnLink, advertised_at: now - SECOND },
    };
    let now = world.now;
    assert_eq!(world.give(adopt(Generation::default(), now)), [""; 0], "an answer to nothing");
    let lines = world.give(adopt(generation, now));
    assert_eq!(lines, ["51: backup -> adopted (adopted)", "51: advertise 100"]);
    assert_eq!(world.router.status(&key).unwrap().active_until, Some(now + 3 * SECOND));
}

#[test]
fn a_fight_hands_over_and_puts_back_what_is_deleted_meanwhile() {
    let mut world = World::held(&v3());
    let key = key(&v3());
    let deleted = Input::LeaseLost { key, loss: Loss::Deleted };
    let mut lines = Vec::new();
    while world.phase(key) == Phase::Held {
        world.wait(SECOND / 10);
        if world.router.next_deadline().is_some_and(|at| at <= world.now) {
            world.give(Input::Timeout);
        }
        lines = world.give(deleted.clone());
        world.done(key, Ok(Reach::OnLink));
    }
    assert_eq!(lines, ["51: held -> resigning (fight)", "51: advertise 0", "51: repair"]);
    assert_eq!(world.give(deleted), ["51: repair"]);
    let lines = world.hear(&Message::v3(50, "192.0.2.3")).unwrap();
    assert_eq!(lines, ["51: resigning -> backup (fight)", "51: release (fight to 192.0.2.3)"]);
}
