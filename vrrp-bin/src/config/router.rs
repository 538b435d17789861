//! A virtual router that keeps every rule.

use vrrp_core::{Family, VirtualRouter, Vrid};
use vrrp_net::{
    Group, VirtualAddress, VirtualRoute,
    check::{Last, Track},
};

use super::{
    backend::Backend,
    place::{Located, Place},
    script::{Script, Scripts},
};

/// One virtual router of the configuration.
#[derive(Clone, Debug)]
pub(crate) struct RouterConfig {
    /// Its name, unique in the configuration.
    pub(crate) name: String,
    /// The interface's name.
    pub(crate) interface: String,
    /// What the protocol needs to know.
    pub(crate) router: VirtualRouter,
    /// Its addresses, in the order of the configuration, and how each is put.
    pub(crate) addresses: Vec<Located<VirtualAddress>>,
    /// Addresses of either family that are held with them, and not advertised.
    pub(crate) extra: Vec<Located<VirtualAddress>>,
    /// Routes that are there while the addresses are.
    pub(crate) routes: Vec<Located<VirtualRoute>>,
    /// Who holds its addresses.
    pub(crate) backend: Backend,
    /// What checks mean to it.
    pub(crate) tracks: Vec<Located<Track>>,
    /// What becomes of the addresses when every node is ill.
    pub(crate) last: Last,
    /// What it moves together with.
    pub(crate) group: Option<Group>,
    /// The programs that are told its states.
    pub(crate) scripts: Scripts,
    /// The program that runs before its addresses are put.
    pub(crate) before: Option<Located<Script>>,
    /// Where the configuration speaks of it.
    pub(crate) places: Places,
}

/// What a virtual router is known by, whatever its name is.
pub(crate) type RouterKey<'a> = (&'a str, Vrid, Family);

impl RouterConfig {
    /// What it is known by.
    pub(crate) fn key(&self) -> RouterKey<'_> {
        (&self.interface, self.router.vrid(), self.router.family())
    }

    /// Everything that it holds: its addresses, and those that are not advertised.
    pub(crate) fn held(&self) -> impl Iterator<Item = &Located<VirtualAddress>> {
        self.addresses.iter().chain(&self.extra)
    }

    /// The interface that `address` is put on.
    pub(crate) fn interface_of<'a>(&'a self, address: &'a VirtualAddress) -> &'a str {
        address.interface.as_deref().unwrap_or(&self.interface)
    }
}

/// Where the configuration speaks of a virtual router.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The name, or else the whole.
    pub(crate) name: Place,
    /// The interface.
    pub(crate) interface: Place,
    /// The VRID.
    pub(crate) vrid: Place,
    /// The peer list, or else the whole.
    pub(crate) peers: Place,
    /// The source, or else the interface.
    pub(crate) source: Place,
    /// The backend, or else the whole.
    pub(crate) backend: Place,
    /// What becomes of the addresses when every node is ill, if that is said.
    pub(crate) last: Option<Place>,
}
