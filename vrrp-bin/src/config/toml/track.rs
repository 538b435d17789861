//! `track`: what checks mean to a virtual router.

use vrrp_core::{ConfigError, Weight};
use vrrp_net::check::{Effect, Track};

use super::{entry::Entry, keys, section::Item};
use crate::config::{draft::List, found::Wrong, place::Located};

/// The checks that mean something.
pub(super) fn read(item: Item<'_>) -> Result<List<Track>, Wrong> {
    let items = item.list("[\"http-ok\"]")?;
    Ok(List { place: item.place(), entries: items.into_iter().map(track).collect() })
}

fn track(item: Item<'_>) -> Result<Located<Track>, Wrong> {
    let wanted = "a list of the names of checks";
    let section = match Entry::of(item, &keys::TRACK, wanted, "[\"http-ok\"]")? {
        Entry::Text(item) => {
            return Ok(item.string("http-ok")?.map(|name| Track::new(name, Effect::Hold)));
        }
        Entry::Table(section) => section,
    };
    let weight = section.read("weight", weight).optional();
    let reverse = section.read("reverse", Item::bool).optional();
    let missing = || "there is no `check` here; add for example check = \"http-ok\"".to_owned();
    let name = section.required("check", missing).and_then(|item| item.string("http-ok"))?;
    let effect = weight?.map_or(Effect::Hold, Effect::Weight);
    let is_reversed = reverse?.is_some_and(|reverse| reverse.value);
    Ok(name.map(|name| {
        let track = Track::new(name, effect);
        if is_reversed { track.reversed() } else { track }
    }))
}

fn weight(item: Item<'_>) -> Result<Weight, Wrong> {
    let Some(number) = item.as_integer() else {
        return item.wrong_type("a whole number", "-50");
    };
    let weight = number.parse::<i16>().map_err(|_| ConfigError::Weight);
    let message = |error| format!("`weight` is {number}; {error}");
    let weight = item.check(weight.and_then(Weight::try_from), message)?;
    if weight == Weight::ZERO {
        return item.wrong(
            "`weight` is 0, which changes nothing; leave `weight` out for a check that keeps this \
             node out",
        );
    }
    Ok(weight)
}
