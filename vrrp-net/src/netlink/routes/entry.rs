//! [`RouteEntry`]: a virtual route, as it is in the kernel's table.

use std::net::IpAddr;

use libc::{RTM_DELROUTE, RTM_NEWROUTE, RTN_BLACKHOLE, RTN_PROHIBIT, RTN_UNICAST, RTN_UNREACHABLE};
use netlink_packet_core::{NetlinkHeader, NlasIterator};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    route::{RouteAttribute, RouteFlags, RouteMessage, RouteProtocol, RouteScope, RouteType},
};
use vrrp_core::{Cidr, Family};

use super::{IPV6_METRIC, OURS, RTA_OIF, RTM_HEADER, address};
use crate::netlink::{
    Error, Socket,
    message::{Change, number},
};

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
    /// The metric; see [`RouteEntry::metric_of`].
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
    /// The metric of a route that is told `metric`, or none.
    #[must_use]
    pub fn metric_of(family: Family, metric: Option<u32>) -> u32 {
        /// `IP6_RT_PRIO_USER` of the kernel, which it makes of 0, too.
        const IPV6_DEFAULT: u32 = 1024;
        match (family, metric) {
            (Family::Ipv4, metric) => metric.unwrap_or_default(),
            (Family::Ipv6, None | Some(0)) => IPV6_DEFAULT,
            (Family::Ipv6, Some(metric)) => metric,
        }
    }

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

    /// Whether it looks like a [`PrefixRoute`](super::PrefixRoute) of an IPv6 address.
    pub(crate) fn is_beside_ipv6(&self) -> bool {
        let is_link = matches!(self.way, EntryWay::Link { .. });
        self.family() == Family::Ipv6 && self.metric == IPV6_METRIC && is_link
    }

    /// RTM_NEWROUTE. An IPv6 route ends after `valid` seconds, if there are any; adding it again
    /// extends it, and the answer is `EEXIST`.
    #[must_use]
    pub fn add(&self, valid: Option<u32>) -> RouteNetlinkMessage {
        let mut message = self.message();
        if let (Family::Ipv6, Some(seconds)) = (self.family(), valid) {
            message.attributes.push(RouteAttribute::Expires(seconds));
        }
        RouteNetlinkMessage::NewRoute(message)
    }

    /// RTM_DELROUTE. The kernel deletes one that is ours and looks like this, or none.
    #[must_use]
    pub fn delete(&self) -> RouteNetlinkMessage {
        RouteNetlinkMessage::DelRoute(self.message())
    }

    fn message(&self) -> RouteMessage {
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

/// A route of ours in the kernel's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OurEntry {
    /// What it is. One that leads somewhere names its interface.
    pub(crate) entry: RouteEntry,
    /// Whether it has a lifetime.
    pub(crate) expires: bool,
}

/// All routes of ours of a family, those beside addresses too.
pub(crate) fn list_ours(socket: &mut Socket, family: Family) -> Result<Vec<OurEntry>, Error> {
    let mut request = RouteMessage::default();
    request.header.address_family = address_family(family);
    if socket.filters() {
        // A router may have a million others.
        request.header.protocol = RouteProtocol::from(OURS);
    }
    let request = RouteNetlinkMessage::GetRoute(request);
    socket.dump_merged(
        &request,
        |header, payload| decode_ours(header, payload).map(Change::entry),
        |found| found.entry,
    )
}

