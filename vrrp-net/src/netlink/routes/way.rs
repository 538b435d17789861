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
    request.attributes.extend(vrf.map(RouteAttribute::Oif));
    let interface = |_: &_, payload: &[u8]| {
        let mut attributes = NlasIterator::new(payload.get(RTM_HEADER..)?).flatten();
        Some(
            attributes
                .find(|attribute| attribute.kind() == RTA_OIF)
                .and_then(|found| number(found.value())),
        )
    };
    match socket.get_with(RouteNetlinkMessage::GetRoute(request), interface) {
        // There is no route, or one of those that refuse (RTN_UNREACHABLE, RTN_PROHIBIT,
        // RTN_BLACKHOLE).
        Err(Error::Refused { .. }) => Ok(None),
        answer => answer,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn the_way_to_this_host_is_the_loopback_interface() {
        let mut socket = Socket::new().unwrap();
        assert_eq!(way(&mut socket, Ipv4Addr::LOCALHOST.into(), None).unwrap(), Some(1));
    }
}
