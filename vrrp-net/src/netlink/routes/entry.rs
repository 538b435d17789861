//! [`RouteEntry`]: a virtual route, as it is in the kernel's table.

use std::net::IpAddr;

use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    route::{RouteAttribute, RouteFlags, RouteMessage, RouteProtocol, RouteScope, RouteType},
};
use vrrp_core::{Cidr, Family};

use super::{IPV6_METRIC, OURS};

/// A virtual route: one that is put while addresses are held. Everything that its configuration
/// leaves open is settled.
///
/// Of all routes of its subnet, table and metric the kernel takes one. It is ours if its protocol
/// is that of VRRP (`ip route` shows `proto 112`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "lab", expect(clippy::exhaustive_structs, reason = "written as a literal"))]
pub struct RouteEntry {
    /// The subnet that it leads to.
    pub destination: Cidr,
    /// The routing table.
    pub table: u32,
    /// The metric, as the kernel shows it: one that is left open is 0 of IPv4, and 1024 of IPv6.
    pub metric: u32,
    /// Where packets go.
    pub way: EntryWay,
    /// The address that the host sends from by it. When the kernel takes an IPv4 address away, the
    /// routes of this source go with it, those of the table of the address's interface.
    pub source: Option<IpAddr>,
}

/// Where the packets of a [`RouteEntry`] go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(
    feature = "lab",
    expect(clippy::exhaustive_enums, reason = "the kinds of the configuration, and no others")
)]
pub enum EntryWay {
    /// To a router.
    Via {
        /// Its address, of the family of the destination.
        gateway: IpAddr,
        /// The kernel's index of the interface; `None`: the kernel finds it.
        index: Option<u32>,
        /// Whether the router counts as a neighbour (`RTNH_F_ONLINK`).
        on_link: bool,
    },
    /// To neighbours on the interface of this index.
    Link {
        /// The kernel's index of the interface.
        index: u32,
    },
    /// Nowhere, without a word.
    Blackhole,
    /// Nowhere: the host is unreachable.
    Unreachable,
    /// Nowhere: it is forbidden.
    Prohibit,
}

impl RouteEntry {
    /// The family.
    #[must_use]
    pub fn family(&self) -> Family {
        Family::of(self.destination.address())
    }

    /// Whether the kernel takes only one of both.
    pub(crate) fn is_in_place_of(&self, other: &Self) -> bool {
        let key = |entry: &Self| (entry.destination, entry.table, entry.metric);
        key(self) == key(other)
    }

    /// Whether `found`, of the kernel's table, is this one but for the source.
    pub(crate) fn is_like(&self, found: &Self) -> bool {
        let way = match (self.way, found.way) {
            (EntryWay::Via { gateway, index: None, on_link }, EntryWay::Via { index, .. }) => {
                EntryWay::Via { gateway, index, on_link }
            }
            (way, _) => way,
        };
        self.is_in_place_of(found) && way == found.way
    }

    /// Whether `found`, of the kernel's table, is this one.
    pub(crate) fn is_met_by(&self, found: &Self) -> bool {
        self.is_like(found) && (self.source.is_none() || self.source == found.source)
    }

    /// Whether the kernel takes this one away when it is to delete `gone` and that is not there: an
    /// IPv4 route without a metric stands for one of any metric.
    pub(crate) fn goes_instead_of(&self, gone: &Self) -> bool {
        let of_this_metric = Self { metric: self.metric, ..*gone };
        gone.metric == 0 && self.metric != 0 && of_this_metric.is_met_by(self)
    }

    /// Whether it looks like a [`PrefixRoute`](super::PrefixRoute) of an IPv6 address.
    pub(crate) fn is_beside_ipv6(&self) -> bool {
        let is_link = matches!(self.way, EntryWay::Link { .. });
        self.family() == Family::Ipv6 && self.metric == IPV6_METRIC && is_link
    }

    /// Whether the kernel gives it a lifetime of its own: only IPv6 routes have one, and of these
    /// only those that lead somewhere.
    pub(crate) fn can_expire(&self) -> bool {
        match self.way {
            EntryWay::Via { .. } | EntryWay::Link { .. } => self.family() == Family::Ipv6,
            EntryWay::Blackhole | EntryWay::Unreachable | EntryWay::Prohibit => false,
        }
    }

    /// RTM_NEWROUTE. One that can expire ends after `valid` seconds, if there are any; adding it
    /// again extends it, and the answer is `EEXIST`.
    #[must_use]
    pub fn add(&self, valid: Option<u32>) -> RouteNetlinkMessage {
        let mut message = self.message();
        if let (true, Some(seconds)) = (self.can_expire(), valid) {
            message.attributes.push(RouteAttribute::Expires(seconds));
        }
        RouteNetlinkMessage::NewRoute(message)
    }

    /// RTM_DELROUTE. The kernel deletes one that is ours and looks like this, or none.
    #[must_use]
    pub fn delete(&self) -> RouteNetlinkMessage {
        RouteNetlinkMessage::DelRoute(self.message())
    }

