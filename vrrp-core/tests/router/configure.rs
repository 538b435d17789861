//! The desired world compared with the present one.

use vrrp_core::{
    Desired, Family, Hold, Input, InterfaceStatus, Key, Phase, Preempt, Reach, Rejected,
    VirtualRouter,
};

use super::world::*;

fn other_address() -> VirtualRouter {
    VirtualRouter::new(
        vrid(51),
        vrrp_core::Protocol::V3Ipv4 {
            addresses: ipv4(&["192.0.2.77"]),
            interval: vrrp_core::Centiseconds::ONE_SECOND,
            checksum: vrrp_core::Checksum::Auto,
        },
    )
}

#[test]
fn what_is_new_asks_what_a_crash_left_and_starts_as_backup() {
    let mut world = World::new(&[]);
    assert_eq!(world.configure(&[v3()]), ["51: stopped -> backup (startup)", "51: adopt"]);
}

#[test]
fn an_owner_advertises_and_acquires_once_its_backend_would_work() {
    let mut world = World::new(&[]);
    let owner = v3().with_role(vrrp_core::Role::Owner);
    assert_eq!(
        world.configure(std::slice::from_ref(&owner)),
        ["51: stopped -> inspecting (startup)", "51: inspect"]
    );
    assert_eq!(
        world.done(key(&owner), Ok(Reach::OnLink)),
        ["51: inspecting -> acquiring (owner)", "51: advertise 255", "51: acquire"]
    );
}

#[test]
fn what_is_gone_hands_over_and_disappears_and_its_place_is_used_again() {
    let mut world = World::held(&v3());
    let lines = world.configure(&[]);
    assert_eq!(lines, ["51: held -> resigning (shutdown)", "51: leaving", "51: advertise 0"]);
    world.hear(&Message::v3(50, "192.0.2.3")).unwrap();
    assert_eq!(world.router.next_deadline(), Some(world.now));
    world.give(Input::Timeout);
    assert!(world.router.status(&key(&v3())).is_none());
    assert_eq!(world.router.keys().count(), 0);
    assert_eq!(world.router.next_deadline(), None);

    world.configure(&[v3()]);
    assert_eq!(world.router.keys().collect::<Vec<Key>>(), [key(&v3())]);
    world.hold(key(&v3()));
}

#[test]
fn what_comes_back_while_it_hands_over_stays() {
    let mut world = World::held(&v3());
    world.configure(&[]);
    assert_eq!(
        world.configure(&[v3()]),
        ["51: resigning -> held (startup)", "51: advertise 100", "51: repair"]
    );
    world.give(Input::Timeout);
    assert_eq!(world.router.keys().count(), 1);
}

#[test]
fn a_change_in_place_keeps_the_state_and_is_advertised() {
    let mut world = World::held(&v3());
    let since = world.router.status(&key(&v3())).unwrap().since;
    world.wait(SECOND / 2);
    let stronger = v3().with_role(contender(120, Preempt::Never));
    assert_eq!(world.configure(&[stronger]), ["51: advertise 120"]);
    let status = world.router.status(&key(&v3())).unwrap();
    assert_eq!((status.phase, status.since), (Phase::Held, since));
    assert_eq!(
        world.router.next_deadline(),
        Some(world.now + SECOND / 2),
        "the announcement after 1 s"
    );

    let unchanged = world.snapshot(key(&v3()));
    assert_eq!(world.configure(&[v3().with_role(contender(120, Preempt::Never))]), [""; 0]);
    assert_eq!(world.snapshot(key(&v3())), unchanged);
}

#[test]
fn addresses_change_in_place() {
    let mut world = World::held(&v3());
    assert_eq!(world.configure(&[other_address()]), ["51: advertise 100", "51: repair"]);
    assert_eq!(world.done(key(&v3()), Ok(Reach::OnLink)), ["51: announce"]);
    let status = world.router.status(&key(&v3())).unwrap();
    assert_eq!((status.phase, status.counters.repairs), (Phase::Held, 0));
    // In every other phase, too, the backend's answer is one about the addresses that are
    // configured.
    let mut acquiring = World::new(&[v3()]);
    acquiring.timeout();
    assert_eq!(acquiring.configure(&[other_address()]), ["51: advertise 100", "51: acquire"]);
    let mut backup = World::new(&[v3()]);
    assert_eq!(backup.configure(&[other_address()]), ["51: inspect"]);
    let mut starting = World::new(&[]);
    starting.configure(&[v3()]);
    assert_eq!(starting.configure(&[other_address()]), ["51: adopt"]);
    let mut resigning = World::held(&v3());
    resigning.give(Input::Shutdown);
    let lines = resigning.configure(&[other_address()]);
    assert_eq!(lines, ["51: resigning -> held (startup)", "51: advertise 100", "51: repair"]);
}

