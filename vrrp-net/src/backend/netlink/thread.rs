//! [`AddressThread`]: the thread that asks the kernel, so that nobody else has to wait for it.

mod renewals;
mod routes;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use tokio::sync::mpsc;
use vrrp_core::{Cidr, Family, Key, LeaseFailure};

use super::{
    failure::{index_of, mark_not_kept, name_of, present, put_refused, refused},
    job::{Job, Left, Work, collect},
    readings::Readings,
    subnets::Subnets,
    table::{Present, Table},
};
use crate::{
    BackendError, Lease,
    netlink::{
        Socket,
        addresses::{self, HostAddress, Mark, Put},
        links,
        routes::PrefixRoute,
    },
};

/// The thread's state.
pub(super) struct AddressThread {
    socket: Socket,
    readings: Readings,
    /// Which interface each lease was put on: a name can move on to another one.
    put_on: BTreeMap<Key, u32>,
    subnets: Subnets,
    /// The routes that were put beside addresses, with their lifetimes. The kernel takes those of
    /// IPv4 away with their addresses.
    routes: BTreeMap<PrefixRoute, Option<u32>>,
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
            put_on: BTreeMap::new(),
            subnets,
            routes: BTreeMap::new(),
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
    /// is released. What is missing is put.
    fn adopt(&mut self, lease: &Lease, valid: Option<u32>) -> Result<Option<Left>, BackendError> {
        let index = index_of(&lease.interface)?;
        self.readings.forget();
        let table = self.table_on(index)?;
        let left = lease.cidrs().filter_map(|cidr| table.leftover(index, cidr.address()).cloned());
        let left: Vec<HostAddress> = left.collect();
        // One address that was let run out, or was about to be handed over, spoils them all: a peer
        // may have taken over since.
        let ages =
            left.iter().map(|left| left.is_adoptable(lease.lasts).then(|| left.renewed_ago()));
        let oldest = ages.reduce(|one, other| Some(one?.max(other?))).flatten();
        let Some(renewed_ago) = oldest else {
            self.release(lease, true)?;
            return Ok(None);
        };
        // From here on they are held: what follows must not lose track of them if it fails.
        self.put_on.insert(lease.key, index);
        let completed = left.len() < lease.addresses.len();
        self.mark_again(index, lease, left.into_iter(), valid)?;
        if completed {
            // Another process had fewer addresses, or somebody took one away.
            self.acquire(lease, valid)?;
        }
        Ok(Some(Left { renewed_ago, completed }))
    }

    /// Marks what version 0.1 left behind. Its IPv6 addresses keep their length until they are put
    /// anew, and only get a route of our own instead of the kernel's.
    fn mark_again(
        &mut self,
        index: u32,
        lease: &Lease,
        left: impl Iterator<Item = HostAddress>,
        valid: Option<u32>,
    ) -> Result<(), BackendError> {
        let old: Vec<_> = left.filter(|left| !left.is_ours()).collect();
        if old.is_empty() {
            return Ok(());
        }
        let again = |old: &HostAddress| (Table::again(old, Mark::Held, valid), NLM_F_REPLACE);
        let marked: Result<(), BackendError> =
            self.put(&old.iter().map(again).collect::<Vec<_>>()).into_iter().collect();
        marked?;
        // The route that the kernel made would pass for the host's.
        self.end_routes_of_kernel(&old)?;
        self.put_routes(index, lease, valid)
    }

    fn acquire(&mut self, lease: &Lease, valid: Option<u32>) -> Result<(), BackendError> {
        let index = index_of(&lease.interface)?;
        if let Some(before) = self.put_on.insert(lease.key, index).filter(|before| *before != index)
        {
            // The name has moved on to another interface, and the addresses move with it.
            self.release_all_on(before, lease, false)?;
        }
        let requests = self.plan_acquire(index, lease, valid)?;
        let result: Result<(), BackendError> = self.put(&requests).into_iter().collect();
        let result = result.and_then(|()| self.read_back(&requests));
        let result = result.and_then(|()| self.put_routes(index, lease, valid));
        // What the previous configuration had goes last: the new addresses are served before.
        match (&result, lease.of_previous()) {
            (Err(_), _) => self.undo(index, lease, &requests),
            (Ok(()), Some(previous)) => self.release_on(index, &previous, false)?,
            (Ok(()), None) => {}
        }
        result
    }

