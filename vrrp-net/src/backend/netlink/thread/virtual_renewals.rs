//! Renewals of virtual routes: those of IPv6 are extended, and what was lost is put back.
//!
//! Adding a route says whether it is there, so that no table has to be read. A route of another that
//! came in place of ours would be told by nothing: the kernel adds a second way to one of IPv6, and
//! answers for one of IPv4 as if it were ours. So the thread listens for those, and reads the table
//! then.

use std::collections::BTreeSet;

use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL};
use vrrp_core::{Cidr, Family};

use super::{
    AddressThread,
    settled::{Settled, Settler},
    virtual_routes::{Told, VirtualRoutes},
};
use crate::{
    BackendError, Lease,
    backend::netlink::{
        failure::{route_refused, route_taken},
        job::Renewal,
    },
    netlink::{Error, routes::OurEntry},
};

impl AddressThread {
    /// Extends the routes of leases whose addresses are there, in one batch, and puts back what was
    /// lost. What cannot be put back is told once and tried again; the addresses are served.
    pub(super) fn renew_virtual_routes(&mut self, renewals: &[&Renewal]) {
        self.note_replaced();
        let known = &self.virtual_routes;
        let put: Vec<(&Lease, &Settled, Option<u32>)> = renewals
            .iter()
            .flat_map(|(lease, valid)| {
                let put = known.put.get(&lease.key).into_iter().flatten();
                put.map(move |route| (lease, route, *valid))
            })
            .collect();
        if put.is_empty() {
            return;
        }
        let message = |(lease, route, valid): &(&Lease, &Settled, Option<u32>)| {
            let flags = if known.is_sure(lease, route) { NLM_F_APPEND } else { NLM_F_EXCL };
            (route.entry.add(*valid), NLM_F_CREATE | flags)
        };
        let messages = put.iter().map(message).collect();
        let put: Vec<(&Lease, Settled)> =
            put.into_iter().map(|(lease, route, _)| (lease, route.clone())).collect();
        match self.socket.batch(messages) {
            Ok(answers) => {
                for ((lease, route), answer) in put.into_iter().zip(answers) {
                    self.note_answer(lease, &route, answer);
                }
            }
            Err(error) => tracing::warn!(%error, "the virtual routes could not be renewed"),
        }
    }

    /// What the answer says of a route that was added once more.
    fn note_answer(&mut self, lease: &Lease, route: &Settled, answer: Result<(), Error>) {
        let Lease { name, key, .. } = lease;
        let written = &route.written;
        let gone = &mut self.virtual_routes.gone;
        match answer {
            Ok(()) if gone.remove(&(*key, route.entry)) == Some(Told::Yes) => tracing::info!(
                event = "route-back", %name, route = %written,
                "{name}: the route {written} is back"
            ),
            Ok(()) => tracing::warn!(
                event = "route-lost", %name, route = %written,
                "{name}: the route {written} was gone, and was put back"
            ),
            Err(error) => match error.errno() {
                Some(libc::EEXIST) if gone.contains_key(&(*key, route.entry)) => {
                    self.tell_gone(lease, route, &route_taken(written));
                }
                // It is there.
                Some(libc::EEXIST) => {}
                // An interface that is down has no routes, and is told of soon.
                Some(libc::ENETDOWN) => {}
                _ => {
                    self.tell_gone(lease, route, &route_refused(written, &error));
                    self.settle_again(lease);
                }
            },
        }
    }

    /// Tells it once.
    fn tell_gone(&mut self, lease: &Lease, route: &Settled, error: &BackendError) {
        let Lease { name, key, .. } = lease;
        if self.virtual_routes.gone.insert((*key, route.entry), Told::Yes) != Some(Told::Yes) {
            tracing::warn!(
                event = "route-lost", %name, route = %route.written,
                "{name}: the route {} is gone: {error}", route.written
            );
        }
    }

    /// The interface of a route may have been made anew.
    fn settle_again(&mut self, lease: &Lease) {
        let Some(put) = self.virtual_routes.put.get(&lease.key) else { return };
        let mut settler = Settler::new(&mut self.socket, lease);
        let again: Result<Vec<Settled>, _> =
            put.iter().map(|put| settler.settle(&put.written)).collect();
        if let Ok(again) = again
            && again != *put
        {
            let gone = again.iter().map(|route| ((lease.key, route.entry), Told::Yes));
            self.virtual_routes.gone.extend(gone);
            self.virtual_routes.put.insert(lease.key, again);
        }
    }

    /// Looks which routes of ours are still there, if one of another may have come in the place of
    /// one.
    fn note_replaced(&mut self) {
        let VirtualRoutes { put, replacements, .. } = &self.virtual_routes;
        let to: BTreeSet<Cidr> =
            put.values().flatten().map(|route| route.entry.destination).collect();
        let is_any = replacements.as_ref().is_some_and(|all| all.take(|cidr| to.contains(&cidr)));
        if !is_any {
            return;
        }
        let put = put.clone();
        self.virtual_routes.forget_read();
        let mut replaced = Vec::new();
        for (key, route) in put.iter().flat_map(|(key, put)| put.iter().map(move |one| (key, one)))
        {
            let family = route.entry.family();
            let ours = self.virtual_routes.ours(&mut self.socket, family);
            let is_it = |found: &OurEntry| route.entry.is_like(&found.entry);
            if ours.is_ok_and(|ours| !ours.iter().any(is_it)) {
                replaced.push((*key, route.entry));
            }
        }
        for place in replaced {
            self.virtual_routes.gone.entry(place).or_insert(Told::No);
        }
    }
}

impl VirtualRoutes {
    /// Whether a route is known to be there, as long as nobody deleted it: then it may be added
    /// without care. Only that extends one of IPv6.
    fn is_sure(&self, lease: &Lease, route: &Settled) -> bool {
        let is_gone = self.gone.contains_key(&(lease.key, route.entry));
        route.entry.family() == Family::Ipv6 && !is_gone
    }
}