#[test]
fn another_version_keeps_the_state_and_is_advertised_at_once() {
    let mut world = World::held(&v3());
    assert_eq!(world.configure(&[v2()]), ["51: advertise 100"]);
    assert_eq!(world.phase(key(&v2())), Phase::Held);
    assert_eq!(world.hear(&Message::v3(200, "192.0.2.3")), Err(Rejected::WrongVersion));
    world.hear(&Message::v2(200, "192.0.2.3")).unwrap();
    assert_eq!(world.phase(key(&v2())), Phase::Backup);
}

#[test]
fn the_last_word_of_the_configuration_counts_while_it_hands_over() {
    let mut world = World::held(&v3());
    world.configure(&[]);
    assert_eq!(world.configure(&[v2()])[0], "51: resigning -> held (startup)");
    world.configure(&[]);
    world.hear(&Message::v2(50, "192.0.2.3")).unwrap();
    assert_eq!(world.give(Input::Timeout), [""; 0]);
    assert_eq!(world.router.keys().count(), 0);
}

#[test]
fn the_first_shutdown_does_not_cut_the_handover_of_a_removal_short() {
    let mut world = World::held(&v3());
    world.configure(&[]);
    assert_eq!(world.give(Input::Shutdown), [""; 0]);
    assert_eq!(world.phase(key(&v3())), Phase::Resigning);
    world.hear(&Message::v3(50, "192.0.2.3")).unwrap();
    assert!(world.router.is_stopped());
    assert_eq!(world.give(Input::Timeout), [""; 0]);
    assert!(world.router.is_stopped());
    assert_eq!(world.router.next_deadline(), None);
}

#[test]
fn a_second_shutdown_cuts_every_handover_short() {
    let mut world = World::held(&v3());
    world.configure(&[]);
    world.give(Input::Shutdown);
    assert_eq!(
        world.give(Input::Shutdown),
        ["51: resigning -> stopped (shutdown)", "51: release (shutdown)"]
    );
    assert!(world.router.is_stopped());
}

#[test]
fn after_a_shutdown_the_same_configuration_starts_it_again() {
    let mut world = World::new(&[v3()]);
    world.give(Input::Shutdown);
    assert!(world.router.is_stopped());
    assert_eq!(world.configure(&[v3()]), ["51: stopped -> backup (startup)", "51: adopt"]);
    assert!(!world.router.is_stopped());
}

#[test]
fn configured_again_during_the_handover_of_a_shutdown_it_stays() {
    let mut world = World::held(&v3());
    world.give(Input::Shutdown);
    assert_eq!(
        world.configure(&[v3()]),
        ["51: resigning -> held (startup)", "51: advertise 100", "51: repair"]
    );
    world.done(key(&v3()), Ok(Reach::OnLink));
    world.wait(SECOND);
    world.give(Input::Timeout);
    assert_eq!(world.phase(key(&v3())), Phase::Held);
}

#[test]
fn a_drained_virtual_router_stays_drained_when_its_addresses_change() {
    let mut world = World::new(&[v3()]);
    world.give(Input::Drain { key: key(&v3()), force: false });
    world.configure(&[other_address()]);
    world.give(Input::Timeout);
    assert_eq!(world.phase(key(&v3())), Phase::Initialize(Hold::Drained));
    world.give(Input::Resume { key: key(&v3()) });
    assert_eq!(world.phase(key(&v3())), Phase::Backup);
}

#[test]
fn the_same_vrid_on_two_interfaces_and_in_two_families_does_not_mix() {
    let mut world = World::new(&[]);
    world.give(Input::Interface { id: interface(2), status: up() });
    let keys = [v3().key(interface(1)), v3_ipv6().key(interface(1)), v3().key(interface(2))];
    world.configure_at([(keys[0], v3()), (keys[1], v3_ipv6()), (keys[2], v3())]);
    assert_eq!(world.router.keys().collect::<Vec<Key>>(), keys);
    assert_eq!(keys[1].family, Family::Ipv6);

    let before = keys.map(|key| world.snapshot(key));
    world.wait(SECOND);
    let mut message = Message::v3(200, "192.0.2.3");
    message.meta.interface = interface(2);
    world.hear(&message).unwrap();
    for (key, before) in keys.into_iter().zip(before) {
        let heard = world.router.status(&key).unwrap().counters.adverts_received;
        assert_eq!(heard, u64::from(key.interface == interface(2)));
        if heard == 0 {
            assert_eq!(world.snapshot(key), before);
        }
    }
    assert_eq!(world.router.status(&keys[2]).unwrap().active_peer, Some(ip("192.0.2.3")));
}

