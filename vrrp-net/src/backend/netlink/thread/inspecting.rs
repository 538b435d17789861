//! Whether an acquire would work.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
};

use vrrp_core::{Cidr, LeaseFailure};

use super::{AddressThread, settled::Settled, spots};
use crate::{
    BackendError, Lease,
    backend::netlink::{
        failure::{index_of, present, refused, route_taken, route_without_way},
        table::{Present, is_link_local},
    },
    netlink::{
        addresses, links,
        routes::{self, EntryWay, RouteEntry},
    },
};

impl AddressThread {
    pub(super) fn inspect(&mut self, lease: &Lease) -> Result<(), BackendError> {
        let home = index_of(&lease.interface)?;
        let spots = spots::now(lease)?;
        let mut interfaces = BTreeSet::from([(home, &*lease.interface)]);
        interfaces.extend(spots.iter().map(|spot| (spot.index, spot.interface)));
        self.inspect_links(&interfaces)?;
        self.probe()?;
        if let Some(what) = &self.unfit {
            return Err(BackendError::new(LeaseFailure::Failed, what.clone()));
        }
        let table = self.table()?;
        for spot in &spots {
            match table.find(spot.index, spot.ip()) {
                Present::No | Present::Ours(_) => {}
                Present::Foreign(_) if lease.owner => {}
                Present::Foreign(other) | Present::Elsewhere(other) => return Err(present(other)),
            }
        }
        self.inspect_virtual_routes(lease)
    }

    /// Whether the interfaces are up; each with the name that it is configured by.
    fn inspect_links(&mut self, interfaces: &BTreeSet<(u32, &str)>) -> Result<(), BackendError> {
        let links = links::list(&mut self.socket)
            .map_err(|error| refused("the interfaces were not listed", &error))?;
        for (index, name) in interfaces {
            if !links.iter().any(|link| link.index == *index && link.is_up()) {
                let down = format!("{name} is down or has no carrier");
                return Err(BackendError::new(LeaseFailure::Failed, down));
            }
        }
        Ok(())
    }

    /// Whether the routes of a lease could be put: their interfaces are there, and no route of the
    /// host's own is in their place.
    fn inspect_virtual_routes(&mut self, lease: &Lease) -> Result<(), BackendError> {
        let all = self.settle_routes(lease)?;
        self.virtual_routes.refuse_taken(lease.key, &all)?;
        for (number, wanted) in all.iter().enumerate() {
            self.inspect_source(lease, wanted)?;
            self.inspect_way(lease, wanted, all.get(..number).unwrap_or_default())?;
        }
        let mut tables: BTreeMap<_, Vec<&RouteEntry>> = BTreeMap::new();
        for Settled { entry, .. } in &all {
            tables.entry((entry.family(), entry.table)).or_default().push(entry);
        }
        for entries in tables.values() {
            let taken = routes::first_taken(entries)
                .map_err(|error| refused("the routes of this host could not be listed", &error))?;
            let written = all.iter().find(|wanted| Some(&wanted.entry) == taken);
            if let Some(Settled { written, .. }) = written {
                return Err(route_taken(written));
            }
        }
        Ok(())
    }

    /// Whether the source that a route names is there, or is once the addresses are.
    fn inspect_source(&mut self, lease: &Lease, wanted: &Settled) -> Result<(), BackendError> {
        const ANYWHERE: u32 = 0;
        let Some(source) = wanted.written.source else { return Ok(()) };
        let is_virtual = lease.cidrs().any(|cidr| cidr.address() == source);
        if is_virtual || !matches!(self.table()?.find(ANYWHERE, source), Present::No) {
            return Ok(());
        }
        let what = format!(
            "the route {} could not be added: its source {source} is neither a virtual address nor \
             one of this host; correct src",
            wanted.written
        );
        Err(BackendError::new(LeaseFailure::Failed, what))
    }

    /// Whether the router of a route is a neighbour, or one once the addresses and the routes before
    /// it are there.
    fn inspect_way(
        &mut self,
        lease: &Lease,
        wanted: &Settled,
        before: &[Settled],
    ) -> Result<(), BackendError> {
        let EntryWay::Via { gateway, index, on_link: false } = wanted.entry.way else {
            return Ok(());
        };
        let leads = |before: &Settled| {
            matches!(before.entry.way, EntryWay::Link { .. })
                && before.entry.destination.covers(gateway.into())
        };
        let comes_along = lease.cidrs().any(|cidr| cidr.subnet().covers(gateway.into()))
            || before.iter().any(leads);
        if is_link_local(gateway) || comes_along {
            return Ok(());
        }
        match routes::is_neighbour(&mut self.socket, gateway, index) {
            Ok(true) => Ok(()),
            Ok(false) => Err(route_without_way(&wanted.written)),
            Err(error) => Err(refused("the routes of this host could not be listed", &error)),
        }
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
}
