//! By which interface the kernel sends to an address.

use std::net::IpAddr;

use netlink_packet_core::NlasIterator;
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    route::{RouteAttribute, RouteFlags, RouteMessage},
};

use super::{RTA_OIF, RTM_HEADER};
use crate::netlink::{Error, Socket, message::number};

/// The index of the interface by which the kernel sends to `address`, in the VRF of this index if
/// there is one. `None` when there is no way, or one by several interfaces.
///
/// # Errors
/// [`Error`] when the kernel did not answer.
pub fn way(socket: &mut Socket, address: IpAddr, vrf: Option<u32>) -> Result<Option<u32>, Error> {
    Ok(route_to(socket, address, vrf)?.and_then(|found| found.interface))
}

/// Whether the kernel sends to `address` without a router, by the interface of this index if one is
/// given.
///
/// # Errors
/// [`Error`] when the kernel did not answer.
pub(crate) fn is_neighbour(
    socket: &mut Socket,
    address: IpAddr,
    interface: Option<u32>,
) -> Result<bool, Error> {
    Ok(route_to(socket, address, interface)?.is_some_and(|found| !found.has_gateway))
}

/// A route that the kernel has chosen.
struct Found {
    /// `None`: there are several.
    interface: Option<u32>,
    has_gateway: bool,
}

/// The route to an address; `None` when there is none. `oif` is the interface that it is to lead by,
/// or the VRF that it is in.
fn route_to(
    socket: &mut Socket,
    address: IpAddr,
    oif: Option<u32>,
) -> Result<Option<Found>, Error> {
    let mut request = RouteMessage::default();
    let (family, length) = match address {
        IpAddr::V4(_) => (AddressFamily::Inet, 32),
        IpAddr::V6(_) => (AddressFamily::Inet6, 128),
    };
    request.header.address_family = family;
    request.header.destination_prefix_length = length;
    // The route itself: of one with several ways the kernel would choose one by a hash.
    request.header.flags = RouteFlags::FibMatch;
    request.attributes = vec![RouteAttribute::Destination(address.into())];
    request.attributes.extend(oif.map(RouteAttribute::Oif));
    let found = |_: &_, payload: &[u8]| decode(payload);
    match socket.get_with(RouteNetlinkMessage::GetRoute(request), found) {
        // There is no route, or one of those that refuse (RTN_UNREACHABLE, RTN_PROHIBIT,
        // RTN_BLACKHOLE).
        Err(Error::Refused { .. }) => Ok(None),
        answer => answer.map(Some),
    }
}

fn decode(payload: &[u8]) -> Option<Found> {
    /// `RTA_*` of `linux/rtnetlink.h`.
    const GATEWAY: u16 = 5;
    const MULTIPATH: u16 = 9;
    const VIA: u16 = 18;
    let mut found = Found { interface: None, has_gateway: false };
    for attribute in NlasIterator::new(payload.get(RTM_HEADER..)?).flatten() {
        match attribute.kind() {
            RTA_OIF => found.interface = number(attribute.value()),
            GATEWAY | MULTIPATH | VIA => found.has_gateway = true,
            _ => {}
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn the_way_to_this_host_is_the_loopback_interface() {
        let mut socket = Socket::new().unwrap();
        assert_eq!(way(&mut socket, Ipv4Addr::LOCALHOST.into(), None).unwrap(), Some(1));
        assert!(is_neighbour(&mut socket, Ipv4Addr::LOCALHOST.into(), None).unwrap());
    }
}
