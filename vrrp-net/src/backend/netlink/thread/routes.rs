//! The routes to subnets that the host does not have.

use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE};

use super::{AddressThread, spots::Spot};
use crate::{
    BackendError,
    backend::netlink::failure::{name_of, refused},
    netlink::{addresses::HostAddress, routes::PrefixRoute},
};

impl AddressThread {
    /// Makes the routes what the addresses at these spots need. Those that are there already live
    /// on as long as their addresses.
    pub(super) fn put_routes(
        &mut self,
        spots: &[Spot<'_>],
        valid: Option<u32>,
    ) -> Result<(), BackendError> {
        let (mut wanted, mut given_up) = (Vec::new(), Vec::new());
        for spot in spots {
            let is_held = self.table_on(spot.index)?.ours(spot.index, spot.ip()).is_some();
            match self.brought(spot)? {
                Some(route) if is_held => wanted.push(route),
                Some(_) => {}
                None => given_up
                    .extend(self.routes.keys().filter(|route| route.is_of(spot.index, spot.cidr))),
            }
        }
        // The host has the subnet by now, and its own route is to be the only one: it names the
        // host's address.
        self.routes.retain(|route, _| !given_up.contains(route));
        self.delete_routes(&given_up);
        self.add_routes(&wanted, valid)
    }

    /// The route that a virtual address brings, if the host does not have its subnet.
    pub(super) fn brought(&mut self, spot: &Spot<'_>) -> Result<Option<PrefixRoute>, BackendError> {
        let table = self.readings.table_on(&mut self.socket, spot.index)?;
        self.subnets.brought(&mut self.socket, table, spot.index, spot.cidr).map_err(|error| {
            refused(&format!("the routes of {} could not be listed", spot.interface), &error)
        })
    }

    fn add_routes(
        &mut self,
        routes: &[PrefixRoute],
        valid: Option<u32>,
    ) -> Result<(), BackendError> {
        if routes.is_empty() {
            return Ok(());
        }
        self.routes.extend(routes.iter().map(|route| (*route, valid)));
        // Appended, for each IPv4 address its own: one route ends with its address, and the others
        // stay.
        let flags = NLM_F_CREATE | NLM_F_APPEND;
        let messages =
            routes.iter().map(|route| (route.add(self.lifetime(route)), flags)).collect();
        let answers = self
            .socket
            .batch(messages)
            .map_err(|error| refused("the routes could not be added", &error))?;
        for (route, answer) in routes.iter().zip(answers) {
            // An interface that is down has no routes, and is told of soon.
            if let Err(error) = answer
                && !matches!(error.errno(), Some(libc::EEXIST | libc::ENETDOWN))
            {
                self.routes.remove(route);
                let what = format!(
                    "the route to {} could not be added on {}",
                    route.prefix,
                    name_of(route.index)
                );
                return Err(refused(&what, &error));
            }
        }
        Ok(())
    }

    /// IPv6 addresses share a route, which lasts as long as the last of them.
    fn lifetime(&self, route: &PrefixRoute) -> Option<u32> {
        let sharing = self.routes.iter().filter(|(other, _)| other.is_same_in_kernel(route));
        sharing.map(|(_, valid)| *valid).reduce(|one, other| Some(one?.max(other?))).flatten()
    }

    /// After addresses at these spots were deleted: forgets the routes that went with them, and
    /// deletes those of IPv6, which the kernel leaves until they expire.
    pub(super) fn end_routes(
        &mut self,
        spots: &[Spot<'_>],
        gone: &[HostAddress],
    ) -> Result<(), BackendError> {
        let mut left = Vec::new();
        for spot in spots.iter().filter(|spot| spot.ip().is_ipv6()) {
            // Read anew: the route may be needed by an address that has just come.
            if self.table_on(spot.index)?.is_needed(spot.index, spot.cidr) {
                continue;
            }
            // An interface that is gone has no routes.
            if let Ok(route) = self.subnets.route(&mut self.socket, spot.index, spot.cidr) {
                left.push(route);
            }
        }
        self.routes.retain(|route, _| !spots.iter().any(|spot| route.is_of(spot.index, spot.cidr)));
        self.delete_routes(&left);
        self.end_routes_of_kernel(gone)
    }

    /// Version 0.1 had the kernel make the routes of IPv6 addresses.
    pub(super) fn end_routes_of_kernel(
        &mut self,
        gone: &[HostAddress],
    ) -> Result<(), BackendError> {
        let mut messages = Vec::new();
        for old in gone.iter().filter(|old| old.ip().is_ipv6() && old.has_prefix_route()) {
            if !self.table_on(old.index)?.host_is_in(old.index, old.cidr)
                && let Ok(route) = self.subnets.route(&mut self.socket, old.index, old.cidr)
            {
                messages.push((route.delete_kernels(), 0));
            }
        }
        self.best_effort(messages);
        Ok(())
    }

    fn delete_routes(&mut self, routes: &[PrefixRoute]) {
        self.best_effort(routes.iter().map(|route| (route.delete(), 0)).collect());
    }

    /// A route that is already gone is fine, and other failures are only logged.
    pub(super) fn best_effort(
        &mut self,
        messages: Vec<(netlink_packet_route::RouteNetlinkMessage, u16)>,
    ) {
        if !messages.is_empty()
            && let Err(error) = self.socket.batch(messages)
        {
            tracing::warn!(%error, "the routes of addresses that are gone could not be removed");
        }
    }
}
