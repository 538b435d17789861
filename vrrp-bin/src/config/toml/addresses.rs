//! `addresses`, and the entries of every list of addresses.

use vrrp_core::Cidr;

use super::{
    keys::{self, Keys},
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
    let item = match Entry::of(item, &keys::ADDRESS, EXAMPLE)? {
        Entry::Text(item) => item,
        Entry::Table(section) => address(&section, EXAMPLE)?,
    };
    let text = item.text(EXAMPLE)?;
    Ok(item.locate(item.check(text.parse(), |error| unfit(text, error))?))
}

/// An entry of a list of addresses.
pub(super) enum Entry<'a> {
    /// The address alone.
    Text(Item<'a>),
    /// A table with the address under `address`.
    Table(Section<'a>),
}

impl<'a> Entry<'a> {
    /// One of the two. `keys` are those of the table, `example` is an address.
    pub(super) fn of(item: Item<'a>, keys: &Keys, example: &str) -> Result<Self, Wrong> {
        if item.as_text().is_some() {
            return Ok(Self::Text(item));
        }
        match item.as_section(keys) {
            Some(section) => Ok(Self::Table(section)),
            None => item.wrong_type("a list of addresses in quotes", &format!("[{example:?}]")),
        }
    }
}

/// The address of a table.
pub(super) fn address<'a>(section: &Section<'a>, example: &str) -> Result<Item<'a>, Wrong> {
    let missing = || format!("there is no `address` here; add address = {example:?}");
    section.required("address", missing)
}
