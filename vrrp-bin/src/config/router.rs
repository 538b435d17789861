//! A virtual router that keeps every rule.

use std::net::IpAddr;

use vrrp_core::VirtualRouter;
use vrrp_net::{
    Group,
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

/// Where the configuration speaks of a virtual router.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The name, or else the whole.
    pub(crate) name: Place,
    /// The interface.
    pub(crate) interface: Place,
    /// The VRID.
    pub(crate) vrid: Place,
    /// Each address, in the order of the configuration.
    pub(crate) addresses: Vec<(IpAddr, Place)>,
    /// The peer list, or else the whole.
    pub(crate) peers: Place,
    /// The source, or else the interface.
    pub(crate) source: Place,
    /// The backend, or else the whole.
    pub(crate) backend: Place,
    /// What becomes of the addresses when every node is ill, if that is said.
    pub(crate) last: Option<Place>,
}
