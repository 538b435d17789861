//! The virtual routes of leases: they are put after the addresses, and go before them.
//!
//! What is ours has our protocol. An IPv4 route names a virtual address as its source, and the
//! kernel takes it away with that, if it is in the table of the address's interface. An IPv6 route
//! has a lifetime of its own. Some outlive a process that is killed, until another one with the same
//! route starts: an IPv4 route in another table, one whose source is the host's own, one of IPv6
//! that leads nowhere, on kernels before 2026 one of IPv4 that does, and, with `lease = false`, all.
//! An IPv6 route that nobody lists any more cannot be told from one of another virtual router, and
//! ends by its lifetime.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use vrrp_core::{Family, Key, LeaseFailure};

use super::{
    AddressThread,
    settled::{Settled, Settler, endless, twice},
    spots::Spot,
};
use crate::{
    BackendError, Lease, VirtualRoute,
    backend::netlink::failure::{refused, route_refused},
    netlink::{
        Socket,
        route_changes::Replacements,
        routes::{self, EntryWay, OurEntry, RouteEntry},
    },
};

/// How long a list of our routes is believed, unless we change them.
const FRESH: Duration = Duration::from_millis(50);

/// What this process knows of virtual routes.
#[derive(Debug, Default)]
pub(super) struct VirtualRoutes {
    /// Those that it has put, or found and gone on with.
    pub(super) put: BTreeMap<Key, Vec<Settled>>,
    /// Those of them that are known to be gone.
    pub(super) gone: BTreeMap<(Key, RouteEntry), Told>,
    /// Listens from the first virtual route on.
    pub(super) replacements: Option<Replacements>,
    /// The routes of ours of a family, as they were read last.
    read: BTreeMap<Family, (Instant, Vec<OurEntry>)>,
}

/// Whether the log has it that a route is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Yes,
    No,
}

impl VirtualRoutes {
    /// The routes of ours of a family. A host may have a million others, and many virtual routers
    /// start together.
    pub(super) fn ours(
        &mut self,
        socket: &mut Socket,
        family: Family,
    ) -> Result<Vec<OurEntry>, BackendError> {
        if let Some((at, ours)) = self.read.get(&family)
            && at.elapsed() < FRESH
        {
            return Ok(ours.clone());
        }
        let ours = routes::list_ours(socket, family)
            .map_err(|error| refused("the routes of this host could not be listed", &error))?;
        self.read.insert(family, (Instant::now(), ours.clone()));
        Ok(ours)
    }

    /// Makes whoever asks next read again.
    pub(super) fn forget_read(&mut self) {
        self.read.clear();
    }

    /// Whether another lease has this route.
    fn is_of_another(&self, key: Key, entry: &RouteEntry) -> bool {
        let mut others = self.put.iter().filter(|(other, _)| **other != key);
        others.any(|(_, put)| put.iter().any(|put| put.entry.is_met_by(entry)))
    }

    /// Refuses a route in the place of one that another lease has: each would replace the other's.
    pub(super) fn refuse_taken(&self, key: Key, wanted: &[Settled]) -> Result<(), BackendError> {
        let others = self.put.iter().filter(|(other, _)| **other != key);
        for put in others.flat_map(|(_, put)| put) {
            let is_taken = |wanted: &&Settled| {
                wanted.entry.is_in_place_of(&put.entry) && wanted.entry != put.entry
            };
            if let Some(wanted) = wanted.iter().find(is_taken) {
                let what = format!(
                    "the route {} could not be added: another virtual router holds {} in its \
                     place; give one of them another metric",
                    wanted.written, put.written
                );
                return Err(BackendError::new(LeaseFailure::Failed, what));
            }
        }
        Ok(())
    }
}

/// What is to be done for a route that is wanted.
struct Step<'a> {
    wanted: &'a Settled,
    /// Routes of ours that are in its place and not as it is.
    instead_of: Vec<OurEntry>,
    /// Whether it is there, so that only its lifetime is extended.
    is_there: bool,
}

impl Step<'_> {
    fn messages(&self, valid: Option<u32>) -> Vec<(RouteNetlinkMessage, u16)> {
        // Without the flag the kernel would make a second way of an IPv6 route to another gateway.
        let flags = if self.is_there { NLM_F_APPEND } else { NLM_F_EXCL };
        let mut messages: Vec<_> =
            self.instead_of.iter().map(|old| (old.entry.delete(), 0)).collect();
        messages.push((self.wanted.entry.add(valid), NLM_F_CREATE | flags));
        messages
    }

    /// What takes it back.
    fn undo(&self, valid: Option<u32>) -> Vec<(RouteNetlinkMessage, u16)> {
        let mut messages = Vec::new();
        if !self.is_there {
            messages.push((self.wanted.entry.delete(), 0));
        }
        let back = |old: &OurEntry| {
            let valid = valid.filter(|_| old.expires);
            (old.entry.add(valid), NLM_F_CREATE | NLM_F_EXCL)
        };
        messages.extend(self.instead_of.iter().map(back));
        messages
    }
}

