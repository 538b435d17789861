//! Messages octet by octet. Their checksums were computed by a program of another language and
//! agree with Wireshark's, except that Wireshark knows only the pseudo-header form of VRRPv3 over
//! IPv4.

extern crate std;

use std::{vec, vec::Vec};

use super::*;
use crate::{Ipv4Addresses, Ipv6Addresses};

/// A change of a message.
type Change = fn(&mut Vec<u8>);

/// VRRPv2 with the password "d0cker".
const V2_PASSWORD: [u8; 20] = [
    0x21, 51, 200, 1, 1, 1, 0x1e, 0x83, 192, 168, 9, 144, b'd', b'0', b'c', b'k', b'e', b'r', 0, 0,
];
/// VRRPv2 without authentication.
const V2_PLAIN: [u8; 24] =
    [0x21, 1, 100, 2, 0, 1, 0xf6, 0xf6, 192, 0, 2, 1, 192, 0, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0];
/// VRRPv3 over IPv4 with the checksum of RFC 9568.
const V3_ALONE: [u8; 12] = [0x31, 51, 200, 1, 0, 100, 0x44, 0x65, 192, 0, 2, 1];
/// The same with the checksum of keepalived and FRR, from 192.0.2.11 to 224.0.0.18.
const V3_PSEUDO: [u8; 12] = [0x31, 51, 200, 1, 0, 100, 0xa1, 0xca, 192, 0, 2, 1];
/// VRRPv3 over IPv6, from fe80::a to ff02::12.
const V3_IPV6: [u8; 40] = [
    0x31, 7, 255, 2, 0x0f, 0xff, 0x95, 0x82, // header
    0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, // fe80::1
    0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, // 2001:db8::1
];

fn meta(source: &str, destination: IpAddr) -> RxMeta {
    let interface = InterfaceId::new(core::num::NonZeroU32::MIN);
    RxMeta { interface, source: source.parse().unwrap(), destination, ttl: 255 }
}

fn v4() -> RxMeta {
    meta("192.0.2.11", IPV4_GROUP.into())
}

fn v6() -> RxMeta {
    meta("fe80::a", IPV6_GROUP.into())
}

/// Every valid message above, with where it came from.
fn valid() -> [(RxMeta, &'static [u8]); 5] {
    [
        (v4(), &V2_PASSWORD),
        (v4(), &V2_PLAIN),
        (v4(), &V3_ALONE),
        (v4(), &V3_PSEUDO),
        (v6(), &V3_IPV6),
    ]
}

fn encode(advert: &Advert<'_>, meta: &RxMeta, form: ChecksumForm) -> Vec<u8> {
    let mut out = vec![0xaa; Advert::MAX_LEN];
    let len = advert.encode(meta.source, meta.destination, form, &mut out).unwrap();
    assert!(out[len..].iter().all(|octet| *octet == 0xaa), "it wrote beyond the message");
    out.truncate(len);
    out
}

/// `message` with its checksum made right again, for tests that look behind the checksum.
fn repaired(meta: &RxMeta, mut message: Vec<u8>) -> Vec<u8> {
    message[6..8].fill(0);
    let mut sum = Sum::of(&message);
    if meta.source.is_ipv6() {
        sum = sum.plus(Sum::pseudo_header(
            meta.source,
            meta.destination,
            message.len().try_into().unwrap(),
        ));
    }
    message[6..8].copy_from_slice(&sum.field());
    message
}

fn changed(message: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut message = message.to_vec();
    change(&mut message);
    message
}

#[test]
fn v2_with_a_password() {
    let addresses = Ipv4Addresses::new([Ipv4Addr::new(192, 168, 9, 144)]).unwrap();
    let advert = Advert {
        vrid: Vrid::try_from(51).unwrap(),
        claim: Claim::from(200),
        interval: Interval::V2(Seconds::ONE),
        authentication: Authentication::SimpleText(*b"d0cker\0\0"),
        addresses: AddressList::from(&addresses),
    };
    let decoded = Advert::decode(&v4(), &V2_PASSWORD).unwrap();
    assert_eq!(decoded, Decoded { advert, form: Some(ChecksumForm::MessageOnly) });
    // VRRPv2 has one form, whichever is asked for.
    assert_eq!(encode(&advert, &v4(), ChecksumForm::MessageOnly), V2_PASSWORD);
    assert_eq!(encode(&advert, &v4(), ChecksumForm::PseudoHeader), V2_PASSWORD);
}

#[test]
fn v2_without_authentication() {
    let decoded = Advert::decode(&v4(), &V2_PLAIN).unwrap();
    assert_eq!(decoded.advert.authentication, Authentication::None);
    let addresses: Vec<IpAddr> = decoded.advert.addresses.iter().collect();
    assert_eq!(addresses, [IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2])]);
    assert_eq!(encode(&decoded.advert, &v4(), ChecksumForm::MessageOnly), V2_PLAIN);
}

