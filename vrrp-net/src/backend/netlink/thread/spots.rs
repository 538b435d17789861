//! [`Spot`]: an address of a lease, and the interface that it is on.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

use vrrp_core::{Cidr, Key};

use crate::{
    BackendError, Lease, VirtualAddress,
    backend::netlink::failure::{index_of, name_of},
    netlink::addresses::{HostAddress, Manner, Mark, Put},
};

/// An address of a lease on its interface.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot<'a> {
    /// The interface's name.
    pub(super) interface: &'a str,
    /// The kernel's index of it.
    pub(super) index: u32,
    /// The address, with the prefix length of its subnet.
    pub(super) cidr: Cidr,
    /// How it is put, besides.
    pub(super) manner: Manner,
}

impl Spot<'_> {
    pub(super) fn ip(&self) -> IpAddr {
        self.cidr.address()
    }

    /// Whether what is `held` there was put as this is put now.
    pub(super) fn is_as(&self, held: &HostAddress) -> bool {
        // The name that was configured may be another one of the interface.
        self.ip().is_ipv6() || self.manner.is_same_on(&held.manner, &name_of(self.index))
    }

    /// How `held`, which is there already, is put again: with its length, since another one would
    /// make a second address.
    pub(super) fn again(&self, held: &HostAddress, mark: Mark, valid: Option<u32>) -> Put {
        Put { index: held.index, cidr: held.cidr, mark, valid, manner: self.manner }
    }
}

/// The addresses of a lease, on the interfaces that have their names now.
///
/// # Errors
/// One of the interfaces is missing, or could not be looked up.
pub(super) fn now(lease: &Lease) -> Result<Vec<Spot<'_>>, BackendError> {
    let mut missing = None;
    let spots = find(lease, &lease.addresses, |name| noting(index_of(name), &mut missing));
    missing.map_or(Ok(spots), Err)
}

/// Those addresses of a lease whose interface `look_up` knows, which is asked once for each name.
fn find<'a>(
    lease: &'a Lease,
    addresses: &'a [VirtualAddress],
    mut look_up: impl FnMut(&str) -> Option<u32>,
) -> Vec<Spot<'a>> {
    let mut known = BTreeMap::new();
    let spot = |address: &'a VirtualAddress| {
        let interface: &str = lease.interface_of(address);
        let index = (*known.entry(interface).or_insert_with(|| look_up(interface)))?;
        Some(Spot { interface, index, cidr: address.cidr, manner: manner(address) })
    };
    addresses.iter().filter_map(spot).collect()
}

/// What was found; notes the first error.
fn noting(found: Result<u32, BackendError>, missing: &mut Option<BackendError>) -> Option<u32> {
    found.map_err(|error| missing.get_or_insert(error)).ok()
}

fn manner(address: &VirtualAddress) -> Manner {
    Manner {
        label: address.label.as_ref().map(|label| label.as_str().into()),
        scope: address.scope.get(),
        // The kernel shows none of zeros.
        broadcast: address.broadcast.filter(|ip| !ip.is_unspecified()),
    }
}

/// Which interface each name was when addresses of a lease were put there: a name can move on to
/// another one, and to ask the kernel for it takes a descriptor and three system calls.
#[derive(Debug, Default)]
pub(super) struct PutOn(BTreeMap<Key, BTreeMap<Arc<str>, u32>>);

impl PutOn {
    /// The addresses of a lease on the interfaces that they were put on, or that have their names
    /// now; and what is the matter with the others.
    pub(super) fn held<'a>(&self, lease: &'a Lease) -> (Vec<Spot<'a>>, Result<(), BackendError>) {
        let mut missing = None;
        let spots = find(lease, &lease.addresses, |name| match self.known(lease, name) {
            Some(index) => Some(index),
            None => noting(index_of(name), &mut missing),
        });
        (spots, missing.map_or(Ok(()), Err))
    }

    /// Where addresses of a lease may be, of this configuration or of the one before: wherever their
    /// names lead now, and where they led when they were put.
    pub(super) fn anywhere<'a>(&self, lease: &'a Lease) -> Vec<Spot<'a>> {
        let mut spots = self.places(lease, &lease.previous);
        spots.extend(self.places(lease, &lease.addresses));
        let here = |index| spots.iter().map(move |spot| Spot { index, ..*spot });
        let stale: Vec<Spot<'a>> = self.stale(lease).flat_map(here).collect();
        spots.extend(stale);
        let mut seen = BTreeSet::new();
        spots.retain(|spot| seen.insert((spot.index, spot.ip())));
        spots
    }

    /// The same of the addresses of the configuration before.
    pub(super) fn of_previous<'a>(&self, lease: &'a Lease) -> Vec<Spot<'a>> {
        self.places(lease, &lease.previous)
    }

    /// An interface that is gone has nothing to release.
    fn places<'a>(&self, lease: &'a Lease, addresses: &'a [VirtualAddress]) -> Vec<Spot<'a>> {
        let mut spots = find(lease, addresses, |name| index_of(name).ok());
        spots.extend(find(lease, addresses, |name| self.known(lease, name)));
        let mut seen = BTreeSet::new();
        spots.retain(|spot| seen.insert((spot.index, spot.ip())));
        spots
    }

    fn known(&self, lease: &Lease, name: &str) -> Option<u32> {
        self.0.get(&lease.key)?.get(name).copied()
    }

    /// The interfaces that had a name which the lease does not have any more.
    fn stale(&self, lease: &Lease) -> impl Iterator<Item = u32> {
        let all = lease.addresses.iter().chain(&*lease.previous);
        let names: BTreeSet<&Arc<str>> = all.map(|address| lease.interface_of(address)).collect();
        let known = self.0.get(&lease.key).into_iter().flatten();
        known.filter(move |(name, _)| !names.contains(name)).map(|(_, index)| *index)
    }

    /// Where addresses of the lease are that are now to be put at `spots`, since a name has moved on
    /// to another interface.
    pub(super) fn left_behind<'a>(&self, lease: &'a Lease, spots: &[Spot<'a>]) -> Vec<Spot<'a>> {
        let mut left: Vec<Spot<'a>> = Vec::new();
        for spot in spots {
            let before = self.known(lease, spot.interface);
            let before = before.filter(|before| *before != spot.index);
            left.extend(before.map(|index| Spot { index, ..*spot }));
        }
        for index in self.stale(lease) {
            left.extend(spots.iter().map(|spot| Spot { index, ..*spot }));
        }
        left
    }

    /// Notes where a lease is put.
    pub(super) fn note(&mut self, lease: &Lease, spots: &[Spot<'_>]) {
        let known = self.0.entry(lease.key).or_default();
        known.extend(spots.iter().map(|spot| (spot.interface.into(), spot.index)));
    }

    /// Forgets names that the lease has no more.
    pub(super) fn keep(&mut self, lease: &Lease, spots: &[Spot<'_>]) {
        if let Some(known) = self.0.get_mut(&lease.key) {
            known.retain(|name, _| spots.iter().any(|spot| *spot.interface == **name));
        }
    }

    /// Forgets a lease that is released.
    pub(super) fn forget(&mut self, lease: &Lease) {
        self.0.remove(&lease.key);
    }
}
