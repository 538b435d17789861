//! [`RouteChanges`]: whether routes that need no gateway have come or gone; and [`Replacements`]:
//! whether others came in place of ours.

use std::io;

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use vrrp_core::Cidr;

use super::{filter, message::Messages, routes};

/// `RTNLGRP_IPV4_ROUTE` and `RTNLGRP_IPV6_ROUTE` of `linux/rtnetlink.h`.
const GROUPS: [u32; 2] = [7, 11];

/// How many notifications are read in one call.
const AT_ONCE: usize = 1024;

/// Listens for the host's own routes. Ours, and those with a gateway, wake nobody.
pub(crate) struct RouteChanges(Socket);

impl RouteChanges {
    /// In the network namespace of the calling thread.
    pub(crate) fn new() -> io::Result<Self> {
        listen(filter::attach_for_routes).map(Self)
    }

    /// Whether any has come or gone since this was asked last.
    pub(crate) fn take(&self) -> bool {
        // What exactly they say is not needed: who asks reads the table. With more of them in the
        // socket the next call says yes, too.
        let mut buffer = Vec::with_capacity(1);
        let mut any = false;
        for _ in 0..AT_ONCE {
            buffer.clear();
            match self.0.recv(&mut buffer, libc::MSG_TRUNC) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // An error says that some were dropped.
                Ok(_) | Err(_) => any = true,
            }
        }
        any
    }
}

/// Listens for routes of others that came in place of one with the same subnet, table and metric.
/// The kernel tells of the new one, and not that the old one is gone.
#[derive(Debug)]
pub(crate) struct Replacements(Socket);

impl Replacements {
    /// In the network namespace of the calling thread.
    pub(crate) fn new() -> io::Result<Self> {
        listen(filter::attach_for_replacements).map(Self)
    }

    /// Whether any has come since this was asked last to where `is_it` says; if the kernel had to
    /// drop some, one may have.
    pub(crate) fn take(&self, is_it: impl Fn(Cidr) -> bool) -> bool {
        const DATAGRAM: usize = 64 * 1024;
        let mut buffer = Vec::with_capacity(DATAGRAM);
        let mut any = false;
        for _ in 0..AT_ONCE {
            buffer.clear();
            match self.0.recv(&mut buffer, 0) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => any = true,
                Ok(_) => {
                    let mut to =
                        Messages(&buffer).filter_map(|(_, payload)| routes::destination(payload));
                    any |= to.any(&is_it);
                }
            }
        }
        any
    }
}

/// A socket that hears of routes, as far as the filter lets it.
fn listen(attach: impl FnOnce(&Socket) -> io::Result<()>) -> io::Result<Socket> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind(&SocketAddr::new(0, 0))?;
    socket.set_non_blocking(true)?;
    attach(&socket)?;
    for group in GROUPS {
        socket.add_membership(group)?;
    }
    Ok(socket)
}
