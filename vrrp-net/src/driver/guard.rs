//! [`Guard`]: one process runs a virtual router, and a second one is told which.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
};

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use socket2::{Domain, SockAddr, Socket, Type};
use vrrp_core::Key;

use crate::node::{Error, Member};

/// Two processes that run one virtual router on one host would fight over its addresses, and neither would hear the
/// other: they have the same source address.
///
/// Each virtual router is an abstract Unix socket that this process listens on. Such names belong to a network
/// namespace, as interfaces and addresses do, and the kernel frees them when a process ends, however it ends.
pub(crate) enum Guard {
    /// For a network that is not this host's.
    Off,
    /// The sockets, by virtual router.
    On(BTreeMap<Key, Socket>),
}

impl Guard {
    pub(crate) const fn new() -> Self {
        Self::On(BTreeMap::new())
    }

    /// Takes what is not taken yet of `members`, in the network namespace of this thread: all of it, or nothing.
    pub(super) fn take(&mut self, members: &[(Key, Member)]) -> Result<(), Error> {
        let Self::On(taken) = self else { return Ok(()) };
        let mut new = Vec::new();
        for (key, member) in members.iter().filter(|(key, _)| !taken.contains_key(key)) {
            new.push((*key, listen(*key, member)?));
        }
        taken.extend(new);
        Ok(())
    }

    /// Gives up everything but `keys`.
    pub(super) fn keep(&mut self, keys: &BTreeSet<Key>) {
        if let Self::On(taken) = self {
            taken.retain(|key, _| keys.contains(key));
        }
    }
}

/// How many processes that came second are told who was first; nobody takes their connections.
const BACKLOG: i32 = 1024;

fn listen(key: Key, member: &Member) -> Result<Socket, Error> {
    let failed = |source| Error::Io { what: format!("cannot claim {key} for this process"), source };
    let address = address(key, &member.interface).map_err(failed)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).map_err(failed)?;
    match socket.bind(&address).and_then(|()| socket.listen(BACKLOG)) {
        Ok(()) => Ok(socket),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(Error::Taken {
            interface: member.interface.to_string(),
            vrid: key.vrid.get(),
            family: key.family,
            holder: holder(&address).unwrap_or_else(|| "another process".to_owned()),
        }),
        Err(error) => Err(failed(error)),
    }
}

/// `vrrp/eth0/ipv4/51`: by the interface's name, as virtual routers are. A name that begins with a zero is in no file
/// system.
fn address(key: Key, interface: &str) -> io::Result<SockAddr> {
    SockAddr::unix(format!("\0vrrp/{interface}/{}/{}", key.family, key.vrid))
}

/// Who listens there. Nobody accepts the connection, and nothing is sent.
fn holder(address: &SockAddr) -> Option<String> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None).ok()?;
    // When the few places are taken, the kernel does not tell.
    socket.connect(address).ok()?;
    let pid = getsockopt(&socket, PeerCredentials).ok()?.pid();
    match fs::read_to_string(format!("/proc/{pid}/comm")) {
        Ok(name) => Some(format!("process {pid} ({})", name.trim())),
        // It is in another PID namespace.
        Err(_) => Some("a process of another container".to_owned()),
    }
}
