//! Receiving: a raw socket with its filter, and what the kernel says about each datagram.

use std::{
    io::{self, IoSliceMut},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU32,
    os::fd::AsRawFd,
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use nix::{
    cmsg_space,
    net::if_::if_nametoindex,
    sys::{
        socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt},
        time::TimeSpec,
    },
};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};
use tokio::io::{Interest as Readiness, unix::AsyncFd};
use vrrp_core::{Family, IPV4_GROUP, IPV6_GROUP, InterfaceId, RxMeta};

use super::{filter, sys};
use crate::{
    bpf::Program,
    link::{Interest, Port, Received},
};

/// The IP protocol number (RFC 9568 5.1.1.4).
const VRRP: i32 = 112;
/// Every packet leaves with this TTL or hop limit, unicast too (RFC 9568 5.1.1.3).
const TTL: u32 = 255;
/// DSCP CS6, network control.
const TRAFFIC_CLASS: u32 = 0xc0;
/// The highest priority of the host's queues that needs no privilege of its own.
const QUEUE_PRIORITY: u32 = 6;
/// What a raw IPv4 socket prepends, without options.
const IPV4_HEADER: usize = 20;
/// After so many errors with nothing between them a socket is left alone until its port is opened
/// again.
const ERRORS_IN_A_ROW: u8 = 3;

/// What a socket receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Traffic {
    /// What can be ours. This socket also sends.
    Heard,
    /// The rest of protocol 112.
    Refused,
}

/// A raw socket of one interface and family.
#[derive(Debug)]
pub(super) struct Rx {
    socket: AsyncFd<Socket>,
    traffic: Traffic,
    interface: InterfaceId,
    family: Family,
    index: u32,
    joined: bool,
    control: Vec<u8>,
    /// The kernel's count of drops, which wraps, as last seen; and their sum.
    last_drops: u32,
    drops: u64,
    errors: u8,
}

impl Rx {
    pub(super) fn open(port: &Port, interest: &Interest, traffic: Traffic) -> io::Result<Self> {
        let domain = if port.family == Family::Ipv4 { Domain::IPV4 } else { Domain::IPV6 };
        let socket = Socket::new(domain, Type::RAW, Some(Protocol::from(VRRP)))?;
        // A raw socket hears every interface from its first moment on.
        attach(&socket, &filter::nothing()?)?;
        socket.set_nonblocking(true)?;
        while socket.recv(&mut []).is_ok() {}
        prepare(&socket, port)?;
        let mut rx = Self {
            socket: sys::watch(socket)?,
            traffic,
            interface: port.interface,
            family: port.family,
            index: port.index,
            joined: false,
            control: cmsg_space!(libc::in6_pktinfo, libc::c_int, TimeSpec, u32),
            last_drops: 0,
            drops: 0,
            errors: 0,
        };
        rx.change(interest)?;
        Ok(rx)
    }

    /// Listens for something else, without losing what is queued.
    pub(super) fn change(&mut self, interest: &Interest) -> io::Result<()> {
        let socket = self.socket();
        match self.traffic {
            Traffic::Heard => {
                attach(socket, &filter::heard(interest, self.family)?)?;
                // 16 KiB for each virtual router: four seconds of a stalled driver at 100 ms. At
                // least 4 MiB, a tenth of a second of a flood that only user space can judge: what
                // does not fit is lost, advertisements with it.
                set_buffer(socket, ((16 << 10) * interest.vrids.len()).max(4 << 20))?;
            }
            Traffic::Refused => {
                attach(socket, &filter::refused(interest, self.family)?)?;
                set_buffer(socket, 4 << 10)?;
            }
        }
        if interest.multicast != self.joined {
            member(socket, self.family, self.index, interest.multicast)?;
            self.joined = interest.multicast;
        }
        self.errors = 0;
        Ok(())
    }

    pub(super) fn socket(&self) -> &Socket {
        self.socket.get_ref()
    }

    /// How many datagrams the kernel dropped because the buffer was full.
    pub(super) fn drops(&self) -> u64 {
        self.drops
    }

