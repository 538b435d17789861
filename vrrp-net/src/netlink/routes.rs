//! Routes that need no gateway: those that the host has, and those that virtual addresses bring; and
//! the virtual routes that are put with them.

mod entry;
mod ours;
mod prefix;
mod taken;
mod way;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libc::{RTM_DELROUTE, RTM_NEWROUTE, RTN_UNICAST};
use netlink_packet_core::{NetlinkHeader, NlasIterator};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    route::{RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType},
};
use vrrp_core::Cidr;

use super::{
    Error, Socket,
    message::{Change, number},
};
pub use entry::{EntryWay, RouteEntry};
pub(crate) use ours::{OurEntry, decode_ours, list_ours};
pub(crate) use prefix::is_present;
pub(crate) use taken::first_taken;
pub(crate) use way::is_neighbour;
pub use way::way;

/// The routing table of interfaces that are in no VRF (`RT_TABLE_MAIN`).
pub const MAIN_TABLE: u32 = RouteHeader::RT_TABLE_MAIN as u32;
/// Who made our routes (`rtm_protocol`): the number of VRRP, which nobody else has taken.
pub(crate) const OURS: u8 = 112;
/// The metric of our IPv6 routes. The kernel takes two routes to one prefix on one interface for
/// the same if their metrics are equal, and gives the first one the lifetime of the second: no
/// route of the host may have this.
const IPV6_METRIC: u32 = 1120;
/// The length of `struct rtmsg`, and the interface of a route in `linux/rtnetlink.h`.
const RTM_HEADER: usize = 12;
const RTA_OIF: u16 = 4;
/// Where the protocol is in `struct rtmsg`, and that of the kernel (`RTPROT_KERNEL`).
const PROTOCOL: usize = 5;
const KERNEL: u8 = 2;

/// A route to a subnet on an interface, put there beside a virtual address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "lab", expect(clippy::exhaustive_structs, reason = "written as a literal"))]
pub struct PrefixRoute {
    /// The kernel's index of the interface.
    pub index: u32,
    /// The routing table: that of the interface's VRF, or [`MAIN_TABLE`].
    pub table: u32,
    /// The subnet.
    pub prefix: Cidr,
    /// The address that brought it: an IPv4 route ends with it. IPv6 addresses share one route.
    pub address: IpAddr,
}

impl PrefixRoute {
    /// The route that `cidr` brings to the interface `index`, in the main table.
    #[must_use]
    pub fn of(index: u32, cidr: Cidr) -> Self {
        Self { index, table: MAIN_TABLE, prefix: cidr.subnet(), address: cidr.address() }
    }

    /// Whether the address `cidr` of the interface `index` brought it.
    pub(crate) fn is_of(&self, index: u32, cidr: Cidr) -> bool {
        (self.index, self.prefix, self.address) == (index, cidr.subnet(), cidr.address())
    }

    /// Whether the kernel takes both for one route.
    pub(crate) fn is_same_in_kernel(&self, other: &Self) -> bool {
        let key = |route: &Self| (route.index, route.table, route.prefix);
        key(self) == key(other) && (self.address.is_ipv6() || self.address == other.address)
    }

    /// RTM_NEWROUTE of a route that ends after `valid` seconds, or never. Only IPv6 routes have a
    /// lifetime of their own; adding one again extends it, and the answer is `EEXIST`.
    #[must_use]
    pub fn add(&self, valid: Option<u32>) -> RouteNetlinkMessage {
        let mut message = self.message();
        if let (IpAddr::V6(_), Some(seconds)) = (self.address, valid) {
            message.attributes.push(RouteAttribute::Expires(seconds));
        }
        RouteNetlinkMessage::NewRoute(message)
    }

    /// RTM_DELROUTE.
    #[must_use]
    pub fn delete(&self) -> RouteNetlinkMessage {
        RouteNetlinkMessage::DelRoute(self.message())
    }

    /// RTM_DELROUTE of the route that the kernel itself made of an IPv6 address that version 0.1
    /// put.
    pub(crate) fn delete_kernels(&self) -> RouteNetlinkMessage {
        /// `IP6_RT_PRIO_ADDRCONF` of the kernel.
        const METRIC: u32 = 256;
        let mut message = self.message();
        message.header.protocol = RouteProtocol::Kernel;
        for attribute in &mut message.attributes {
            if let RouteAttribute::Priority(metric) = attribute {
                *metric = METRIC;
            }
        }
        RouteNetlinkMessage::DelRoute(message)
    }

