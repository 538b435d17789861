//! `peers`, `hear` and `source`: who is spoken to, who is heard, and from which address.

use std::{net::IpAddr, num::NonZeroU8};

use vrrp_core::{Hear, Peer};

use super::{
    addresses::address,
    entry::Entry,
    keys,
    section::{Item, Section},
};
use crate::config::{
    draft::List,
    found::{Found, Wrong},
    place::Located,
};

/// A peer, for sentences.
const EXAMPLE: &str = "192.0.2.2";

/// Whose advertisements are accepted.
pub(super) const HEAR: &[(&str, Hear)] = &[("peers", Hear::Peers), ("any", Hear::Any)];

/// The address to send from.
pub(super) fn source(item: Item<'_>) -> Result<Located<IpAddr>, Wrong> {
    let text = item.text("192.0.2.1")?;
    let message = |_| {
        format!("`source` is {text:?}, which is not an IP address; write for example \"192.0.2.1\"")
    };
    Ok(item.locate(item.check(text.parse(), message)?))
}

/// The list of peers.
pub(super) fn peers(item: Item<'_>) -> Result<List<Peer>, Wrong> {
    let items = item.list("[\"192.0.2.2\", \"192.0.2.3\"]")?;
    Ok(List { place: item.place(), entries: items.into_iter().map(peer).collect() })
}

fn peer(item: Item<'_>) -> Result<Located<Peer>, Wrong> {
    let section = match Entry::of_address(item, &keys::PEER, EXAMPLE)? {
        Entry::Text(item) => return Ok(item.locate(Peer::from(peer_address(item)?))),
        Entry::Table(section) => section,
    };
    let (min_ttl, min_ttl_routed) = (ttl(&section, "min_ttl"), ttl(&section, "min_ttl_routed"));
    let item = address(&section, EXAMPLE)?;
    let peer = Peer::from(peer_address(item)?).min_ttl(min_ttl.unwrap_or(u8::MAX)?);
    Ok(item.locate(Peer { min_ttl_routed: min_ttl_routed.optional()?, ..peer }))
}

fn peer_address(item: Item<'_>) -> Result<IpAddr, Wrong> {
    let text = item.text(EXAMPLE)?;
    let message =
        |_| format!("{text:?} is not the IP address of a peer; write for example {EXAMPLE:?}");
    item.check(text.parse(), message)
}

/// A limit of a peer that is written as a table.
fn ttl<'a>(section: &Section<'a>, key: &'a str) -> Found<u8> {
    section
        .read(key, |item| Ok(item.number::<NonZeroU8>("write a number from 1 to 255", 254)?.get()))
}