    pub(super) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.errors >= ERRORS_IN_A_ROW {
            return Poll::Pending;
        }
        match self.socket.poll_read_ready(cx) {
            Poll::Ready(Ok(_)) => Poll::Ready(()),
            // An error means that the runtime is shutting down.
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
        }
    }

    /// The next datagram, if tokio knows of one: costs nothing if it does not.
    pub(super) fn recv_known(&mut self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        let mut control = std::mem::take(&mut self.control);
        let result = self.socket.try_io(Readiness::READABLE, |socket| {
            receive(socket, self.family, buffer, &mut control)
        });
        self.control = control;
        self.judge(result)
    }

    /// The next datagram, which tokio need not know of yet.
    pub(super) fn recv_now(&mut self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        let result = receive(self.socket.get_ref(), self.family, buffer, &mut self.control);
        self.judge(result)
    }

    fn judge(&mut self, result: io::Result<Datagram>) -> io::Result<Option<Received>> {
        match result {
            Ok(datagram) => {
                self.errors = 0;
                let drops = datagram.drops.unwrap_or(self.last_drops);
                self.drops += u64::from(drops.wrapping_sub(self.last_drops));
                self.last_drops = drops;
                Ok(Some(Received {
                    meta: RxMeta {
                        interface: self.interface,
                        source: datagram.source,
                        destination: datagram.destination,
                        ttl: datagram.ttl,
                    },
                    len: datagram.len,
                    stamp: datagram.stamp,
                    refused: self.traffic == Traffic::Refused,
                }))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(_) if self.errors >= ERRORS_IN_A_ROW => Ok(None),
            Err(error) => {
                self.errors += 1;
                Err(error)
            }
        }
    }
}

/// Everything about a socket that does not depend on the interest.
fn prepare(socket: &Socket, port: &Port) -> io::Result<()> {
    setsockopt(socket, sockopt::ReceiveTimestampns, &true)?;
    setsockopt(socket, sockopt::RxqOvfl, &1)?;
    match port.family {
        Family::Ipv4 => {
            setsockopt(socket, sockopt::Ipv4PacketInfo, &true)?;
            setsockopt(socket, sockopt::Ipv4RecvTtl, &true)?;
            socket.set_multicast_all_v4(false)?;
            socket.set_multicast_loop_v4(false)?;
            socket.set_multicast_ttl_v4(TTL)?;
            socket.set_ttl_v4(TTL)?;
            socket.set_tos_v4(TRAFFIC_CLASS)?;
            sys::allow_fragments(socket)?;
            bind(socket, port, Socket::bind_device_by_index_v4)?;
        }
        Family::Ipv6 => {
            setsockopt(socket, sockopt::Ipv6RecvPacketInfo, &true)?;
            socket.set_recv_hoplimit_v6(true)?;
            socket.set_multicast_loop_v6(false)?;
            socket.set_multicast_hops_v6(TTL)?;
            socket.set_unicast_hops_v6(TTL)?;
            socket.set_tclass_v6(TRAFFIC_CLASS)?;
            bind(socket, port, Socket::bind_device_by_index_v6)?;
        }
    }
    // Behind the traffic class, which sets a priority of its own.
    socket.set_priority(QUEUE_PRIORITY)
}

/// Binds a socket to its interface. Kernels before 5.1 know no `SO_BINDTOIFINDEX`, and look a name
/// up once: the socket stays with that interface when it is renamed.
pub(super) fn bind(
    socket: &Socket,
    port: &Port,
    by_index: impl Fn(&Socket, Option<NonZeroU32>) -> io::Result<()>,
) -> io::Result<()> {
    match by_index(socket, NonZeroU32::new(port.index)) {
        Err(error) if error.raw_os_error() == Some(libc::ENOPROTOOPT) => bind_by_name(socket, port),
        result => result,
    }
}

/// The name may have moved on to another interface since the port's index was found.
fn bind_by_name(socket: &Socket, port: &Port) -> io::Result<()> {
    socket.bind_device(Some(port.name.as_bytes()))?;
    if if_nametoindex(&*port.name)? == port.index {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::NotFound,
        format!("{} is another interface by now", port.name),
    ))
}

pub(super) fn attach(socket: &Socket, program: &Program) -> io::Result<()> {
    socket.attach_filter(&program.filters())
}

/// Asks for a receive buffer beyond the host's limit, or up to it where that needs a privilege.
pub(super) fn set_buffer(socket: &Socket, octets: usize) -> io::Result<()> {
    match setsockopt(socket, sockopt::RcvBufForce, &octets) {
        Ok(()) => Ok(()),
        Err(_) => socket.set_recv_buffer_size(octets),
    }
}

fn member(socket: &Socket, family: Family, index: u32, join: bool) -> io::Result<()> {
    let interface = InterfaceIndexOrAddress::Index(index);
    match (family, join) {
        (Family::Ipv4, true) => socket.join_multicast_v4_n(&IPV4_GROUP, &interface),
        (Family::Ipv4, false) => socket.leave_multicast_v4_n(&IPV4_GROUP, &interface),
        (Family::Ipv6, true) => socket.join_multicast_v6(&IPV6_GROUP, index),
        (Family::Ipv6, false) => socket.leave_multicast_v6(&IPV6_GROUP, index),
    }
}

struct Datagram {
    source: IpAddr,
    destination: IpAddr,
    ttl: u8,
    len: usize,
    stamp: Option<SystemTime>,
    drops: Option<u32>,
}

