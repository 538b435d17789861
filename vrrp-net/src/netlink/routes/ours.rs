//! [`OurEntry`]: the routes in the kernel's table that are ours.

use libc::{RTM_DELROUTE, RTM_NEWROUTE, RTN_BLACKHOLE, RTN_PROHIBIT, RTN_UNICAST, RTN_UNREACHABLE};
use netlink_packet_core::{NetlinkHeader, NlasIterator};
use netlink_packet_route::{
    RouteNetlinkMessage,
    route::{RouteMessage, RouteProtocol},
};
use vrrp_core::{Cidr, Family};

use super::{
    EntryWay, OURS, RTA_OIF, RTM_HEADER, RouteEntry, address, entry::address_family, left,
    unspecified,
};
use crate::netlink::{
    Error, Socket,
    message::{Change, number},
};

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
    let (mut to, mut gateway, mut source) = (unspecified(family), None, None);
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
            CACHE => expires = left(value).is_some_and(|left| left != 0),
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

#[cfg(test)]
mod tests {
    use netlink_packet_core::Emitable;
    use netlink_packet_route::route::{RouteAttribute, RouteCacheInfo};

    use super::*;

    fn entry(destination: &str, way: EntryWay) -> RouteEntry {
        let destination: Cidr = destination.parse().unwrap();
        let metric = if destination.address().is_ipv4() { 0 } else { 1024 };
        RouteEntry { destination, table: 254, metric, way, source: None }
    }

    fn via(gateway: &str) -> EntryWay {
        EntryWay::Via { gateway: gateway.parse().unwrap(), index: Some(7), on_link: false }
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
            entry("0.0.0.0/0", via("192.0.2.254")),
            entry("::/0", via("2001:db8::1")),
            entry("198.51.100.0/24", EntryWay::Link { index: 7 }),
            entry("2001:db8:1::/64", EntryWay::Blackhole),
            RouteEntry {
                table: 1000,
                metric: 9,
                source: Some("192.0.2.10".parse().unwrap()),
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
}
