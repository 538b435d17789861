//! What no two virtual routers may share: names, VRIDs, addresses and routes.

use std::{collections::HashMap, hash::Hash, net::IpAddr};

use vrrp_core::{Cidr, Family, Vrid};

use super::{
    names::AUTO,
    place::{Located, Place},
    problem::Problems,
    router::RouterConfig,
};

/// Something that two virtual routers share.
pub(crate) struct Conflict {
    /// The number of the later one.
    pub(crate) number: usize,
    /// Where that says so.
    pub(crate) place: Place,
    /// What it is, and what to do.
    pub(crate) message: String,
}

/// Reports names, VRIDs, addresses and routes that two of `routers` share.
pub(super) fn check(routers: &[RouterConfig], problems: &mut Problems) {
    for Conflict { place, message, .. } in conflicts(routers) {
        problems.add(&place, message);
    }
}

/// The names, VRIDs, addresses and routes that two of `routers` share.
pub(crate) fn conflicts(routers: &[RouterConfig]) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    let mut names: Seen<'_, &str> = Seen::default();
    let mut vrids: Seen<'_, (&str, Family, Vrid)> = Seen::default();
    let mut addresses: Seen<'_, (Option<&str>, IpAddr)> = Seen::default();
    let mut routes: Seen<'_, (Table<'_>, Cidr, u32)> = Seen::default();
    for (number, config) in routers.iter().enumerate() {
        let mut found = |place: &Place, message: String| {
            conflicts.push(Conflict { number, place: place.clone(), message });
        };
        let RouterConfig { name, interface, router, places, .. } = config;
        let (vrid, family) = (router.vrid(), router.family());
        names.insert(&mut found, &places.name, name, |earlier| {
            format!("the name {name:?} is already taken ({earlier}); choose another")
        });
        // Clients of the daemon do not know which interface it has chosen.
        if interface != AUTO {
            vrids.insert(&mut found, &places.vrid, (interface, family, vrid), |earlier| {
                format!(
                    "VRID {vrid} is already in use on {interface} ({earlier}); a VRID must be \
                     unique per interface and family, so choose another"
                )
            });
        }
        for Located { place, value: held } in config.held() {
            // A link-local address is one per link, so that it may be another host's on the next.
            let address = held.cidr.address();
            let link_local = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
            let on = config.interface_of(held);
            if link_local && on == AUTO {
                continue;
            }
            let key = (link_local.then_some(on), address);
            addresses.insert(&mut found, place, key, |earlier| {
                format!(
                    "{address} is already listed ({earlier}); an address belongs to one virtual \
                     router, so remove one of the two"
                )
            });
        }
        for Located { place, value: route } in &config.routes {
            // Without a table it is that of the interface's VRF.
            let table = route.table.map_or(Table::Of(interface), Table::Number);
            let key = (table, route.destination, route.metric_in_kernel());
            routes.insert(&mut found, place, key, |earlier| {
                format!(
                    "there is already a route to {} with this metric ({earlier}); give one of them \
                     another metric or table",
                    route.destination
                )
            });
        }
    }
    conflicts
}

/// A routing table, as far as it is known before the host is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Table<'a> {
    /// The one of this number.
    Number(u32),
    /// The one that this interface's routes are in.
    Of(&'a str),
}

/// Values that must be unique, and where each was first seen.
struct Seen<'a, T>(HashMap<T, &'a Place>);

impl<T> Default for Seen<'_, T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<'a, T: Eq + Hash> Seen<'a, T> {
    fn insert(
        &mut self,
        found: &mut impl FnMut(&Place, String),
        place: &'a Place,
        value: T,
        message: impl FnOnce(String) -> String,
    ) {
        match self.0.get(&value) {
            Some(first) => found(place, message(first.reference())),
            None => drop(self.0.insert(value, place)),
        }
    }
}