    fn message(&self) -> RouteMessage {
        let mut message = RouteMessage::default();
        message.header.destination_prefix_length = self.prefix.prefix_length();
        message.header.protocol = RouteProtocol::from(OURS);
        message.header.kind = RouteType::Unicast;
        message.attributes = vec![
            RouteAttribute::Destination(self.prefix.address().into()),
            RouteAttribute::Oif(self.index),
            // The header has room for the numbers below 256 only.
            RouteAttribute::Table(self.table),
        ];
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

/// A route to a subnet, without a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OnLink {
    pub(crate) index: u32,
    pub(crate) table: u32,
    pub(crate) prefix: Cidr,
    /// Whether a process of this program put it there.
    pub(crate) ours: bool,
    /// The address that the host sends from by this route.
    pub(crate) source: Option<IpAddr>,
}

/// The routes of the interface `index` that need no gateway, default routes left out.
pub(crate) fn on_link(socket: &mut Socket, index: u32) -> Result<Vec<OnLink>, Error> {
    let choose = |request: &mut RouteMessage| request.attributes.push(RouteAttribute::Oif(index));
    list(socket, choose, |_, route| route.index == index)
}

/// The subnets of the host's own addresses, on all interfaces: the routes that the kernel made of
/// them.
pub(crate) fn connected(socket: &mut Socket) -> Result<Vec<OnLink>, Error> {
    let choose = |request: &mut RouteMessage| request.header.protocol = RouteProtocol::Kernel;
    list(socket, choose, |payload, _| payload.get(PROTOCOL) == Some(&KERNEL))
}

/// The routes of both families that need no gateway, default routes left out, of which `is_it` says
/// yes: it is given the message, too. `choose` has the kernel leave out others, where it can: a
/// router may have a million.
fn list(
    socket: &mut Socket,
    choose: impl Fn(&mut RouteMessage),
    is_it: impl Fn(&[u8], &OnLink) -> bool,
) -> Result<Vec<OnLink>, Error> {
    let mut all = Vec::new();
    for family in [AddressFamily::Inet, AddressFamily::Inet6] {
        let mut request = RouteMessage::default();
        request.header.address_family = family;
        if socket.filters() {
            request.header.kind = RouteType::Unicast;
            choose(&mut request);
        }
        let request = RouteNetlinkMessage::GetRoute(request);
        all.extend(socket.dump_with(&request, |header, payload| {
            decode(header, payload).map(Change::entry).filter(|route| is_it(payload, route))
        })?);
    }
    Ok(all)
}

/// Decodes RTM_NEWROUTE and RTM_DELROUTE of a route that needs no gateway and has not expired.
///
/// By hand, since there may be a million of them, and only these attributes matter.
pub(super) fn decode(header: &NetlinkHeader, payload: &[u8]) -> Option<Change<OnLink>> {
    /// `RTA_*` of `linux/rtnetlink.h`.
    const DESTINATION: u16 = 1;
    const GATEWAY: u16 = 5;
    const SOURCE: u16 = 7;
    const MULTIPATH: u16 = 9;
    const CACHE: u16 = 12;
    const TABLE: u16 = 15;
    const VIA: u16 = 18;
    let change = match header.message_type {
        RTM_NEWROUTE => Change::New(()),
        RTM_DELROUTE => Change::Gone(()),
        _ => return None,
    };
    let [family, length, _, _, table, protocol, _, kind, ..] =
        *payload.first_chunk::<RTM_HEADER>()?;
    if kind != RTN_UNICAST {
        return None;
    }
    let (mut to, mut index, mut table, mut source) = (None, None, u32::from(table), None);
    for attribute in NlasIterator::new(payload.get(RTM_HEADER..)?).flatten() {
        let value = attribute.value();
        match attribute.kind() {
            GATEWAY | MULTIPATH | VIA => return None,
            DESTINATION => to = address(family, value),
            SOURCE => source = address(family, value),
            RTA_OIF => index = number(value),
            TABLE => table = number(value)?,
            CACHE if has_expired(value) => return None,
            _ => {}
        }
    }
    let prefix = Cidr::new(to?, length).ok()?;
    let route = OnLink { index: index?, table, prefix, ours: protocol == OURS, source };
    Some(change.map(|()| route))
}

/// Where the route leads that is the payload of RTM_NEWROUTE or RTM_DELROUTE.
pub(super) fn destination(payload: &[u8]) -> Option<Cidr> {
    /// `RTA_DST` of `linux/rtnetlink.h`.
    const DESTINATION: u16 = 1;
    let [family, length, ..] = *payload.first_chunk::<RTM_HEADER>()?;
    let mut attributes = NlasIterator::new(payload.get(RTM_HEADER..)?).flatten();
    let to = match attributes.find(|attribute| attribute.kind() == DESTINATION) {
        Some(attribute) => address(family, attribute.value()),
        None => unspecified(family),
    };
    Cidr::new(to?, length).ok()
}

fn address(family: u8, value: &[u8]) -> Option<IpAddr> {
    match AddressFamily::from(family) {
        AddressFamily::Inet => <[u8; 4]>::try_from(value).ok().map(IpAddr::from),
        AddressFamily::Inet6 => <[u8; 16]>::try_from(value).ok().map(IpAddr::from),
        _ => None,
    }
}

/// Where a default route leads, which names no destination.
fn unspecified(family: u8) -> Option<IpAddr> {
    match AddressFamily::from(family) {
        AddressFamily::Inet => Some(Ipv4Addr::UNSPECIFIED.into()),
        AddressFamily::Inet6 => Some(Ipv6Addr::UNSPECIFIED.into()),
        _ => None,
    }
}

/// Whether `struct rta_cacheinfo` says so: the kernel uses such a route no more, but lists it for
/// up to a minute.
fn has_expired(cache: &[u8]) -> bool {
    left(cache).is_some_and(|left| left < 0)
}

/// What `struct rta_cacheinfo` says is left of a route's lifetime, in hundredths of a second; 0: it
/// has none.
fn left(cache: &[u8]) -> Option<i32> {
    const EXPIRES: usize = 8;
    cache.get(EXPIRES..)?.first_chunk().map(|left| i32::from_ne_bytes(*left))
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::Emitable;
    use netlink_packet_route::route::RouteCacheInfo;

    use super::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    fn decoded(change: impl FnOnce(&mut RouteMessage)) -> Option<OnLink> {
        let route = PrefixRoute { table: 1000, ..PrefixRoute::of(7, cidr("192.0.2.10/24")) };
        let mut message = route.message();
        change(&mut message);
        let mut bytes = vec![0; message.buffer_len()];
        message.emit(&mut bytes);
        let mut header = NetlinkHeader::default();
        header.message_type = RTM_NEWROUTE;
        match decode(&header, &bytes)? {
            Change::New(route) => Some(route),
            Change::Gone(route) => panic!("{route:?} is not gone"),
        }
    }

    #[test]
    fn a_route_of_the_link_is_told_from_others() {
        let source = Some("192.0.2.10".parse().unwrap());
        let ours =
            OnLink { index: 7, table: 1000, prefix: cidr("192.0.2.0/24"), ours: true, source };
        assert_eq!(decoded(|_| {}), Some(ours));
        let kernels = decoded(|message| message.header.protocol = RouteProtocol::Kernel);
        assert_eq!(kernels, Some(OnLink { ours: false, ..ours }));
        let gateway = RouteAttribute::Gateway("192.0.2.1".parse::<IpAddr>().unwrap().into());
        assert_eq!(decoded(|message| message.attributes.push(gateway)), None);
        assert_eq!(decoded(|message| message.header.kind = RouteType::Local), None);
        let expired = |expires: i32| {
            let mut info = RouteCacheInfo::parse(&[0; 32]).unwrap();
            info.expires = expires.cast_unsigned();
            decoded(|message| message.attributes.push(RouteAttribute::CacheInfo(info)))
        };
        assert_eq!(expired(-100), None);
        assert_eq!(expired(100), Some(ours));
        let default = decoded(|message| {
            message.header.destination_prefix_length = 0;
            message
                .attributes
                .retain(|attribute| !matches!(attribute, RouteAttribute::Destination(_)));
        });
        assert_eq!(default, None);
    }

    #[test]
    fn only_an_ipv6_route_has_a_lifetime_of_its_own() {
        for (text, expected) in [("192.0.2.10/24", 0), ("2001:db8::10/64", 1)] {
            let route = PrefixRoute::of(7, cidr(text));
            let RouteNetlinkMessage::NewRoute(message) = route.add(Some(2)) else {
                panic!("no new route")
            };
            let mut all = message.attributes.iter();
            assert_eq!(
                all.by_ref().filter(|attribute| **attribute == RouteAttribute::Expires(2)).count(),
                expected,
                "{text}"
            );
        }
    }
}
