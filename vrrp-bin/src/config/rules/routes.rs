//! The routes that come and go with the addresses.

use std::{collections::HashMap, net::IpAddr};

use vrrp_net::{VirtualRoute, backend::Way};

use crate::config::{
    draft::List,
    found::{Found, Wrong},
    names::interface_fault,
    place::Located,
    problem::Problems,
    sentence::Notation,
};

/// Holds each route to the rules, even where others are wrong already.
pub(super) fn settle(
    found: Found<List<VirtualRoute>>,
    problems: &mut Problems,
) -> Result<Vec<Located<VirtualRoute>>, Wrong> {
    let Some(mut list) = found.optional()? else { return Ok(Vec::new()) };
    let mut seen = HashMap::new();
    for entry in &mut list.entries {
        let Ok(Located { place, value: route }) = &*entry else { continue };
        let key = (route.destination, route.table, route.metric_in_kernel());
        let fault = fault(route).or_else(|| {
            let earlier = seen.insert(key, place.clone())?;
            Some(format!(
                "there is already a route to {} with this metric ({}); give one of them another \
                 metric, or remove it",
                route.destination,
                earlier.reference()
            ))
        });
        if let Some(fault) = fault {
            problems.add(place, fault);
            *entry = Err(Wrong);
        }
    }
    Ok(list.complete()?.value)
}

/// Why no kernel would take `route`.
fn fault(route: &VirtualRoute) -> Option<String> {
    if let Some(interface) = route.interface()
        && let Some(fault) = interface_fault(interface, Notation::Toml)
    {
        return Some(format!("the interface after dev is {interface:?}, {fault}"));
    }
    match &route.way {
        Way::Via { gateway: IpAddr::V6(gateway), interface: None, .. }
            if gateway.is_unicast_link_local() =>
        {
            Some(format!(
                "{gateway} is a link-local address, which may be on every link; add dev and the \
                 interface"
            ))
        }
        _ => None,
    }
}