/// Decodes RTM_NEWROUTE and RTM_DELROUTE of a route that a process of this program put.
///
/// By hand, since there may be a million of others, and only these attributes matter.
pub(crate) fn decode_ours(header: &NetlinkHeader, payload: &[u8]) -> Option<Change<OurEntry>> {
    /// `RTA_*` of `linux/rtnetlink.h`.
    const DESTINATION: u16 = 1;
    const GATEWAY: u16 = 5;
    const PRIORITY: u16 = 6;
    const SOURCE: u16 = 7;
    const CACHE: u16 = 12;
    const TABLE: u16 = 15;
    /// `RTNH_F_ONLINK` of the same.
    const ON_LINK: u32 = 4;
    let change = match header.message_type {
        RTM_NEWROUTE => Change::New(()),
        RTM_DELROUTE => Change::Gone(()),
        _ => return None,
    };
    let [family, length, _, _, table, protocol, _, kind, flags @ ..] =
        *payload.first_chunk::<RTM_HEADER>()?;
    if protocol != OURS {
        return None;
    }
    let any = || super::unspecified(family);
    let (mut to, mut gateway, mut source) = (any(), None, None);
    let (mut index, mut metric, mut table, mut expires) = (None, 0, u32::from(table), false);
    for attribute in NlasIterator::new(payload.get(RTM_HEADER..)?).flatten() {
        let value = attribute.value();
        match attribute.kind() {
            // A default route names no destination.
            DESTINATION => to = address(family, value),
            RTA_OIF => index = number(value),
            GATEWAY => gateway = address(family, value),
            PRIORITY => metric = number(value)?,
            SOURCE => source = address(family, value),
            CACHE => expires = has_lifetime(value),
            TABLE => table = number(value)?,
            _ => {}
        }
    }
    let on_link = u32::from_ne_bytes(flags) & ON_LINK != 0;
    let way = match (kind, gateway) {
        (RTN_UNICAST, Some(gateway)) => EntryWay::Via { gateway, index, on_link },
        (RTN_UNICAST, None) => EntryWay::Link { index: index? },
        (RTN_BLACKHOLE, _) => EntryWay::Blackhole,
        (RTN_UNREACHABLE, _) => EntryWay::Unreachable,
        (RTN_PROHIBIT, _) => EntryWay::Prohibit,
        _ => return None,
    };
    let destination = Cidr::new(to?, length).ok()?;
    let entry = RouteEntry { destination, table, metric, way, source };
    Some(change.map(|()| OurEntry { entry, expires }))
}

fn address_family(family: Family) -> AddressFamily {
    match family {
        Family::Ipv4 => AddressFamily::Inet,
        Family::Ipv6 => AddressFamily::Inet6,
    }
}

/// What `struct rta_cacheinfo` says: hundredths of a second that are left, or none.
fn has_lifetime(cache: &[u8]) -> bool {
    const EXPIRES: usize = 8;
    let expires = cache.get(EXPIRES..).and_then(|rest| rest.first_chunk());
    expires.is_some_and(|expires| i32::from_ne_bytes(*expires) != 0)
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::Emitable;
    use netlink_packet_route::route::RouteCacheInfo;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn entry(destination: &str, way: EntryWay) -> RouteEntry {
        let destination: Cidr = destination.parse().unwrap();
        let metric = RouteEntry::metric_of(Family::of(destination.address()), None);
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

    fn told(message: &RouteMessage) -> Option<Change<OurEntry>> {
        let mut octets = vec![0; message.buffer_len()];
        message.emit(&mut octets);
        let mut header = NetlinkHeader::default();
        header.message_type = RTM_DELROUTE;
        decode_ours(&header, &octets)
    }

    #[test]
    fn what_is_put_is_what_is_read() {
        let routes = [
            entry("0.0.0.0/0", via("192.0.2.254", Some(7))),
            entry("::/0", via("2001:db8::1", Some(7))),
            entry("198.51.100.0/24", EntryWay::Link { index: 7 }),
            entry("2001:db8:1::/64", EntryWay::Blackhole),
            RouteEntry {
                table: 1000,
                metric: 9,
                source: Some(ip("192.0.2.10")),
                ..entry("198.51.100.0/24", EntryWay::Prohibit)
            },
        ];
        for route in routes {
            let mut message = route.message();
            let expected = Change::Gone(OurEntry { entry: route, expires: false });
            assert_eq!(told(&message), Some(expected));
            // The kernel names no destination of a default route.
            if route.destination.prefix_length() == 0 {
                message.attributes.remove(0);
                assert_eq!(told(&message), Some(expected));
            }
            let mut info = RouteCacheInfo::parse(&[0; 32]).unwrap();
            info.expires = 200;
            message.attributes.push(RouteAttribute::CacheInfo(info));
            let expected = Change::Gone(OurEntry { entry: route, expires: true });
            assert_eq!(told(&message), Some(expected));
            message.header.protocol = RouteProtocol::Static;
            assert_eq!(told(&message), None, "somebody else's");
        }
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

    #[test]
    fn the_metric_that_is_left_open_is_the_kernels() {
        for (family, metric, expected) in [
            (Family::Ipv4, None, 0),
            (Family::Ipv4, Some(5), 5),
            (Family::Ipv6, None, 1024),
            (Family::Ipv6, Some(0), 1024),
            (Family::Ipv6, Some(5), 5),
        ] {
            assert_eq!(RouteEntry::metric_of(family, metric), expected);
        }
    }
}
