//! What a virtual router holds, where and how: addresses on other interfaces, their networks and
//! labels, and routes.

use std::{collections::BTreeSet, net::IpAddr};

use vrrp_core::{Cidr, Role};
use vrrp_net::{VirtualAddress, VirtualRoute, backend::Way, host::Interface};

use super::{host::Host, wiring};
use crate::config::{Located, Place, RouterConfig, nearest};

/// Sentences about what does not suit `host`, each with its place.
pub(super) fn warnings<'a>(config: &'a RouterConfig, host: &Host) -> Vec<(&'a Place, String)> {
    let mut warnings = interfaces(config, host);
    for Located { place, value: address } in config.held() {
        let faults = [label(config, address), network(config, address, host)];
        warnings.extend(faults.into_iter().flatten().map(|fault| (place, fault)));
    }
    for Located { place, value: route } in &config.routes {
        let faults = [way(config, route, host), source(config, route, host)];
        warnings.extend(faults.into_iter().flatten().map(|fault| (place, fault)));
    }
    warnings
}

/// That there is no interface `name` on `host`, and what follows; `key` is how the configuration
/// names one.
pub(super) fn missing(name: &str, key: &str, follows: &str, host: &Host) -> String {
    if let Some(sentence) = wiring::other_name(name, key, host) {
        return sentence;
    }
    let names: Vec<&str> =
        host.interfaces.iter().map(|interface| interface.name.as_str()).collect();
    let advice = match nearest(name, &names) {
        Some(name) => format!("did you mean {name}?"),
        None => format!("there are {}", names.join(", ")),
    };
    format!("there is no interface {name} on this host, and {follows}; {advice}")
}

/// Other interfaces that addresses are on, each once.
fn interfaces<'a>(config: &'a RouterConfig, host: &Host) -> Vec<(&'a Place, String)> {
    let mut seen = BTreeSet::new();
    let mut warnings = Vec::new();
    for Located { place, value: address } in config.held() {
        let Some(name) = address.interface.as_deref().filter(|name| seen.insert(*name)) else {
            continue;
        };
        let fault = match host.interface(name) {
            None => {
                let follows = format!("{} waits until there is", config.name);
                Some(missing(name, wiring::KEY, &follows, host))
            }
            Some(interface) if !interface.is_up => Some(format!(
                "{name} is down or has no carrier, and {} waits until it is up",
                config.name
            )),
            Some(interface) => wiring::port(interface, host),
        };
        warnings.extend(fault.map(|fault| (place, fault)));
    }
    warnings
}

/// That old programs do not show the address, because of its label.
fn label(config: &RouterConfig, address: &VirtualAddress) -> Option<String> {
    let label = address.label.as_ref()?.as_str();
    let interface = config.interface_of(address);
    let rest = label.strip_prefix(interface);
    (!rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))).then(|| {
        format!(
            "the label {label} is not {interface} with a colon and more after it, and `ifconfig` \
             shows no address with such a label; write for example {interface}:web"
        )
    })
}

/// That nobody on the interface of an address takes it for a neighbour's. One with a network of its
/// own brings a route to that; where the interface has no network, as `lo` has none, others reach it
/// by routes in any case.
fn network(config: &RouterConfig, address: &VirtualAddress, host: &Host) -> Option<String> {
    let (cidr, name) = (address.cidr, config.interface_of(address));
    if !is_alone(&cidr) || config.router.role() == Role::Owner || name == "lo" {
        return None;
    }
    let own: Vec<Cidr> = host.interface(name)?.own().filter(|own| !is_alone(own)).collect();
    let of_family = |network: &&Cidr| network.address().is_ipv4() == cidr.address().is_ipv4();
    let networks: BTreeSet<String> =
        own.iter().filter(of_family).map(|own| own.subnet().to_string()).collect();
    let is_in = |network: &Cidr| network.contains(cidr.address());
    if networks.is_empty() || own.iter().chain(&brought(config, name)).any(is_in) {
        return None;
    }
    let networks: Vec<String> = networks.into_iter().collect();
    Some(format!(
        "{} is in no network of {name} ({}), so that neighbours there reach it by a route only; \
         give it the prefix length of its network, or put it on an interface of that network",
        cidr.address(),
        networks.join(", ")
    ))
}

/// That the kernel would refuse `route`, because nothing leads to its gateway or its interface.
fn way(config: &RouterConfig, route: &VirtualRoute, host: &Host) -> Option<String> {
    let follows = format!("{} cannot become active with the route {route}", config.name);
    if let Some(name) = route.interface() {
        match host.interface(name) {
            None => return Some(missing(name, "dev", &follows, host)),
            Some(interface) if !interface.is_up => {
                return Some(format!("{name} is down or has no carrier, and {follows}"));
            }
            Some(_) => {}
        }
    }
    let Way::Via { gateway, interface, on_link: false } = &route.way else { return None };
    let leads = |found: &&Interface| {
        interface.as_deref().is_none_or(|name| *name == *found.name)
            && (found.own().chain(brought(config, &found.name)))
                .any(|network| !is_alone(&network) && network.contains(*gateway))
    };
    if host.interfaces.iter().any(|found| leads(&found)) {
        return None;
    }
    let whose = match interface {
        Some(name) => format!("network of {name}"),
        None => "network of this host".to_owned(),
    };
    Some(format!(
        "the gateway {gateway} is in no {whose} and of none of the addresses, and {follows}; \
         correct it, or add dev and onlink"
    ))
}

/// That an IPv4 route would outlive this daemon, since no address takes it along; or that it cannot
/// have the source that it names.
fn source(config: &RouterConfig, route: &VirtualRoute, host: &Host) -> Option<String> {
    let is_held = |ip: IpAddr| config.held().any(|held| held.value.cidr.address() == ip);
    let follows = "it stays if this daemon is killed";
    match route.source {
        Some(source) if is_held(source) => None,
        Some(source) if !host.has_own(source) => Some(format!(
            "the source {source} is neither a virtual address nor one of this host, and {} cannot \
             become active with the route {route}; correct src",
            config.name
        )),
        Some(IpAddr::V4(source)) => Some(format!(
            "the source {source} of the route {route} is no virtual address, so that {follows}; \
             remove src, or write a virtual address"
        )),
        Some(IpAddr::V6(_)) => None,
        None if route.destination.address().is_ipv6() => None,
        None if config.held().any(|held| held.value.cidr.address().is_ipv4()) => None,
        None => Some(format!(
            "there is no virtual IPv4 address that the route {route} could have as its source, so \
             that {follows}; move it to a virtual router with one"
        )),
    }
}

/// The networks that the addresses of `config` on the interface `name` bring along.
fn brought(config: &RouterConfig, name: &str) -> Vec<Cidr> {
    let here = config.held().filter(|held| config.interface_of(&held.value) == name);
    here.map(|held| held.value.cidr).filter(|cidr| !is_alone(cidr)).collect()
}

/// Whether it is an address without a network.
fn is_alone(cidr: &Cidr) -> bool {
    *cidr == Cidr::from(cidr.address())
}
