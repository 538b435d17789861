//! [`Settled`]: a virtual route, with what its configuration leaves open.

use std::{collections::BTreeMap, net::IpAddr};

use vrrp_core::{Family, LeaseFailure};

use crate::{
    BackendError, Lease, VirtualRoute,
    backend::{
        Way,
        netlink::{
            failure::{index_of, refused},
            table::is_link_local,
        },
    },
    netlink::{
        Socket, links,
        routes::{EntryWay, MAIN_TABLE, RouteEntry},
    },
};

/// A virtual route of a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settled {
    /// As it is configured.
    pub(super) written: VirtualRoute,
    /// What it is in the kernel's table.
    pub(super) entry: RouteEntry,
}

impl Settled {
    /// Whether nothing would take it away when this process dies: an IPv4 route ends with the
    /// address that it names.
    pub(super) fn has_no_end(&self) -> bool {
        self.entry.family() == Family::Ipv4 && self.entry.source.is_none()
    }
}

/// The error of a route that has no end.
pub(super) fn endless(route: &VirtualRoute) -> BackendError {
    let what = format!(
        "the route {route} has no virtual IPv4 address to come and go with; add one to the \
         addresses or the extra addresses, or name one after src"
    );
    BackendError::new(LeaseFailure::Failed, what)
}

/// The error of two routes of one virtual router, of which the kernel takes only one.
pub(super) fn twice(route: &VirtualRoute, other: &VirtualRoute) -> BackendError {
    let what = format!(
        "the routes {other} and {route} of one virtual router are in one place of the kernel's table; \
         give one of them another metric, or remove it"
    );
    BackendError::new(LeaseFailure::Failed, what)
}

/// Settles routes of a lease, one after the other.
pub(super) struct Settler<'a> {
    socket: &'a mut Socket,
    lease: &'a Lease,
    /// The routing tables of interfaces, as far as they were asked for.
    tables: BTreeMap<u32, u32>,
}

impl<'a> Settler<'a> {
    pub(super) fn new(socket: &'a mut Socket, lease: &'a Lease) -> Self {
        Self { socket, lease, tables: BTreeMap::new() }
    }

    /// Looks up the interface and the table.
    ///
    /// # Errors
    /// There is no such interface, or the kernel did not answer.
    pub(super) fn settle(&mut self, route: &VirtualRoute) -> Result<Settled, BackendError> {
        let family = route.family();
        let named = route.interface().map(|name| index_of(name)).transpose()?;
        let of_interface = match (route.table, named) {
            // Nobody asks for it.
            (Some(_), Some(_)) => MAIN_TABLE,
            (_, named) => self.table_of(named)?,
        };
        let table = route.table.unwrap_or(of_interface);
        let way = match &route.way {
            Way::Via { gateway, on_link, .. } => {
                let is_found = table == MAIN_TABLE || table != of_interface;
                let needs_interface = *on_link || is_link_local(*gateway) || !is_found;
                let index = match named {
                    None if needs_interface => Some(self.home()?),
                    named => named,
                };
                EntryWay::Via { gateway: *gateway, index, on_link: *on_link }
            }
            Way::Link { .. } => EntryWay::Link { index: named.map_or_else(|| self.home(), Ok)? },
            Way::Blackhole => EntryWay::Blackhole,
            Way::Unreachable => EntryWay::Unreachable,
            Way::Prohibit => EntryWay::Prohibit,
        };
        let source = match family {
            Family::Ipv4 => route.source.or_else(|| self.first_ipv4()),
            Family::Ipv6 => route.source,
        };
        let metric = route.metric_in_kernel();
        let entry = RouteEntry { destination: route.destination, table, metric, way, source };
        Ok(Settled { written: route.clone(), entry })
    }

    /// The lease's own interface.
    fn home(&self) -> Result<u32, BackendError> {
        index_of(&self.lease.interface)
    }

    /// The routing table of an interface; of the lease's own, if none is named.
    fn table_of(&mut self, named: Option<u32>) -> Result<u32, BackendError> {
        let index = named.map_or_else(|| self.home(), Ok)?;
        if let Some(table) = self.tables.get(&index) {
            return Ok(*table);
        }
        let table = links::routing_table(self.socket, index)
            .map_err(|error| refused("the table of a route could not be looked up", &error))?;
        self.tables.insert(index, table);
        Ok(table)
    }

    /// The kernel takes the routes away that have an IPv4 address as their source, together with
    /// it.
    fn first_ipv4(&self) -> Option<IpAddr> {
        self.lease.cidrs().map(|cidr| cidr.address()).find(IpAddr::is_ipv4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On the loopback interface, which every host has.
    #[expect(clippy::unwrap_in_result, reason = "a test that cannot go on fails")]
    fn settled(text: &str) -> Result<Settled, BackendError> {
        let mut lease = Lease { interface: "lo".into(), ..Lease::of_eth0() };
        let addresses = ["2001:db8::10/64", "192.0.2.10/24", "192.0.2.11/24"];
        lease.addresses = addresses
            .into_iter()
            .map(|text| text.parse::<vrrp_core::Cidr>().unwrap().into())
            .collect();
        Settler::new(&mut Socket::new().unwrap(), &lease).settle(&text.parse().unwrap())
    }

    fn entry(text: &str) -> RouteEntry {
        settled(text).unwrap().entry
    }

    #[test]
    fn what_is_left_open_is_settled() {
        let first = Some("192.0.2.10".parse().unwrap());
        let route = entry("default via 192.0.2.254");
        assert_eq!((route.table, route.metric, route.source), (MAIN_TABLE, 0, first));
        let index_of = |text: &str| match entry(text).way {
            EntryWay::Via { index, .. } => index,
            EntryWay::Link { index } => Some(index),
            EntryWay::Blackhole | EntryWay::Unreachable | EntryWay::Prohibit => None,
        };
        for (text, expected) in [
            ("default via 192.0.2.254", None),
            ("default via 192.0.2.254 table 100", None),
            ("default via 192.0.2.254 dev lo", Some(1)),
            ("default via 192.0.2.254 onlink", Some(1)),
            ("default via fe80::1", Some(1)),
            ("198.51.100.0/24", Some(1)),
            ("blackhole 198.51.100.0/24", None),
        ] {
            assert_eq!(index_of(text), expected, "{text}");
        }
        let own = Some("192.0.2.1".parse().unwrap());
        assert_eq!(entry("default via 192.0.2.254 src 192.0.2.1").source, own);
        let ipv6 = entry("default via 2001:db8::1 table 7");
        assert_eq!((ipv6.table, ipv6.metric, ipv6.source), (7, 1024, None));
    }

    #[test]
    fn a_missing_interface_is_named() {
        let error = settled("default via 192.0.2.254 dev nothere").unwrap_err();
        assert_eq!(error.to_string(), "there is no interface nothere");
    }

    #[test]
    fn an_ipv4_route_ends_with_an_address() {
        let lease = Lease { interface: "lo".into(), addresses: [].into(), ..Lease::of_eth0() };
        let mut socket = Socket::new().unwrap();
        let mut settler = Settler::new(&mut socket, &lease);
        for (text, expected) in [
            ("default via 192.0.2.254", true),
            ("default via 192.0.2.254 src 192.0.2.1", false),
            ("default via 2001:db8::1", false),
        ] {
            let settled = settler.settle(&text.parse().unwrap()).unwrap();
            assert_eq!(settled.has_no_end(), expected, "{text}");
        }
        let error = endless(&"default via 192.0.2.254".parse().unwrap()).to_string();
        assert!(error.contains("the route default via 192.0.2.254 has no virtual IPv4"), "{error}");
    }
}