#[test]
fn v2_without_authentication_may_carry_anything_where_the_data_would_be() {
    let message =
        repaired(&v4(), changed(&V2_PLAIN, |message| message[16..].copy_from_slice(b"leftover")));
    let decoded = Advert::decode(&v4(), &message).unwrap();
    assert_eq!(decoded, Advert::decode(&v4(), &V2_PLAIN).unwrap());
}

#[test]
fn v3_over_ipv4_in_both_checksum_forms() {
    let addresses = Ipv4Addresses::new([Ipv4Addr::new(192, 0, 2, 1)]).unwrap();
    let advert = Advert {
        vrid: Vrid::try_from(51).unwrap(),
        claim: Claim::from(200),
        interval: Interval::V3(Centiseconds::ONE_SECOND),
        authentication: Authentication::None,
        addresses: AddressList::from(&addresses),
    };
    for (form, message) in
        [(ChecksumForm::MessageOnly, V3_ALONE), (ChecksumForm::PseudoHeader, V3_PSEUDO)]
    {
        assert_eq!(Advert::decode(&v4(), &message), Ok(Decoded { advert, form: Some(form) }));
        assert_eq!(encode(&advert, &v4(), form), message);
    }
}

#[test]
fn a_source_whose_pseudo_header_sums_to_nothing_does_not_tell_the_forms_apart() {
    let meta = meta("10.1.21.112", IPV4_GROUP.into());
    assert_eq!(Advert::decode(&meta, &V3_ALONE).map(|decoded| decoded.form), Ok(None));
    assert_eq!(Advert::decode(&meta, &V3_PSEUDO), Err(DecodeError::Checksum));
}

