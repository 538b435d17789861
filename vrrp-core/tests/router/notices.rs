//! What is reported about peers whose advertisements count all the same: the interval, the list,
//! the owner, the priority.

use vrrp_core::{Centiseconds, ChecksumForm, Input, Interval, Role, VirtualRouter};

use super::world::*;

const PEER: &str = "192.0.2.3";

#[test]
fn a_different_interval_is_reported_and_followed_except_in_a_resignation() {
    let interval = Interval::V3(Centiseconds::try_from(50).unwrap());
    let mut world = World::new(&[v3()]);
    assert_eq!(world.hear(&Message { interval, ..Message::v3(0, PEER) }).unwrap(), [""; 0]);
    let message = Message { interval, ..Message::v3(200, PEER) };
    assert_eq!(world.hear(&message).unwrap(), ["51: interval-differs 192.0.2.3"]);
    assert_eq!(
        world.router.next_deadline(),
        Some(world.now + interval.timing().active_down(100.into()))
    );
}

#[test]
fn a_different_address_list_is_reported_but_not_a_different_order() {
    let config = VirtualRouter::v3_ipv4(
        vrid(51),
        ipv4(&["192.0.2.1", "192.0.2.7"]),
        Centiseconds::ONE_SECOND,
    );
    let mut world = World::new(&[config]);
    let with = |addresses| Message { addresses, ..Message::v3(200, PEER) };
    assert_eq!(world.hear(&with(vec!["192.0.2.7", "192.0.2.1"])).unwrap(), [""; 0]);
    assert_eq!(world.hear(&with(vec!["192.0.2.1"])).unwrap(), ["51: addresses-differ 192.0.2.3"]);
    assert_eq!(world.router.status(&key(&v3())).unwrap().counters.adverts_received, 2);

    let mut world = World::new(&[v2()]);
    let message = Message { addresses: vec!["192.0.2.9", "192.0.2.1"], ..Message::v2(200, PEER) };
    assert_eq!(world.hear(&message).unwrap(), ["51: addresses-differ 192.0.2.3"]);
    assert_eq!(
        world.router.status(&key(&v2())).unwrap().active_peer,
        Some(ip(PEER)),
        "dropped in VRRPv2"
    );
}

#[test]
fn an_ipv6_list_without_a_link_local_address_in_front_is_reported() {
    let mut world = World::new(&[v3_ipv6()]);
    let addresses = vec!["2001:db8::1"];
    let message =
        Message { addresses, form: ChecksumForm::PseudoHeader, ..Message::v3(200, "fe80::3") };
    assert_eq!(
        world.hear(&message).unwrap(),
        ["51-ipv6: addresses-differ fe80::3", "51-ipv6: no-link-local-address fe80::3"]
    );
    assert!(world.router.status(&key(&v3_ipv6())).unwrap().active_peer.is_some());
}

#[test]
fn two_owners_and_contenders_of_an_owner_are_reported() {
    let owner = v3().with_role(Role::Owner);
    let mut world = World::new(std::slice::from_ref(&owner));
    assert_eq!(
        world.hear(&Message::v3(100, PEER)).unwrap(),
        ["51: advertise 255", "51: contends-with-owner 192.0.2.3"]
    );
    assert_eq!(
        world.hear(&Message::v3(255, "192.0.2.1")).unwrap(),
        ["51: advertise 255", "51: second-owner 192.0.2.1"]
    );
    assert_eq!(world.hear(&Message::v3(255, "192.0.2.1")).unwrap(), ["51: advertise 255"]);
    assert_eq!(World::new(&[owner]).hear(&Message::v3(0, PEER)).unwrap(), ["51: advertise 255"]);
}

/// B4: two were counted and one was polled.
#[test]
fn a_notice_that_nobody_polled_names_the_first_speaker_and_is_told_once() {
    let mut world = World::new(&[v3()]);
    for source in [PEER, "192.0.2.4"] {
        let same = Message::v3(100, source);
        world.handle(Input::Datagram { meta: same.meta, bytes: &same.bytes() });
    }
    assert_eq!(world.drain(), ["51: same-priority 192.0.2.3"]);
}

#[test]
fn b04_a_notice_that_waits_over_a_phase_change_does_not_jam_the_router() {
    let mut world = World::new(&[v3(), VirtualRouter::new(vrid(52), v3().protocol().clone())]);
    world.hold(key(&v3()));
    for vrid in [51, 51, 52] {
        let message = Message { vrid, ..Message::v3(100, "192.0.2.9") };
        world.handle(Input::Datagram { meta: message.meta, bytes: &message.bytes() });
    }
    let lines = world.drain();
    assert!(lines.iter().any(|line| line.starts_with("52:")), "52 is never polled: {lines:?}");
    assert!(world.router.next_deadline().unwrap() > world.now, "a busy loop");
    world.give(Input::Shutdown);
    world.give(Input::Shutdown);
    assert!(world.router.is_stopped(), "it never stops");
}
