//! Every reason to reject a message, by name and with real octets. What is rejected is counted, its
//! sender is noted, and nothing else changes.

use vrrp_core::{
    Authentication, Centiseconds, DecodeError, Family, Hear, Input, InterfaceStatus, Interval,
    Password, Protocol, Rejected, RxMeta, Seconds, VirtualRouter,
};

use super::world::*;

const PEER: &str = "192.0.2.3";

/// Recomputes the checksum of a VRRPv3 message without a pseudo-header.
fn repaired(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[6..8].fill(0);
    let words = bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | pair.get(1).copied().map_or(0, u32::from));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let sum = !u16::try_from(sum).unwrap();
    bytes[6..8].copy_from_slice(&sum.to_be_bytes());
    bytes
}

fn with_password() -> VirtualRouter {
    let password = Some(Password::try_from(&b"d0cker"[..]).unwrap());
    let protocol =
        Protocol::V2 { addresses: ipv4(&["192.0.2.1"]), interval: Seconds::ONE, password };
    VirtualRouter::new(vrid(51), protocol)
}

/// Gives the message to a Backup and to an Active, and sees that it changes nothing.
#[track_caller]
fn rejects(config: &VirtualRouter, meta: RxMeta, bytes: &[u8], reason: Rejected) {
    let key = key(config);
    for mut world in [World::new(std::slice::from_ref(config)), World::held(config)] {
        world.wait(SECOND / 4);
        let before = world.snapshot(key);
        assert_eq!(world.receive(meta, bytes), Err(reason), "{}", reason.as_str());
        let told = world.drain();
        assert!(told.iter().all(|line| line.contains("refused ")) && told.len() <= 1, "{told:?}");

        let mut after = world.snapshot(key);
        for (other, count) in after.counters.rejections() {
            assert_eq!(count, u64::from(other == reason), "{}", other.as_str());
        }
        let speaker = after.speakers.pop().unwrap();
        assert_eq!((speaker.source, speaker.verdict), (meta.source, Err(reason)));
        assert_eq!((speaker.last_heard, speaker.messages), (world.now, 1));
        after.counters = before.counters;
        assert_eq!(after, before);
    }
}

#[track_caller]
fn malformed(change: impl FnOnce(&mut Vec<u8>), error: DecodeError) {
    let message = Message::v3(200, PEER);
    let mut bytes = message.bytes();
    change(&mut bytes);
    rejects(&v3(), message.meta, &bytes, error.into());
}

#[test]
fn a_message_that_is_not_well_formed_is_rejected_by_name() {
    malformed(|bytes| bytes.truncate(11), DecodeError::Truncated);
    malformed(|bytes| bytes.truncate(2), DecodeError::Truncated);
    malformed(|bytes| bytes.push(0), DecodeError::Oversized);
    malformed(|bytes| bytes[0] = 0x41, DecodeError::Version);
    malformed(|bytes| bytes[0] = 0x32, DecodeError::Type);
    malformed(|bytes| bytes[3] = 0, DecodeError::ZeroCount);
    malformed(|bytes| bytes[2] = 201, DecodeError::Checksum);
    malformed(
        |bytes| {
            bytes[4..6].fill(0);
            *bytes = repaired(std::mem::take(bytes));
        },
        DecodeError::ZeroInterval,
    );
}

#[test]
fn an_authentication_type_that_nobody_knows_is_rejected() {
    let message = Message::v2(200, PEER);
    let mut bytes = message.bytes();
    bytes[4] = 2;
    rejects(&v2(), message.meta, &repaired(bytes), DecodeError::AuthenticationType.into());
}

#[test]
fn a_message_between_families_is_rejected() {
    let mut message = Message::v3(200, PEER);
    let bytes = message.bytes();
    message.meta.destination = ip("ff02::12");
    rejects(&v3(), message.meta, &bytes, DecodeError::Family.into());
}

#[test]
fn a_message_from_beyond_the_link_is_rejected() {
    for ttl in [0, 1, 254] {
        let message = Message::v3(200, PEER).ttl(ttl);
        rejects(&v3(), message.meta, &message.bytes(), Rejected::Ttl);
        let message =
            Message { form: vrrp_core::ChecksumForm::PseudoHeader, ..Message::v3(200, "fe80::3") };
        let message = message.ttl(ttl);
        rejects(&v3_ipv6(), message.meta, &message.bytes(), Rejected::Ttl);
    }
}

#[test]
fn the_other_version_is_rejected_by_either() {
    let message = Message::v3(200, PEER);
    rejects(&v2(), message.meta, &message.bytes(), Rejected::WrongVersion);
    let message = Message::v2(200, PEER);
    rejects(&v3(), message.meta, &message.bytes(), Rejected::WrongVersion);
}

#[test]
fn a_wrong_password_and_a_wrong_authentication_type_are_rejected() {
    let with = |text: &[u8; 8]| Message {
        authentication: Authentication::SimpleText(*text),
        ..Message::v2(200, PEER)
    };
    let wrong = with(b"d0ckers\0");
    rejects(&with_password(), wrong.meta, &wrong.bytes(), Rejected::Password);
    let none = Message::v2(200, PEER);
    rejects(&with_password(), none.meta, &none.bytes(), Rejected::AuthenticationType);
    let unwanted = with(b"d0cker\0\0");
    rejects(&v2(), unwanted.meta, &unwanted.bytes(), Rejected::AuthenticationType);

    let mut world = World::new(&[with_password()]);
    assert_eq!(world.hear(&unwanted), Ok(vec![]));
    assert_eq!(World::new(&[v2()]).hear(&none), Ok(vec![]));
}

