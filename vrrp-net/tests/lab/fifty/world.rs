//! The addresses of the fifty, their configurations, and what `ip monitor` says of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libtest_mimic::Failed;
use vrrp_core::{Centiseconds, Cidr, Ipv4Addresses, Ipv6Addresses, VirtualRouter, Vrid};
use vrrp_net::{Events, NodeEvent};

/// The address number `place` of the virtual router with this VRID.
pub(super) fn ipv4(vrid: u8, place: u8) -> IpAddr {
    Ipv4Addr::new(10, 0, 0, 100 + vrid + place * 50).into()
}

pub(super) fn ipv6(vrid: u8, place: u8) -> IpAddr {
    Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, u16::from(place), 0x100 + u16::from(vrid)).into()
}

pub(super) fn router(
    vrid: u8,
    is_ipv6: bool,
    places: &[u8],
    priority: u8,
) -> Result<VirtualRouter, Failed> {
    let interval = Centiseconds::ONE_SECOND;
    let id = Vrid::try_from(vrid)?;
    let router = if is_ipv6 {
        let link_local = format!("fe80::{vrid:x}:1/64").parse::<Cidr<Ipv6Addr>>()?;
        let others = places.iter().map(|place| format!("{}/64", ipv6(vrid, *place)).parse());
        let others: Vec<Cidr<Ipv6Addr>> = others.collect::<Result<_, _>>()?;
        let all = std::iter::once(link_local).chain(others);
        VirtualRouter::v3_ipv6(id, Ipv6Addresses::new(all)?, interval)
    } else {
        let all = places.iter().map(|place| format!("{}/24", ipv4(vrid, *place)).parse());
        let all: Vec<Cidr<Ipv4Addr>> = all.collect::<Result<_, _>>()?;
        VirtualRouter::v3_ipv4(id, Ipv4Addresses::new(all)?, interval)
    };
    Ok(router.with_priority(priority.try_into()?))
}

/// The names of those that had a transition.
pub(super) fn moved(events: &mut Events) -> Result<Vec<String>, Failed> {
    let mut names = Vec::new();
    while let Some(event) = events.try_next() {
        if let NodeEvent::Transition { name, .. } = event.map_err(text)? {
            names.push(name.to_string());
        }
    }
    Ok(names)
}

fn text(error: impl ToString) -> Failed {
    error.to_string().into()
}

/// The addresses that the kernel deleted, link-local ones left out.
pub(super) fn deleted(lines: &str) -> Vec<IpAddr> {
    let deleted = lines.lines().filter(|line| line.contains("Deleted"));
    let address = |line: &str| -> Option<IpAddr> {
        let mut words = line.split_whitespace().skip_while(|word| !word.starts_with("inet"));
        words.nth(1)?.split('/').next()?.parse().ok()
    };
    let is_ours = |ip: &IpAddr| !matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
    deleted.filter_map(address).filter(is_ours).collect()
}
