//! What an interface allows.

use vrrp_core::{Hear, Hold, Input, InterfaceStatus, MacAddr, Phase, VirtualRouter};

use super::world::*;

/// The phase of a virtual router on an interface that is like this.
fn phase(config: &VirtualRouter, status: InterfaceStatus) -> Phase {
    let mut world = World::new(&[]);
    world.give(Input::Interface { id: interface(1), status });
    world.configure(std::slice::from_ref(config));
    world.phase(key(config))
}

#[test]
fn an_interface_is_missing_until_it_is_told_of() {
    let mut world = World::new(&[]);
    let elsewhere = v3().key(interface(9));
    world.configure_at([(elsewhere, v3())]);
    assert_eq!(world.phase(elsewhere), Phase::Initialize(Hold::InterfaceMissing));
    assert_eq!(world.router.next_deadline(), None);
    world.give(Input::Interface { id: interface(9), status: up() });
    assert_eq!(world.phase(elsewhere), Phase::Backup);
}

#[test]
fn missing_and_down_hold_every_kind_of_virtual_router() {
    for config in [v3(), v2(), v3_ipv6()] {
        assert_eq!(
            phase(&config, InterfaceStatus::Missing),
            Phase::Initialize(Hold::InterfaceMissing)
        );
        assert_eq!(phase(&config, down()), Phase::Initialize(Hold::LinkDown));
        assert_eq!(phase(&config, up()), Phase::Backup);
    }
}

#[test]
fn each_needs_the_address_that_it_sends_from() {
    let no_source = Phase::Initialize(Hold::NoSource);
    let no_ipv4 = up().with(|own| own.ipv4 = None);
    let no_link_local = up().with(|own| own.ipv6_link_local = None);
    let no_routable = up().with(|own| own.ipv6_routable = None);
    let routed = v3_ipv6().with_peers([ip("2001:db8::3")], Hear::Peers).unwrap();
    let on_link = v3_ipv6().with_peers([ip("fe80::3")], Hear::Peers).unwrap();
    for (config, needs) in [
        (v3(), no_ipv4),
        (v2(), no_ipv4),
        (v3_ipv6(), no_link_local),
        (on_link, no_link_local),
        (routed, no_routable),
    ] {
        for status in [no_ipv4, no_link_local, no_routable] {
            let expected = if status == needs { no_source } else { Phase::Backup };
            assert_eq!(phase(&config, status), expected, "{config:?} on {status:?}");
        }
    }
}

#[test]
fn a_pinned_source_needs_no_other() {
    let pinned = v3().with_source(ip("192.0.2.200")).unwrap();
    assert_eq!(phase(&pinned, up().with(|own| own.ipv4 = None)), Phase::Backup);
    assert_eq!(phase(&pinned, down()), Phase::Initialize(Hold::LinkDown));
}

#[test]
fn an_active_that_loses_its_link_for_long_lets_go_and_comes_back_as_backup_without_probation() {
    let mut world = World::held(&v3());
    assert_eq!(world.give(Input::Interface { id: interface(1), status: down() }), [""; 0]);
    let waits_until = world.now + SECOND / 4;
    assert_eq!(world.router.status(&key(&v3())).unwrap().waits_until, Some(waits_until));
    assert_eq!(world.timeout(), ["51: held -> link-down (interface)", "51: release (interface)"]);
    assert_eq!((world.now, world.router.next_deadline()), (waits_until, None));
    assert_eq!(
        world.give(Input::Interface { id: interface(1), status: up() }),
        ["51: link-down -> backup (interface-back)", "51: inspect"]
    );
    world.vet();
    assert_eq!(world.router.status(&key(&v3())).unwrap().probation_until, None);
    // One interval and Skew_Time: enough to hear an Active.
    assert_eq!(world.router.next_deadline(), Some(world.now + ACTIVE_DOWN - 2 * SECOND));
}

#[test]
fn another_hardware_address_is_announced_and_a_first_one_is_not() {
    let mut world = World::held(&v3());
    let give = |world: &mut World, octet| {
        let mac = MacAddr([2, 0, 0, 0, 0, octet]);
        world.give(Input::Interface { id: interface(1), status: up().with(|own| own.mac = mac) })
    };
    assert_eq!(give(&mut world, 1), ["51: announce"]);
    assert_eq!(give(&mut world, 1), [""; 0]);
    let gone = InterfaceStatus::Missing;
    world.give(Input::Interface { id: interface(1), status: gone });
    assert_eq!(
        give(&mut world, 2),
        ["51: advertise 100", "51: repair"],
        "announced once it is back"
    );
}

#[test]
fn a_fault_outlasts_a_link_that_comes_and_goes() {
    let mut world = World::new(&[v3()]);
    world.timeout();
    world.done(key(&v3()), Err(vrrp_core::LeaseFailure::Denied));
    world.give(Input::Interface { id: interface(1), status: InterfaceStatus::Missing });
    assert_eq!(world.router.next_deadline(), None, "nothing to try without an interface");
    world.wait(5 * SECOND);
    assert_eq!(
        world.give(Input::Interface { id: interface(1), status: up() }),
        ["51: interface-missing -> backend-denied (startup)", "51: inspect"]
    );
    assert!(world.router.next_deadline().unwrap() > world.now);
}

#[test]
fn a_new_source_is_sent_from_without_a_transition() {
    let mut world = World::held(&v3());
    let status = up().with(|own| own.ipv4 = "192.0.2.22".parse().ok());
    assert_eq!(world.give(Input::Interface { id: interface(1), status }), [""; 0]);
    // What was our own address is a peer's now, and the greater one wins.
    assert_eq!(
        world.hear(&Message::v3(100, OWN)).unwrap(),
        ["51: advertise 100", "51: announce", "51: same-priority 192.0.2.2"]
    );
}
