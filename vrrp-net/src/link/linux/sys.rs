//! What no safe wrapper offers.

use std::{io, os::fd::AsRawFd};

use libc::{AF_PACKET, IPPROTO_IP, IPPROTO_IPV6, c_int, sockaddr, sockaddr_ll, socklen_t};
use nix::sys::socket::{LinkAddr, SockaddrLike, bind};
use socket2::Socket;
use tokio::io::{Interest, unix::AsyncFd};

/// Watches a socket with the current tokio runtime.
pub(super) fn watch(socket: Socket) -> io::Result<AsyncFd<Socket>> {
    // SAFETY: `Socket` owns its descriptor and always returns the same one; it is never taken out.
    Ok(unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) }?)
}

/// Lets routers fragment what this IPv4 socket sends.
pub(super) fn allow_fragments(socket: &Socket) -> io::Result<()> {
    set_int(socket, IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_DONT)
}

/// Lets this IPv6 socket send from addresses that the host does not have.
pub(super) fn set_freebind_v6(socket: &Socket, any: bool) -> io::Result<()> {
    set_int(socket, IPPROTO_IPV6, libc::IPV6_FREEBIND, any.into())
}

fn set_int(socket: &Socket, level: c_int, option: c_int, value: c_int) -> io::Result<()> {
    // SAFETY: the option's value is an int, which outlives the call; the descriptor is open.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw const value).cast(),
            size_of::<c_int>() as socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The address of an interface for a packet socket that sends whole frames.
pub(super) fn link_address(index: u32) -> io::Result<LinkAddr> {
    link_address_of(index, 0)
}

/// Has a packet socket receive what comes by an interface and is of this protocol.
pub(super) fn bind_to_link(socket: &Socket, index: u32, protocol: c_int) -> io::Result<()> {
    let protocol = u16::try_from(protocol).map_err(io::Error::other)?;
    Ok(bind(socket.as_raw_fd(), &link_address_of(index, protocol)?)?)
}

fn link_address_of(index: u32, protocol: u16) -> io::Result<LinkAddr> {
    let address = sockaddr_ll {
        sll_family: AF_PACKET as u16,
        sll_protocol: protocol.to_be(),
        sll_ifindex: i32::try_from(index).map_err(io::Error::other)?,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    let length = size_of::<sockaddr_ll>() as socklen_t;
    // SAFETY: the pointer is to a whole, initialized `sockaddr_ll`, as its family and the length
    // say.
    let address =
        unsafe { LinkAddr::from_raw((&raw const address).cast::<sockaddr>(), Some(length)) };
    address.ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

#[cfg(test)]
mod tests {
    use socket2::{Domain, Type};

    use super::*;

    #[test]
    fn a_link_address_is_the_interface() {
        let address = link_address(7).unwrap();
        assert_eq!((address.ifindex(), address.halen()), (7, 0));
        assert!(link_address(u32::MAX).is_err());
    }

    #[test]
    fn fragments_can_be_allowed_on_ipv4_only() {
        allow_fragments(&Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap()).unwrap();
        assert!(allow_fragments(&Socket::new(Domain::UNIX, Type::DGRAM, None).unwrap()).is_err());
    }
}
