//! What no two virtual routers may share: names, VRIDs and addresses.

use std::{collections::HashMap, hash::Hash, net::IpAddr};

use vrrp_core::{Family, Vrid};

use super::{place::Place, problem::Problems, router::RouterConfig};

/// Reports names, VRIDs and addresses that two of `routers` share.
pub(super) fn check(routers: &[RouterConfig], problems: &mut Problems) {
    let mut names: Seen<'_, &str> = Seen::default();
    let mut vrids: Seen<'_, (&str, Family, Vrid)> = Seen::default();
    let mut addresses: Seen<'_, (Option<&str>, IpAddr)> = Seen::default();
    for RouterConfig { name, interface, router, places, .. } in routers {
        let (vrid, family) = (router.vrid(), router.family());
        names.insert(problems, &places.name, name, |earlier| {
            format!("the name {name:?} is already taken ({earlier}); choose another")
        });
        vrids.insert(problems, &places.vrid, (interface, family, vrid), |earlier| {
            format!(
                "VRID {vrid} is already in use on {interface} ({earlier}); a VRID must be unique \
                 per interface and family, so choose another"
            )
        });
        for (address, place) in &places.addresses {
            // A link-local address is one per link, so that it may be another host's on the next.
            let link_local = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
            let key = (link_local.then_some(interface.as_str()), *address);
            addresses.insert(problems, place, key, |earlier| {
                format!(
                    "{address} is already listed ({earlier}); an address belongs to one virtual \
                     router, so remove one of the two"
                )
            });
        }
    }
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
        problems: &mut Problems,
        place: &'a Place,
        value: T,
        message: impl FnOnce(String) -> String,
    ) {
        match self.0.get(&value) {
            Some(first) => problems.add(place, message(first.reference())),
            None => drop(self.0.insert(value, place)),
        }
    }
}
