//! Renewals: what has our mark is extended, many leases in one batch.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use netlink_packet_core::NLM_F_REPLACE;
use vrrp_core::LeaseFailure;

use super::AddressThread;
use crate::{
    BackendError, Lease,
    backend::netlink::{
        failure::index_of,
        job::{Renewal, Reply},
        table::{Present, Table},
    },
    netlink::addresses::{Mark, Put},
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
        let indexes: Vec<Option<u32>> =
            leases.iter().map(|(lease, _)| self.index_for(lease).ok()).collect();
        self.read_again(leases, &indexes);
        let (mut requests, mut planned) = (Vec::new(), Vec::new());
        for ((lease, valid), index) in leases.iter().zip(&indexes) {
            let (some, result) = self.plan_renewal(lease, *index, *valid);
            planned.push((some.len(), result));
            requests.extend(some);
        }
        let mut answers = self.put(&requests).into_iter();
        let answer_for = |(count, result)| answers.by_ref().take(count).fold(result, Result::and);
        let results: Vec<_> = planned.into_iter().map(answer_for).collect();
        // The kernel is silent about routes that go with a link which was down for a moment.
        let leases = leases.iter().zip(indexes).zip(results);
        let routed = leases.map(|(((lease, valid), index), result)| match index {
            Some(index) => result.and_then(|()| self.put_routes(index, lease, *valid)),
            None => result,
        });
        routed.collect()
    }

    pub(super) fn review(&mut self, leases: &[Lease]) -> Result<(), BackendError> {
        if !self.subnets.look() {
            return Ok(());
        }
        let put = |lease: &Lease| self.put_routes(self.index_for(lease)?, lease, None);
        leases.iter().map(put).fold(Ok(()), Result::and)
    }

    /// The interface that the addresses of a lease were put on. To ask the kernel for it takes a
    /// descriptor and three system calls, and the name may have moved on to another interface.
    pub(super) fn index_for(&self, lease: &Lease) -> Result<u32, BackendError> {
        match self.put_on.get(&lease.key) {
            Some(index) => Ok(*index),
            None => index_of(&lease.interface),
        }
    }

    /// Reads what is on the interfaces now. Where the kernel cannot choose, it lists everything,
    /// and that once.
    fn read_again(&mut self, leases: &[Renewal], indexes: &[Option<u32>]) {
        self.readings.forget();
        let mut wanted: BTreeMap<u32, BTreeSet<IpAddr>> = BTreeMap::new();
        for ((lease, _), index) in leases.iter().zip(indexes) {
            if let Some(index) = index {
                wanted.entry(*index).or_default().extend(lease.cidrs().map(|cidr| cidr.address()));
            }
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
        index: Option<u32>,
        valid: Option<u32>,
    ) -> (Vec<(Put, u16)>, Result<(), BackendError>) {
        let index = index.map_or_else(|| index_of(&lease.interface), Ok);
        let (index, table) =
            match index.and_then(|index| Ok((index, self.table_for(lease, index)?))) {
                Ok(found) => found,
                Err(error) => return (Vec::new(), Err(error)),
            };
        let (mut requests, mut result) = (Vec::new(), Ok(()));
        for cidr in lease.cidrs() {
            match (table.ours(index, cidr.address()), table.find(index, cidr.address())) {
                (Some(held), _) => {
                    let mark = held.mark.unwrap_or(Mark::Held);
                    requests.push((Table::again(held, mark, valid), NLM_F_REPLACE));
                }
                (None, Present::Foreign(_)) if lease.owner => {}
                (None, _) => {
                    let gone = format!(
                        "{cidr} is no longer on {}, so it was not renewed",
                        lease.interface
                    );
                    result = Err(BackendError::new(LeaseFailure::Failed, gone));
                }
            }
        }
        (requests, result)
    }

    /// The addresses of the interface; of the whole host where an owner may have its own on another
    /// one.
    fn table_for(&mut self, lease: &Lease, index: u32) -> Result<&Table, BackendError> {
        let table = self.table_on(index)?;
        let is_missing = |ip| matches!(table.find(index, ip), Present::No);
        if lease.owner && lease.cidrs().any(|cidr| is_missing(cidr.address())) {
            return self.table();
        }
        self.table_on(index)
    }
}
