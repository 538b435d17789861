//! `routes`: what is reached through a virtual router.

use vrrp_net::{VirtualRoute, backend::RouteError};

use super::section::Item;
use crate::config::{draft::List, found::Wrong, place::Located};

/// A route, for sentences.
const EXAMPLE: &str = "[\"default via 192.0.2.254\"]";

/// The list of routes.
pub(super) fn read(item: Item<'_>) -> Result<List<VirtualRoute>, Wrong> {
    let items = item.list(EXAMPLE)?;
    Ok(List { place: item.place(), entries: items.into_iter().map(route).collect() })
}

fn route(item: Item<'_>) -> Result<Located<VirtualRoute>, Wrong> {
    let Some(text) = item.as_text() else {
        return item.wrong_type("a list of routes in quotes", EXAMPLE);
    };
    let message = |error: RouteError| format!("{text:?} is no route: {error}");
    Ok(item.locate(item.check(text.parse(), message)?))
}
