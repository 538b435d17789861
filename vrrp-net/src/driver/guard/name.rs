//! The names of the sockets that stand for virtual routers.

use std::{collections::BTreeSet, fmt, fs, io};

use socket2::{Domain, SockAddr, Socket, Type};
use vrrp_core::{Family, Vrid};

/// How many processes that came second are told who was first; nobody takes their connections.
const BACKLOG: i32 = 1024;
/// How many names there are: more than a process may open files, usually.
const LAST: u32 = 65_536;
/// How many names are looked at where the kernel's table cannot be read.
const UNSEEN: u32 = 8;

/// `vrrp/eth0/ipv4/51`, and `vrrp/eth0/ipv4/51/2` when somebody has that who is passed over: by the
/// interface's name, as virtual routers are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    first: String,
    number: u32,
}

/// What came of claiming a name.
pub(super) enum Claimed {
    Ours(Socket),
    Held,
}

impl Name {
    pub(super) fn first(interface: &str, family: Family, vrid: Vrid) -> Self {
        Self { first: format!("vrrp/{interface}/{family}/{vrid}"), number: 1 }
    }

    pub(super) fn next(&self) -> io::Result<Self> {
        if self.number >= LAST {
            return Err(io::Error::other(
                "others that may not speak VRRP have all of its names; end them",
            ));
        }
        Ok(self.numbered(self.number + 1))
    }

    fn numbered(&self, number: u32) -> Self {
        Self { first: self.first.clone(), number }
    }

    /// Listens there, or finds that somebody else has it.
    pub(super) fn claim(&self) -> io::Result<Claimed> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        match socket.bind(&self.address()?).and_then(|()| socket.listen(BACKLOG)) {
            Ok(()) => Ok(Claimed::Ours(socket)),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(Claimed::Held),
            Err(error) => Err(error),
        }
    }

    /// A name that begins with a zero is in no file system.
    pub(super) fn address(&self) -> io::Result<SockAddr> {
        SockAddr::unix(format!("\0{self}"))
    }

    /// The other names of this virtual router, of those that are `present`.
    pub(super) fn others(&self, present: Option<&[String]>) -> impl Iterator<Item = Self> {
        let numbers: BTreeSet<u32> = match present {
            Some(present) => present.iter().filter_map(|name| self.number_in(name)).collect(),
            None => (1..=UNSEEN).collect(),
        };
        numbers
            .into_iter()
            .filter(|number| *number != self.number)
            .map(|number| self.numbered(number))
    }

    fn number_in(&self, name: &str) -> Option<u32> {
        match name.strip_prefix(&self.first)? {
            "" => Some(1),
            rest => rest.strip_prefix('/')?.parse().ok(),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            1 => f.write_str(&self.first),
            number => write!(f, "{}/{number}", self.first),
        }
    }
}

/// The abstract names in the network namespace of this thread that can be those of virtual routers,
/// as long as the kernel tells.
pub(super) fn present() -> Option<Vec<String>> {
    // A name may hold any octet.
    let table = fs::read("/proc/thread-self/net/unix").ok()?;
    Some(names(&String::from_utf8_lossy(&table)))
}

/// The names in a table: the last column, with an `@` for the zero.
fn names(table: &str) -> Vec<String> {
    let name = |line: &str| line.rsplit_once(" @").map(|(_, name)| name.to_owned());
    table.lines().filter_map(name).filter(|name| name.starts_with("vrrp/")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 1001 @vrrp/eth0/ipv4/51
0000000000000000: 00000002 00000000 00010000 0001 01 1002 @vrrp/eth0/ipv4/51/3
0000000000000000: 00000002 00000000 00010000 0001 01 1003 @vrrp/eth0/ipv4/5
0000000000000000: 00000002 00000000 00010000 0001 01 1004 @vrrp/eth0/ipv4/51/x
0000000000000000: 00000002 00000000 00010000 0001 01 1005 @vrrp/eth0/ipv6/51
0000000000000000: 00000002 00000000 00010000 0001 01 1006 /run/vrrp/control.sock
0000000000000000: 00000003 00000000 00000000 0001 03 1007
";

    fn name() -> Name {
        Name::first("eth0", Family::Ipv4, Vrid::try_from(51).unwrap())
    }

    #[test]
    fn a12_the_names_of_one_virtual_router_are_told_from_others() {
        let present = names(TABLE);
        let others = |name: &Name| {
            name.others(Some(&present)).map(|name| name.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(others(&name()), ["vrrp/eth0/ipv4/51/3"]);
        assert_eq!(others(&name().numbered(2)), ["vrrp/eth0/ipv4/51", "vrrp/eth0/ipv4/51/3"]);
        assert_eq!(name().others(None).count(), 7);
    }

    #[test]
    fn a12_names_come_to_an_end() {
        assert_eq!(name().next().unwrap().to_string(), "vrrp/eth0/ipv4/51/2");
        assert!(name().numbered(LAST).next().is_err());
    }
}
