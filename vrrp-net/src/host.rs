//! What this host is made of, for those who ask before a node is started: its interfaces, by which
//! of them an address is reached, and what this process may do.
//!
//! Everything is of the network namespace of the calling thread. Each call asks the kernel and can
//! block for a moment.
//!
//! ```
//! use vrrp_net::host::{self, Capabilities, Capability};
//!
//! for interface in host::interfaces()? {
//!     let own: Vec<String> = interface.own().map(|own| own.address().to_string()).collect();
//!     println!("{} (up: {}): {}", interface.name, interface.is_up, own.join(", "));
//! }
//! let speaks = Capabilities::of_this_process()?.has(Capability::NetRaw);
//! println!("may send advertisements: {speaks}");
//! # Ok::<(), std::io::Error>(())
//! ```

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use vrrp_core::Cidr;

use crate::netlink::{Socket, addresses, links, routes};

/// An interface of this host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "written as a literal by tests of what reads it")]
pub struct Interface {
    /// The kernel's index of it.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Its alternative names (`ip link property add altname`).
    pub other_names: Vec<String>,
    /// Its kind as `ip -details link` shows it, such as `veth`; none of a network card.
    pub kind: Option<String>,
    /// Whether what it is linked to, as the other end of a veth, is in another network namespace.
    pub leads_elsewhere: bool,
    /// The largest packet that it sends, in octets; 0 if that is not known.
    pub mtu: u32,
    /// What it is a port of.
    pub master: Option<Master>,
    /// Whether the kernel drops IPv4 packets here from whom it would send to by another interface
    /// (RFC 3704 2.2).
    pub is_strict: bool,
    /// Whether it is up and has a carrier.
    pub is_up: bool,
    /// Its addresses.
    pub addresses: Vec<Address>,
}

/// What an interface is a port of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "written as a literal by tests of what reads it")]
pub struct Master {
    /// The kernel's index of it.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Its kind as `ip -details link` shows it, such as `bridge`; empty when it has none.
    pub kind: String,
}

impl Master {
    /// Whether what arrives at a port goes to the master and to nobody else. A VRF only chooses the
    /// routes, and a batman-adv interface takes no IP packets.
    #[must_use]
    pub fn takes_packets(&self) -> bool {
        !["vrf", "batadv"].contains(&self.kind.as_str())
    }

    /// Its name, as it stands in a sentence: `the bridge br9`.
    #[must_use]
    pub fn described(&self) -> String {
        let Self { name, kind, .. } = self;
        match kind.as_str() {
            "bridge" | "bond" | "team" => format!("the {kind} {name}"),
            _ => name.clone(),
        }
    }
}

/// An address of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "written as a literal by tests of what reads it")]
pub struct Address {
    /// The address and its prefix length.
    pub cidr: Cidr,
    /// Whether it is a virtual address that [`Netlink`](crate::backend::Netlink) put there.
    pub is_virtual: bool,
}

impl Interface {
    /// Its own addresses with their prefix lengths: those that are not virtual.
    pub fn own(&self) -> impl Iterator<Item = Cidr> {
        self.addresses.iter().filter(|address| !address.is_virtual).map(|address| address.cidr)
    }

    /// Whether `address` is one of its own.
    #[must_use]
    pub fn has_own(&self, address: IpAddr) -> bool {
        self.own().any(|own| own.address() == address)
    }

    /// The prefix length that `address` has here, whoever put it there.
    #[must_use]
    pub fn prefix_length(&self, address: IpAddr) -> Option<u8> {
        let mut cidrs = self.addresses.iter().map(|address| address.cidr);
        cidrs.find(|cidr| cidr.address() == address).map(|cidr| cidr.prefix_length())
    }
}

/// All interfaces.
///
/// # Errors
/// What the operating system says.
pub fn interfaces() -> io::Result<Vec<Interface>> {
    let mut socket = Socket::new()?;
    let addresses = addresses::list(&mut socket).map_err(io::Error::other)?;
    let links = links::list(&mut socket).map_err(io::Error::other)?;
    let details = links::details(&mut socket).map_err(io::Error::other)?;
    let mut details: BTreeMap<u32, links::Details> =
        details.into_iter().map(|details| (details.index, details)).collect();
    let names: BTreeMap<u32, String> =
        links.iter().map(|link| (link.index, link.name.clone())).collect();
    let everywhere = reverse_path("all");
    let interface = |link: links::HostLink| {
        let mine = addresses.iter().filter(|address| address.index == link.index);
        let address = |address: &addresses::HostAddress| Address {
            cidr: address.cidr,
            is_virtual: address.is_leftover(),
        };
        let details = details.remove(&link.index).unwrap_or_default();
        Interface {
            index: link.index,
            is_up: link.is_up(),
            addresses: mine.map(address).collect(),
            master: master(&details, &names),
            kind: details.kind,
            leads_elsewhere: details.leads_elsewhere,
            mtu: details.mtu,
            other_names: details.other_names,
            // The kernel heeds the larger one.
            is_strict: everywhere.max(reverse_path(&link.name)) == 1,
            name: link.name,
        }
    };
    Ok(links.into_iter().map(interface).collect())
}

