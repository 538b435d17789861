//! [`AddressThread`]: the thread that asks the kernel, so that nobody else has to wait for it.

mod acquiring;
mod inspecting;
mod releasing;
mod renewals;
mod routes;
mod settled;
mod spots;
mod virtual_renewals;
mod virtual_routes;

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::mpsc;
use vrrp_core::{Family, LeaseFailure};

use super::{
    job::{Job, Left, Work, collect},
    readings::Readings,
    subnets::Subnets,
    table::Table,
};
use crate::{
    BackendError, Lease,
    netlink::{
        Socket,
        addresses::{HostAddress, Mark},
        routes::PrefixRoute,
    },
};
use acquiring::Request;
use spots::{PutOn, Spot};
use virtual_routes::VirtualRoutes;

/// The thread's state.
pub(super) struct AddressThread {
    socket: Socket,
    readings: Readings,
    put_on: PutOn,
    subnets: Subnets,
    /// The routes that were put beside addresses, with their lifetimes. The kernel takes those of
    /// IPv4 away with their addresses.
    routes: BTreeMap<PrefixRoute, Option<u32>>,
    virtual_routes: VirtualRoutes,
    /// In which families this kernel is known to keep the mark of an address.
    keeps_mark: BTreeSet<Family>,
    /// What was said once this kernel was found not to.
    unfit: Option<String>,
}

impl AddressThread {
    pub(super) fn new(socket: Socket, subnets: Subnets) -> Self {
        Self {
            socket,
            readings: Readings::default(),
            put_on: PutOn::default(),
            subnets,
            routes: BTreeMap::new(),
            virtual_routes: VirtualRoutes::default(),
            keeps_mark: BTreeSet::new(),
            unfit: None,
        }
    }

    /// Carries out requests in order until nobody can ask any more. Renewals that wait together
    /// become one batch: the kernel's sweep of expired addresses is punctual when all are renewed
    /// at once.
    pub(super) fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut next = None;
        while let Some(job) = next.take().or_else(|| jobs.blocking_recv()) {
            if job.is_stale() {
                let late = "the request came too late to be carried out";
                let _ = job.reply.send(Err(BackendError::new(LeaseFailure::TimedOut, late)));
                continue;
            }
            match job.work {
                Work::Renew { leases } => {
                    let mut renewals = vec![(leases, job.reply)];
                    next = collect(&mut jobs, &mut renewals);
                    self.renew_together(renewals);
                }
                work => {
                    let _ = job.reply.send(self.carry_out(&work));
                }
            }
        }
    }

    fn carry_out(&mut self, work: &Work) -> Result<Option<Left>, BackendError> {
        let done = match work {
            Work::Adopt { lease, valid } => return self.adopt(lease, *valid),
            Work::Acquire { lease, valid } => self.acquire(lease, *valid),
            Work::Release { lease, at_start } => self.release(lease, *at_start),
            Work::Renew { leases } => self.renew(leases).into_iter().collect(),
            Work::Review { leases } => self.review(leases),
            Work::Leaving { lease, valid } => self.leaving(lease, *valid),
            Work::Inspect { lease } => self.inspect(lease),
        };
        done.map(|()| None)
    }

    /// Adopts what an earlier process left behind, if all of it may be adopted; otherwise all of it
    /// is released. What is missing is put, and so is what was put in another manner.
    fn adopt(&mut self, lease: &Lease, valid: Option<u32>) -> Result<Option<Left>, BackendError> {
        let spots = spots::now(lease)?;
        self.readings.forget();
        let mut left: Vec<(Spot<'_>, HostAddress)> = Vec::new();
        for spot in &spots {
            let found = self.table_on(spot.index)?.leftover(spot.index, spot.ip());
            left.extend(found.map(|found| (*spot, found.clone())));
        }
        // One address that was let run out, or was about to be handed over, spoils them all: a peer
        // may have taken over since.
        let is_adoptable =
            |left: &HostAddress| left.is_adoptable(lease.lasts) || lease.succeeds && left.is_held();
        let ages = left.iter().map(|(_, left)| is_adoptable(left).then(|| left.renewed_ago()));
        let oldest = ages.reduce(|one, other| Some(one?.max(other?))).flatten();
        let Some(renewed_ago) = oldest else {
            self.release(lease, true)?;
            return Ok(None);
        };
        // From here on they are held: what follows must not lose track of them if it fails.
        self.put_on.note(lease, &spots);
        let as_it_is = |(spot, left): &(Spot<'_>, HostAddress)| {
            // A lifetime that nobody renews any more has to go.
            spot.is_as(left) && (valid.is_some() || left.valid.is_none())
        };
        let completed = left.len() < spots.len() || !left.iter().all(as_it_is);
        self.mark_again(&spots, &left, valid)?;
        if completed {
            // Another process had fewer addresses, or somebody took one away.
            self.acquire(lease, valid)?;
        } else {
            let routes = self.settle_routes(lease)?;
            self.put_virtual_routes(lease, routes, valid)?;
        }
        self.release_unlisted_routes(lease, &spots)?;
        Ok(Some(Left { renewed_ago, completed }))
    }

    /// Marks what version 0.1 left behind. Its IPv6 addresses keep their length until they are put
    /// anew, and only get a route of our own instead of the kernel's.
    fn mark_again(
        &mut self,
        spots: &[Spot<'_>],
        left: &[(Spot<'_>, HostAddress)],
        valid: Option<u32>,
    ) -> Result<(), BackendError> {
        let old: Vec<_> = left.iter().filter(|(_, left)| !left.is_ours()).collect();
        if old.is_empty() {
            return Ok(());
        }
        let again = |(spot, old): &&(Spot<'_>, HostAddress)| {
            Request::again(spot.again(old, Mark::Held, valid))
        };
        let requests: Vec<Request> = old.iter().map(again).collect();
        let marked: Result<(), BackendError> = self.put(&requests).into_iter().collect();
        marked?;
        // The route that the kernel made would pass for the host's.
        let old: Vec<HostAddress> = old.into_iter().map(|(_, old)| old.clone()).collect();
        self.end_routes_of_kernel(&old)?;
        self.put_routes(spots, valid)
    }

    fn leaving(&mut self, lease: &Lease, valid: Option<u32>) -> Result<(), BackendError> {
        let (spots, mut result) = self.put_on.held(lease);
        let mut requests = Vec::new();
        for spot in &spots {
            let held = self.table_on(spot.index)?.ours(spot.index, spot.ip());
            requests
                .extend(held.map(|held| Request::again(spot.again(held, Mark::Leaving, valid))));
        }
        for answer in self.put(&requests) {
            result = result.and(answer);
        }
        result
    }

    /// The addresses of the whole host.
    fn table(&mut self) -> Result<&Table, BackendError> {
        self.readings.table(&mut self.socket)
    }

    /// The addresses of the interface `index`, and what else there is in the table.
    fn table_on(&mut self, index: u32) -> Result<&Table, BackendError> {
        self.readings.table_on(&mut self.socket, index)
    }
}
