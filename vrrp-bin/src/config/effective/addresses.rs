//! Addresses, and how they are put, as a file says them.

use std::net::Ipv4Addr;

use serde::Serialize;
use vrrp_net::{VirtualAddress, backend::Scope};

/// An address.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Address<'a> {
    /// As the kernel puts one of its own accord.
    Plain(String),
    /// With what is said about it.
    Table(Table<'a>),
}

#[derive(Serialize)]
pub(super) struct Table<'a> {
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    interface: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    broadcast: Option<Ipv4Addr>,
}

impl<'a> From<&'a VirtualAddress> for Address<'a> {
    fn from(address: &'a VirtualAddress) -> Self {
        let VirtualAddress { cidr, interface, label, scope, broadcast, .. } = address;
        if *address == VirtualAddress::from(*cidr) {
            return Self::Plain(cidr.to_string());
        }
        Self::Table(Table {
            address: cidr.to_string(),
            interface: interface.as_deref(),
            label: label.as_ref().map(|label| label.as_str()),
            scope: (*scope != Scope::GLOBAL).then(|| scope.to_string()),
            broadcast: *broadcast,
        })
    }
}
