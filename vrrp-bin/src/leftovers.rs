//! Addresses that nobody will take away any more: named by `check`, in the log and in `status`.

use std::{collections::BTreeSet, io, net::IpAddr};

use vrrp_net::{
    NodeStatus,
    backend::{Netlink, netlink::Leftover},
};

use crate::config::{Config, RouterConfig};

/// On a host where `config` is about to run.
pub(crate) fn beside(config: &Config) -> io::Result<Vec<Leftover>> {
    let named = config.routers.iter().flat_map(RouterConfig::held);
    let named = named.map(|held| held.value.cidr.address()).collect();
    Netlink::leftovers(&named, &BTreeSet::new())
}

/// Beside the virtual routers of a node of this process.
pub(crate) fn of_node(status: &NodeStatus) -> io::Result<Vec<Leftover>> {
    let routers = || status.routers.iter();
    let named: BTreeSet<IpAddr> =
        routers().flat_map(|router| &*router.addresses).map(|held| held.cidr.address()).collect();
    let ours = routers()
        .map(|router| (router.interface.to_string(), router.router.family(), router.router.vrid()));
    Netlink::leftovers(&named, &ours.collect())
}
