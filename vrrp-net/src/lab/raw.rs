//! What captures, clients and injectors do with raw sockets.

use std::{
    io::{self, IoSliceMut},
    mem::size_of,
    net::{Ipv4Addr, SocketAddr},
    os::fd::{AsFd, AsRawFd},
    thread,
    time::Duration,
};

use nix::{
    cmsg_space,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        socket::{
            ControlMessageOwned, MsgFlags, SockaddrLike, SockaddrStorage, recvmsg, setsockopt,
            sockopt,
        },
        time::TimeSpec,
    },
};
use socket2::{Domain, SockAddr, Socket, Type};

/// How long a read waits at most: a thread that reads notices within this time that it is to end.
pub(super) const PATIENCE: Duration = Duration::from_millis(50);
/// What may wait for a reader: a tenth of a second of the fastest flood.
const BUFFER: usize = 8 << 20;

/// A socket for whole frames on one interface, or on all of the namespace (0). It receives frames
/// of this protocol: `ETH_P_ALL`, or none (0).
pub(super) fn packet_socket(interface: u32, protocol: u16) -> io::Result<Socket> {
    // Protocol 0: nothing is received before the socket is bound.
    let socket = Socket::new(Domain::PACKET, Type::RAW, None)?;
    prepare(&socket)?;
    socket.bind(&link_address(interface, protocol)?)?;
    Ok(socket)
}

/// Waits until the kernel stamps packets when they arrive: it begins to in the background, some
/// time after a socket asked for it, and until then a packet has the time at which it was read.
/// Needs a loopback.
pub(super) fn wait_for_stamps() -> io::Result<()> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
    prepare(&socket)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    let own = socket.local_addr()?;
    for _ in 0..STAMP_ATTEMPTS {
        socket.send_to(&[0], &own)?;
        thread::sleep(Duration::from_millis(1));
        let before_reading = super::now();
        let received = receive::<SockaddrStorage>(&socket, &mut [0])?;
        if received.is_some_and(|received| received.at < before_reading) {
            return Ok(());
        }
    }
    Err(io::Error::other("the kernel does not stamp packets when they arrive"))
}

/// Bounds the reads, stamps what arrives, and makes room for it.
pub(super) fn prepare(socket: &Socket) -> io::Result<()> {
    socket.set_read_timeout(Some(PATIENCE))?;
    setsockopt(socket, sockopt::ReceiveTimestampns, &true)?;
    // Only the root of the machine may exceed its limit (net.core.rmem_max).
    if setsockopt(socket, sockopt::RcvBufForce, &BUFFER).is_err() {
        socket.set_recv_buffer_size(BUFFER)?;
    }
    Ok(())
}

/// How often [`wait_for_stamps`] looks, at most: a millisecond apart.
const STAMP_ATTEMPTS: usize = 2_000;

/// Waits until there is something to read, or an error to be told of.
pub(super) fn is_readable(socket: &Socket, patience: Duration) -> io::Result<bool> {
    let mut polled = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
    let patience = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
    match poll(&mut polled, patience) {
        Ok(count) => Ok(count > 0),
        Err(nix::Error::EINTR) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// What a read brought.
pub(super) struct Received<A> {
    pub(super) length: usize,
    /// When it arrived, by `CLOCK_REALTIME`.
    pub(super) at: Duration,
    pub(super) from: Option<A>,
}

/// Reads once; `None` when nothing came in time.
pub(super) fn receive<A: SockaddrLike>(
    socket: &Socket,
    buffer: &mut [u8],
) -> io::Result<Option<Received<A>>> {
    let mut control = cmsg_space!(TimeSpec);
    let mut parts = [IoSliceMut::new(buffer)];
    match recvmsg::<A>(socket.as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::empty()) {
        Ok(message) => {
            let stamp = message.cmsgs()?.find_map(|control| match control {
                ControlMessageOwned::ScmTimestampns(stamp) => Some(Duration::from(stamp)),
                _ => None,
            });
            let at = stamp.unwrap_or_else(super::now);
            Ok(Some(Received { length: message.bytes, at, from: message.address }))
        }
        // An interface that goes down or away tells the socket so; it stays bound to what is left.
        Err(nix::Error::EAGAIN | nix::Error::EINTR | nix::Error::ENETDOWN) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

fn link_address(interface: u32, protocol: u16) -> io::Result<SockAddr> {
    let index = i32::try_from(interface).map_err(io::Error::other)?;
    let family = u16::try_from(libc::AF_PACKET).map_err(io::Error::other)?;
    // SAFETY: the storage is zeroed, aligned and large enough for every address, and the length set
    // is that of the address written.
    let ((), address) = unsafe {
        SockAddr::try_init(|storage, length| {
            let address = storage.cast::<libc::sockaddr_ll>();
            (*address).sll_family = family;
            (*address).sll_protocol = protocol.to_be();
            (*address).sll_ifindex = index;
            *length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
            Ok(())
        })
    }?;
    Ok(address)
}
