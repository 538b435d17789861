//! The routes to subnets that the host does not have.

use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE};

use super::{Worker, name_of, refused};
use crate::{
    BackendError, Lease,
    netlink::{addresses::HostAddress, routes::PrefixRoute},
};

impl Worker {
    /// Makes the routes what the addresses of a lease, held on the interface `index`, need. Those that are there
    /// already are left as they are.
    pub(super) fn put_routes(&mut self, index: u32, lease: &Lease) -> Result<(), BackendError> {
        let table = self.table()?;
        let (mut wanted, mut given_up) = (Vec::new(), Vec::new());
        for cidr in lease.addresses.iter() {
            match table.route(index, *cidr) {
                Some(route) if table.ours(index, cidr.address()).is_some() => wanted.push(route),
                Some(_) => {}
                None => given_up.push(PrefixRoute::of(index, *cidr)),
            }
        }
        // The host has the subnet by now, and its own route is to be the only one: it names the host's address.
        given_up.retain(|route| self.routes.remove(route));
        self.delete_routes(&given_up);
        self.add_routes(&wanted)
    }

    fn add_routes(&mut self, routes: &[PrefixRoute]) -> Result<(), BackendError> {
        if routes.is_empty() {
            return Ok(());
        }
        // Appended, for each address its own: one route ends with its address, and the others stay.
        let messages = routes.iter().map(|route| (route.add(), NLM_F_CREATE | NLM_F_APPEND)).collect();
        let what = |route: &PrefixRoute| {
            format!("the route to {} could not be added on {}", route.prefix, name_of(route.index))
        };
        let answers =
            self.socket.batch(messages).map_err(|error| refused("the routes could not be added", &error))?;
        for (route, answer) in routes.iter().zip(answers) {
            match answer {
                // An interface that is down has no routes, and is told of soon.
                Err(error) if !matches!(error.errno(), Some(libc::EEXIST | libc::ENETDOWN)) => {
                    return Err(refused(&what(route), &error));
                }
                Ok(()) | Err(_) => drop(self.routes.insert(*route)),
            }
        }
        Ok(())
    }

    /// After these addresses were deleted: forgets the routes that went with them, and deletes those of IPv6,
    /// which the kernel leaves until they expire.
    pub(super) fn end_routes(&mut self, gone: &[HostAddress]) -> Result<(), BackendError> {
        let is_gone = |route: &PrefixRoute| {
            gone.iter().any(|gone| gone.index == route.index && gone.ip() == route.address)
        };
        self.routes.retain(|route| !is_gone(route));
        let mut left = gone.iter().filter(|gone| gone.ip().is_ipv6() && gone.has_prefix_route()).peekable();
        if left.peek().is_some() {
            // Read anew: the route may be needed by an address that has just come.
            let table = self.table()?;
            let left = left.filter(|gone| !table.has_subnet(gone.index, gone.cidr));
            let left: Vec<_> = left.map(|gone| PrefixRoute::of(gone.index, gone.cidr)).collect();
            self.delete_routes(&left);
        }
        Ok(())
    }

    /// What is gone already is no error, and anything else is not worth one.
    fn delete_routes(&mut self, routes: &[PrefixRoute]) {
        if !routes.is_empty()
            && let Err(error) = self.socket.batch(routes.iter().map(|route| (route.delete(), 0)).collect())
        {
            tracing::warn!(%error, "the routes of addresses that are gone could not be removed");
        }
    }
}
