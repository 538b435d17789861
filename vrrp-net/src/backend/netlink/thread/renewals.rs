//! Renewals: what has our mark is extended, many leases in one batch.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use vrrp_core::LeaseFailure;

use super::{AddressThread, acquiring::Request, spots::Spot};
use crate::{
    BackendError, Lease,
    backend::netlink::{
        job::{Renewal, Reply},
        table::{Present, Table},
    },
    netlink::addresses::Mark,
};

impl AddressThread {
    pub(super) fn renew_together(&mut self, renewals: Vec<(Vec<Renewal>, Reply)>) {
        let (mut leases, mut replies) = (Vec::new(), Vec::new());
        for (some, reply) in renewals {
            replies.push((some.len(), reply));
            leases.extend(some);
        }
        let mut results = self.renew(&leases).into_iter();
        for (count, reply) in replies {
            let result = results.by_ref().take(count).fold(Ok(()), Result::and);
            let _ = reply.send(result.map(|()| None));
        }
    }

    /// Extends what has our mark; one result for each lease.
    ///
    /// The kernel creates an address that is gone, whatever the flags say. So the table is read
    /// again: a lease that ran out may be another node's by now, and what is gone stays gone until
    /// it is repaired.
    pub(super) fn renew(&mut self, leases: &[Renewal]) -> Vec<Result<(), BackendError>> {
        let found: Vec<_> = leases.iter().map(|(lease, _)| self.put_on.held(lease)).collect();
        self.read_again(found.iter().flat_map(|(spots, _)| spots));
        let (mut requests, mut planned) = (Vec::new(), Vec::new());
        for ((lease, valid), (spots, known)) in leases.iter().zip(found) {
            let (some, result) = self.plan_renewal(lease, &spots, *valid);
            planned.push((spots, some.len(), known.and(result)));
            requests.extend(some);
        }
        let mut answers = self.put(&requests).into_iter();
        let mut results = Vec::new();
        for ((_, valid), (spots, count, result)) in leases.iter().zip(planned) {
            let result = answers.by_ref().take(count).fold(result, Result::and);
            // The kernel is silent about routes that go with a link which was down for a moment.
            results.push(result.and_then(|()| self.put_routes(&spots, *valid)));
        }
        // A route without its addresses may be another node's by now, as they may.
        let whole = leases.iter().zip(&results).filter(|(_, result)| result.is_ok());
        let whole: Vec<&Renewal> = whole.map(|(renewal, _)| renewal).collect();
        self.renew_virtual_routes(&whole);
        results
    }

    /// Of addresses without a lifetime there is nothing to renew but what may be lost of their
    /// routes.
    pub(super) fn review(&mut self, leases: &[Lease]) -> Result<(), BackendError> {
        let forever: Vec<Renewal> = leases.iter().map(|lease| (lease.clone(), None)).collect();
        self.renew_virtual_routes(&forever.iter().collect::<Vec<_>>());
        if !self.subnets.look() {
            return Ok(());
        }
        let put = |lease: &Lease| {
            let (spots, known) = self.put_on.held(lease);
            let routed = self.put_routes(&spots, None);
            known.and(routed)
        };
        leases.iter().map(put).fold(Ok(()), Result::and)
    }

    /// Reads what is on the interfaces now. Where the kernel cannot choose, it lists everything,
    /// and that once.
    fn read_again<'a>(&mut self, spots: impl Iterator<Item = &'a Spot<'a>>) {
        self.readings.forget();
        let mut wanted: BTreeMap<u32, BTreeSet<IpAddr>> = BTreeMap::new();
        for spot in spots {
            wanted.entry(spot.index).or_default().insert(spot.ip());
        }
        if wanted.len() > 1 && !self.socket.filters() {
            // What could not be read is tried again by whoever needs it, who can say so.
            let _ = self.table();
            return;
        }
        for (index, ips) in &wanted {
            self.readings.read_for_renewal(&mut self.socket, *index, ips);
        }
    }

    /// What there is to extend, and whether that is all of the lease.
    fn plan_renewal(
        &mut self,
        lease: &Lease,
        spots: &[Spot<'_>],
        valid: Option<u32>,
    ) -> (Vec<Request>, Result<(), BackendError>) {
        if spots.is_empty() {
            return (Vec::new(), Ok(()));
        }
        let table = match self.table_for(lease, spots) {
            Ok(table) => table,
            Err(error) => return (Vec::new(), Err(error)),
        };
        let (mut requests, mut result) = (Vec::new(), Ok(()));
        for spot in spots {
            match (table.ours(spot.index, spot.ip()), table.find(spot.index, spot.ip())) {
                (Some(held), _) => {
                    let mark = held.mark.unwrap_or(Mark::Held);
                    requests.push(Request::again(spot.again(held, mark, valid)));
                }
                (None, Present::Foreign(_)) if lease.owner => {}
                (None, _) => {
                    let Spot { cidr, interface, .. } = spot;
                    let gone = format!("{cidr} is no longer on {interface}, so it was not renewed");
                    result = Err(BackendError::new(LeaseFailure::Failed, gone));
                }
            }
        }
        (requests, result)
    }

    /// The addresses of the interfaces; of the whole host where an owner may have its own on another
    /// one.
    fn table_for(&mut self, lease: &Lease, spots: &[Spot<'_>]) -> Result<&Table, BackendError> {
        let mut is_missing = false;
        let mut last = None;
        for spot in spots {
            let table = self.table_on(spot.index)?;
            is_missing |= matches!(table.find(spot.index, spot.ip()), Present::No);
            last = Some(spot.index);
        }
        match last {
            Some(index) if !(lease.owner && is_missing) => self.table_on(index),
            Some(_) | None => self.table(),
        }
    }
}
