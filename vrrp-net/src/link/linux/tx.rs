//! Sending: advertisements and the frames that announce addresses.

use std::{
    io::{self, IoSlice},
    net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6},
    os::fd::AsRawFd,
};

use bytes::BytesMut;
use libc::{in_addr, in_pktinfo, in6_addr, in6_pktinfo};
use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrIn, SockaddrIn6, sendmsg, sendto};
use socket2::{Domain, Socket, Type};
use vrrp_core::{Cidr, Family, MacAddr};

use super::sys;
use crate::{frame, link::Outgoing};

/// Sends by the interface `index`. The source is pinned: the kernel's choice could be a virtual
/// address.
pub(super) fn send(socket: &Socket, index: u32, outgoing: &Outgoing<'_>) -> io::Result<()> {
    let Outgoing { source, destination, payload, .. } = *outgoing;
    let fd = socket.as_raw_fd();
    let payload = [IoSlice::new(payload)];
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let pin = in_pktinfo {
                ipi_ifindex: i32::try_from(index).map_err(io::Error::other)?,
                ipi_spec_dst: in_addr { s_addr: u32::from(source).to_be() },
                ipi_addr: in_addr { s_addr: 0 },
            };
            let to = SockaddrIn::from(SocketAddrV4::new(destination, 0));
            sendmsg(
                fd,
                &payload,
                &[ControlMessage::Ipv4PacketInfo(&pin)],
                MsgFlags::empty(),
                Some(&to),
            )?;
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let pin = in6_pktinfo {
                ipi6_ifindex: index,
                ipi6_addr: in6_addr { s6_addr: source.octets() },
            };
            let to = SockaddrIn6::from(SocketAddrV6::new(destination, 0, 0, index));
            sendmsg(
                fd,
                &payload,
                &[ControlMessage::Ipv6PacketInfo(&pin)],
                MsgFlags::empty(),
                Some(&to),
            )?;
        }
        _ => return Err(io::ErrorKind::InvalidInput.into()),
    }
    Ok(())
}

/// Whether the host has this address. To bind a socket to it is the cheapest way to ask.
pub(super) fn is_local(index: u32, source: IpAddr) -> io::Result<bool> {
    let (domain, address) = match source {
        IpAddr::V4(ip) => (Domain::IPV4, SocketAddr::from(SocketAddrV4::new(ip, 0))),
        // The index says which link a link-local address is meant on.
        IpAddr::V6(ip) => (Domain::IPV6, SocketAddr::from(SocketAddrV6::new(ip, 0, 0, index))),
    };
    Ok(Socket::new(domain, Type::DGRAM, None)?.bind(&address.into()).is_ok())
}

/// Has the kernel send from an address that is not on this host, while `work` runs. Only then: a
/// wrong `source` in the configuration is to be noticed.
pub(super) fn with_any_source<T>(
    socket: &Socket,
    source: IpAddr,
    work: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    let set = |any: bool| match source {
        // IP_FREEBIND is not enough for a raw socket.
        IpAddr::V4(_) => socket.set_ip_transparent_v4(any),
        IpAddr::V6(_) => sys::set_freebind_v6(socket, any),
    };
    set(true)?;
    let result = work();
    set(false)?;
    result
}

/// Sends frames of our own making. It receives nothing.
#[derive(Debug)]
pub(super) struct Announcer {
    socket: Socket,
    frame: BytesMut,
}

impl Announcer {
    pub(super) fn new() -> io::Result<Self> {
        let socket = Socket::new(Domain::PACKET, Type::RAW, None)?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, frame: BytesMut::new() })
    }

    /// Asks who has an address.
    pub(super) fn ask(
        &mut self,
        index: u32,
        mac: MacAddr,
        address: IpAddr,
        source: IpAddr,
    ) -> io::Result<()> {
        let to = sys::link_address(index)?;
        frame::question(address, source, mac, &mut self.frame)?;
        sendto(self.socket.as_raw_fd(), &self.frame, &to, MsgFlags::empty())?;
        Ok(())
    }

    /// Announces every address of `family`; the first error is returned after all were tried.
    pub(super) fn announce(
        &mut self,
        index: u32,
        mac: MacAddr,
        router: bool,
        family: Family,
        addresses: &[Cidr],
    ) -> io::Result<()> {
        let to = sys::link_address(index)?;
        let mut result = Ok(());
        for address in
            addresses.iter().map(Cidr::address).filter(|address| Family::of(*address) == family)
        {
            let sent = frame::announcement(address, mac, router, &mut self.frame).and_then(|()| {
                sendto(self.socket.as_raw_fd(), &self.frame, &to, MsgFlags::empty())?;
                Ok(())
            });
            result = result.and(sent);
        }
        result
    }
}