#[test]
fn v3_over_ipv6() {
    let addresses: [Ipv6Addr; 2] = ["fe80::1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
    let addresses = Ipv6Addresses::new(addresses).unwrap();
    let advert = Advert {
        vrid: Vrid::try_from(7).unwrap(),
        claim: Claim::Own,
        interval: Interval::V3(Centiseconds::try_from(4095).unwrap()),
        authentication: Authentication::None,
        addresses: AddressList::from(&addresses),
    };
    let decoded = Advert::decode(&v6(), &V3_IPV6).unwrap();
    assert_eq!(decoded, Decoded { advert, form: Some(ChecksumForm::PseudoHeader) });
    assert_eq!(encode(&advert, &v6(), ChecksumForm::PseudoHeader), V3_IPV6);
    assert_eq!(encode(&advert, &v6(), ChecksumForm::MessageOnly), V3_IPV6);
}

#[test]
fn the_pseudo_header_is_not_optional_over_ipv6() {
    let message = changed(&V3_IPV6, |message| {
        message[6..8].fill(0);
        let field = Sum::of(message).field();
        message[6..8].copy_from_slice(&field);
    });
    assert_eq!(Advert::decode(&v6(), &message), Err(DecodeError::Checksum));
    let other_source = meta("fe80::b", IPV6_GROUP.into());
    assert_eq!(Advert::decode(&other_source, &V3_IPV6), Err(DecodeError::Checksum));
}

#[test]
fn reserved_bits_are_ignored_on_reception_and_zero_on_transmission() {
    for reserved in 1..=15 {
        let message = repaired(&v4(), changed(&V3_ALONE, |message| message[4] |= reserved << 4));
        let decoded = Advert::decode(&v4(), &message).unwrap();
        assert_eq!(decoded, Advert::decode(&v4(), &V3_ALONE).unwrap(), "{reserved}");
        assert_eq!(encode(&decoded.advert, &v4(), ChecksumForm::MessageOnly), V3_ALONE);
    }
}

#[test]
fn each_error_has_its_message() {
    use DecodeError as E;
    let mixed = meta("192.0.2.11", IPV6_GROUP.into());
    let rows: [(E, RxMeta, &[u8], Change); 17] = [
        (E::Truncated, v4(), &V3_ALONE, |message| message.truncate(7)),
        (E::Truncated, v4(), &V3_ALONE, |message| message[3] = 2),
        (E::Truncated, v4(), &V2_PASSWORD, |message| message.truncate(12)),
        (E::Truncated, v6(), &V3_IPV6, |message| message[3] = 3),
        (E::Oversized, v4(), &V3_ALONE, |message| message.push(0)),
        (E::Oversized, v6(), &V3_IPV6, |message| message[3] = 1),
        (E::Version, v4(), &V3_ALONE, |message| message[0] = 0x11),
        (E::Version, v4(), &V3_ALONE, |message| message[0] = 0x41),
        (E::Version, v6(), &V3_IPV6, |message| message[0] = 0x21),
        (E::Type, v4(), &V3_ALONE, |message| message[0] = 0x32),
        (E::ZeroVrid, v4(), &V3_ALONE, |message| message[1] = 0),
        (E::ZeroCount, v4(), &V3_ALONE, |message| message[3] = 0),
        (E::ZeroInterval, v4(), &V3_ALONE, |message| message[4..6].copy_from_slice(&[0xf0, 0])),
        (E::ZeroInterval, v4(), &V2_PLAIN, |message| message[5] = 0),
        (E::AuthenticationType, v4(), &V2_PASSWORD, |message| message[4] = 2),
        (E::Family, mixed, &V3_ALONE, |_| ()),
        (E::Family, RxMeta { source: v6().source, ..v4() }, &V3_IPV6, |_| ()),
    ];
    for (error, meta, message, change) in rows {
        let message = changed(message, change);
        let message = if message.len() < HEADER_LEN { message } else { repaired(&meta, message) };
        assert_eq!(Advert::decode(&meta, &message), Err(error), "{message:02x?}");
    }
    for (meta, message) in valid() {
        let wrong = changed(message, |message| message[7] = message[7].wrapping_add(3));
        assert_eq!(Advert::decode(&meta, &wrong), Err(E::Checksum), "{message:02x?}");
    }
}

#[test]
fn what_is_wrong_first_is_what_is_said() {
    let wrong_in_all = [0x42, 0, 0, 0, 0, 0, 0, 0];
    let repairs: [(DecodeError, Change); 6] = [
        (DecodeError::Version, |message| message[0] = 0x22),
        (DecodeError::Type, |message| message[0] = 0x21),
        (DecodeError::ZeroCount, |message| message[3..5].copy_from_slice(&[1, 9])),
        (DecodeError::Truncated, |message| message.resize(20, 0)),
        (DecodeError::AuthenticationType, |message| message[4] = 0),
        (DecodeError::Checksum, |message| *message = repaired(&v4(), message.clone())),
    ];
    let mut message = wrong_in_all.to_vec();
    for (error, repair) in repairs {
        assert_eq!(Advert::decode(&v4(), &message), Err(error));
        repair(&mut message);
    }
    assert_eq!(Advert::decode(&v4(), &message), Err(DecodeError::ZeroVrid));
    message[1] = 1;
    assert_eq!(Advert::decode(&v4(), &repaired(&v4(), message)), Err(DecodeError::ZeroInterval));
}

#[test]
fn any_one_bit_matters() {
    for (meta, message) in valid() {
        let original = Advert::decode(&meta, message).unwrap();
        for bit in 0..message.len() * 8 {
            let flipped = changed(message, |message| message[bit / 8] ^= 1 << (bit % 8));
            assert_ne!(
                Advert::decode(&meta, &flipped),
                Ok(original),
                "bit {bit} of {message:02x?}"
            );
        }
    }
}

#[test]
fn a_message_has_exactly_one_length() {
    for (meta, message) in valid() {
        for length in 0..message.len() {
            assert_eq!(
                Advert::decode(&meta, &message[..length]),
                Err(DecodeError::Truncated),
                "{length}"
            );
        }
        for more in 1..=16 {
            let longer = changed(message, |message| message.extend(vec![0; more]));
            assert_eq!(Advert::decode(&meta, &longer), Err(DecodeError::Oversized), "{more}");
        }
    }
}

#[test]
fn two_hundred_and_fifty_five_addresses_are_the_most() {
    let v4_addresses =
        Ipv4Addresses::new((0..255).map(|last| Ipv4Addr::new(192, 0, 2, last))).unwrap();
    let v6_addresses =
        Ipv6Addresses::new((1..=255).map(|last| Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last)))
            .unwrap();
    let interval = Interval::V3(Centiseconds::ONE_SECOND);
    let rows = [
        (v4(), AddressList::from(&v4_addresses), interval, 8 + 255 * 4),
        (v4(), AddressList::from(&v4_addresses), Interval::V2(Seconds::ONE), 8 + 255 * 4 + 8),
        (v6(), AddressList::from(&v6_addresses), interval, Advert::MAX_LEN),
    ];
    for (meta, addresses, interval, length) in rows {
        let vrid = Vrid::try_from(255).unwrap();
        let advert = Advert {
            vrid,
            claim: Claim::Resign,
            interval,
            authentication: Authentication::None,
            addresses,
        };
        let message = encode(&advert, &meta, ChecksumForm::MessageOnly);
        assert_eq!(message.len(), length);
        assert_eq!(Advert::decode(&meta, &message).map(|decoded| decoded.advert), Ok(advert));
        let mut short = vec![0; length - 1];
        let result =
            advert.encode(meta.source, meta.destination, ChecksumForm::MessageOnly, &mut short);
        assert_eq!(result, Err(BufferTooSmall));
    }
}

#[test]
fn a_buffer_that_is_too_small_is_an_error_at_any_length() {
    for (meta, message) in valid() {
        let decoded = Advert::decode(&meta, message).unwrap();
        for length in 0..message.len() {
            let mut out = vec![0; length];
            let form = ChecksumForm::MessageOnly;
            assert_eq!(
                decoded.advert.encode(meta.source, meta.destination, form, &mut out),
                Err(BufferTooSmall),
            );
        }
    }
}