    /// Decides for each address how it is put: a new one exclusively, so that an operator's
    /// address is never turned into a leased one; one of ours in its place.
    fn plan_acquire(
        &mut self,
        index: u32,
        lease: &Lease,
        valid: Option<u32>,
    ) -> Result<Vec<(Put, u16)>, BackendError> {
        let is_ours =
            |table: &Table| lease.cidrs().any(|cidr| table.ours(index, cidr.address()).is_some());
        if is_ours(self.table()?) {
            // What is put again is replaced, and may have become the host's own a moment ago.
            self.readings.forget();
        }
        let mut requests = Vec::new();
        for cidr in lease.cidrs() {
            let brings_subnet = self.brought(index, cidr)?.is_some();
            let table = self.table()?;
            match table.find(index, cidr.address()) {
                Present::No => {
                    let put = table.place(index, cidr, brings_subnet, Mark::Held, valid);
                    requests.push((put, NLM_F_CREATE | NLM_F_EXCL));
                }
                Present::Ours(held) => {
                    let put = Table::again(held, Mark::Held, valid);
                    requests.push((put, NLM_F_CREATE | NLM_F_REPLACE));
                }
                Present::Foreign(_) if lease.owner => {}
                Present::Foreign(other) | Present::Elsewhere(other) => return Err(present(other)),
            }
        }
        Ok(requests)
    }

    /// Whether the kernel has kept the marks of addresses that were just added. It is asked until
    /// it has once: what it cannot do it forgets without a word, and then these would pass for the
    /// host's own.
    fn read_back(&mut self, requests: &[(Put, u16)]) -> Result<(), BackendError> {
        let is_new = |put: &Put| !self.keeps_mark.contains(&Family::of(put.cidr.address()));
        let added = requests.iter().filter(|(put, flags)| flags & NLM_F_EXCL != 0 && is_new(put));
        let added: Vec<Put> = added.map(|(put, _)| *put).collect();
        let Some(first) = added.first() else { return Ok(()) };
        let found = addresses::list_on(&mut self.socket, first.index)
            .map_err(|error| refused("the addresses could not be read back", &error))?;
        for put in &added {
            // One that is gone, or the host's own by now, is somebody else's doing, and is told by
            // the monitor.
            let Some(address) = found.iter().find(|address| address.cidr == put.cidr) else {
                continue;
            };
            if address.is_ours() {
                self.keeps_mark.insert(Family::of(address.ip()));
            } else if address.lost_its_mark() {
                let error = mark_not_kept(put);
                self.unfit = Some(error.to_string());
                return Err(error);
            }
        }
        Ok(())
    }

    /// Takes back what an acquire added, since another of its addresses was refused: all or
    /// nothing.
    fn undo(&mut self, index: u32, lease: &Lease, requests: &[(Put, u16)]) {
        self.readings.forget();
        let may_go = |address: &HostAddress| address.is_ours() || address.lost_its_mark();
        let result = self.table_on(index).map(|table| {
            let added = requests.iter().filter(|(_, flags)| flags & NLM_F_EXCL != 0);
            let added = added.filter_map(|(put, _)| table.exact(put.index, put.cidr));
            added.filter(|address| may_go(address)).cloned().collect()
        });
        if let Err(error) = result.and_then(|added| self.delete(index, lease, added)) {
            tracing::warn!(%error, "the addresses of a failed attempt could not be removed again");
        }
    }

    fn release(&mut self, lease: &Lease, at_start: bool) -> Result<(), BackendError> {
        // The name may have moved on to another interface since the addresses were put.
        let indexes = BTreeSet::from_iter(
            index_of(&lease.interface).ok().into_iter().chain(self.put_on.get(&lease.key).copied()),
        );
        for index in indexes {
            self.release_all_on(index, lease, at_start)?;
        }
        self.put_on.remove(&lease.key);
        Ok(())
    }

    fn release_all_on(
        &mut self,
        index: u32,
        lease: &Lease,
        at_start: bool,
    ) -> Result<(), BackendError> {
        if let Some(previous) = lease.of_previous() {
            self.release_on(index, &previous, at_start)?;
        }
        self.release_on(index, lease, at_start)
    }

    fn release_on(
        &mut self,
        index: u32,
        lease: &Lease,
        at_start: bool,
    ) -> Result<(), BackendError> {
        let table = self.table_on(index)?;
        let mine = |cidr: Cidr| match at_start {
            true => table.leftover(index, cidr.address()),
            false => table.ours(index, cidr.address()),
        };
        let ours = lease.cidrs().filter_map(mine).cloned().collect();
        self.delete(index, lease, ours)
    }