#[test]
fn a_backend_timeout_is_never_nothing() {
    let mut desired = Desired::new();
    let key = desired.insert(interface(1), v3()).unwrap();
    desired.set_backend_timeout(&key, std::time::Duration::ZERO);
    let mut world = World::new(&[]);
    world.give(Input::Configure(&desired));
    world.vet();
    world.timeout();
    assert_eq!(world.phase(key), Phase::Acquiring);
    assert!(world.router.next_deadline().unwrap() > world.now);
}

#[test]
fn another_backend_timeout_holds_from_the_next_request_on() {
    let mut world = World::new(&[v3()]);
    let mut desired = Desired::new();
    let key = desired.insert(interface(1), v3()).unwrap();
    desired.set_backend_timeout(&key, SECOND);
    assert_eq!(world.give(Input::Configure(&desired)), [""; 0]);
    world.timeout();
    let promoted = world.now;
    while world.phase(key) == Phase::Acquiring {
        world.timeout();
    }
    assert_eq!(world.now, promoted + SECOND);
}

/// One that is configured while another interface is missing never takes part before that is there.
#[test]
fn it_takes_part_when_every_interface_is_there_that_it_relies_on() {
    let mut desired = Desired::new();
    let key = desired.insert(interface(1), v3()).unwrap();
    desired.rely_on(&key, [interface(2), interface(3)]);
    let mut world = World::new(&[]);
    world.give(Input::Configure(&desired));
    let held = Phase::Initialize(Hold::OtherInterface);
    assert_eq!(world.phase(key), held);
    world.give(Input::Interface { id: interface(2), status: up() });
    assert_eq!(world.phase(key), held, "one of two");
    world.give(Input::Interface { id: interface(3), status: down() });
    assert_eq!(world.phase(key), held, "the other is down");
    world.give(Input::Interface { id: interface(3), status: up() });
    assert_eq!(world.phase(key), Phase::Backup);
    world.give(Input::Interface { id: interface(2), status: InterfaceStatus::Missing });
    assert_eq!(world.phase(key), held);
    let mut desired = Desired::new();
    desired.insert(interface(1), v3()).unwrap();
    world.give(Input::Configure(&desired));
    assert_eq!(world.phase(key), Phase::Backup, "it relies on none any more");
}

/// What belongs to the addresses is another: the core knows no more, and asks in every state.
#[test]
fn another_revision_is_put_as_other_addresses_are() {
    let desired = |revision| {
        let mut desired = Desired::new();
        let key = desired.insert(interface(1), v3()).unwrap();
        desired.set_revision(&key, revision);
        desired
    };
    let mut world = World::new(&[v3()]);
    world.vet();
    assert_eq!(world.give(Input::Configure(&desired(0))), [""; 0]);
    let asked = world.give(Input::Configure(&desired(1)));
    assert!(asked.iter().any(|line| line.contains("inspect")), "{asked:?}");
    world.vet();
    world.timeout();
    let asked = world.give(Input::Configure(&desired(2)));
    assert!(asked.iter().any(|line| line.contains("acquire")), "{asked:?}");
    world.hold(key(&v3()));
    let asked = world.give(Input::Configure(&desired(3)));
    assert!(asked.iter().any(|line| line.contains("repair")), "{asked:?}");
    assert_eq!(world.give(Input::Configure(&desired(3))), [""; 0]);
}

#[test]
fn a_vrid_stands_once_for_each_interface_and_family() {
    let mut desired = Desired::new();
    let key = desired.insert(interface(1), v3()).unwrap();
    let refused = desired.insert(interface(1), v2()).unwrap_err();
    assert_eq!(refused.key, key);
    assert_eq!(desired.get(&key), Some(&v3()), "what was there stays");
    desired.insert(interface(1), v3_ipv6()).unwrap();
    desired.insert(interface(2), v3()).unwrap();
    assert_eq!(desired.len(), 3);
}
