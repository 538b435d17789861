//! This host, as far as a configuration depends on it.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt, fs, io,
    net::{IpAddr, Ipv4Addr},
    path::Path,
};

use nix::{
    errno::Errno,
    unistd::{AccessFlags, access},
};
use vrrp_core::Cidr;
use vrrp_net::netlink::{Socket, addresses, links, routes};

/// Names the interface by which a host sends to an address, in the VRF of this index, if it knows
/// one.
pub(super) type Way = Box<dyn Fn(Option<u32>, Ipv4Addr) -> Option<String>>;

/// This host.
pub(super) struct Host {
    pub(super) interfaces: Vec<Interface>,
    /// The effective capabilities of this process, one bit each.
    pub(super) capabilities: u64,
    pub(super) way: Way,
}

/// An interface of this host.
#[derive(Default)]
pub(super) struct Interface {
    pub(super) name: String,
    /// Its alternative names.
    pub(super) other_names: Vec<String>,
    /// What it is a port of.
    pub(super) master: Option<Master>,
    /// Whether the kernel drops IPv4 packets here from whom it would send to by another interface
    /// (RFC 3704 2.2).
    pub(super) is_strict: bool,
    /// Whether it is up and has a carrier.
    pub(super) up: bool,
    /// Its addresses, and whether they are virtual ones that vrrp put there.
    pub(super) addresses: Vec<(Cidr, bool)>,
}

/// What an interface is a port of.
#[derive(Clone)]
pub(super) struct Master {
    pub(super) index: u32,
    pub(super) name: String,
    /// As `ip -details link` shows it; empty when it is of none.
    pub(super) kind: String,
}

/// What the kernel may allow a process (capabilities(7)).
#[derive(Clone, Copy)]
pub(super) enum Capability {
    NetAdmin = 12,
    NetRaw = 13,
}

impl Capability {
    /// What it is needed for.
    pub(super) const fn purpose(self) -> &'static str {
        match self {
            Self::NetAdmin => "hold addresses",
            Self::NetRaw => "send and receive advertisements",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NetAdmin => "CAP_NET_ADMIN",
            Self::NetRaw => "CAP_NET_RAW",
        })
    }
}

impl Host {
    /// Asks the kernel, in the network namespace of this thread.
    pub(super) fn read() -> Result<Self, Box<dyn std::error::Error>> {
        let mut socket = Socket::new()?;
        let addresses = addresses::list(&mut socket)?;
        let links = links::list(&mut socket)?;
        let names: BTreeMap<u32, String> =
            links.iter().map(|link| (link.index, link.name.clone())).collect();
        let details =
            links::details(&mut socket)?.into_iter().map(|details| (details.index, details));
        let mut details: BTreeMap<u32, links::Details> = details.collect();
        let everywhere = reverse_path("all");
        let interface = |link: links::HostLink| {
            let mine = addresses.iter().filter(|address| address.index == link.index);
            let details = details.remove(&link.index).unwrap_or_default();
            Interface {
                up: link.is_up(),
                addresses: mine.map(|address| (address.cidr, address.is_leftover())).collect(),
                master: master(&details, &names),
                other_names: details.other_names,
                // The kernel heeds the larger one.
                is_strict: everywhere.max(reverse_path(&link.name)) == 1,
                name: link.name,
            }
        };
        let interfaces = links.into_iter().map(interface).collect();
        let socket = RefCell::new(socket);
        let way = move |vrf, address: Ipv4Addr| {
            let found = routes::way(&mut socket.borrow_mut(), address.into(), vrf);
            names.get(&found.ok().flatten()?).cloned()
        };
        Ok(Self { interfaces, capabilities: capabilities()?, way: Box::new(way) })
    }

    pub(super) fn interface(&self, name: &str) -> Option<&Interface> {
        self.interfaces.iter().find(|interface| interface.name == name)
    }

    pub(super) const fn has(&self, capability: Capability) -> bool {
        self.capabilities & (1 << capability as u32) != 0
    }

    /// Whether `address` is on any interface, whoever put it there.
    pub(super) fn has_address(&self, address: IpAddr) -> bool {
        let mut all = self.interfaces.iter().flat_map(|interface| &interface.addresses);
        all.any(|(cidr, _)| cidr.address() == address)
    }

    /// Whether `address` is on any interface and not put there by vrrp.
    pub(super) fn has_own(&self, address: IpAddr) -> bool {
        self.interfaces.iter().any(|interface| interface.has_own(address))
    }
}

impl Interface {
    /// Its addresses that were not put there by vrrp.
    pub(super) fn own(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.own_networks().map(|cidr| cidr.address())
    }

    /// The same, with their prefix lengths.
    pub(super) fn own_networks(&self) -> impl Iterator<Item = Cidr> + '_ {
        self.addresses.iter().filter(|(_, ours)| !ours).map(|(cidr, _)| *cidr)
    }

    pub(super) fn has_own(&self, address: IpAddr) -> bool {
        self.own().any(|own| own == address)
    }

    /// The prefix length that `address` has here.
    pub(super) fn prefix_length(&self, address: IpAddr) -> u8 {
        let found = self.addresses.iter().find(|(cidr, _)| cidr.address() == address);
        found.map_or_else(|| Cidr::from(address).prefix_length(), |(cidr, _)| cidr.prefix_length())
    }
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

/// Whether this user may execute the file `program`.
pub(super) fn executable(program: &Path) -> Result<(), Errno> {
    if program.is_dir() {
        return Err(Errno::EISDIR);
    }
    access(program, AccessFlags::X_OK)
}

fn capabilities() -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.ok_or_else(|| {
        io::Error::other("/proc/self/status does not name this process's capabilities")
    })
}
