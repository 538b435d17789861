//! The virtual addresses of both families, and those that are held with them.

use std::{
    collections::HashSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use vrrp_core::{Cidr, ConfigError, Family, Ipv4Addresses, Ipv6Addresses};
use vrrp_net::VirtualAddress;

use crate::config::{
    draft::List,
    found::Wrong,
    place::{Located, Place},
    problem::Problems,
    sentence::{Notation, unfit},
};

/// The virtual addresses, in their order: at least one, each once, each one that a host can have.
pub(super) struct Addresses {
    /// Where the list starts.
    pub(super) place: Place,
    list: Vec<Located<VirtualAddress>>,
    /// Those that are held with them and not advertised, in their order.
    pub(super) extra: Vec<Located<VirtualAddress>>,
}

impl Addresses {
    /// Holds each entry of both lists to the rules, even where others are wrong already. What is
    /// on `interface` by name is just on the virtual router's.
    pub(super) fn settle(
        mut list: List<VirtualAddress>,
        extra: Option<List<VirtualAddress>>,
        interface: Option<&str>,
        notation: Notation,
        problems: &mut Problems,
    ) -> Result<Self, Wrong> {
        if list.entries.is_empty() {
            let message = format!(
                "{} is empty; list at least one, such as {}",
                notation.subject("addresses"),
                notation.list("192.0.2.10/24")
            );
            return problems.wrong(&list.place, message);
        }
        let mut seen = HashSet::new();
        for entry in &mut list.entries {
            let Ok(Located { place, value: address }) = entry else { continue };
            at_home(address, interface);
            let cidr = address.cidr;
            let result = usable(cidr).and_then(|()| {
                seen.insert(cidr.address()).then_some(()).ok_or(ConfigError::AddressTwice)
            });
            if let Err(Wrong) = problems.check(place, result, |error| unfit(&shown(cidr), error)) {
                *entry = Err(Wrong);
            }
        }
        let extra = settle_extra(extra, &list, interface, problems);
        let Located { place, value: list } = list.complete()?;
        Ok(Self { place, list, extra: extra? })
    }

    /// The families that there are addresses of, IPv4 first.
    pub(super) fn families(&self) -> Vec<Family> {
        let has = |family: &Family| self.of(*family).next().is_some();
        [Family::Ipv4, Family::Ipv6].into_iter().filter(has).collect()
    }

    /// Whether there are addresses of `family`.
    pub(super) fn has(&self, family: Family) -> bool {
        self.families().contains(&family)
    }

    /// The addresses of `family`.
    pub(super) fn of(&self, family: Family) -> impl Iterator<Item = &Located<VirtualAddress>> {
        self.list.iter().filter(move |entry| Family::of(entry.value.cidr.address()) == family)
    }

    /// All of them, and after them those that are not advertised.
    pub(super) fn held(&self) -> impl Iterator<Item = &Located<VirtualAddress>> {
        self.list.iter().chain(&self.extra)
    }

    /// Whether `address` is one of them.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        self.list.iter().any(|entry| entry.value.cidr.address() == address)
    }

    /// Those of IPv4, as the core takes them.
    pub(super) fn ipv4(&self) -> Result<Ipv4Addresses, ConfigError> {
        let cidrs = self.list.iter().filter_map(|entry| ipv4(entry.value.cidr));
        Ipv4Addresses::new(cidrs.collect::<Result<Vec<_>, _>>()?)
    }

    /// Those of IPv6, as the core takes them.
    pub(super) fn ipv6(&self) -> Result<Ipv6Addresses, ConfigError> {
        let cidrs = self.list.iter().filter_map(|entry| ipv6(entry.value.cidr));
        Ipv6Addresses::new(cidrs.collect::<Result<Vec<_>, _>>()?)
    }
}

/// The addresses that are not advertised, each once beside those of `advertised`.
fn settle_extra(
    extra: Option<List<VirtualAddress>>,
    advertised: &List<VirtualAddress>,
    interface: Option<&str>,
    problems: &mut Problems,
) -> Result<Vec<Located<VirtualAddress>>, Wrong> {
    let Some(mut extra) = extra else { return Ok(Vec::new()) };
    let advertised: HashSet<Key> =
        advertised.entries.iter().flatten().map(|entry| key(&entry.value)).collect();
    let mut seen = HashSet::new();
    for entry in &mut extra.entries {
        let Ok(Located { place, value: address }) = entry else { continue };
        at_home(address, interface);
        let shown = shown(address.cidr);
        let fault = match usable(address.cidr) {
            Err(error) => Some(unfit(&shown, error)),
            Ok(()) if advertised.contains(&key(address)) => {
                Some(format!("{shown} is advertised already; remove it here, or there"))
            }
            Ok(()) if !seen.insert(key(address)) => Some(unfit(&shown, ConfigError::AddressTwice)),
            Ok(()) => None,
        };
        if let Some(fault) = fault {
            problems.add(place, fault);
            *entry = Err(Wrong);
        }
    }
    Ok(extra.complete()?.value)
}

/// What makes an address one of its own: a link-local one is one per link.
type Key = (Option<Arc<str>>, IpAddr);

fn key(address: &VirtualAddress) -> Key {
    let ip = address.cidr.address();
    let is_link_local = matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local());
    (address.interface.clone().filter(|_| is_link_local), ip)
}

/// An address on the virtual router's own interface need not name it.
fn at_home(address: &mut VirtualAddress, interface: Option<&str>) {
    if address.interface.as_deref() == interface {
        address.interface = None;
    }
}

/// Whether a host can have this address.
fn usable(cidr: Cidr) -> Result<(), ConfigError> {
    match (ipv4(cidr), ipv6(cidr)) {
        (Some(ipv4), _) => Ipv4Addresses::new([ipv4?]).map(drop),
        (None, Some(ipv6)) => Ipv6Addresses::new([ipv6?]).map(drop),
        (None, None) => Ok(()),
    }
}

fn ipv4(cidr: Cidr) -> Option<Result<Cidr<Ipv4Addr>, ConfigError>> {
    match cidr.address() {
        IpAddr::V4(address) => Some(Cidr::new(address, cidr.prefix_length())),
        IpAddr::V6(_) => None,
    }
}

fn ipv6(cidr: Cidr) -> Option<Result<Cidr<Ipv6Addr>, ConfigError>> {
    match cidr.address() {
        IpAddr::V6(address) => Some(Cidr::new(address, cidr.prefix_length())),
        IpAddr::V4(_) => None,
    }
}

/// The address as most would write it: without a prefix length that says nothing.
fn shown(cidr: Cidr) -> String {
    let address = cidr.address();
    if cidr == Cidr::from(address) { address.to_string() } else { cidr.to_string() }
}
