//! Properties of the codec: what is written is read back, and no octets make it panic.
#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU32,
};

use proptest::{collection::vec, prelude::*};
use vrrp_core::{
    AddressList, Advert, Authentication, Centiseconds, ChecksumForm, Claim, InterfaceId, Interval,
    Ipv4Addresses, Ipv6Addresses, RxMeta, Seconds, Vrid,
};

/// What an advertisement is made of, owned.
#[derive(Clone, Debug)]
struct Parts {
    vrid: Vrid,
    claim: Claim,
    interval: Interval,
    authentication: Authentication,
    addresses: Addresses,
    source: IpAddr,
    destination: IpAddr,
    form: ChecksumForm,
}

#[derive(Clone, Debug)]
enum Addresses {
    Ipv4(Ipv4Addresses),
    Ipv6(Ipv6Addresses),
}

impl Parts {
    fn advert(&self) -> Advert<'_> {
        Advert {
            vrid: self.vrid,
            claim: self.claim,
            interval: self.interval,
            authentication: self.authentication,
            addresses: match &self.addresses {
                Addresses::Ipv4(list) => AddressList::from(list),
                Addresses::Ipv6(list) => AddressList::from(list),
            },
        }
    }
}

fn meta(source: IpAddr, destination: IpAddr) -> RxMeta {
    RxMeta { interface: InterfaceId::new(NonZeroU32::MIN), source, destination, ttl: 255 }
}

fn ipv4_addresses() -> impl Strategy<Value = Addresses> {
    vec(any::<[u8; 3]>(), 1..=255)
        .prop_map(|list| list.into_iter().map(|[a, b, c]| Ipv4Addr::new(10, a, b, c)))
        .prop_filter_map("distinct addresses", |list| Ipv4Addresses::new(list).ok())
        .prop_map(Addresses::Ipv4)
}

fn ipv6_addresses() -> impl Strategy<Value = Addresses> {
    let prefix = prop_oneof![Just(0xfe80), Just(0xfd00)];
    vec((prefix, any::<[u16; 3]>()), 1..=255)
        .prop_map(|list| {
            list.into_iter().map(|(p, [a, b, c])| Ipv6Addr::new(p, 0, 0, 0, 0, a, b, c))
        })
        .prop_filter_map("distinct addresses", |list| Ipv6Addresses::new(list).ok())
        .prop_map(Addresses::Ipv6)
}

fn centiseconds() -> impl Strategy<Value = Interval> {
    (1..=4095_u16).prop_map(|interval| Interval::V3(Centiseconds::try_from(interval).unwrap()))
}

fn seconds() -> impl Strategy<Value = Interval> {
    (1..=255_u8).prop_map(|interval| Interval::V2(Seconds::try_from(interval).unwrap()))
}

fn authentication() -> impl Strategy<Value = Authentication> {
    prop_oneof![Just(Authentication::None), any::<[u8; 8]>().prop_map(Authentication::SimpleText)]
}

fn ip<A: Arbitrary + Into<IpAddr>>() -> impl Strategy<Value = IpAddr> {
    any::<A>().prop_map(Into::into)
}

fn parts() -> impl Strategy<Value = Parts> {
    let none = || Just(Authentication::None);
    let kinds = prop_oneof![
        (seconds(), authentication(), ipv4_addresses(), ip::<Ipv4Addr>(), ip::<Ipv4Addr>()),
        (centiseconds(), none(), ipv4_addresses(), ip::<Ipv4Addr>(), ip::<Ipv4Addr>()),
        (centiseconds(), none(), ipv6_addresses(), ip::<Ipv6Addr>(), ip::<Ipv6Addr>()),
    ];
    let form = prop_oneof![Just(ChecksumForm::MessageOnly), Just(ChecksumForm::PseudoHeader)];
    (1..=255_u8, any::<u8>(), form, kinds).prop_map(
        |(vrid, claim, form, (interval, authentication, addresses, source, destination))| Parts {
            vrid: Vrid::try_from(vrid).unwrap(),
            claim: Claim::from(claim),
            interval,
            authentication,
            addresses,
            source,
            destination,
            form,
        },
    )
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(parts in parts()) {
        let advert = parts.advert();
        let mut out = [0; Advert::MAX_LEN];
        let len = advert.encode(parts.source, parts.destination, parts.form, &mut out)?;
        let decoded = Advert::decode(&meta(parts.source, parts.destination), &out[..len])?;
        prop_assert_eq!(decoded.advert, advert);
        let sent = match (parts.interval, parts.source) {
            (Interval::V2(_), _) => ChecksumForm::MessageOnly,
            (Interval::V3(_), IpAddr::V4(_)) => parts.form,
            (Interval::V3(_), IpAddr::V6(_)) => ChecksumForm::PseudoHeader,
        };
        prop_assert!(decoded.form.is_none_or(|form| form == sent));
    }

    #[test]
    fn no_octets_make_it_panic(
        octets in vec(any::<u8>(), 0..300),
        source in any::<IpAddr>(),
        destination in any::<IpAddr>(),
    ) {
        let _ = Advert::decode(&meta(source, destination), &octets);
    }

    #[test]
    fn no_damage_to_a_message_makes_it_panic(
        parts in parts(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut out = [0; Advert::MAX_LEN];
        let len = parts.advert().encode(parts.source, parts.destination, parts.form, &mut out)?;
        for (place, octet) in damage {
            out[place.index(len)] = octet;
        }
        let meta = meta(parts.source, parts.destination);
        let _ = Advert::decode(&meta, &out[..len]);
        let _ = Advert::decode(&meta, &out[..cut.index(len)]);
    }
}
