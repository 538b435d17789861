//! `addresses` and `extra_addresses`, and the entries of every list of addresses.

use std::sync::Arc;

use vrrp_core::Cidr;
use vrrp_net::VirtualAddress;

use super::{
    entry::Entry,
    keys,
    section::{Item, Section},
};
use crate::config::{
    broadcast::broadcast,
    draft::List,
    found::Wrong,
    names::interface_fault,
    place::Located,
    sentence::{Notation, unfit},
};

/// A virtual address, for sentences.
const EXAMPLE: &str = "192.0.2.10/24";

/// The list of virtual addresses.
pub(super) fn read(item: Item<'_>) -> Result<List<VirtualAddress>, Wrong> {
    let items = item.list(&format!("[{EXAMPLE:?}]"))?;
    Ok(List { place: item.place(), entries: items.into_iter().map(entry).collect() })
}

/// The address of a table.
pub(super) fn address<'a>(section: &Section<'a>, example: &str) -> Result<Item<'a>, Wrong> {
    let missing = || format!("there is no `address` here; add address = {example:?}");
    section.required("address", missing)
}

fn entry(item: Item<'_>) -> Result<Located<VirtualAddress>, Wrong> {
    match Entry::of_address(item, &keys::ADDRESS, EXAMPLE)? {
        Entry::Text(item) => Ok(cidr(item)?.map(VirtualAddress::from)),
        Entry::Table(section) => table(&section),
    }
}

fn cidr(item: Item<'_>) -> Result<Located<Cidr>, Wrong> {
    let text = item.text(EXAMPLE)?;
    Ok(item.locate(item.check(text.parse(), |error| unfit(text, error))?))
}

/// An address, and how it is put.
fn table(section: &Section<'_>) -> Result<Located<VirtualAddress>, Wrong> {
    let Located { place, value: cidr } = address(section, EXAMPLE).and_then(cidr)?;
    let interface = section.read("interface", interface).optional();
    let label = section.read("label", |item| {
        of_ipv4(item, cidr, "IPv6 addresses have no labels")?;
        let text = item.text("eth0:web")?;
        item.check(text.parse(), |error| format!("`label` is {text:?}; {error}"))
    });
    let scope = section.read("scope", |item| {
        of_ipv4(item, cidr, "the kernel derives the scope of an IPv6 address from the address")?;
        let text = item.text("global")?;
        item.check(text.parse(), |error| format!("`scope` is {text:?}; {error}"))
    });
    let broadcast = section.read("broadcast", |item| {
        of_ipv4(item, cidr, "IPv6 addresses have no broadcast address")?;
        item.check(broadcast(item.text("+")?, cidr), |message| message)
    });
    let (label, broadcast) = (label.optional(), broadcast.optional());
    let mut address = VirtualAddress::from(cidr);
    address.scope = scope.unwrap_or(address.scope)?;
    (address.interface, address.label, address.broadcast) = (interface?, label?, broadcast?);
    Ok(Located::new(place, address))
}

fn interface(item: Item<'_>) -> Result<Arc<str>, Wrong> {
    let text = item.text("eth1")?;
    match interface_fault(text, Notation::Toml) {
        Some(fault) => item.wrong(format!("`interface` is {text:?}, {fault}")),
        None => Ok(text.into()),
    }
}

/// Reports a key that `cidr` cannot have if it is of IPv6.
fn of_ipv4(item: Item<'_>, cidr: Cidr, why: &str) -> Result<(), Wrong> {
    if cidr.address().is_ipv4() {
        return Ok(());
    }
    item.wrong(format!("{why}; remove `{}`", item.name))
}