impl AddressThread {
    /// The routes of a lease with everything that they leave open.
    pub(super) fn settle_routes(&mut self, lease: &Lease) -> Result<Vec<Settled>, BackendError> {
        let mut settler = Settler::new(&mut self.socket, lease);
        let settled: Vec<Settled> =
            lease.routes.iter().map(|route| settler.settle(route)).collect::<Result<_, _>>()?;
        if let Some(route) = settled.iter().find(|route| route.has_no_end()) {
            return Err(endless(&route.written));
        }
        for (number, route) in settled.iter().enumerate() {
            let mut earlier = settled.iter().take(number);
            if let Some(other) = earlier.find(|other| route.entry.is_in_place_of(&other.entry)) {
                return Err(twice(&route.written, &other.written));
            }
        }
        Ok(settled)
    }

    /// Puts the routes of a lease whose addresses are there, all or none, and then takes away those
    /// of the configuration before. One that is there already goes on.
    pub(super) fn put_virtual_routes(
        &mut self,
        lease: &Lease,
        wanted: Vec<Settled>,
        valid: Option<u32>,
    ) -> Result<(), BackendError> {
        let had_none = !self.virtual_routes.put.contains_key(&lease.key);
        if wanted.is_empty() && had_none && lease.previous_routes.is_empty() {
            return Ok(());
        }
        self.virtual_routes.refuse_taken(lease.key, &wanted)?;
        self.listen()?;
        self.virtual_routes.forget_read();
        let steps = self.plan_routes(&wanted, valid)?;
        self.carry_out_steps(&steps, valid)?;
        let before = self.known_routes(lease, &lease.previous_routes)?;
        let is_left = |old: &RouteEntry| !wanted.iter().any(|new| new.entry.is_in_place_of(old));
        let before: Vec<RouteEntry> = before.into_iter().filter(is_left).collect();
        self.virtual_routes.gone.retain(|(key, _), _| *key != lease.key);
        self.virtual_routes.put.insert(lease.key, wanted);
        self.delete_virtual_routes(lease, &before)
    }

