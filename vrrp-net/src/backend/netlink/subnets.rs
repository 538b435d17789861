//! [`Subnets`]: which subnets of an interface the host has by itself.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    io,
};

use vrrp_core::Cidr;

use super::table::{Table, is_link_local};
use crate::netlink::{
    Error, Socket, links,
    route_changes::RouteChanges,
    routes::{self, OnLink, PrefixRoute},
};

/// The index of the loopback interface, in each network namespace (`LOOPBACK_IFINDEX` of the
/// kernel).
const LOOPBACK: u32 = 1;

/// The host's routes, as they were when last one came or went.
pub(super) struct Subnets {
    changes: RouteChanges,
    interfaces: BTreeMap<u32, Interface>,
    /// The subnets of the host's own addresses, on whatever interface.
    connected: Option<Vec<OnLink>>,
}

/// The routes of an interface that need no gateway.
struct Interface {
    /// Where its routes are: in the table of its VRF, or in the main one.
    table: u32,
    routes: Vec<OnLink>,
}

impl Subnets {
    /// In the network namespace of the calling thread.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { changes: RouteChanges::new()?, interfaces: BTreeMap::new(), connected: None })
    }

    /// Forgets what may have changed; says whether anything has.
    pub(super) fn look(&mut self) -> bool {
        let changed = self.changes.take();
        if changed {
            self.interfaces.clear();
            self.connected = None;
        }
        changed
    }

    /// The route of a virtual address on the interface `index`, if its subnet is not the host's.
    ///
    /// The host's addresses do not tell: one can be without the subnet's route, and a route without
    /// an address, as IPv6 hosts learn them from router advertisements (RFC 4861 6.3.4).
    pub(super) fn brought(
        &mut self,
        socket: &mut Socket,
        addresses: &Table,
        index: u32,
        cidr: Cidr,
    ) -> Result<Option<PrefixRoute>, Error> {
        let interface = self.interface(socket, index)?;
        // On the loopback interface there is nobody to reach.
        if cidr == Cidr::from(cidr.address()) || index == LOOPBACK {
            return Ok(None);
        }
        let hosts = |route: &&OnLink| {
            // Version 0.1 made its routes as the kernel does.
            let is_ours =
                route.ours || route.source.is_some_and(|ip| addresses.is_leftover(index, ip));
            !is_ours && route.table == interface.table && route.prefix.covers(cidr)
        };
        if interface.routes.iter().any(|route| hosts(&route)) {
            return Ok(None);
        }
        let table = interface.table;
        if self.is_on_another(socket, index, table, cidr)? {
            return Ok(None);
        }
        Ok(Some(PrefixRoute { table, ..PrefixRoute::of(index, cidr) }))
    }

    /// Whether the host has the same subnet on another interface: a route of ours to it would cut the
    /// host off from there.
    fn is_on_another(
        &mut self,
        socket: &mut Socket,
        index: u32,
        table: u32,
        cidr: Cidr,
    ) -> Result<bool, Error> {
        // Every link has that of link-local addresses (RFC 4291 2.5.6).
        if is_link_local(cidr.address()) {
            return Ok(false);
        }
        if self.connected.is_none() {
            self.connected = Some(routes::connected(socket)?);
        }
        let is_it = |route: &OnLink| {
            (route.table, route.prefix) == (table, cidr.subnet()) && route.index != index
        };
        Ok(self.connected.iter().flatten().any(is_it))
    }

    /// The route that a virtual address has, or had, if its subnet is not the host's.
    pub(super) fn route(
        &mut self,
        socket: &mut Socket,
        index: u32,
        cidr: Cidr,
    ) -> Result<PrefixRoute, Error> {
        let table = self.interface(socket, index)?.table;
        Ok(PrefixRoute { table, ..PrefixRoute::of(index, cidr) })
    }

    fn interface(&mut self, socket: &mut Socket, index: u32) -> Result<&Interface, Error> {
        self.look();
        Ok(match self.interfaces.entry(index) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let table = links::routing_table(socket, index)?;
                place.insert(Interface { table, routes: routes::on_link(socket, index)? })
            }
        })
    }
}
