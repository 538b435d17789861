//! What happens before a virtual router takes part: what a crash left behind, holds, and keys.

use std::time::Duration;

use vrrp_core::{
    Announcements, Answer, Centiseconds, Checksum, Hold, Input, InterfaceStatus, Interval,
    LeaseFailure, Look, Phase, Protocol, Reach, VirtualRouter, fsm,
};

use super::world::*;

#[test]
fn what_a_crash_left_is_released_where_the_interface_is_not_ready() {
    let sourceless = up().with(|own| own.ipv4 = None);
    for status in [InterfaceStatus::Missing, down(), sourceless] {
        let mut world = World::new(&[]);
        world.give(Input::Interface { id: interface(2), status });
        let lines = world.configure_at([(v3().key(interface(2)), v3())]);
        assert!(lines.contains(&"51-2: release (startup)".to_string()), "{status:?}: {lines:?}");
    }
}

#[test]
fn what_was_left_behind_too_long_ago_is_released_once() {
    let mut world = World::new(&[]);
    world.configure(&[v3()]);
    let key = key(&v3());
    let (generation, advertised_at) = (world.generations[&key], world.now - 10 * SECOND);
    let adopt = Input::Answer {
        key,
        generation,
        answer: Answer::Adopted { reach: Reach::OnLink, advertised_at },
    };
    assert_eq!(world.give(adopt), ["51: release (startup)"]);
    assert_eq!(
        world.give(Input::Shutdown),
        ["51: backup -> stopped (shutdown)"],
        "nothing is left"
    );
}

#[test]
fn a_reload_that_changes_nothing_of_the_protocol_is_not_advertised() {
    let mut world = World::held(&v3());
    let Protocol::V3Ipv4 { addresses, interval, .. } = v3().protocol().clone() else {
        unreachable!()
    };
    let protocol = Protocol::V3Ipv4 { addresses, interval, checksum: Checksum::Rfc9568 };
    let other = VirtualRouter::new(vrid(51), protocol).with_look(Look::Off);
    assert_eq!(world.configure(&[other]), [""; 0]);
    assert_eq!(world.phase(key(&v3())), Phase::Held);
}

/// Its pause may be over by then: whoever is kept out by something else has nothing to ask for.
#[test]
fn a_backend_is_not_asked_while_something_else_keeps_the_node_out() {
    for (input, hold) in [
        (fsm::Input::Drain { force: false }, Hold::Drained),
        (fsm::Input::Shutdown, Hold::Stopped),
        (fsm::Input::Link(fsm::Link::Down), Hold::LinkDown),
    ] {
        let mut machine = failed();
        let at = machine.deadline().unwrap();
        let _ = machine.handle(at - SECOND / 2, input);
        let effects = machine.handle(at, fsm::Input::Timeout);
        assert_eq!((effects.lease, machine.phase()), (None, Phase::Initialize(hold)), "{input:?}");
    }
}

/// A machine whose backend has said no.
fn failed() -> fsm::Machine {
    let mut machine = fsm::Machine::new(fsm::Params {
        timing: Interval::V3(Centiseconds::ONE_SECOND).timing(),
        role: vrrp_core::Role::default(),
        announcements: Announcements::default(),
        backend_timeout: Duration::from_secs(1),
        spread: 0,
        unicast: false,
        startup_delay: Duration::ZERO,
        up_delay: Duration::ZERO,
        look: Look::Off,
    });
    let now = vrrp_core::Instant::EPOCH + 1000 * SECOND;
    // There is nothing to adopt, and an acquire would not work.
    for input in [
        fsm::Input::Link(fsm::Link::Ready(ip(OWN))),
        fsm::Input::Start,
        fsm::Input::Answer(Answer::NothingLeft),
        fsm::Input::Answer(Answer::Failed(LeaseFailure::Failed)),
    ] {
        let _ = machine.handle(now, input);
    }
    assert_eq!(machine.phase(), Phase::Initialize(Hold::Backend(LeaseFailure::Failed)));
    machine
}
