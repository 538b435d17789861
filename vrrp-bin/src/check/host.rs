//! This host, as far as a configuration depends on it.

use std::{fmt, fs, io, net::IpAddr, path::Path};

use nix::{
    errno::Errno,
    unistd::{AccessFlags, access},
};
use vrrp_core::Cidr;
use vrrp_net::netlink::{Socket, addresses, links};

/// This host.
pub(super) struct Host {
    pub(super) interfaces: Vec<Interface>,
    /// The effective capabilities of this process, one bit each.
    pub(super) capabilities: u64,
}

/// An interface of this host.
pub(super) struct Interface {
    pub(super) name: String,
    /// Whether it is up and has a carrier.
    pub(super) up: bool,
    /// Its addresses, and whether they are virtual ones that vrrp put there.
    pub(super) addresses: Vec<(Cidr, bool)>,
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
        let interface = |link: links::HostLink| {
            let mine = addresses.iter().filter(|address| address.index == link.index);
            Interface {
                up: link.is_up(),
                addresses: mine.map(|address| (address.cidr, address.is_leftover())).collect(),
                name: link.name,
            }
        };
        let interfaces = links::list(&mut socket)?.into_iter().map(interface).collect();
        Ok(Self { interfaces, capabilities: capabilities()? })
    }

    pub(super) fn interface(&self, name: &str) -> Option<&Interface> {
        self.interfaces.iter().find(|interface| interface.name == name)
    }

    pub(super) const fn has(&self, capability: Capability) -> bool {
        self.capabilities & (1 << capability as u32) != 0
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
    mask.ok_or_else(|| io::Error::other("/proc/self/status does not name this process's capabilities"))
}