/// Receives one datagram, its payload at the start of `buffer`. One that the kernel says too little
/// about is skipped.
fn receive(
    socket: &Socket,
    family: Family,
    buffer: &mut [u8],
    control: &mut [u8],
) -> io::Result<Datagram> {
    loop {
        let mut header = [0; IPV4_HEADER];
        let room = buffer.len();
        let mut into = [IoSliceMut::new(&mut header), IoSliceMut::new(buffer)];
        let into = match family {
            Family::Ipv4 => &mut into[..],
            Family::Ipv6 => &mut into[1..],
        };
        let fd = socket.as_raw_fd();
        let message =
            match recvmsg::<SockaddrStorage>(fd, into, Some(control), MsgFlags::MSG_DONTWAIT) {
                Ok(message) => message,
                Err(nix::errno::Errno::EINTR) => continue,
                Err(error) => return Err(error.into()),
            };
        let octets = message.bytes;
        let whole = !message.flags.contains(MsgFlags::MSG_TRUNC);
        let about =
            message.address.as_ref().and_then(source_of).zip(message.cmsgs().ok().map(About::of));
        let payload = match family {
            Family::Ipv4 => without_header(header, octets, buffer),
            Family::Ipv6 => Some(octets),
        };
        if let (Some((source, about)), Some(payload)) = (about, payload)
            && let About { destination: Some(destination), ttl: Some(ttl), stamp, drops } = about
        {
            let len = if whole { payload } else { room };
            return Ok(Datagram { source, destination, ttl, len, stamp, drops });
        }
    }
}

fn source_of(address: &SockaddrStorage) -> Option<IpAddr> {
    let ipv4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
    ipv4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
}

/// What the control messages say.
#[derive(Debug, Default)]
struct About {
    destination: Option<IpAddr>,
    ttl: Option<u8>,
    stamp: Option<SystemTime>,
    drops: Option<u32>,
}

impl About {
    fn of(messages: impl Iterator<Item = ControlMessageOwned>) -> Self {
        let mut about = Self::default();
        for message in messages {
            match message {
                ControlMessageOwned::Ipv4PacketInfo(info) => {
                    about.destination =
                        Some(Ipv4Addr::from(u32::from_be(info.ipi_addr.s_addr)).into());
                }
                ControlMessageOwned::Ipv6PacketInfo(info) => {
                    about.destination = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr).into());
                }
                ControlMessageOwned::Ipv4Ttl(ttl) | ControlMessageOwned::Ipv6HopLimit(ttl) => {
                    about.ttl = u8::try_from(ttl).ok();
                }
                ControlMessageOwned::ScmTimestampns(stamp) => {
                    about.stamp = SystemTime::UNIX_EPOCH.checked_add(Duration::from(stamp));
                }
                ControlMessageOwned::RxqOvfl(drops) => about.drops = Some(drops),
                _ => {}
            }
        }
        about
    }
}

/// Moves the payload over the IP options, which a raw IPv4 socket delivers too. `octets` is the
/// length of header and payload together. Returns the payload's length.
fn without_header(header: [u8; IPV4_HEADER], octets: usize, buffer: &mut [u8]) -> Option<usize> {
    let [version_and_length, ..] = header;
    let options = (usize::from(version_and_length & 0xf) * 4).checked_sub(IPV4_HEADER)?;
    let end = octets.checked_sub(IPV4_HEADER)?.min(buffer.len());
    let payload = end.checked_sub(options)?;
    buffer.copy_within(options..end, 0);
    Some(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strip(first: u8, octets: usize, buffer: &mut [u8]) -> Option<usize> {
        let mut header = [0; IPV4_HEADER];
        header[0] = first;
        without_header(header, octets, buffer)
    }

    #[test]
    fn options_are_stripped() {
        let mut buffer = *b"optsPAYLOAD......";
        assert_eq!(strip(0x45, 31, &mut buffer.clone()), Some(11));
        assert_eq!(strip(0x46, 31, &mut buffer), Some(7));
        assert_eq!(&buffer[..7], b"PAYLOAD");
    }

    #[test]
    fn a_header_that_lies_is_no_payload() {
        for octets in 0..64 {
            for first in 0..=255 {
                let payload = strip(first, octets, &mut [0; 24]);
                assert!(payload.is_none_or(|len| len <= 24 && len + IPV4_HEADER <= octets));
            }
        }
        assert_eq!(strip(0x44, 40, &mut [0; 24]), None, "shorter than an IP header can be");
        assert_eq!(strip(0x4f, 40, &mut [0; 24]), None, "options beyond the end");
        assert_eq!(strip(0x45, 12, &mut [0; 24]), None, "not even a header");
    }
}