    fn leaving(&mut self, lease: &Lease, valid: Option<u32>) -> Result<(), BackendError> {
        let index = self.index_for(lease)?;
        let table = self.table_on(index)?;
        let ours = lease.cidrs().filter_map(|cidr| table.ours(index, cidr.address()));
        let requests: Vec<_> =
            ours.map(|held| (Table::again(held, Mark::Leaving, valid), NLM_F_REPLACE)).collect();
        self.put(&requests).into_iter().collect()
    }

    fn inspect(&mut self, lease: &Lease) -> Result<(), BackendError> {
        let index = index_of(&lease.interface)?;
        let links = links::list(&mut self.socket)
            .map_err(|error| refused("the interfaces were not listed", &error))?;
        if !links.iter().any(|link| link.index == index && link.is_up()) {
            let down = format!("{} is down or has no carrier", lease.interface);
            return Err(BackendError::new(LeaseFailure::Failed, down));
        }
        self.probe()?;
        if let Some(what) = &self.unfit {
            return Err(BackendError::new(LeaseFailure::Failed, what.clone()));
        }
        let table = self.table()?;
        for cidr in lease.cidrs() {
            match table.find(index, cidr.address()) {
                Present::No | Present::Ours(_) => {}
                Present::Foreign(_) if lease.owner => {}
                Present::Foreign(other) | Present::Elsewhere(other) => return Err(present(other)),
            }
        }
        Ok(())
    }

    /// Asks for something that needs the privilege and cannot succeed: there is no interface 0.
    fn probe(&mut self) -> Result<(), BackendError> {
        let nothing = addresses::delete(0, Cidr::from(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        match self.socket.request(nothing, 0) {
            Err(error) if error.errno() == Some(libc::EPERM) => {
                Err(refused("no address could be added", &error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The addresses of the whole host.
    fn table(&mut self) -> Result<&Table, BackendError> {
        self.readings.table(&mut self.socket)
    }

    /// The addresses of the interface `index`, and what else there is in the table.
    fn table_on(&mut self, index: u32) -> Result<&Table, BackendError> {
        self.readings.table_on(&mut self.socket, index)
    }

    /// Puts addresses in one batch; one result for each.
    fn put(&mut self, requests: &[(Put, u16)]) -> Vec<Result<(), BackendError>> {
        let messages = requests.iter().map(|(put, flags)| (put.message(), *flags)).collect();
        let answers = self.socket.batch(messages);
        if answers.as_ref().map_or(true, |answers| answers.iter().any(Result::is_err)) {
            self.readings.forget();
        }
        let answers = match answers {
            Ok(answers) => answers,
            Err(error) => {
                return requests.iter().map(|(put, _)| Err(put_refused(put, &error))).collect();
            }
        };
        requests.iter().for_each(|(put, _)| self.readings.enter_put(put));
        requests
            .iter()
            .zip(answers)
            .map(|((put, _), answer)| answer.map_err(|e| put_refused(put, &e)))
            .collect()
    }

    /// Deletes what is held for a lease on the interface `index`, in one batch. What is gone
    /// already is no error.
    fn delete(
        &mut self,
        index: u32,
        lease: &Lease,
        ours: Vec<HostAddress>,
    ) -> Result<(), BackendError> {
        self.readings.forget();
        let messages = ours
            .iter()
            .map(|address| (addresses::delete(address.index, address.cidr), 0))
            .collect();
        let answers = self
            .socket
            .batch(messages)
            .map_err(|error| refused("the addresses could not be removed", &error))?;
        let (mut gone, mut result) = (Vec::new(), Ok(()));
        for (address, answer) in ours.into_iter().zip(answers) {
            match answer {
                Err(error)
                    if !matches!(error.errno(), Some(libc::EADDRNOTAVAIL | libc::ENODEV)) =>
                {
                    let what = format!(
                        "{} could not be removed from {}",
                        address.cidr,
                        name_of(address.index)
                    );
                    result = Err(refused(&what, &error));
                }
                Ok(()) | Err(_) => gone.push(address),
            }
        }
        // The routes of what was deleted end, even if deleting others failed.
        let ended = self.end_routes(index, lease, &gone);
        result.and(ended)
    }
}
