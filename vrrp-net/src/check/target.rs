//! [`Target`]: the host and the port that a check connects to.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs},
    str::FromStr,
};

#[cfg(target_os = "linux")]
use nix::errno::Errno;
#[cfg(target_os = "linux")]
use socket2::{Domain, Socket, Type};

use super::{blocking::Turn, outcome::Outcome};

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) host: Host,
    pub(super) port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    Address(IpAddr),
    Name(String),
}

/// Why what is to be connected to cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is no host and port; write 192.0.2.1:80, [2001:db8::1]:80 or db.example:5432")]
#[non_exhaustive]
pub struct TargetError {
    given: String,
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let error = || TargetError { given: text.to_owned() };
        let (host, port) = text.rsplit_once(':').ok_or_else(error)?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(error)?;
        Ok(Self { host: Host::read(host).ok_or_else(error)?, port })
    }
}

impl Host {
    /// Reads an address, an IPv6 one in brackets, or a name.
    pub(super) fn read(text: &str) -> Option<Self> {
        if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return inner.parse().ok().map(|address| Self::Address(IpAddr::V6(address)));
        }
        if let Ok(address) = text.parse() {
            return Some(Self::Address(IpAddr::V4(address)));
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        // What ends in a number and is no address is a mistake, and no name.
        let last = text.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
        let is_name = text.len() < 256
            && text.chars().all(fits)
            && !last.is_empty()
            && !last.chars().all(|c| c.is_ascii_digit());
        is_name.then(|| Self::Name(text.to_owned()))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Address(address) => SocketAddr::new(*address, self.port).fmt(f),
            Host::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

impl Target {
    /// Connects to the first of its addresses that lets it, and returns the stream, which does not
    /// block.
    pub(super) async fn connect(&self, turn: &Turn) -> Result<TcpStream, Outcome> {
        let mut failed = None;
        for address in self.resolve(turn).await? {
            match connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failed = Some(Outcome::of_error(address, &error)),
            }
        }
        Err(failed.unwrap_or_else(|| Outcome::NotRun(format!("{self} has no address"))))
    }

    async fn resolve(&self, turn: &Turn) -> Result<Vec<SocketAddr>, Outcome> {
        let name = match &self.host {
            Host::Address(address) => return Ok(vec![SocketAddr::new(*address, self.port)]),
            Host::Name(name) => name.clone(),
        };
        let port = self.port;
        let look_up = move || (name, port).to_socket_addrs().map(Iterator::collect);
        let found = turn.take(look_up).await.map_err(io::Error::other).and_then(|done| done);
        // Whoever answers for names is not the service that is looked at.
        found.map_err(|error| {
            Outcome::NotRun(format!(
                "the name in {self} has no address that could be found: {error}"
            ))
        })
    }
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = open(address).await?;
    // Where nobody listens on a port of those that the kernel gives to clients, one can meet itself.
    if stream.local_addr()? == address {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(stream)
}

/// A connection to this host stands at once, and nothing has to be waited for: to register a socket
/// for that is a third of what a check costs.
#[cfg(target_os = "linux")]
async fn open(address: SocketAddr) -> io::Result<TcpStream> {
    let of_stream = Type::STREAM.nonblocking().cloexec();
    let socket = Socket::new(Domain::for_address(address), of_stream, None)?;
    let begun = socket.connect(&address.into());
    // Asked again, the kernel says how it went (connect(2)).
    let asked = if is_under_way(&begun) { socket.connect(&address.into()) } else { begun };
    let stream = TcpStream::from(socket);
    if !is_under_way(&asked) {
        return asked.map(|()| stream);
    }
    let stream = tokio::net::TcpStream::from_std(stream)?;
    stream.writable().await?;
    stream.take_error()?.map_or(Ok(()), Err)?;
    stream.into_std()
}

#[cfg(target_os = "linux")]
fn is_under_way(connect: &io::Result<()>) -> bool {
    let errno = connect.as_ref().err().and_then(io::Error::raw_os_error).map(Errno::from_raw);
    matches!(errno, Some(Errno::EINPROGRESS | Errno::EALREADY))
}

#[cfg(not(target_os = "linux"))]
async fn open(address: SocketAddr) -> io::Result<TcpStream> {
    tokio::net::TcpStream::connect(address).await?.into_std()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nobody takes this connection before a while has passed: the queue of the listener is full.
    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn a_connection_that_takes_a_while_is_waited_for() {
        use std::time::Duration;

        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let first = open(address).await.unwrap();
        let second = tokio::time::timeout(Duration::from_millis(200), open(address)).await;
        assert!(second.is_err());
        let third = tokio::spawn(open(address));
        tokio::task::yield_now().await;
        assert!(!third.is_finished());
        drop(listener.accept().unwrap());
        tokio::time::timeout(Duration::from_secs(30), third).await.unwrap().unwrap().unwrap();
        drop(first);
    }

    #[test]
    fn a_host_and_a_port_are_read_and_written() {
        for text in ["192.0.2.1:80", "[2001:db8::1]:443", "db-1.example:5432", "localhost:1"] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_host_and_port_is_told() {
        for text in [
            "",
            "80",
            ":80",
            "host",
            "host:",
            "host:0",
            "host:65536",
            "192.0.2.300:80",
            "::1:80",
            "a b:1",
        ] {
            let error = text.parse::<Target>().unwrap_err().to_string();
            assert!(error.contains("is no host and port; write"), "{text}: {error}");
        }
    }
}
