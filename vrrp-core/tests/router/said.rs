//! What is remembered of what speakers said: enough to name both sides where two nodes differ.

use std::time::Duration;

use vrrp_core::{
    Authentication, Centiseconds, Family, Hear, Interval, RxMeta, Said, Seconds, VirtualRouter,
};

use super::world::*;

const PEER: &str = "192.0.2.3";

fn said(world: &World, config: &VirtualRouter) -> Said {
    world.router.status(&key(config)).unwrap().speakers[0].said
}

#[test]
fn what_an_accepted_message_said_is_known() {
    let mut world = World::new(&[v3()]);
    let interval = Interval::V3(Centiseconds::try_from(25).unwrap());
    world.hear(&Message { interval, ..Message::v3(200, PEER) }).unwrap();
    let Said { version, vrid, ttl, interval: heard, authentication, key, .. } = said(&world, &v3());
    assert_eq!((version, vrid, ttl), (3, 51, 255));
    assert_eq!((heard, authentication, key), (Some(interval), None, None));
}

#[test]
fn what_a_refused_message_said_is_known_as_far_as_it_can_be_read() {
    let slow = Interval::V2(Seconds::try_from(2).unwrap());
    let mut world = World::new(&[v2()]);
    let authentication = Authentication::SimpleText(*b"secret\0\0");
    let message = Message { interval: slow, authentication, ..Message::v2(200, PEER) };
    world.hear(&message).unwrap_err();
    let Said { version, interval, authentication, .. } = said(&world, &v2());
    assert_eq!((version, interval, authentication), (2, Some(slow), Some(1)));

    let mut world = World::new(&[v3()]);
    world.hear(&Message::v2(200, PEER).ttl(64)).unwrap_err();
    let Said { version, ttl, authentication, .. } = said(&world, &v3());
    assert_eq!((version, ttl, authentication), (2, 64, Some(0)));
}

#[test]
fn the_key_of_a_signature_is_known() {
    let mut world = World::new(&[v3()]);
    let message = Message::v3(200, PEER);
    let signed = [&*message.bytes(), &[1, 3, 0, 0], &[9; 24]].concat();
    world.receive(message.meta, &signed).unwrap_err();
    assert_eq!(said(&world, &v3()).key, Some(3));
    // Any other trailer is no signature.
    let mut world = World::new(&[v3()]);
    world.receive(message.meta, &[&*message.bytes(), &[0; 28]].concat()).unwrap_err();
    assert_eq!(said(&world, &v3()).key, None);
}

#[test]
fn whatever_comes_is_read_without_a_panic() {
    for length in 0..40 {
        for octet in [0, 1, 0x21, 0x31, 0xff] {
            let mut world = World::new(&[v3()]);
            let bytes: Vec<u8> = std::iter::repeat_n(octet, length).collect();
            let mut named = bytes.clone();
            if let Some(vrid) = named.get_mut(1) {
                *vrid = 51;
            }
            for bytes in [&bytes, &named] {
                let meta: RxMeta = Message::v3(200, PEER).meta;
                world.receive(meta, bytes).unwrap_err();
            }
        }
    }
}

#[test]
fn how_addresses_differ_is_known_of_who_is_heard_and_of_another_cluster() {
    let config = VirtualRouter::v3_ipv4(
        vrid(51),
        ipv4(&["192.0.2.10", "192.0.2.11", "192.0.2.12"]),
        Centiseconds::ONE_SECOND,
    );
    let mut world = World::new(std::slice::from_ref(&config));
    let names = |addresses| Message { addresses, ..Message::v3(200, PEER) };
    let differing = |world: &World| {
        let status = world.router.status(&key(&config)).unwrap();
        let place = status.speakers.iter().position(|speaker| speaker.source == ip(PEER)).unwrap();
        let differing = status.differing(place)?;
        Some((differing.theirs, differing.more_theirs, differing.ours, differing.more_ours))
    };
    world.hear(&names(vec!["192.0.2.20", "192.0.2.10"])).unwrap();
    let (one, two) = (Some(ip("192.0.2.20")), Some(ip("192.0.2.11")));
    assert_eq!(differing(&world), Some((one, 0, two, 1)));
    world.hear(&names(vec!["192.0.2.12", "192.0.2.11", "192.0.2.10"])).unwrap();
    assert_eq!(differing(&world), None, "their order has no meaning");

    let mut world = World::new(std::slice::from_ref(&config));
    world.hear(&names(vec!["192.0.2.21", "192.0.2.20"])).unwrap_err();
    let ours = Some(ip("192.0.2.10"));
    assert_eq!(differing(&world), Some((one, 1, ours, 2)));
}

#[test]
fn of_whom_there_is_no_place_the_messages_are_counted() {
    let mut world = World::new(&[v3()]);
    for last in 10..20 {
        world.hear(&Message::v3(200, &format!("192.0.2.{last}"))).unwrap();
        let forged = Message::v3(200, &format!("192.0.2.{last}")).ttl(64);
        world.hear(&forged).unwrap_err();
        world.hear(&forged).unwrap_err();
    }
    let left_out = world.router.status(&key(&v3())).unwrap().left_out;
    assert_eq!((left_out.heard, left_out.refused), (6, 12));
    for last in 10..20 {
        let other = Message { vrid: 99, ..Message::v3(200, &format!("192.0.2.{last}")) };
        world.hear(&other).unwrap_err();
    }
    let left_out = world.router.unattributed_left_out(interface(1), Family::Ipv4).unwrap();
    assert_eq!((left_out.heard, left_out.refused), (0, 6));
}

#[test]
fn jitter_is_how_far_advertisements_are_from_their_interval() {
    let mut world = World::new(&[v3().with_peers([ip(PEER)], Hear::Any).unwrap()]);
    let config = v3();
    let jitter = |world: &World| world.router.status(&key(&config)).unwrap().speakers[0].jitter();
    let mut hear = |millis: u64| {
        world.wait(Duration::from_millis(millis));
        world.hear(&Message::v3(200, PEER)).unwrap();
        jitter(&world)
    };
    assert_eq!(hear(0), None);
    assert_eq!(hear(1000), Some(Duration::ZERO));
    // A sixteenth of 160 ms.
    assert_eq!(hear(1160), Some(Duration::from_millis(10)));
    // The other checksum form of the same one.
    assert_eq!(hear(0), Some(Duration::from_millis(10)));
    // After a resignation it begins anew.
    world.hear(&Message::v3(0, PEER)).unwrap();
    world.wait(Duration::from_millis(1500));
    world.hear(&Message::v3(200, PEER)).unwrap();
    assert_eq!(jitter(&world), Some(Duration::from_millis(10)));
}
