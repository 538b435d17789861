//! [`Entry`]: what may be written as a text, or as a table that says more.

use super::{
    keys::Keys,
    section::{Item, Section},
};
use crate::config::found::Wrong;

/// What may be written as a text, or as a table that says more.
pub(super) enum Entry<'a> {
    /// The text alone.
    Text(Item<'a>),
    /// A table with the text under one of its keys.
    Table(Section<'a>),
}

impl<'a> Entry<'a> {
    /// One of the two. `keys` are those of the table; `wanted` says in a sentence what should be
    /// there, and `example` could stand after the `=`.
    pub(super) fn of(
        item: Item<'a>,
        keys: &Keys,
        wanted: &str,
        example: &str,
    ) -> Result<Self, Wrong> {
        if item.as_text().is_some() {
            return Ok(Self::Text(item));
        }
        match item.as_section(keys) {
            Some(section) => Ok(Self::Table(section)),
            None => item.wrong_type(wanted, example),
        }
    }

    /// The same in a list of addresses. `example` is one.
    pub(super) fn of_address(item: Item<'a>, keys: &Keys, example: &str) -> Result<Self, Wrong> {
        Self::of(item, keys, "a list of addresses in quotes", &format!("[{example:?}]"))
    }
}
