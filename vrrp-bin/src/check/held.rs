//! What a virtual router holds, where and how: addresses on other interfaces, their networks and
//! labels, and routes.

use std::{collections::BTreeSet, net::IpAddr};

use vrrp_core::{Cidr, Role};
use vrrp_net::{VirtualAddress, VirtualRoute, backend::Way, host::Interface};

use super::{
    finding::{Code, Finding},
    host::Host,
    is_alone, is_link_local, wiring,
};
use crate::config::{Backend, Located, RouterConfig, nearest};

/// The routing table of interfaces that are in no VRF.
const MAIN: u32 = 254;

/// What does not suit `host`.
pub(super) fn findings(config: &RouterConfig, host: &Host) -> Vec<Finding> {
    let mut findings = interfaces(config, host);
    for Located { place, value: address } in config.held() {
        let faults = [
            present(config, address, host),
            label(config, address).map(|fault| (Code::Label, fault)),
            network(config, address, host).map(|fault| (Code::AddressOutside, fault)),
        ];
        let on = config.interface_of(address);
        let fault = |(code, fault)| Finding::warning(code, place, fault).on(on);
        findings.extend(faults.into_iter().flatten().map(fault));
    }
    for Located { place, value: route } in &config.routes {
        let faults = [
            way(config, route, host),
            source(config, route, host).or_else(|| outlives(config, route, host)),
        ];
        let fault = |fault| Finding::warning(Code::Route, place, fault);
        findings.extend(faults.into_iter().flatten().map(fault));
    }
    findings
}

/// That there is no interface `name` on `host`, and what follows.
pub(super) fn missing(name: &str, follows: &str, host: &Host) -> String {
    let names: Vec<&str> =
        host.interfaces.iter().map(|interface| interface.name.as_str()).collect();
    let advice = match nearest(name, &names) {
        Some(name) => format!("did you mean {name}?"),
        None => format!("there are {}", names.join(", ")),
    };
    format!("there is no interface {name} on this host, and {follows}; {advice}")
}

/// Other interfaces that addresses and routes are on, each once.
fn interfaces(config: &RouterConfig, host: &Host) -> Vec<Finding> {
    let of_addresses =
        config.held().filter_map(|held| Some((&held.place, held.value.interface.as_deref()?)));
    let of_routes =
        config.routes.iter().filter_map(|route| Some((&route.place, &**route.value.interface()?)));
    let mut seen = BTreeSet::from([config.interface.as_str()]);
    let mut findings = Vec::new();
    for (place, name) in of_addresses.chain(of_routes) {
        if !seen.insert(name) {
            continue;
        }
        let fault = match host.interface(name) {
            None => {
                let follows = format!("{} waits until there is", config.name);
                Some((Code::InterfaceMissing, missing(name, &follows, host)))
            }
            Some(interface) if !interface.is_up => {
                let waits = format!("and {} waits until it is up", config.name);
                let fault = format!("{name} is down or has no carrier, {waits}");
                Some((Code::InterfaceDown, fault))
            }
            Some(interface) => {
                wiring::port(interface, host).map(|fault| (Code::InterfacePort, fault))
            }
        };
        let finding = |(code, fault)| Finding::warning(code, place, fault).on(name);
        findings.extend(fault.map(finding));
    }
    findings
}