#[test]
fn a_v2_interval_that_is_not_ours_is_rejected() {
    let interval = Interval::V2(Seconds::try_from(2).unwrap());
    let message = Message { interval, ..Message::v2(200, PEER) };
    rejects(&v2(), message.meta, &message.bytes(), Rejected::Interval);
}

#[test]
fn a_message_from_our_own_address_is_rejected() {
    let message = Message::v3(200, OWN);
    rejects(&v3(), message.meta, &message.bytes(), Rejected::OwnSource);
}

/// A loop is named as one, however far it went.
#[test]
fn our_own_address_is_looked_at_before_the_ttl() {
    let message = Message::v3(200, OWN).ttl(64);
    rejects(&v3(), message.meta, &message.bytes(), Rejected::OwnSource);
}

#[test]
fn a_source_that_is_not_a_peer_is_rejected() {
    let unicast = v3().with_peers([ip(PEER)], Hear::Peers).unwrap();
    let message = Message::v3(200, "192.0.2.4");
    rejects(&unicast, message.meta, &message.bytes(), Rejected::UnlistedSource);
}

#[test]
fn whoever_does_not_take_part_does_not_listen() {
    let mut world = World::new(&[v3()]);
    world.give(Input::Shutdown);
    let before = world.snapshot(key(&v3()));
    assert_eq!(world.hear(&Message::v3(200, PEER)), Err(Rejected::NotListening));
    let mut after = world.snapshot(key(&v3()));
    assert_eq!(after.counters.rejected(Rejected::NotListening), 1);
    assert_eq!(after.counters.adverts_received, 0);
    (after.counters, after.speakers) = (before.counters, vec![]);
    assert_eq!(after, before);
}

#[test]
fn what_belongs_to_no_virtual_router_is_counted_for_the_interface_and_family() {
    let mut world = World::new(&[v3()]);
    let before = world.snapshot(key(&v3()));
    let unknown = Message { vrid: 52, ..Message::v3(200, PEER) };
    assert_eq!(world.hear(&unknown), Err(Rejected::UnknownVrid));
    assert_eq!(world.hear(&unknown.clone().ttl(64)), Err(Rejected::Ttl));
    let zero = repaired(
        unknown
            .bytes()
            .into_iter()
            .enumerate()
            .map(|(at, octet)| if at == 1 { 0 } else { octet })
            .collect(),
    );
    assert_eq!(world.receive(unknown.meta, &zero), Err(DecodeError::ZeroVrid.into()));
    assert_eq!(world.receive(unknown.meta, &[0x31]), Err(DecodeError::Truncated.into()));
    assert_eq!(world.snapshot(key(&v3())), before);

    let (counters, speakers) = world.router.unattributed(interface(1), Family::Ipv4).unwrap();
    for reason in [
        Rejected::UnknownVrid,
        Rejected::Ttl,
        DecodeError::ZeroVrid.into(),
        DecodeError::Truncated.into(),
    ] {
        assert_eq!(counters.rejected(reason), 1, "{}", reason.as_str());
    }
    assert_eq!(counters.rejections().map(|(_, count)| count).sum::<u64>(), 4);
    assert_eq!(speakers.len(), 1);
    assert_eq!((speakers[0].source, speakers[0].messages), (ip(PEER), 4));

    let mut elsewhere = Message::v3(200, PEER);
    elsewhere.meta.interface = interface(7);
    assert_eq!(world.hear(&elsewhere), Err(Rejected::UnknownVrid));
    assert!(world.router.unattributed(interface(7), Family::Ipv4).is_none());
}

#[test]
fn a12_an_interface_that_is_gone_and_unused_is_forgotten() {
    let mut world = World::new(&[v3()]);
    let counts = |world: &World| world.router.unattributed(interface(1), Family::Ipv4).is_some();
    let gone = InterfaceStatus::default();
    world.give(Input::Interface { id: interface(1), status: gone });
    assert!(counts(&world), "a virtual router is on it");
    world.configure(&[]);
    assert!(counts(&world));
    world.give(Input::Interface { id: interface(1), status: gone });
    assert!(!counts(&world));
}

#[test]
fn a_forger_cannot_push_out_a_peer() {
    let mut world = World::new(&[v3()]);
    world.hear(&Message::v3(200, PEER)).unwrap();
    for last in 10..200 {
        let forged = Message::v3(200, &format!("192.0.2.{last}")).ttl(64);
        assert_eq!(world.hear(&forged), Err(Rejected::Ttl));
    }
    let speakers = world.snapshot(key(&v3())).speakers;
    assert!(speakers.iter().any(|speaker| speaker.source == ip(PEER) && speaker.verdict.is_ok()));
    assert_eq!(speakers.len(), 5);
}

#[test]
fn reserved_bits_and_any_interval_are_accepted_in_v3() {
    let mut world = World::new(&[v3()]);
    let interval = Interval::V3(Centiseconds::try_from(4095).unwrap());
    let message = Message { interval, ..Message::v3(200, PEER) };
    let mut bytes = message.bytes();
    bytes[4] |= 0xf0;
    world.receive(message.meta, &repaired(bytes)).unwrap();
    let down = interval.timing().active_down(100.into());
    assert_eq!(world.router.next_deadline(), Some(world.now + down));
}
