//! Addresses that a process of this program left behind, and that nobody will take away any more.

use std::{collections::BTreeSet, fmt, fs, io, net::IpAddr};

use vrrp_core::{Cidr, Family, Vrid};

use crate::netlink::{
    Error, Socket,
    addresses::{self, HostAddress},
    links,
};

/// An address that has our mark and no lifetime, which no virtual router names.
///
/// With a lease it would end by itself. Without one (`lease = false`) it stays when its virtual
/// router is taken out of the configuration while no process runs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leftover {
    /// The interface's name.
    pub interface: String,
    /// The address and its prefix length.
    pub cidr: Cidr,
}

impl fmt::Display for Leftover {
    /// A sentence with the command that removes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { interface, cidr } = self;
        write!(
            f,
            "{cidr} on {interface} was put there by vrrp and belongs to no virtual router any \
             more; remove it with `ip address del {cidr} dev {interface}`"
        )
    }
}

/// What is left over in the network namespace of the calling thread; `named` are the addresses that
/// are not, `ours` the virtual routers of this process.
pub(super) fn find(
    named: &BTreeSet<IpAddr>,
    ours: &BTreeSet<(String, Family, Vrid)>,
) -> Result<Vec<Leftover>, Error> {
    let mut socket = Socket::new()?;
    let links = links::list(&mut socket)?;
    let others = Others::read(ours)?;
    let leftover = |address: HostAddress| {
        let link = links.iter().find(|link| link.index == address.index)?;
        let is_left =
            address.is_leftover() && address.valid.is_none() && !named.contains(&address.ip());
        let interface = link.name.clone();
        (is_left && !others.run_on(&interface, Family::of(address.ip())))
            .then_some(Leftover { interface, cidr: address.cidr })
    };
    Ok(addresses::list(&mut socket)?.into_iter().filter_map(leftover).collect())
}

/// The interfaces and families on which other processes run virtual routers, by the names of their
/// guards. What is there may be theirs.
struct Others(BTreeSet<(String, String)>);

impl Others {
    fn read(ours: &BTreeSet<(String, Family, Vrid)>) -> io::Result<Self> {
        let sockets = fs::read_to_string("/proc/thread-self/net/unix")?;
        Ok(Self(Self::parse(&sockets, ours)))
    }

    fn parse(sockets: &str, ours: &BTreeSet<(String, Family, Vrid)>) -> BTreeSet<(String, String)> {
        let ours: BTreeSet<String> = ours
            .iter()
            .map(|(interface, family, vrid)| format!("{interface}/{family}/{vrid}"))
            .collect();
        let names =
            sockets.lines().filter_map(|line| line.split_once("@vrrp/").map(|(_, name)| name));
        let others = names.filter(|name| !ours.contains(*name));
        let place = |name: &str| {
            let mut parts = name.split('/');
            Some((parts.next()?.to_owned(), parts.next()?.to_owned()))
        };
        others.filter_map(place).collect()
    }

    fn run_on(&self, interface: &str, family: Family) -> bool {
        self.0.contains(&(interface.to_owned(), family.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_others_run_is_told_by_the_names_of_their_guards() {
        let sockets = "Num       RefCount Protocol Flags    Type St Inode Path\n\
            0000000000000000: 00000002 00000000 00010000 0001 01 31 @vrrp/eth0/ipv4/51\n\
            0000000000000000: 00000002 00000000 00010000 0001 01 32 @vrrp/eth1/ipv6/52\n\
            0000000000000000: 00000002 00000000 00010000 0001 01 33 /run/vrrp/control.sock\n";
        let ours = BTreeSet::from([("eth0".to_owned(), Family::Ipv4, Vrid::try_from(51).unwrap())]);
        let others = Others(Others::parse(sockets, &ours));
        assert!(!others.run_on("eth0", Family::Ipv4), "that is this process");
        assert!(others.run_on("eth1", Family::Ipv6));
        assert!(!others.run_on("eth1", Family::Ipv4));
    }

    #[test]
    fn it_is_a_sentence_with_a_command() {
        let leftover =
            Leftover { interface: "eth0".to_owned(), cidr: "192.0.2.10/24".parse().unwrap() };
        assert!(
            leftover.to_string().ends_with("`ip address del 192.0.2.10/24 dev eth0`"),
            "{leftover}"
        );
    }
}