    pub(super) fn message(&self) -> RouteMessage {
        let Self { destination, table, metric, way, source } = *self;
        let mut message = RouteMessage::default();
        message.header.address_family = address_family(self.family());
        message.header.destination_prefix_length = destination.prefix_length();
        message.header.protocol = RouteProtocol::from(OURS);
        // The header has room for the numbers below 256 only.
        let to = RouteAttribute::Destination(destination.address().into());
        message.attributes = vec![to, RouteAttribute::Table(table)];
        if metric > 0 {
            message.attributes.push(RouteAttribute::Priority(metric));
        }
        message.header.kind = match way {
            EntryWay::Via { gateway, index, on_link } => {
                message.attributes.push(RouteAttribute::Gateway(gateway.into()));
                message.attributes.extend(index.map(RouteAttribute::Oif));
                message.header.flags.set(RouteFlags::Onlink, on_link);
                RouteType::Unicast
            }
            EntryWay::Link { index } => {
                message.attributes.push(RouteAttribute::Oif(index));
                if self.family() == Family::Ipv4 {
                    message.header.scope = RouteScope::Link;
                }
                RouteType::Unicast
            }
            EntryWay::Blackhole => RouteType::BlackHole,
            EntryWay::Unreachable => RouteType::Unreachable,
            EntryWay::Prohibit => RouteType::Prohibit,
        };
        message.attributes.extend(source.map(|ip| RouteAttribute::PrefSource(ip.into())));
        message
    }
}

pub(super) fn address_family(family: Family) -> AddressFamily {
    match family {
        Family::Ipv4 => AddressFamily::Inet,
        Family::Ipv6 => AddressFamily::Inet6,
    }
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::Emitable;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn entry(destination: &str, way: EntryWay) -> RouteEntry {
        let destination: Cidr = destination.parse().unwrap();
        let metric = if destination.address().is_ipv4() { 0 } else { 1024 };
        RouteEntry { destination, table: 254, metric, way, source: None }
    }

    fn via(gateway: &str, index: Option<u32>) -> EntryWay {
        EntryWay::Via { gateway: ip(gateway), index, on_link: false }
    }

    fn octets(message: &RouteNetlinkMessage) -> Vec<u8> {
        let (RouteNetlinkMessage::NewRoute(message) | RouteNetlinkMessage::DelRoute(message)) =
            message
        else {
            panic!("{message:?}")
        };
        let mut octets = vec![0; message.buffer_len()];
        message.emit(&mut octets);
        octets
    }

    #[test]
    fn a_route_has_every_attribute_as_the_kernel_lays_it_out() {
        let way = EntryWay::Via { gateway: ip("192.0.2.254"), index: Some(7), on_link: true };
        let source = Some(ip("192.0.2.10"));
        let route = RouteEntry { table: 1000, metric: 50, source, ..entry("198.51.100.0/24", way) };
        let mut expected = vec![2, 24, 0, 0, 0, 112, 0, 1, 4, 0, 0, 0];
        expected.extend([8, 0, 1, 0, 198, 51, 100, 0]);
        expected.extend([8, 0, 15, 0, 0xe8, 3, 0, 0]);
        expected.extend([8, 0, 6, 0, 50, 0, 0, 0]);
        expected.extend([8, 0, 5, 0, 192, 0, 2, 254]);
        expected.extend([8, 0, 4, 0, 7, 0, 0, 0]);
        expected.extend([8, 0, 7, 0, 192, 0, 2, 10]);
        if cfg!(target_endian = "little") {
            assert_eq!(octets(&route.add(Some(2))), expected, "IPv4 has no lifetime of its own");
            assert_eq!(octets(&route.delete()), expected);
        }
    }

    #[test]
    fn the_kind_and_the_scope_say_where_packets_go() {
        for (destination, way, scope, kind) in [
            ("198.51.100.0/24", via("192.0.2.254", None), 0, 1),
            ("198.51.100.0/24", EntryWay::Link { index: 7 }, 253, 1),
            ("2001:db8:1::/64", EntryWay::Link { index: 7 }, 0, 1),
            ("198.51.100.0/24", EntryWay::Blackhole, 0, 6),
            ("2001:db8:1::/64", EntryWay::Unreachable, 0, 7),
            ("198.51.100.0/24", EntryWay::Prohibit, 0, 8),
        ] {
            let octets = octets(&entry(destination, way).add(None));
            assert_eq!((octets[6], octets[7]), (scope, kind), "{destination} {way:?}");
        }
    }

    #[test]
    fn only_an_ipv6_route_has_a_lifetime_of_its_own() {
        let expiring = |route: RouteEntry| {
            let RouteNetlinkMessage::NewRoute(message) = route.add(Some(2)) else {
                panic!("no new route")
            };
            message.attributes.contains(&RouteAttribute::Expires(2))
        };
        assert!(!expiring(entry("0.0.0.0/0", via("192.0.2.254", None))));
        assert!(expiring(entry("::/0", via("2001:db8::1", None))));
    }

    #[test]
    fn a_route_is_known_by_what_was_said_of_it() {
        let wanted = entry("0.0.0.0/0", via("192.0.2.254", None));
        let found = entry("0.0.0.0/0", via("192.0.2.254", Some(7)));
        let source = Some(ip("192.0.2.10"));
        assert!(wanted.is_met_by(&found) && wanted.is_met_by(&RouteEntry { source, ..found }));
        let sourced = RouteEntry { source, ..wanted };
        assert!(!sourced.is_met_by(&found) && sourced.is_like(&found));
        let elsewhere = entry("0.0.0.0/0", via("192.0.2.254", Some(8)));
        assert!(!found.is_like(&elsewhere) && found.is_in_place_of(&elsewhere));
        assert!(!wanted.is_like(&entry("0.0.0.0/0", via("192.0.2.253", Some(7)))));
        assert!(!wanted.is_in_place_of(&RouteEntry { metric: 1, ..found }));
        assert!(!wanted.is_in_place_of(&RouteEntry { table: 1, ..found }));
    }
}
