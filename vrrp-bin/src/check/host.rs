//! This host, as far as a configuration depends on it.

use std::{collections::BTreeMap, fs, io, net::IpAddr, path::Path};

use nix::{
    errno::Errno,
    unistd::{AccessFlags, access},
};
use vrrp_net::host::{self, Capabilities, Interface, Routes};

use super::engine;

/// Names the interface by which a host sends to an address, in the VRF of this index, if it knows
/// one.
pub(super) type Way = Box<dyn Fn(Option<u32>, IpAddr) -> Option<String>>;

/// Reads a setting of the kernel's network: `ipv4/conf/eth0/arp_ignore`.
pub(super) type Setting = Box<dyn Fn(&str) -> Option<String>>;

/// This host.
pub(super) struct Host {
    pub(super) interfaces: Vec<Interface>,
    /// The effective capabilities of this process.
    pub(super) capabilities: Capabilities,
    pub(super) way: Way,
    pub(super) setting: Setting,
    /// What says that this is a container with a network of its own.
    pub(super) container: Option<String>,
}

impl Host {
    /// Asks the kernel, in the network namespace of this thread.
    pub(super) fn read() -> io::Result<Self> {
        let interfaces = host::interfaces()?;
        let names: BTreeMap<u32, String> =
            interfaces.iter().map(|interface| (interface.index, interface.name.clone())).collect();
        let routes = Routes::new()?;
        let way = move |vrf, address| {
            let found = routes.way(address, vrf);
            names.get(&found.ok().flatten()?).cloned()
        };
        let capabilities = Capabilities::of_this_process()?;
        let setting = |name: &str| {
            let text = fs::read_to_string(format!("/proc/sys/net/{name}")).ok()?;
            Some(text.trim().to_owned())
        };
        let (way, setting) = (Box::new(way), Box::new(setting));
        let container = engine::sign();
        Ok(Self { interfaces, capabilities, way, setting, container })
    }

    pub(super) fn interface(&self, name: &str) -> Option<&Interface> {
        self.interfaces.iter().find(|interface| interface.name == name)
    }

    /// The number that this setting has for an interface, and whose it is: the kernel heeds the larger
    /// one of its own and that of `all`.
    pub(super) fn number<'a>(&self, interface: &'a str, setting: &str) -> (u32, &'a str) {
        let of = |which: &str| -> u32 {
            let text = (self.setting)(&format!("ipv4/conf/{which}/{setting}"));
            text.and_then(|text| text.parse().ok()).unwrap_or_default()
        };
        match (of(interface), of("all")) {
            (own, all) if own >= all => (own, interface),
            (_, all) => (all, "all"),
        }
    }

    /// Whether `address` is on any interface, whoever put it there.
    pub(super) fn has_address(&self, address: IpAddr) -> bool {
        let mut all = self.interfaces.iter().flat_map(|interface| &interface.addresses);
        all.any(|on| on.cidr.address() == address)
    }

    /// Whether `address` is on any interface and not put there by vrrp.
    pub(super) fn has_own(&self, address: IpAddr) -> bool {
        self.interfaces.iter().any(|interface| interface.has_own(address))
    }
}

/// Whether this user may make files in the directory `path`.
pub(super) fn writable(path: &Path) -> Result<(), Errno> {
    if path.is_file() {
        return Err(Errno::ENOTDIR);
    }
    access(path, AccessFlags::W_OK | AccessFlags::X_OK)
}

/// Whether this user may execute the file `program`.
pub(super) fn executable(program: &Path) -> Result<(), Errno> {
    if program.is_dir() {
        return Err(Errno::EISDIR);
    }
    access(program, AccessFlags::X_OK)
}

#[cfg(test)]
impl Host {
    /// A host of these interfaces, which lacks no right and has no setting.
    pub(super) fn of(interfaces: Vec<Interface>) -> Self {
        Self {
            interfaces,
            capabilities: Capabilities::ALL,
            way: Box::new(|_, _| None),
            setting: Box::new(|_| None),
            container: None,
        }
    }
}
