//! [`RouteChanges`]: whether routes that need no gateway have come or gone.

use std::io;

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

use super::filter;

/// `RTNLGRP_IPV4_ROUTE` and `RTNLGRP_IPV6_ROUTE` of `linux/rtnetlink.h`.
const GROUPS: [u32; 2] = [7, 11];

/// Listens for the host's own routes. Ours, and those with a gateway, wake nobody.
pub(crate) struct RouteChanges(Socket);

impl RouteChanges {
    /// In the network namespace of the calling thread.
    pub(crate) fn new() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind(&SocketAddr::new(0, 0))?;
        socket.set_non_blocking(true)?;
        filter::attach_for_routes(&socket)?;
        for group in GROUPS {
            socket.add_membership(group)?;
        }
        Ok(Self(socket))
    }

    /// Whether any has come or gone since this was asked last.
    pub(crate) fn take(&self) -> bool {
        // What exactly they say is not needed: who asks reads the table. With more of them in the
        // socket the next call says yes, too.
        const AT_ONCE: usize = 1024;
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
