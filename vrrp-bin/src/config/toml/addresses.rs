//! `addresses`, and the entries of every list of addresses.

use vrrp_core::Cidr;

use super::{
    entry::Entry,
    keys,
    section::{Item, Section},
};
use crate::config::{draft::List, found::Wrong, place::Located, sentence::unfit};

/// A virtual address, for sentences.
const EXAMPLE: &str = "192.0.2.10/24";

/// The list of virtual addresses.
pub(super) fn read(item: Item<'_>) -> Result<List<Cidr>, Wrong> {
    let items = item.list(&format!("[{EXAMPLE:?}]"))?;
    Ok(List { place: item.place(), entries: items.into_iter().map(cidr).collect() })
}

fn cidr(item: Item<'_>) -> Result<Located<Cidr>, Wrong> {
    let item = match Entry::of_address(item, &keys::ADDRESS, EXAMPLE)? {
        Entry::Text(item) => item,
        Entry::Table(section) => address(&section, EXAMPLE)?,
    };
    let text = item.text(EXAMPLE)?;
    Ok(item.locate(item.check(text.parse(), |error| unfit(text, error))?))
}

/// The address of a table.
pub(super) fn address<'a>(section: &Section<'a>, example: &str) -> Result<Item<'a>, Wrong> {
    let missing = || format!("there is no `address` here; add address = {example:?}");
    section.required("address", missing)
}
