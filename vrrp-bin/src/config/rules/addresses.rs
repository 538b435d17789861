//! The virtual addresses of both families.

use std::{
    collections::HashSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use vrrp_core::{Cidr, ConfigError, Family, Ipv4Addresses, Ipv6Addresses};

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
    list: Vec<Located<Cidr>>,
}

impl Addresses {
    /// Holds each entry of `list` to the rules, even where others are wrong already.
    pub(super) fn settle(
        mut list: List<Cidr>,
        notation: Notation,
        problems: &mut Problems,
    ) -> Result<Self, Wrong> {
        if list.entries.is_empty() {
            let message = format!(
                "{} is empty; list at least one, such as [\"192.0.2.10/24\"]",
                notation.subject("addresses")
            );
            return problems.wrong(&list.place, message);
        }
        let mut seen = HashSet::new();
        for entry in &mut list.entries {
            let Ok(Located { place, value: cidr }) = &*entry else { continue };
            let result = usable(*cidr).and_then(|()| {
                seen.insert(cidr.address()).then_some(()).ok_or(ConfigError::AddressTwice)
            });
            if let Err(Wrong) = problems.check(place, result, |error| unfit(&shown(*cidr), error)) {
                *entry = Err(Wrong);
            }
        }
        let Located { place, value: list } = list.complete()?;
        Ok(Self { place, list })
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
    pub(super) fn of(&self, family: Family) -> impl Iterator<Item = &Located<Cidr>> {
        self.list.iter().filter(move |cidr| Family::of(cidr.value.address()) == family)
    }

    /// Whether `address` is one of them.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        self.list.iter().any(|cidr| cidr.value.address() == address)
    }

    /// Those of IPv4, as the core takes them.
    pub(super) fn ipv4(&self) -> Result<Ipv4Addresses, ConfigError> {
        let cidrs = self.list.iter().filter_map(|cidr| ipv4(cidr.value));
        Ipv4Addresses::new(cidrs.collect::<Result<Vec<_>, _>>()?)
    }

    /// Those of IPv6, as the core takes them.
    pub(super) fn ipv6(&self) -> Result<Ipv6Addresses, ConfigError> {
        let cidrs = self.list.iter().filter_map(|cidr| ipv6(cidr.value));
        Ipv6Addresses::new(cidrs.collect::<Result<Vec<_>, _>>()?)
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
