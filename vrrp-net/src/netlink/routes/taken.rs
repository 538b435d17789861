//! Whether somebody else has the place of a route.

use libc::RTM_NEWROUTE;
use netlink_packet_core::{NetlinkHeader, NlasIterator};
use netlink_packet_route::{
    RouteNetlinkMessage,
    route::{RouteAttribute, RouteMessage},
};

use super::{OURS, RTM_HEADER, RouteEntry, destination, entry::address_family};
use crate::netlink::{Error, Socket, message::number};

/// How many routes of a table are looked at. A router may have a million, and changes of addresses
/// wait meanwhile; whatever is not seen is still in the way when the route is put.
const MOST: usize = 20_000;

/// The first of `entries`, which are of one family and one table, in whose place is a route that is
/// not ours, with its subnet and metric: the kernel would not add ours beside it.
pub(crate) fn first_taken<'a>(entries: &[&'a RouteEntry]) -> Result<Option<&'a RouteEntry>, Error> {
    let Some(first) = entries.first() else { return Ok(None) };
    let socket = Socket::new()?;
    let mut request = RouteMessage::default();
    request.header.address_family = address_family(first.family());
    if socket.filters() {
        request.attributes.push(RouteAttribute::Table(first.table));
    }
    let request = RouteNetlinkMessage::GetRoute(request);
    let found = socket.find_among(MOST, request, |header, payload| {
        entries.iter().copied().find(|entry| is_in_place_of(entry, header, payload))
    });
    match found {
        // A table without routes may never have been made.
        Err(error) if error.errno() == Some(libc::ENOENT) => Ok(None),
        found => found,
    }
}

/// Whether this RTM_NEWROUTE is such a route, of whatever kind.
fn is_in_place_of(entry: &RouteEntry, header: &NetlinkHeader, payload: &[u8]) -> bool {
    /// `RTA_*` of `linux/rtnetlink.h`.
    const PRIORITY: u16 = 6;
    const TABLE: u16 = 15;
    let Some([_, _, _, _, table, protocol, ..]) = payload.first_chunk::<RTM_HEADER>().copied()
    else {
        return false;
    };
    if header.message_type != RTM_NEWROUTE
        || protocol == OURS
        || destination(payload) != Some(entry.destination)
    {
        return false;
    }
    let (mut metric, mut table) = (0, u32::from(table));
    for attribute in NlasIterator::new(payload.get(RTM_HEADER..).unwrap_or_default()).flatten() {
        match attribute.kind() {
            PRIORITY => metric = number(attribute.value()).unwrap_or_default(),
            TABLE => table = number(attribute.value()).unwrap_or(table),
            _ => {}
        }
    }
    (table, metric) == (entry.table, entry.metric)
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::Emitable;

    use super::*;
    use crate::netlink::routes::EntryWay;

    fn entry() -> RouteEntry {
        RouteEntry {
            destination: "0.0.0.0/0".parse().unwrap(),
            table: 1000,
            metric: 5,
            way: EntryWay::Blackhole,
            source: None,
        }
    }

    /// Whether the route that is made of `told`, of the host's own, has the place of [`entry`].
    fn takes(told: &RouteEntry, protocol: u8) -> bool {
        let RouteNetlinkMessage::NewRoute(mut message) = told.add(None) else {
            panic!("no new route")
        };
        message.header.protocol = protocol.into();
        let mut octets = vec![0; message.buffer_len()];
        message.emit(&mut octets);
        let mut header = NetlinkHeader::default();
        header.message_type = RTM_NEWROUTE;
        is_in_place_of(&entry(), &header, &octets)
    }

    #[test]
    fn a_place_is_a_subnet_a_table_and_a_metric() {
        const STATIC: u8 = 4;
        assert!(takes(&entry(), STATIC));
        assert!(takes(&RouteEntry { way: EntryWay::Link { index: 7 }, ..entry() }, STATIC));
        assert!(!takes(&entry(), OURS));
        assert!(!takes(&RouteEntry { metric: 0, ..entry() }, STATIC));
        assert!(!takes(&RouteEntry { table: 254, ..entry() }, STATIC));
        let destination = "198.51.100.0/24".parse().unwrap();
        assert!(!takes(&RouteEntry { destination, ..entry() }, STATIC));
    }
}
