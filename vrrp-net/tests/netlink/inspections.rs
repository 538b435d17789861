//! What is asked before a node contends: whether its routes could be put.

use vrrp_core::{LeaseFailure, Reason};

use crate::{
    backend::{Backend, failure},
    routes::{BOTH, own, routed},
    world::{Test, World},
};

pub(crate) const TESTS: &[(&str, Test)] = &[
    ("a_route_that_could_not_be_put_is_told_before", a_route_that_could_not_be_put_is_told),
    ("a_route_that_could_be_put_is_no_obstacle", a_route_that_could_be_put_is_no_obstacle),
    ("a_route_of_another_lease_is_told_before", a_route_of_another_lease_is_told),
];

fn a_route_that_could_not_be_put_is_told(world: &mut World) {
    own(world);
    let backend = Backend::new();
    for (routes, words) in [
        (&["default via 203.0.113.1"][..], "in no network of this host"),
        (&["default via 2001:db8:9::1"], "in no network of this host"),
        (&["default via 192.0.2.254 src 192.0.2.7"], "neither a virtual address nor one of this"),
        (&["default via 192.0.2.254", "default via 192.0.2.253 metric 0"], "another metric"),
    ] {
        let lease = routed(&BOTH, routes, 30);
        assert_eq!(failure(backend.inspect(&lease), &[words]), LeaseFailure::Failed);
    }
}

fn a_route_that_could_be_put_is_no_obstacle(world: &mut World) {
    own(world);
    let backend = Backend::new();
    for routes in [
        &["default via 192.0.2.254 src 192.0.2.1"][..],
        &["default via 192.0.2.254 src 192.0.2.10"],
        &["default via fe80::1"],
        &["203.0.113.1 dev eth0", "default via 203.0.113.1"],
        &["default via 203.0.113.1 dev eth0 onlink"],
    ] {
        let lease = routed(&BOTH, routes, 30);
        backend.inspect(&lease).unwrap();
        backend.acquire(&lease).unwrap();
        backend.inspect(&lease).unwrap();
        backend.release(&lease, Reason::Shutdown).unwrap();
    }
    // Its address brings the network of the router.
    let lease = routed(&["198.51.100.10/24"], &["default via 198.51.100.254"], 30);
    backend.inspect(&lease).unwrap();
    backend.acquire(&lease).unwrap();
}

fn a_route_of_another_lease_is_told(world: &mut World) {
    own(world);
    let backend = Backend::new();
    backend.acquire(&routed(&BOTH, &["default via 192.0.2.254"], 30)).unwrap();
    let mut other = routed(&["192.0.2.11/24"], &["default via 192.0.2.253"], 30);
    other.key.vrid = 52.try_into().unwrap();
    let names = ["another virtual router holds"];
    assert_eq!(failure(backend.inspect(&other), &names), LeaseFailure::Failed);
}
