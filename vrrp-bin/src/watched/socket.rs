//! [`Socket`]: an address of TCP that was taken, and not listened on yet.

use std::{io, net::SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

use crate::config::{Located, Place, describe};

/// How many connections may wait to be accepted.
const WAITING: u32 = 128;

/// An address that was taken.
pub(crate) struct Socket {
    at: Located<SocketAddr>,
    socket: TcpSocket,
}

/// Why nobody can listen on an address.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {}", self.sentence())]
pub(crate) struct Refused {
    place: Place,
    address: SocketAddr,
    /// What the system said.
    pub(crate) error: io::Error,
}

impl Refused {
    /// The same without its place.
    pub(crate) fn sentence(&self) -> String {
        let Self { address, error, .. } = self;
        format!("nothing can listen on {address}: {}; {}", describe(error), advice(error))
    }
}

/// What to do.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "stop what listens there (`ss -ltnp` names it), or write another port"
        }
        io::ErrorKind::AddrNotAvailable => {
            "write an address that this host has, or 0.0.0.0 for all of them"
        }
        io::ErrorKind::PermissionDenied => {
            "write a port from 1024 on, or let this user have the capability CAP_NET_BIND_SERVICE"
        }
        _ => "write an address and a port that this host can listen on",
    }
}

impl Socket {
    /// Takes the address. A connection to it is refused as if nobody had it.
    ///
    /// # Errors
    /// Somebody listens there, this host has no such address, or the system refuses.
    pub(crate) fn bind(at: &Located<SocketAddr>) -> Result<Self, Refused> {
        let socket = bind(at.value).map_err(|error| refused(at, error))?;
        Ok(Self { at: at.clone(), socket })
    }

    /// Listens, inside a tokio runtime.
    ///
    /// # Errors
    /// Somebody came first, or the system refuses.
    pub(crate) fn listen(self) -> Result<TcpListener, Refused> {
        self.socket.listen(WAITING).map_err(|error| refused(&self.at, error))
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // What an earlier process left in TIME_WAIT is no obstacle.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn refused(at: &Located<SocketAddr>, error: io::Error) -> Refused {
    Refused { place: at.place.clone(), address: at.value, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> Located<SocketAddr> {
        Located::new(Place::variable("VRRP_METRICS"), address.parse().unwrap())
    }

    #[tokio::test]
    async fn an_address_that_is_taken_is_refused_with_its_place() {
        let theirs = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = theirs.local_addr().unwrap().to_string();
        let said = Socket::bind(&at(&taken)).err().unwrap().to_string();
        let expected =
            format!("VRRP_METRICS: nothing can listen on {taken}: address already in use; stop");
        assert!(said.starts_with(&expected), "{said}");
        drop(theirs);
        // A connection is refused until it listens.
        let ours = Socket::bind(&at(&taken)).unwrap();
        assert!(tokio::net::TcpStream::connect(&taken).await.is_err());
        let listener = ours.listen().unwrap();
        drop(tokio::net::TcpStream::connect(&taken).await.unwrap());
        drop(listener);
        let said = Socket::bind(&at("192.0.2.99:9112")).err().unwrap().to_string();
        assert!(said.ends_with("write an address that this host has, or 0.0.0.0 for all of them"));
    }
}
