//! [`Draft`]: a virtual router as a reader found it. The rules that it must keep are in `rules`.

use std::{net::IpAddr, time::Duration};

use vrrp_core::{Announcements, Checksum, Hear, Look, Password, Peer, Preempt, Priority, Vrid};
use vrrp_net::{
    VirtualAddress, VirtualRoute,
    check::{Last, Track},
};

use super::{
    backend::Backend,
    found::{Found, Wrong},
    place::{Located, Place},
    script::{Script, Scripts},
    sentence::Notation,
};

/// A virtual router, or two if it has addresses of both families, as a reader found it. What is
/// absent has a default, or is missing.
#[derive(Clone)]
pub(crate) struct Draft {
    /// How the configuration is written.
    pub(crate) notation: Notation,
    /// Where it starts: the place of whatever is not there.
    pub(crate) place: Place,
    pub(crate) name: Found<Located<String>>,
    pub(crate) interface: Found<Located<String>>,
    pub(crate) vrid: Found<Located<Vrid>>,
    pub(crate) addresses: Found<List<VirtualAddress>>,
    pub(crate) extra: Found<List<VirtualAddress>>,
    pub(crate) routes: Found<List<VirtualRoute>>,
    pub(crate) version: Found<Version>,
    pub(crate) interval: Found<Located<Duration>>,
    pub(crate) priority: Found<Located<Rank>>,
    pub(crate) preempt: Found<Located<Preempt>>,
    pub(crate) password: Found<Located<Password>>,
    pub(crate) checksum: Found<Located<Checksum>>,
    pub(crate) lease: Found<Located<bool>>,
    pub(crate) backend: Found<Located<Backend>>,
    pub(crate) announcements: Found<Announcements>,
    pub(crate) peers: Found<List<Peer>>,
    pub(crate) hear: Found<Located<Hear>>,
    pub(crate) source: Found<Located<IpAddr>>,
    pub(crate) startup_delay: Found<Located<Duration>>,
    pub(crate) look: Found<Look>,
    pub(crate) up_delay: Found<Located<Duration>>,
    pub(crate) track: Found<List<Track>>,
    pub(crate) last: Found<Located<Last>>,
    pub(crate) scripts: Found<Scripts>,
    pub(crate) before: Found<Located<Script>>,
}

/// The version that IPv4 is advertised in. IPv6 is always advertised in VRRPv3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// RFC 3768.
    V2,
    /// RFC 9568.
    V3,
}

/// What a priority says about a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rank {
    /// It owns the addresses.
    Owner,
    /// It contends with this priority.
    Contender(Priority),
}

impl Draft {
    /// A virtual router of which nothing is known yet.
    pub(crate) const fn new(notation: Notation, place: Place) -> Self {
        Self {
            notation,
            place,
            name: Found::Absent,
            interface: Found::Absent,
            vrid: Found::Absent,
            addresses: Found::Absent,
            extra: Found::Absent,
            routes: Found::Absent,
            version: Found::Absent,
            interval: Found::Absent,
            priority: Found::Absent,
            preempt: Found::Absent,
            password: Found::Absent,
            checksum: Found::Absent,
            lease: Found::Absent,
            backend: Found::Absent,
            announcements: Found::Absent,
            peers: Found::Absent,
            hear: Found::Absent,
            source: Found::Absent,
            startup_delay: Found::Absent,
            look: Found::Absent,
            up_delay: Found::Absent,
            track: Found::Absent,
            last: Found::Absent,
            scripts: Found::Absent,
            before: Found::Absent,
        }
    }
}

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
    pub(crate) fn complete(self) -> Result<Located<Vec<Located<T>>>, Wrong> {
        let entries: Result<Vec<_>, Wrong> = self.entries.into_iter().collect();
        Ok(Located::new(self.place, entries?))
    }
}

impl List<VirtualAddress> {
    /// Whether it is known that every address is one of IPv6.
    pub(crate) fn is_only_ipv6(&self) -> bool {
        let is_ipv6 = |entry: &Result<Located<VirtualAddress>, Wrong>| {
            entry.as_ref().is_ok_and(|address| address.value.cidr.address().is_ipv6())
        };
        self.entries.iter().all(is_ipv6)
    }
}
