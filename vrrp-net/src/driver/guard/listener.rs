//! Who listens on a name.

use std::{io, path::Path};

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use socket2::{Domain, Socket, Type};

use super::{
    holder::{Holder, has_ended, judge},
    name::Name,
    owner,
};

/// Who listens on `name`: nobody takes the connection, and nothing is sent. `None` if nobody does.
pub(super) fn of(name: &Name) -> Option<Holder> {
    let another = || Some(owner::of(name, Path::new("/proc"), "another process"));
    let Ok(socket) = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None) else {
        return another();
    };
    match name.address().and_then(|address| socket.connect(&address)) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return None,
        // When the few places are taken, the kernel does not tell.
        Err(_) => return another(),
    }
    let Ok(peer) = getsockopt(&socket, PeerCredentials) else { return another() };
    Some(judge(peer.pid(), peer.uid(), Path::new("/proc"), has_ended))
}

/// Who has `name` and does not listen there.
pub(super) fn silent(name: &Name) -> Holder {
    let words = "a process that has its name and does not listen there (`ss -xap` lists it)";
    owner::of(name, Path::new("/proc"), words)
}
