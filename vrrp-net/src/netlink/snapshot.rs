//! [`InterfaceSnapshot`]: what the driver has to know of an interface.

use std::net::{IpAddr, Ipv6Addr};

use netlink_packet_route::address::AddressFlags;
use vrrp_core::{Cidr, InterfaceDetails, InterfaceStatus, MacAddr};

use super::{addresses::HostAddress, links::HostLink};
use crate::monitor::Incarnation;

/// An interface at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InterfaceSnapshot {
    /// The kernel's index of it.
    pub index: u32,
    /// Its hardware address; zeros when it has none of six octets.
    pub mac: MacAddr,
    /// Whether it is up and has a carrier.
    pub up: bool,
    /// Which of those that had its index it is.
    pub incarnation: Incarnation,
    /// The host's own addresses, primary ones first. Virtual addresses that we put there are not
    /// among them.
    pub addresses: Vec<OwnAddress>,
}

/// One of the host's own addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OwnAddress {
    /// The address and its prefix length.
    pub cidr: Cidr,
    /// Whether Duplicate Address Detection has not finished (RFC 4862 5.4).
    pub tentative: bool,
    /// Whether Duplicate Address Detection found another holder.
    pub dad_failed: bool,
    /// Whether new connections should use another one (RFC 4862 5.5.4).
    pub deprecated: bool,
    /// IPv4: whether another address of its subnet is the primary one. IPv6: whether it is
    /// temporary (RFC 8981).
    pub secondary: bool,
}

impl OwnAddress {
    fn new(address: &HostAddress) -> Self {
        let has = |flag| address.flags.contains(flag);
        Self {
            cidr: address.cidr,
            tentative: has(AddressFlags::Tentative) && !has(AddressFlags::Optimistic),
            dad_failed: has(AddressFlags::Dadfailed),
            deprecated: has(AddressFlags::Deprecated),
            secondary: has(AddressFlags::Secondary),
        }
    }

    /// Whether it is a link-local IPv6 address.
    #[must_use]
    pub fn is_link_local(&self) -> bool {
        self.ipv6().is_some_and(|ip| ip.is_unicast_link_local())
    }

    /// Whether messages can be sent from it.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        !self.tentative && !self.dad_failed
    }

    fn ipv6(&self) -> Option<Ipv6Addr> {
        match self.cidr.address() {
            IpAddr::V6(ip) => Some(ip),
            IpAddr::V4(_) => None,
        }
    }
}

impl InterfaceSnapshot {
    pub(super) fn new<'a>(
        link: &HostLink,
        incarnation: Incarnation,
        addresses: impl Iterator<Item = &'a HostAddress>,
    ) -> Self {
        let own = addresses.filter(|address| address.index == link.index && !address.is_ours());
        let mut own: Vec<OwnAddress> = own.map(OwnAddress::new).collect();
        own.sort_by_key(|address| address.secondary);
        Self { index: link.index, mac: link.mac, up: link.is_up(), incarnation, addresses: own }
    }

    /// What the state machines have to know of an interface; `None`: it is missing.
    ///
    /// The IPv4 source is the primary address (RFC 9568 5.1.1.1); whether it has a lifetime, as one
    /// from DHCP has, does not matter. Of the routable IPv6 addresses one that lasts is preferred.
    #[must_use]
    pub fn status(snapshot: Option<&Self>) -> InterfaceStatus {
        let Some(Self { up, addresses, .. }) = snapshot else { return InterfaceStatus::Missing };
        let usable = addresses.iter().filter(|address| address.is_usable());
        let ipv4 = usable.clone().find_map(|address| match address.cidr.address() {
            IpAddr::V4(ip) => Some(ip),
            IpAddr::V6(_) => None,
        });
        let mut ipv6 = usable.filter_map(|address| Some((address, address.ipv6()?)));
        let ipv6_link_local = ipv6.clone().map(|(_, ip)| ip).find(Ipv6Addr::is_unicast_link_local);
        let routable = |ip: &Ipv6Addr| !ip.is_unicast_link_local() && !ip.is_loopback();
        let ipv6_routable = ipv6.clone().find(|(address, ip)| routable(ip) && !address.deprecated);
        let ipv6_routable =
            ipv6_routable.or_else(|| ipv6.find(|(_, ip)| routable(ip))).map(|(_, ip)| ip);
        let details = InterfaceDetails {
            ipv4,
            ipv6_link_local,
            ipv6_routable,
            ..InterfaceDetails::default()
        };
        if *up { InterfaceStatus::Up(details) } else { InterfaceStatus::Down(details) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::addresses::Mark;

    fn snapshot(addresses: &[(&str, Option<Mark>, AddressFlags)]) -> InterfaceSnapshot {
        let host = |(cidr, mark, flags): &(&str, Option<Mark>, AddressFlags)| HostAddress {
            flags: *flags,
            ..HostAddress::new(1, cidr.parse().unwrap(), *mark)
        };
        let addresses: Vec<_> = addresses.iter().map(host).collect();
        InterfaceSnapshot::new(&HostLink::eth0(), Incarnation::default(), addresses.iter())
    }

    #[test]
    fn a_virtual_address_is_never_a_source() {
        let (none, held) = (AddressFlags::empty(), Some(Mark::Held));
        let snapshot = snapshot(&[
            ("192.0.2.10/24", held, none),
            ("192.0.2.11/24", Some(Mark::Leaving), none),
            ("192.0.2.2/24", None, AddressFlags::Secondary),
            ("192.0.2.1/24", None, none),
            ("fe80::10/64", held, none),
            ("2001:db8::10/64", held, none),
        ]);
        let InterfaceStatus::Up(status) = InterfaceSnapshot::status(Some(&snapshot)) else {
            panic!("{snapshot:?}");
        };
        assert_eq!(status.ipv4, Some("192.0.2.1".parse().unwrap()));
        assert_eq!((status.ipv6_link_local, status.ipv6_routable), (None, None));
        assert_eq!(InterfaceSnapshot::status(None), InterfaceStatus::Missing);
    }

    #[test]
    fn an_ipv6_address_is_used_once_it_is_known_to_be_unique() {
        let none = AddressFlags::empty();
        let snapshot = snapshot(&[
            ("fe80::1/64", None, AddressFlags::Tentative),
            ("fe80::2/64", None, AddressFlags::Dadfailed | AddressFlags::Tentative),
            ("fe80::3/64", None, AddressFlags::Tentative | AddressFlags::Optimistic),
            ("2001:db8::1/64", None, AddressFlags::Deprecated),
            ("2001:db8::2/64", None, AddressFlags::Secondary),
            ("2001:db8::3/64", None, none),
        ]);
        let status = InterfaceSnapshot::status(Some(&snapshot));
        let status = status.details().copied().unwrap_or_default();
        assert_eq!(status.ipv6_link_local, Some("fe80::3".parse().unwrap()));
        assert_eq!(status.ipv6_routable, Some("2001:db8::3".parse().unwrap()));
    }
}
