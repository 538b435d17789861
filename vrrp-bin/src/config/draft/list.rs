//! [`List`]: entries with their places, of which some may be wrong.

use vrrp_core::Cidr;

use crate::config::{
    found::{Found, Wrong},
    place::{Located, Place},
};

/// A list as a reader found it. An entry that is wrong was reported.
#[derive(Clone, Debug)]
pub(crate) struct List<T> {
    /// Where the list starts.
    pub(crate) place: Place,
    /// Its entries, in their order.
    pub(crate) entries: Vec<Result<Located<T>, Wrong>>,
}

impl<T> List<T> {
    /// A list without entries.
    pub(crate) const fn new(place: Place) -> Self {
        Self { place, entries: Vec::new() }
    }

    /// The same list with other values.
    pub(crate) fn map<U>(self, mut change: impl FnMut(T) -> U) -> List<U> {
        let mut change =
            |entry: Result<Located<T>, Wrong>| entry.map(|entry| entry.map(&mut change));
        let entries = self.entries.into_iter().map(&mut change).collect();
        List { place: self.place, entries }
    }

    /// The lists one after the other, at the place of the first. Nothing in them is absent.
    pub(crate) fn joined(lists: Vec<Found<Self>>) -> Found<Self> {
        let lists: Result<Vec<Option<Self>>, Wrong> =
            lists.into_iter().map(Found::optional).collect();
        let joined = lists.map(|lists| {
            lists.into_iter().flatten().reduce(|mut all, list| {
                all.entries.extend(list.entries);
                all
            })
        });
        Found::of(joined)
    }

    /// The entries, if none of them is wrong.
    pub(super) fn complete(self) -> Result<Located<Vec<Located<T>>>, Wrong> {
        let entries: Result<Vec<_>, Wrong> = self.entries.into_iter().collect();
        Ok(Located::new(self.place, entries?))
    }
}

impl List<Cidr> {
    /// Whether it is known that every address is one of IPv6.
    pub(crate) fn is_only_ipv6(&self) -> bool {
        let is_ipv6 = |entry: &Result<Located<Cidr>, Wrong>| {
            entry.as_ref().is_ok_and(|cidr| cidr.value.address().is_ipv6())
        };
        self.entries.iter().all(is_ipv6)
    }
}