/// That an address is on the host already, or should be there and is not.
fn present(config: &RouterConfig, address: &VirtualAddress, host: &Host) -> Option<(Code, String)> {
    let (ip, on) = (address.cidr.address(), config.interface_of(address));
    host.interface(on)?;
    // A link-local address on another interface is another address.
    let holder = host
        .interfaces
        .iter()
        .find(|interface| interface.has_own(ip) && (interface.name == on || !is_link_local(ip)));
    // The owner has what it advertises, and borrows nothing else.
    let is_advertised = config.addresses.iter().any(|own| own.value == *address);
    match (holder, config.router.role() == Role::Owner) {
        (Some(interface), false) => {
            let fault = format!(
                "{ip} is already on {0} and was not put there by vrrp, which will leave it alone \
                 and stay out of the election; remove it with `ip address delete {ip}/{1} dev \
                 {0}`, or write priority = \"owner\"",
                interface.name,
                interface.prefix_length(ip).unwrap_or_else(|| Cidr::from(ip).prefix_length())
            );
            Some((Code::AddressPresent, fault))
        }
        (None, true) if is_advertised => {
            let fault = format!(
                "this host is the owner of {ip}, but no interface has it; add it to {on}, or give \
                 a priority from 1 to 254"
            );
            Some((Code::AddressMissing, fault))
        }
        _ => None,
    }
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

/// That nobody on the interface of an address takes it for a neighbour's. One with a network of
/// its own brings a route to that; where the interface has no network, as `lo` has none, others
/// reach it by routes in any case.
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

/// That the kernel would refuse `route`, because nothing leads to its gateway.
fn way(config: &RouterConfig, route: &VirtualRoute, host: &Host) -> Option<String> {
    let Way::Via { gateway, interface, on_link: false } = &route.way else { return None };
    if let Some(name) = interface {
        // That it is missing is said with the interfaces.
        host.interface(name)?;
    }
    let leads = |found: &&Interface| {
        interface.as_deref().is_none_or(|name| *name == *found.name)
            && (found.own().chain(brought(config, &found.name)))
                .any(|network| !is_alone(&network) && network.contains(*gateway))
    };
    let is_link_to = |other: &VirtualRoute| {
        matches!(other.way, Way::Link { .. }) && other.destination.contains(*gateway)
    };
    let mut before =
        config.routes.iter().map(|other| &other.value).take_while(|other| *other != route);
    if host.interfaces.iter().any(|found| leads(&found)) || before.any(is_link_to) {
        return None;
    }
    let whose = match interface {
        Some(name) => format!("network of {name}"),
        None => "network of this host".to_owned(),
    };
    Some(format!(
        "the gateway {gateway} is in no {whose} and of none of the addresses, and {} cannot become \
         active with the route {route}; correct it, or add dev and onlink",
        config.name
    ))
}

/// That a route cannot have the source that it names.
fn source(config: &RouterConfig, route: &VirtualRoute, host: &Host) -> Option<String> {
    let source = route.source.filter(|source| !is_held(config, *source))?;
    (!host.has_own(source)).then(|| {
        format!(
            "the source {source} is neither a virtual address nor one of this host, and {} cannot \
             become active with the route {route}; correct src",
            config.name
        )
    })
}

/// That a route would outlive this daemon: the kernel takes an IPv4 route along with the address that
/// is its source, and one of IPv6 expires by itself, but for those that lead nowhere.
fn outlives(config: &RouterConfig, route: &VirtualRoute, host: &Host) -> Option<String> {
    let is_leased = matches!(config.backend, Backend::Kernel { lease: true });
    if !is_leased {
        return None;
    }
    let first = config.held().find(|held| held.value.cidr.address().is_ipv4());
    let source = match route.source {
        Some(source) => config.held().find(|held| held.value.cidr.address() == source),
        None => first,
    };
    let is_ipv6 = route.destination.address().is_ipv6();
    if !is_ipv6 && route.source.is_none() && first.is_none() {
        return Some(format!(
            "the route {route} has no virtual IPv4 address to come and go with, and {} cannot become \
             active; name a source after src, or add such an address",
            config.name
        ));
    }
    let why = match (&route.way, source) {
        (Way::Blackhole | Way::Unreachable | Way::Prohibit, _) if is_ipv6 => "it leads nowhere",
        (Way::Blackhole | Way::Unreachable | Way::Prohibit, _) => {
            "it leads nowhere, unless the kernel is of 2026 or newer"
        }
        (Way::Via { .. } | Way::Link { .. }, _) if is_ipv6 => return None,
        (Way::Via { .. } | Way::Link { .. }, None) => "its source is no virtual address",
        (Way::Via { .. } | Way::Link { .. }, Some(held)) => {
            let on = host.interface(config.interface_of(&held.value));
            // Of a VRF the table is not known here.
            let in_vrf = on.is_some_and(|on| on.master.is_some());
            if in_vrf || route.table.is_none_or(|table| table == MAIN) {
                return None;
            }
            "its table is not the one of the interface that its source is on"
        }
        _ => return None,
    };
    Some(format!("the route {route} stays if this daemon is killed, because {why}"))
}

fn is_held(config: &RouterConfig, address: IpAddr) -> bool {
    config.held().any(|held| held.value.cidr.address() == address)
}

/// The networks that the addresses of `config` on the interface `name` bring along.
fn brought(config: &RouterConfig, name: &str) -> Vec<Cidr> {
    let here = config.held().filter(|held| config.interface_of(&held.value) == name);
    here.map(|held| held.value.cidr).filter(|cidr| !is_alone(cidr)).collect()
}
