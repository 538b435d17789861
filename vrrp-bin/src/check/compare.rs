//! A configuration beside the interfaces and addresses of this host.

use std::net::IpAddr;

use vrrp_core::{Cidr, Family, Role, Transport};
use vrrp_net::host::Interface;

use super::{
    capabilities, container,
    finding::{Code, Finding},
    held,
    host::Host,
    is_link_local, mtu, programs, settings, wiring,
};
use crate::config::{Backend, Config, RouterConfig, family_name};

/// What of `config` does not suit `host`, in the order of the file.
pub(super) fn compare(config: &Config, host: &Host) -> Vec<Finding> {
    let mut findings = capabilities::missing(config, host);
    findings.extend(container::own_network(config, host));
    for router in &config.routers {
        let found = of_router(router, host).into_iter().map(|finding| finding.of(router));
        for finding in found {
            // Two families of one virtual router say it once.
            let is_same = |told: &Finding| {
                (&told.place, &told.sentence) == (&finding.place, &finding.sentence)
            };
            if !findings.iter().any(is_same) {
                findings.push(finding);
            }
        }
    }
    findings
}

fn of_router(router: &RouterConfig, host: &Host) -> Vec<Finding> {
    let mut findings = match host.interface(&router.interface) {
        Some(interface) => of_interface(router, interface, host),
        None => {
            let follows = format!("{} waits until there is", router.name);
            let message = held::missing(&router.interface, &follows, host);
            let place = &router.places.interface;
            vec![Finding::warning(Code::InterfaceMissing, place, message)]
        }
    };
    // What a program holds, and where, is its own affair.
    if matches!(router.backend, Backend::Kernel { .. }) {
        findings.extend(held::findings(router, host));
        findings.extend(settings::findings(router, host));
    }
    if let Backend::Command(command) = &router.backend
        && let Some(fault) = programs::fault(&command.program, None)
    {
        let message = format!("{fault}; {} cannot become active", router.name);
        findings.push(Finding::warning(Code::Program, &router.places.backend, message));
    }
    findings
}

fn of_interface(router: &RouterConfig, interface: &Interface, host: &Host) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(down(router, interface));
    let small = mtu::too_small(router, interface);
    // A port that has no address needs none: its master does. Without IPv6 there can be none.
    let is_ipv6 = router.router.family() == Family::Ipv6;
    let is_without =
        is_ipv6 && (settings::is_without_ipv6(&interface.name, host) || small.is_some());
    if wiring::port(interface, host).is_none() && !is_without {
        findings.extend(source(router, interface));
    }
    findings.extend(small);
    findings.extend(wiring::faults(router, interface, host));
    findings.extend(peers(router, interface, host));
    findings
}

fn down(router: &RouterConfig, interface: &Interface) -> Option<Finding> {
    let message = format!(
        "{} is down or has no carrier, and {} waits until it is up",
        interface.name, router.name
    );
    let place = &router.places.interface;
    (!interface.is_up).then(|| Finding::warning(Code::InterfaceDown, place, message))
}

fn source(router: &RouterConfig, interface: &Interface) -> Option<Finding> {
    let (name, places) = (&interface.name, &router.places);
    let owner = router.router.role() == Role::Owner;
    let is_virtual = |ip: IpAddr| router.router.addresses().any(|cidr| cidr.address() == ip);
    let family = router.router.family();
    // RFC 9568 5.1.2.1: over IPv6 multicast it is sent from a link-local address.
    let link_local = family == Family::Ipv6 && *router.router.transport() == Transport::Multicast;
    let own = |ip: &IpAddr| {
        Family::of(*ip) == family
            && (owner || !is_virtual(*ip))
            && (!link_local || is_link_local(*ip))
    };
    let (place, message) = match router.router.source() {
        Some(source) if !interface.has_own(source) => (
            &places.source,
            format!(
                "the source {source} is not an address of {name}, so nothing can be sent; add it to \
                 {name} or correct `source`"
            ),
        ),
        None if !interface.own().any(|cidr| own(&cidr.address())) => (
            &places.interface,
            format!(
                "{name} has no {}{} address of its own to send from, and {} waits until it has one",
                if link_local { "link-local " } else { "" },
                family_name(family),
                router.name
            ),
        ),
        _ => return None,
    };
    Some(Finding::warning(Code::Source, place, message))
}

fn peers(router: &RouterConfig, interface: &Interface, host: &Host) -> Vec<Finding> {
    let (name, place) = (&interface.name, &router.places.peers);
    let Transport::Unicast { peers, .. } = router.router.transport() else { return Vec::new() };
    let networks: Vec<Cidr> = interface.own().collect();
    let routed = peers.iter().filter(|peer| peer.is_behind_router(&networks)).map(|peer| {
        format!(
            "the peer {} is on no network of {name}: it is heard through routers, so filter IP \
             protocol 112 at the edge of your network",
            peer.address
        )
    });
    let alone = peers.iter().all(|peer| host.has_own(peer.address)).then(|| {
        "`peers` lists only addresses of this host, so no other node is reached; list the other \
         nodes"
            .to_owned()
    });
    routed.chain(alone).map(|message| Finding::warning(Code::Peers, place, message)).collect()
}
