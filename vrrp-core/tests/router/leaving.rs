//! Shutdown, drain and resume.

use vrrp_core::{Desired, Hold, Input, InterfaceStatus, Loss, Phase, Reach, Role};

use super::world::*;

fn drain(force: bool) -> Input<'static> {
    Input::Drain { key: key(&v3()), force }
}

fn resume() -> Input<'static> {
    Input::Resume { key: key(&v3()) }
}

#[test]
fn a_backup_that_is_shut_down_sends_nothing() {
    let mut world = World::new(&[v3()]);
    assert_eq!(world.give(Input::Shutdown), ["51: backup -> stopped (shutdown)"]);
    assert!(world.router.is_stopped());
    assert_eq!(world.router.next_deadline(), None);
}

#[test]
fn a_shutdown_is_over_when_the_last_has_stopped_and_all_was_polled() {
    let mut world = World::held(&v3());
    world.give(Input::Shutdown);
    assert!(!world.router.is_stopped());
    world.handle(Input::Shutdown);
    assert!(!world.router.is_stopped(), "the release was not polled");
    assert_eq!(world.drain(), ["51: resigning -> stopped (shutdown)", "51: release (shutdown)"]);
    assert!(world.router.is_stopped());
}

#[test]
fn a_handover_without_a_successor_ends_after_its_bound() {
    let mut world = World::held(&v3());
    let start = world.now;
    world.give(Input::Shutdown);
    let mut lines = Vec::new();
    while !world.router.is_stopped() {
        lines.extend(world.timeout());
    }
    assert_eq!(world.now, start + SECOND + SECOND / 10);
    assert_eq!(
        lines,
        [
            "51: advertise 0",
            "51: resigning -> stopped (no-successor)",
            "51: advertise 0",
            "51: release (no-successor)"
        ]
    );
}

#[test]
fn an_acquiring_node_that_leaves_lets_go_at_once() {
    let mut world = World::new(&[v3()]);
    world.timeout();
    assert_eq!(
        world.give(Input::Shutdown),
        ["51: acquiring -> stopped (shutdown)", "51: advertise 0", "51: release (shutdown)"]
    );
}

#[test]
fn a_drained_node_stays_out_until_it_is_resumed() {
    let mut world = World::held(&v3());
    assert_eq!(
        world.give(drain(false)),
        ["51: held -> resigning (drain)", "51: leaving", "51: advertise 0"]
    );
    world.hear(&Message::v3(50, "192.0.2.3")).unwrap();
    assert_eq!(world.phase(key(&v3())), Phase::Initialize(Hold::Drained));
    assert_eq!(world.router.next_deadline(), None);
    world.give(Input::Interface { id: interface(1), status: Default::default() });
    world.give(Input::Interface { id: interface(1), status: up() });
    world.configure(&[v3()]);
    assert_eq!(world.phase(key(&v3())), Phase::Initialize(Hold::Drained));
    assert_eq!(world.give(resume()), ["51: drained -> backup (resume)", "51: inspect"]);
}

#[test]
fn a_drain_that_nobody_answers_is_refused_and_taken_back() {
    let mut world = World::held(&v3());
    world.give(drain(false));
    world.timeout();
    world.wait(2 * SECOND);
    assert_eq!(
        world.give(Input::Timeout),
        ["51: resigning -> held (resume)", "51: drain refused", "51: advertise 100", "51: repair"]
    );
    assert_eq!(world.done(key(&v3()), Ok(Reach::OnLink)), ["51: announce"]);
}

#[test]
fn a_forced_drain_lets_go_even_if_it_was_not_forced_at_first() {
    let mut world = World::held(&v3());
    world.give(drain(false));
    assert_eq!(world.give(drain(true)), [""; 0]);
    world.wait(2 * SECOND);
    assert_eq!(
        world.give(Input::Timeout),
        [
            "51: resigning -> drained (no-successor)",
            "51: advertise 0",
            "51: release (no-successor)"
        ]
    );
}

