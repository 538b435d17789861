//! Whether there is a route to a prefix.

use std::net::IpAddr;

use libc::{RTM_NEWROUTE, RTN_UNICAST};
use netlink_packet_core::{NetlinkHeader, NlasIterator};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage, route::RouteMessage};
use vrrp_core::Cidr;

use super::{MAIN_TABLE, OURS, RTM_HEADER, address, has_expired};
use crate::netlink::{Error, Socket, message::number};

/// Whether the main table has a route to exactly this prefix, by a gateway or not, that leads
/// somewhere: no unreachable one, none whose interface is down, and none that this program put
/// beside a virtual address.
pub(crate) fn is_present(socket: &mut Socket, prefix: Cidr) -> Result<bool, Error> {
    let mut request = RouteMessage::default();
    request.header.address_family = family(prefix);
    if socket.filters() {
        request.header.table = u8::try_from(MAIN_TABLE).unwrap_or_default();
    }
    let request = RouteNetlinkMessage::GetRoute(request);
    let decode =
        |header: &NetlinkHeader, payload: &[u8]| leads_to(prefix, header, payload).then_some(());
    // One that is there is there, even if others came and went meanwhile.
    match socket.dump_until(&request, decode, |found| !found.is_empty()) {
        Ok(found) => Ok(!found.is_empty()),
        // A table without routes may never have been made.
        Err(error) if error.errno() == Some(libc::ENOENT) => Ok(false),
        Err(error) => Err(error),
    }
}

fn family(prefix: Cidr) -> AddressFamily {
    match prefix.address() {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}

/// Whether this RTM_NEWROUTE is such a route.
fn leads_to(prefix: Cidr, header: &NetlinkHeader, payload: &[u8]) -> bool {
    /// `RTA_*` and `RTNH_F_DEAD` of `linux/rtnetlink.h`.
    const DESTINATION: u16 = 1;
    const CACHE: u16 = 12;
    const TABLE: u16 = 15;
    const DEAD: u32 = 1;
    let Some([family, length, _, _, table, protocol, _, kind, flags @ ..]) =
        payload.first_chunk::<RTM_HEADER>().copied()
    else {
        return false;
    };
    let is_candidate = header.message_type == RTM_NEWROUTE
        && AddressFamily::from(family) == self::family(prefix)
        && length == prefix.prefix_length()
        && kind == RTN_UNICAST
        && protocol != OURS
        && u32::from_ne_bytes(flags) & DEAD == 0;
    if !is_candidate {
        return false;
    }
    // A default route names no destination.
    let (mut to, mut table) = (None, u32::from(table));
    for attribute in NlasIterator::new(payload.get(RTM_HEADER..).unwrap_or_default()).flatten() {
        let value = attribute.value();
        match attribute.kind() {
            DESTINATION => to = address(family, value),
            TABLE => table = number(value).unwrap_or(table),
            CACHE if has_expired(value) => return false,
            _ => {}
        }
    }
    table == MAIN_TABLE && to.is_none_or(|to| to == prefix.address())
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::Emitable;
    use netlink_packet_route::route::{RouteAttribute, RouteHeader, RouteProtocol, RouteType};

    use super::*;

    fn found(wanted: &str, change: impl FnOnce(&mut RouteMessage)) -> bool {
        let mut message = RouteMessage::default();
        message.header.address_family = AddressFamily::Inet;
        message.header.table = RouteHeader::RT_TABLE_MAIN;
        message.header.kind = RouteType::Unicast;
        message.header.destination_prefix_length = 24;
        let [to, by] = ["192.0.2.0", "10.0.0.1"].map(|text| text.parse::<IpAddr>().unwrap().into());
        message.attributes = vec![RouteAttribute::Destination(to), RouteAttribute::Gateway(by)];
        change(&mut message);
        let mut bytes = vec![0; message.buffer_len()];
        message.emit(&mut bytes);
        let mut header = NetlinkHeader::default();
        header.message_type = RTM_NEWROUTE;
        leads_to(wanted.parse::<Cidr>().unwrap(), &header, &bytes)
    }

    #[test]
    fn only_a_route_to_that_prefix_that_leads_somewhere_counts() {
        assert!(found("192.0.2.0/24", |_| {}));
        for other in ["192.0.2.0/25", "192.0.3.0/24", "0.0.0.0/0", "2001:db8::/24"] {
            assert!(!found(other, |_| {}), "{other}");
        }
        assert!(!found("192.0.2.0/24", |route| route.header.kind = RouteType::BlackHole));
        let ours = RouteProtocol::from(OURS);
        assert!(!found("192.0.2.0/24", |route| route.header.protocol = ours));
        assert!(!found("192.0.2.0/24", |route| {
            route.attributes.push(RouteAttribute::Table(1000));
        }));
        assert!(found("0.0.0.0/0", |route| {
            route.header.destination_prefix_length = 0;
            route.attributes.remove(0);
        }));
    }
}
