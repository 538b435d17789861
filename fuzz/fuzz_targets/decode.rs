//! Any octets: decoding never panics, and what it takes is written back as it was.
#![no_main]

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU32,
};

use libfuzzer_sys::fuzz_target;
use vrrp_core::{Advert, Authentication, ChecksumForm, InterfaceId, Interval, RxMeta};

fuzz_target!(|data: &[u8]| {
    let Some(([choice, a, b], message)) = data.split_first_chunk() else { return };
    let (source, destination): (IpAddr, IpAddr) = match choice & 3 {
        0 => (Ipv4Addr::new(192, 0, *a, *b).into(), vrrp_core::IPV4_GROUP.into()),
        1 => (
            Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, u16::from_be_bytes([*a, *b])).into(),
            vrrp_core::IPV6_GROUP.into(),
        ),
        2 => (Ipv4Addr::new(192, 0, *a, *b).into(), vrrp_core::IPV6_GROUP.into()),
        _ => (Ipv6Addr::LOCALHOST.into(), vrrp_core::IPV4_GROUP.into()),
    };
    let meta =
        RxMeta { interface: InterfaceId::new(NonZeroU32::MIN), source, destination, ttl: 255 };
    let mut message = message.to_vec();
    // A fuzzer does not guess checksums: half of the messages are given the right one.
    if choice & 4 != 0 && message.len() >= 8 {
        message[6..8].fill(0);
        let covered =
            if choice & 8 == 0 { Vec::new() } else { pseudo_header(&meta, message.len()) };
        let checksum = checksum(&[covered, message.clone()].concat());
        message[6..8].copy_from_slice(&checksum.to_be_bytes());
    }
    check(&meta, &message);
});

fn check(meta: &RxMeta, message: &[u8]) {
    let Ok(decoded) = Advert::decode(meta, message) else { return };
    let form = decoded.form.unwrap_or(ChecksumForm::MessageOnly);
    let mut out = [0; Advert::MAX_LEN];
    let len =
        decoded.advert.encode(meta.source, meta.destination, form, &mut out).expect("large enough");
    let again = Advert::decode(meta, &out[..len]).expect("what was encoded can be decoded");
    assert_eq!(again, decoded);
    assert_eq!(uncovered(&decoded.advert, &out[..len]), uncovered(&decoded.advert, message));
}

/// The message without what is ignored on reception, and without the checksum that covers it.
fn uncovered(advert: &Advert<'_>, message: &[u8]) -> Vec<u8> {
    let mut message = message.to_vec();
    message[6..8].fill(0);
    match (advert.interval, advert.authentication) {
        (Interval::V3(_), _) => message[4] &= 0x0f,
        (Interval::V2(_), Authentication::None) => {
            message[8 + advert.addresses.len() * 4..].fill(0)
        }
        (Interval::V2(_), Authentication::SimpleText(_)) => {}
    }
    message
}

fn pseudo_header(meta: &RxMeta, length: usize) -> Vec<u8> {
    let octets = |address| match address {
        IpAddr::V4(v4) => Ipv4Addr::octets(&v4).to_vec(),
        IpAddr::V6(v6) => Ipv6Addr::octets(&v6).to_vec(),
    };
    let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    [octets(meta.source), octets(meta.destination), length.to_vec(), vec![0, 0, 0, 112]].concat()
}

/// RFC 1071, as slow and plain as it can be written.
fn checksum(octets: &[u8]) -> u16 {
    let mut sum = 0_u32;
    for pair in octets.chunks(2) {
        sum += u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).expect("folded")
}
