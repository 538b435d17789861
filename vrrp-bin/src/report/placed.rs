//! How an address is put.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use vrrp_net::{RouterStatus, VirtualAddress};

/// An address, and how it is put.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Placed {
    /// The address with its prefix length.
    pub(crate) address: String,
    /// The interface that it is on.
    pub(crate) interface: String,
    /// Its label, if it has one of its own.
    pub(crate) label: Option<String>,
    /// How far it is valid: a word of `ip address`, or a number.
    pub(crate) scope: String,
    /// Its broadcast address, if it has one.
    pub(crate) broadcast: Option<Ipv4Addr>,
    /// Whether advertisements list it.
    pub(crate) advertised: bool,
}

impl Placed {
    /// Those of a virtual router.
    pub(super) fn all(status: &RouterStatus) -> Vec<Self> {
        let advertised = status.router.addresses().count();
        let placed = |(index, address): (usize, &VirtualAddress)| Self {
            address: address.cidr.to_string(),
            interface: address.interface.as_ref().unwrap_or(&status.interface).to_string(),
            label: address.label.as_ref().map(ToString::to_string),
            scope: address.scope.to_string(),
            broadcast: address.broadcast,
            // The others come last.
            advertised: index < advertised,
        };
        status.addresses.iter().enumerate().map(placed).collect()
    }
}