#[test]
fn a_drain_is_ended_by_resume_but_a_shutdown_is_not() {
    let mut world = World::held(&v3());
    world.give(drain(false));
    assert_eq!(
        world.give(resume()),
        ["51: resigning -> held (resume)", "51: advertise 100", "51: repair"]
    );
    world.done(key(&v3()), Ok(Reach::OnLink)).clear();
    world.give(Input::Shutdown);
    assert_eq!(world.give(resume()), [""; 0]);
    assert_eq!(world.phase(key(&v3())), Phase::Resigning);
}

#[test]
fn a_shutdown_during_a_drain_stops_it_for_good() {
    let mut world = World::held(&v3());
    world.give(drain(false));
    assert_eq!(world.give(Input::Shutdown), [""; 0]);
    world.wait(2 * SECOND);
    world.give(Input::Timeout);
    assert!(world.router.is_stopped());
}

#[test]
fn a_link_that_is_lost_during_a_handover_ends_it() {
    for (leave, hold) in [(Input::Shutdown, Hold::Stopped), (drain(false), Hold::Drained)] {
        let mut world = World::held(&v3());
        world.give(leave);
        world.give(Input::Interface { id: interface(1), status: Default::default() });
        world.give(Input::Interface { id: interface(1), status: up() });
        assert_eq!(world.phase(key(&v3())), Phase::Initialize(hold));
    }
}

#[test]
fn an_owner_that_was_drained_takes_over_when_it_is_resumed() {
    let mut world = World::new(&[v3().with_role(Role::Owner)]);
    world.done(key(&v3()), Ok(Reach::OnLink));
    world.give(drain(true));
    world.hear(&Message::v3(100, "192.0.2.3")).unwrap();
    assert_eq!(world.give(resume()), ["51: drained -> inspecting (resume)", "51: inspect"]);
    assert_eq!(
        world.done(key(&v3()), Ok(Reach::OnLink)),
        ["51: inspecting -> acquiring (owner)", "51: advertise 255", "51: acquire"]
    );
}

/// A node that is to start drained: nothing was polled in between, so that no adoption is asked for.
#[test]
fn who_is_drained_as_soon_as_it_is_configured_releases_and_adopts_nothing() {
    for role in [Role::default(), Role::Owner] {
        let mut world = World::new(&[]);
        let router = v3().with_role(role);
        let mut desired = Desired::new();
        desired.insert(interface(1), router).unwrap();
        world.handle(Input::Configure(&desired));
        world.handle(drain(true));
        let lines = world.drain();
        assert!(lines.contains(&"51: stopped -> drained (drain)".to_owned()), "{lines:?}");
        let asked: Vec<_> = lines.iter().filter(|line| !line.contains("->")).collect();
        assert!(
            matches!(asked.as_slice(), [release] if *release == "51: release (startup)"),
            "{lines:?}"
        );
        assert_eq!(world.router.next_deadline(), None);
        let (generation, advertised_at) = (world.generations[&key(&v3())], world.now);
        let answer = vrrp_core::Answer::Adopted { reach: Reach::OnLink, advertised_at };
        world.give(Input::Answer { key: key(&v3()), generation, answer });
        assert_eq!(world.phase(key(&v3())), Phase::Initialize(Hold::Drained));
    }
}

#[test]
fn inputs_for_unknown_virtual_routers_are_ignored() {
    let mut world = World::new(&[]);
    let key = key(&v3());
    for input in [
        drain(true),
        resume(),
        Input::LeaseLost { key, loss: Loss::Lapsed },
        Input::SendFailed { key },
    ] {
        assert_eq!(world.give(input), [""; 0]);
    }
    assert!(world.router.is_stopped());
}

#[test]
fn what_keeps_it_out_is_told_when_it_changes_whatever_else_does() {
    let mut world = World::held(&v3());
    let stands = |world: &World| {
        let (holds, gates) = world.standing[&key(&v3())];
        (holds.to_string(), gates.to_string())
    };
    world.give(drain(true));
    assert_eq!(stands(&world), ("drained".to_owned(), String::new()));
    // A second reason, and no transition.
    let id = interface(1);
    world.give(Input::Shutdown);
    world.give(Input::Interface { id, status: InterfaceStatus::Missing });
    assert_eq!(stands(&world).0, "stopped, drained, interface-missing");
    world.configure(&[v3()]);
    assert_eq!(stands(&world).0, "drained, interface-missing");
    world.give(resume());
    assert_eq!(stands(&world).0, "interface-missing");
}
