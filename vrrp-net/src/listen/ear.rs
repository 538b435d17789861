//! [`Ear`]: a raw socket of an interface and family, as virtual routers have.

use std::{
    io,
    net::IpAddr,
    num::NonZeroU32,
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    sync::Arc,
    time::SystemTime,
};

use nix::{
    errno::Errno,
    sys::socket::{SockaddrStorage, recvfrom},
};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};
use vrrp_core::{Family, IPV4_GROUP, IPV6_GROUP, InterfaceId};

use super::{
    Look,
    message::{Arrival, Heard, VRRP, Way},
};

/// The longest message, with IP options: more than that is no message.
const LONGEST: usize = 8 << 10;

/// It is a member of the group, so that the card and switches pass it on, and it hears what the kernel
/// hands to programs.
#[derive(Debug)]
pub(super) struct Ear {
    socket: Socket,
    family: Family,
    name: Arc<str>,
    id: InterfaceId,
    buffer: Box<[u8]>,
}

impl Ear {
    /// Both families of an interface, but for IPv6 where it is off.
    pub(super) fn both(name: &Arc<str>, index: u32) -> io::Result<Vec<Self>> {
        let mut ears = vec![Self::open(name, index, Family::Ipv4)?];
        match Self::open(name, index, Family::Ipv6) {
            Ok(ear) => ears.push(ear),
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(error),
        }
        Ok(ears)
    }

    fn open(name: &Arc<str>, index: u32, family: Family) -> io::Result<Self> {
        let domain = match family {
            Family::Ipv4 => Domain::IPV4,
            Family::Ipv6 => Domain::IPV6,
        };
        let protocol = Protocol::from(i32::from(VRRP));
        let socket = Socket::new(domain, Type::RAW.nonblocking(), Some(protocol))?;
        socket.bind_device(Some(name.as_bytes()))?;
        match family {
            Family::Ipv4 => {
                socket.set_multicast_all_v4(false)?;
                socket.join_multicast_v4_n(&IPV4_GROUP, &InterfaceIndexOrAddress::Index(index))?;
            }
            Family::Ipv6 => socket.join_multicast_v6(&IPV6_GROUP, index)?,
        }
        // It heard every interface from its first moment on.
        while socket.recv(&mut []).is_ok() {}
        let id = InterfaceId::new(NonZeroU32::new(index).ok_or(Errno::ENODEV)?);
        let buffer = vec![0; LONGEST].into_boxed_slice();
        Ok(Self { socket, family, name: Arc::clone(name), id, buffer })
    }

    pub(super) fn look(&mut self) -> io::Result<Look> {
        Look::of(self.read())
    }

    fn read(&mut self) -> io::Result<Option<Heard>> {
        let Self { socket, family, name, id, buffer } = self;
        let (length, from) = recvfrom::<SockaddrStorage>(socket.as_raw_fd(), buffer)?;
        let Some(octets) = buffer.get(..length) else { return Ok(None) };
        let (at, way) = (SystemTime::now(), Way::HandedOn);
        let arrival = Arrival { at, interface: name, id: *id, way, mac: None };
        Ok(match family {
            Family::Ipv4 => Heard::packet(octets, arrival),
            Family::Ipv6 => source(from.as_ref())
                .and_then(|source| Heard::payload(octets, arrival, source, None, None)),
        })
    }
}

impl AsFd for Ear {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn source(from: Option<&SockaddrStorage>) -> Option<IpAddr> {
    Some(IpAddr::V6(from?.as_sockaddr_in6()?.ip()))
}

/// Whether the interface, or the kernel, has no IPv6.
fn is_absent(error: &io::Error) -> bool {
    let absent = [Errno::EAFNOSUPPORT, Errno::EADDRNOTAVAIL, Errno::ENODEV, Errno::EINVAL];
    error.raw_os_error().is_some_and(|errno| absent.contains(&Errno::from_raw(errno)))
}
