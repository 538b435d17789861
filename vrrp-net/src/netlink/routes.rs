//! The routes that addresses bring to their subnets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_packet_core::{NetlinkDeserializable, NetlinkHeader};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    route::{RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType},
};
use vrrp_core::Cidr;

/// The metric of the routes that the kernel makes of IPv6 addresses (`IP6_RT_PRIO_ADDRCONF`).
const IPV6_METRIC: u32 = 256;

/// The route to a subnet on an interface, as the kernel makes it with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "written as a literal")]
pub struct PrefixRoute {
    /// The kernel's index of the interface.
    pub index: u32,
    /// The subnet.
    pub prefix: Cidr,
    /// The address that brought it: an IPv4 route ends with it. IPv6 addresses share one route.
    pub address: IpAddr,
}

impl PrefixRoute {
    /// The route that `cidr` brings to the interface `index`.
    #[must_use]
    pub fn of(index: u32, cidr: Cidr) -> Self {
        Self { index, prefix: subnet(cidr), address: cidr.address() }
    }

    /// RTM_NEWROUTE.
    #[must_use]
    pub fn add(&self) -> RouteNetlinkMessage {
        RouteNetlinkMessage::NewRoute(self.message())
    }

    /// RTM_DELROUTE.
    #[must_use]
    pub fn delete(&self) -> RouteNetlinkMessage {
        RouteNetlinkMessage::DelRoute(self.message())
    }

    fn message(&self) -> RouteMessage {
        let mut message = RouteMessage::default();
        message.header.destination_prefix_length = self.prefix.prefix_length();
        message.header.table = RouteHeader::RT_TABLE_MAIN;
        message.header.protocol = RouteProtocol::Kernel;
        message.header.kind = RouteType::Unicast;
        message.attributes =
            vec![RouteAttribute::Destination(self.prefix.address().into()), RouteAttribute::Oif(self.index)];
        match self.address {
            IpAddr::V4(address) => {
                message.header.address_family = AddressFamily::Inet;
                message.header.scope = RouteScope::Link;
                message.attributes.push(RouteAttribute::PrefSource(address.into()));
            }
            IpAddr::V6(_) => {
                message.header.address_family = AddressFamily::Inet6;
                message.attributes.push(RouteAttribute::Priority(IPV6_METRIC));
            }
        }
        message
    }
}

/// The subnet that `cidr` is in.
#[must_use]
pub fn subnet(cidr: Cidr) -> Cidr {
    let length = u32::from(cidr.prefix_length());
    let address = match cidr.address() {
        IpAddr::V4(ip) => {
            let mask = u32::MAX.checked_shl(Ipv4Addr::BITS - length).unwrap_or_default();
            IpAddr::from(Ipv4Addr::from_bits(ip.to_bits() & mask))
        }
        IpAddr::V6(ip) => {
            let mask = u128::MAX.checked_shl(Ipv6Addr::BITS - length).unwrap_or_default();
            IpAddr::from(Ipv6Addr::from_bits(ip.to_bits() & mask))
        }
    };
    Cidr::new(address, cidr.prefix_length()).unwrap_or(cidr)
}

/// Whether the subnet of `own` contains the subnet of `cidr`.
pub(crate) fn covers(own: Cidr, cidr: Cidr) -> bool {
    own.prefix_length() <= cidr.prefix_length()
        && Cidr::new(cidr.address(), own.prefix_length()).is_ok_and(|wide| subnet(wide) == subnet(own))
}

/// Decodes RTM_DELROUTE of a route that the kernel made, or that is like one: on which interface it was, and
/// to which subnet.
pub(super) fn decode_removed(header: &NetlinkHeader, payload: &[u8]) -> Option<(u32, Cidr)> {
    let Ok(RouteNetlinkMessage::DelRoute(message)) = RouteNetlinkMessage::deserialize(header, payload) else {
        return None;
    };
    let RouteHeader { protocol, kind, destination_prefix_length, .. } = message.header;
    if (protocol, kind) != (RouteProtocol::Kernel, RouteType::Unicast) {
        return None;
    }
    let (mut index, mut to) = (None, None);
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Oif(oif) => index = Some(*oif),
            RouteAttribute::Destination(RouteAddress::Inet(ip)) => to = Some(IpAddr::from(*ip)),
            RouteAttribute::Destination(RouteAddress::Inet6(ip)) => to = Some(IpAddr::from(*ip)),
            _ => {}
        }
    }
    Some((index?, Cidr::new(to?, destination_prefix_length).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn a_subnet_is_what_the_prefix_leaves_of_an_address() {
        for (text, expected) in [
            ("192.0.2.10/24", "192.0.2.0/24"),
            ("192.0.2.130/25", "192.0.2.128/25"),
            ("192.0.2.10/32", "192.0.2.10/32"),
            ("192.0.2.10/0", "0.0.0.0/0"),
            ("2001:db8:0:1::10/64", "2001:db8:0:1::/64"),
            ("2001:db8::10/128", "2001:db8::10/128"),
            ("2001:db8::10/0", "::/0"),
        ] {
            assert_eq!(subnet(cidr(text)), cidr(expected), "{text}");
        }
    }

    #[test]
    fn a_subnet_covers_itself_and_its_parts() {
        for (own, other, expected) in [
            ("192.0.2.1/24", "192.0.2.10/24", true),
            ("192.0.0.1/16", "192.0.2.10/24", true),
            ("192.0.2.1/25", "192.0.2.10/24", false),
            ("192.0.3.1/24", "192.0.2.10/24", false),
            ("192.0.2.1/24", "2001:db8::10/64", false),
            ("2001:db8::1/64", "2001:db8::10/128", true),
            ("2001:db8:0:1::1/64", "2001:db8::10/64", false),
        ] {
            assert_eq!(covers(cidr(own), cidr(other)), expected, "{own} {other}");
        }
    }
}