    fn plan_routes<'a>(
        &mut self,
        wanted: &'a [Settled],
        valid: Option<u32>,
    ) -> Result<Vec<Step<'a>>, BackendError> {
        let mut steps = Vec::new();
        for wanted in wanted {
            let family = wanted.entry.family();
            let mut found = self.virtual_routes.ours(&mut self.socket, family)?;
            found.retain(|found| wanted.entry.is_in_place_of(&found.entry));
            let expires = wanted.entry.can_expire() && valid.is_some();
            let is_it = |found: &OurEntry| {
                // The kernel gives no lifetime to a route that has none.
                let fits = found.expires || !expires;
                wanted.entry.is_met_by(&found.entry) && fits
                    || wanted.entry.is_like(&found.entry) && self.is_beside(&found.entry)
            };
            let is_there = found.iter().any(is_it);
            let instead_of = if is_there { Vec::new() } else { found };
            if !is_there || family == Family::Ipv6 {
                steps.push(Step { wanted, instead_of, is_there });
            }
        }
        Ok(steps)
    }

    /// Whether a route is one that was put beside an address of a subnet that the host does not
    /// have.
    fn is_beside(&self, entry: &RouteEntry) -> bool {
        let EntryWay::Link { index } = entry.way else { return false };
        let is_it = |route: &routes::PrefixRoute| {
            (route.index, route.table, route.prefix) == (index, entry.table, entry.destination)
                && entry.source == Some(route.address)
        };
        self.routes.keys().any(is_it)
    }

    fn carry_out_steps(
        &mut self,
        steps: &[Step<'_>],
        valid: Option<u32>,
    ) -> Result<(), BackendError> {
        if steps.is_empty() {
            return Ok(());
        }
        let messages = steps.iter().flat_map(|step| step.messages(valid)).collect();
        self.virtual_routes.forget_read();
        let answers = self
            .socket
            .batch(messages)
            .map_err(|error| refused("the virtual routes could not be added", &error))?;
        let (mut answers, mut done, mut result) = (answers.into_iter(), Vec::new(), Ok(()));
        for step in steps {
            // What could not be deleted is in the way, and the route says so.
            let answer = answers.by_ref().nth(step.instead_of.len()).unwrap_or(Ok(()));
            match answer {
                Err(error) if !(step.is_there && error.errno() == Some(libc::EEXIST)) => {
                    done.extend(step.undo(valid).into_iter().skip(1));
                    result = result.and(Err(route_refused(&step.wanted.written, &error)));
                }
                Ok(()) | Err(_) => done.extend(step.undo(valid)),
            }
        }
        if result.is_err() {
            self.best_effort(done);
        }
        result
    }

    /// What of `listed` routes of a lease is there: as this process put it, or else as it is read.
    fn known_routes(
        &mut self,
        lease: &Lease,
        listed: &[VirtualRoute],
    ) -> Result<Vec<RouteEntry>, BackendError> {
        if let Some(put) = self.virtual_routes.put.get(&lease.key) {
            return Ok(put.iter().map(|put| put.entry).collect());
        }
        // An interface that is gone has no routes.
        let mut settler = Settler::new(&mut self.socket, lease);
        let listed: Vec<Settled> =
            listed.iter().filter_map(|route| settler.settle(route).ok()).collect();
        let mut known = Vec::new();
        for family in listed.iter().map(|route| route.entry.family()).collect::<BTreeSet<_>>() {
            let found = self.virtual_routes.ours(&mut self.socket, family)?.into_iter();
            let found = found.map(|found| found.entry);
            known.extend(found.filter(|found| listed.iter().any(|one| one.entry.is_like(found))));
        }
        Ok(known)
    }

    /// Takes the routes of a lease away, of this configuration and the one before.
    pub(super) fn release_virtual_routes(
        &mut self,
        lease: &Lease,
        at_start: bool,
    ) -> Result<(), BackendError> {
        let listed: Vec<VirtualRoute> =
            lease.previous_routes.iter().chain(&*lease.routes).cloned().collect();
        let known = self.known_routes(lease, &listed)?;
        self.virtual_routes.put.remove(&lease.key);
        self.virtual_routes.gone.retain(|(key, _), _| *key != lease.key);
        self.delete_virtual_routes(lease, &known)?;
        if at_start { self.release_unlisted_routes(lease, &[]) } else { Ok(()) }
    }

    /// Takes away what an earlier process put with an address of this lease, and what the lease does
    /// not list; but for the routes beside the addresses at these spots.
    pub(super) fn release_unlisted_routes(
        &mut self,
        lease: &Lease,
        spots: &[Spot<'_>],
    ) -> Result<(), BackendError> {
        let is_beside = |entry: &RouteEntry| {
            let mut spots = spots.iter();
            spots.any(|spot| {
                entry.way == EntryWay::Link { index: spot.index }
                    && entry.source == Some(spot.ip())
                    && entry.destination == spot.cidr.subnet()
            })
        };
        let own = self.virtual_routes.put.get(&lease.key);
        let listed: Vec<RouteEntry> = own.into_iter().flatten().map(|put| put.entry).collect();
        let found = self.virtual_routes.ours(&mut self.socket, Family::Ipv4)?.into_iter();
        let unlisted = |entry: &RouteEntry| {
            let is_of_lease = lease.cidrs().any(|cidr| entry.source == Some(cidr.address()));
            is_of_lease && !is_beside(entry) && !listed.iter().any(|one| one.is_met_by(entry))
        };
        let unlisted: Vec<RouteEntry> = found.map(|found| found.entry).filter(unlisted).collect();
        self.delete_virtual_routes(lease, &unlisted)
    }

    /// What is gone already is no error, and what another lease has stays.
    fn delete_virtual_routes(
        &mut self,
        lease: &Lease,
        entries: &[RouteEntry],
    ) -> Result<(), BackendError> {
        let known = &self.virtual_routes;
        let mut mine: Vec<&RouteEntry> =
            entries.iter().filter(|entry| !known.is_of_another(lease.key, entry)).collect();
        self.leave_out_gone(&mut mine);
        if mine.is_empty() {
            return Ok(());
        }
        let messages = mine.iter().map(|entry| (entry.delete(), 0)).collect();
        self.virtual_routes.forget_read();
        let answers = self
            .socket
            .batch(messages)
            .map_err(|error| refused("the virtual routes could not be removed", &error))?;
        let mut result = Ok(());
        for (entry, answer) in mine.into_iter().zip(answers) {
            if let Err(error) = answer
                && !matches!(error.errno(), Some(libc::ESRCH | libc::ENODEV))
            {
                let what = format!("the route to {} could not be removed", entry.destination);
                result = result.and(Err(refused(&what, &error)));
            }
        }
        result
    }

    /// Leaves out those that are gone already, where the kernel would take another one of ours for
    /// them.
    fn leave_out_gone(&mut self, entries: &mut Vec<&RouteEntry>) {
        let put: Vec<RouteEntry> =
            self.virtual_routes.put.values().flatten().map(|put| put.entry).collect();
        let is_mistaken = |entry: &RouteEntry| put.iter().any(|put| put.goes_instead_of(entry));
        if !entries.iter().any(|entry| is_mistaken(entry)) {
            return;
        }
        self.virtual_routes.forget_read();
        let Ok(there) = self.virtual_routes.ours(&mut self.socket, Family::Ipv4) else { return };
        let is_there = |entry: &RouteEntry| there.iter().any(|found| entry.is_met_by(&found.entry));
        entries.retain(|entry| !is_mistaken(entry) || is_there(entry));
    }

    fn listen(&mut self) -> Result<(), BackendError> {
        if self.virtual_routes.replacements.is_none() {
            self.virtual_routes.replacements = Some(Replacements::new()?);
        }
        Ok(())
    }
}