fn master(details: &links::Details, names: &BTreeMap<u32, String>) -> Option<Master> {
    let index = details.master?;
    let kind = details.master_kind.clone().unwrap_or_default();
    Some(Master { index, name: names.get(&index)?.clone(), kind })
}

/// The setting `rp_filter` of an interface, or of all of them: 1 is strict, 2 loose.
fn reverse_path(interface: &str) -> u8 {
    let path = format!("/proc/sys/net/ipv4/conf/{interface}/rp_filter");
    let text = fs::read_to_string(path).unwrap_or_default();
    text.trim().parse().unwrap_or_default()
}

/// The kernel's routes.
#[derive(Debug)]
pub struct Routes(Mutex<Socket>);

impl Routes {
    /// The routes of the network namespace of the calling thread, also for later questions.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn new() -> io::Result<Self> {
        Ok(Self(Mutex::new(Socket::new()?)))
    }

    /// The index of the interface by which the kernel sends to `address`, in the VRF of this index
    /// if there is one. `None` when there is no way, or one by several interfaces.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn way(&self, address: IpAddr, vrf: Option<u32>) -> io::Result<Option<u32>> {
        // A question that was cut off by a panic leaves an answer that the next one passes over.
        let mut socket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        routes::way(&mut socket, address, vrf).map_err(io::Error::other)
    }
}

/// What the kernel may allow a process (capabilities(7)), as far as a node needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// To hold addresses.
    NetAdmin,
    /// To send and receive advertisements.
    NetRaw,
    /// To run programs as another user.
    SetUid,
    /// To run programs with the groups of another user.
    SetGid,
    /// To end programs of another user.
    Kill,
}

impl Capability {
    /// The number of its bit.
    const fn bit(self) -> u32 {
        match self {
            Self::NetAdmin => 12,
            Self::NetRaw => 13,
            Self::SetUid => 7,
            Self::SetGid => 6,
            Self::Kill => 5,
        }
    }

    /// What it is needed for, as the end of "needed to".
    #[must_use]
    pub const fn purpose(self) -> &'static str {
        match self {
            Self::NetAdmin => "hold addresses",
            Self::NetRaw => "send and receive advertisements",
            Self::SetUid => "run programs as another user",
            Self::SetGid => "run programs with the groups of another user",
            Self::Kill => "end programs of another user",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NetAdmin => "CAP_NET_ADMIN",
            Self::NetRaw => "CAP_NET_RAW",
            Self::SetUid => "CAP_SETUID",
            Self::SetGid => "CAP_SETGID",
            Self::Kill => "CAP_KILL",
        })
    }
}

/// A set of capabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(u64);

impl Capabilities {
    /// All that there are.
    pub const ALL: Self = Self(u64::MAX);

    /// The effective capabilities of this process.
    ///
    /// # Errors
    /// What the operating system says, or that `/proc` does not name them.
    pub fn of_this_process() -> io::Result<Self> {
        let status = fs::read_to_string("/proc/self/status")?;
        let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        mask.map(Self).ok_or_else(|| {
            io::Error::other("/proc/self/status does not name this process's capabilities")
        })
    }

    /// Whether `capability` is among them.
    #[must_use]
    pub const fn has(self, capability: Capability) -> bool {
        self.0 & (1 << capability.bit()) != 0
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<T: IntoIterator<Item = Capability>>(capabilities: T) -> Self {
        let bits = capabilities.into_iter().map(|capability| 1 << capability.bit());
        Self(bits.fold(0, |all, bit: u64| all | bit))
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn the_loopback_interface_is_there_and_the_way_to_this_host() {
        let interfaces = interfaces().unwrap();
        let loopback = interfaces.iter().find(|interface| interface.index == 1).unwrap();
        assert_eq!((loopback.name.as_str(), &loopback.master), ("lo", &None));
        let way = Routes::new().unwrap().way(Ipv4Addr::LOCALHOST.into(), None).unwrap();
        assert_eq!(way, Some(loopback.index));
    }

    #[test]
    fn own_addresses_are_those_that_are_not_virtual() {
        let address = |text: &str, is_virtual| Address { cidr: text.parse().unwrap(), is_virtual };
        let addresses = vec![address("192.0.2.1/24", false), address("192.0.2.10/24", true)];
        let interface = Interface { addresses, ..Interface::default() };
        let ip = |text: &str| text.parse().unwrap();
        assert!(interface.has_own(ip("192.0.2.1")) && !interface.has_own(ip("192.0.2.10")));
        assert_eq!(interface.prefix_length(ip("192.0.2.10")), Some(24));
        assert_eq!(interface.prefix_length(ip("192.0.2.2")), None);
    }

    #[test]
    fn a_set_has_the_capabilities_that_it_was_made_of() {
        let raw: Capabilities = [Capability::NetRaw].into_iter().collect();
        assert!(raw.has(Capability::NetRaw) && !raw.has(Capability::NetAdmin));
        assert!(Capabilities::ALL.has(Capability::NetAdmin));
        assert!(Capabilities::of_this_process().is_ok());
    }
}
