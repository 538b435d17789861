//! Advertisements to decode and to encode.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU32,
};

use vrrp_core::{
    AddressList, Advert, Authentication, Centiseconds, ChecksumForm, Claim, IPV4_GROUP, IPV6_GROUP,
    InterfaceId, Interval, Ipv4Addresses, Ipv6Addresses, RxMeta, Seconds, Vrid,
};

/// An advertisement, with all that it is made of.
#[derive(Debug)]
pub struct Message {
    interval: Interval,
    authentication: Authentication,
    addresses: Addresses,
    /// Where it comes from and goes to.
    pub meta: RxMeta,
    /// How its checksum is made.
    pub form: ChecksumForm,
}

#[derive(Debug)]
enum Addresses {
    Ipv4(Ipv4Addresses),
    Ipv6(Ipv6Addresses),
}

impl Message {
    /// VRRPv2 with a password.
    #[must_use]
    pub fn v2(addresses: u8) -> Self {
        Self {
            interval: Interval::V2(Seconds::ONE),
            authentication: Authentication::SimpleText(*b"password"),
            addresses: Addresses::Ipv4(ipv4(addresses)),
            meta: meta(Ipv4Addr::new(192, 0, 2, 2), IPV4_GROUP),
            form: ChecksumForm::MessageOnly,
        }
    }

    /// VRRPv3 over IPv4 in a checksum form.
    #[must_use]
    pub fn v3_ipv4(addresses: u8, form: ChecksumForm) -> Self {
        Self {
            interval: Interval::V3(Centiseconds::ONE_SECOND),
            authentication: Authentication::None,
            form,
            ..Self::v2(addresses)
        }
    }

    /// VRRPv3 over IPv6.
    #[must_use]
    pub fn v3_ipv6(addresses: u8) -> Self {
        Self {
            addresses: Addresses::Ipv6(ipv6(addresses)),
            meta: meta(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2), IPV6_GROUP),
            ..Self::v3_ipv4(addresses, ChecksumForm::PseudoHeader)
        }
    }

    /// The advertisement.
    #[must_use]
    pub fn advert(&self) -> Advert<'_> {
        Advert {
            vrid: Vrid::try_from(51).expect("not zero"),
            claim: Claim::from(200),
            interval: self.interval,
            authentication: self.authentication,
            addresses: match &self.addresses {
                Addresses::Ipv4(list) => AddressList::from(list),
                Addresses::Ipv6(list) => AddressList::from(list),
            },
        }
    }

    /// Its octets.
    #[must_use]
    pub fn octets(&self) -> Vec<u8> {
        let mut out = vec![0; Advert::MAX_LEN];
        let (source, destination) = (self.meta.source, self.meta.destination);
        let len =
            self.advert().encode(source, destination, self.form, &mut out).expect("large enough");
        out.truncate(len);
        out
    }
}

fn meta(source: impl Into<IpAddr>, destination: impl Into<IpAddr>) -> RxMeta {
    let interface = InterfaceId::new(NonZeroU32::MIN);
    RxMeta { interface, source: source.into(), destination: destination.into(), ttl: 255 }
}

fn ipv4(count: u8) -> Ipv4Addresses {
    Ipv4Addresses::new((1..=count).map(|last| Ipv4Addr::new(198, 51, 100, last))).expect("legal")
}

fn ipv6(count: u8) -> Ipv6Addresses {
    let address = |last: u8| Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last.into());
    Ipv6Addresses::new((1..=count).map(address)).expect("legal")
}
