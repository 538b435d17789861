//! The netlink backend and the subnets of addresses: what the host has, and what a virtual address
//! brings.

use std::fs;

use netlink_packet_route::route::RouteProtocol;
use vrrp_core::Reason;
use vrrp_net::{
    backend::Netlink,
    netlink::{addresses::HostAddress, routes::PrefixRoute},
};

use crate::{
    backend::Backend,
    world::{Test, World, cidr, lease},
};

pub(crate) const TESTS: &[(&str, Test)] = &[
    ("next_to_the_hosts_own_subnet", next_to_the_hosts_own_subnet),
    ("before_the_hosts_own_address", before_the_hosts_own_address),
    ("a_subnet_of_its_own", a_subnet_of_its_own),
    ("a_subnet_for_two", a_subnet_for_two),
    ("a_lost_route_is_repaired", a_lost_route_is_repaired),
    ("a_route_is_back_after_the_link", a_route_is_back_after_the_link),
    ("after_the_hosts_first_address", after_the_hosts_first_address),
    ("a_route_of_the_host_is_left_alone", a_route_of_the_host_is_left_alone),
    ("a_route_of_the_host_comes_and_goes", a_route_of_the_host_comes_and_goes),
    ("a_default_route_is_no_subnet", a_default_route_is_no_subnet),
];

fn next_to_the_hosts_own_subnet(world: &mut World) {
    world.add_own("eth0", "192.0.2.1/24");
    world.add_own("eth0", "2001:db8::1/64");
    let backend = Backend::new();
    let lease = lease(&["192.0.2.10/24", "2001:db8::10/64"], 30);
    backend.acquire(&lease).unwrap();
    assert_eq!(lengths(world), [24, 64]);
    assert_eq!(ipv4_routes(), ["000200C0"], "one route, as before");
    assert!(!held_ipv6(world).has_prefix_route());
    backend.release(&lease, Reason::Shutdown).unwrap();
    assert_eq!(world.texts("eth0"), ["192.0.2.1/24", "2001:db8::1/64"]);
    assert_eq!(ipv6_routes(), [0]);
}

fn lengths(world: &mut World) -> Vec<u8> {
    let ours = world.addresses("eth0").into_iter().filter(|address| address.is_ours());
    ours.map(|held| held.cidr.prefix_length()).collect()
}

fn held_ipv6(world: &mut World) -> HostAddress {
    let mut ours = world.addresses("eth0").into_iter();
    ours.find(|address| address.is_ours() && address.ip().is_ipv6()).unwrap()
}

/// An address that comes before the host's own does not take it along.
fn before_the_hosts_own_address(world: &mut World) {
    let backend = Backend::new();
    let lease = lease(&["192.0.2.10/24", "2001:db8::10/64"], 30);
    backend.acquire(&lease).unwrap();
    assert_eq!(world.texts("eth0"), ["192.0.2.10/32", "2001:db8::10/128"]);
    world.add_own("eth0", "192.0.2.1/24");
    world.add_own("eth0", "2001:db8::1/64");
    assert_eq!(ipv4_routes().len(), 2);
    backend.renew(&lease).unwrap();
    assert_eq!(lengths(world), [32, 128], "another length would be another address");
    assert_eq!(ipv4_routes().len(), 1, "the host's own");
    assert_eq!(ipv6_routes(), [0], "the host's own, which does not expire");
    backend.release(&lease, Reason::Shutdown).unwrap();
    assert_eq!(
        world.texts("eth0"),
        ["192.0.2.1/24", "2001:db8::1/64"],
        "the host keeps what came later"
    );
    assert_eq!(ipv4_routes(), ["000200C0"]);
    assert_eq!(ipv6_routes(), [0], "it is there, and does not expire");
}

fn a_subnet_of_its_own(world: &mut World) {
    world.add_own("eth0", "10.0.0.1/24");
    world.add_own("eth0", "2001:db8:1::1/64");
    let backend = Backend::new();
    let lease = lease(&["192.0.2.10/24", "2001:db8::10/64"], 30);
    backend.acquire(&lease).unwrap();
    assert_eq!(lengths(world), [32, 128]);
    assert_eq!(ipv4_routes(), ["0000000A", "000200C0"]);
    assert_eq!(ipv6_routes().len(), 1);
    backend.release(&lease, Reason::Shutdown).unwrap();
    assert_eq!(world.texts("eth0"), ["10.0.0.1/24", "2001:db8:1::1/64"]);
    assert_eq!(ipv4_routes(), ["0000000A"]);
    assert!(ipv6_routes().is_empty());
}

/// Two virtual routers in a subnet that the host does not have: each can let go without the other.
fn a_subnet_for_two(world: &mut World) {
    world.add_own("eth0", "10.0.0.1/24");
    let backend = Backend::new();
    let first = lease(&["192.0.2.10/24", "2001:db8::10/64"], 30);
    let second = lease(&["192.0.2.11/24", "2001:db8::11/64"], 30);
    backend.acquire(&first).unwrap();
    backend.acquire(&second).unwrap();
    backend.release(&first, Reason::Shutdown).unwrap();
    assert_eq!(world.texts("eth0"), ["10.0.0.1/24", "192.0.2.11/32", "2001:db8::11/128"]);
    assert_eq!(ipv4_routes(), ["0000000A", "000200C0"]);
    assert_eq!(ipv6_routes().len(), 1);
}

/// The route that came with an address is put back with it.
fn a_lost_route_is_repaired(world: &mut World) {
    world.add_own("eth0", "10.0.0.1/24");
    let backend = Backend::new();
    let lease = lease(&["192.0.2.10/24", "2001:db8::10/64"], 30);
    backend.acquire(&lease).unwrap();
    let index = world.index("eth0");
    let delete = |world: &mut World| {
        for cidr in lease.cidrs() {
            world.socket.request(PrefixRoute::of(index, cidr).delete(), 0).unwrap();
        }
        assert_eq!((ipv4_routes().len(), ipv6_routes().len()), (1, 0));
    };
    for again in [Backend::repair, Backend::acquire] {
        delete(world);
        again(&backend, &lease).unwrap();
        assert_eq!((ipv4_routes().len(), ipv6_routes().len()), (2, 1));
    }
    delete(world);
    backend.renew(&lease).unwrap();
    assert_eq!((ipv4_routes().len(), ipv6_routes().len()), (2, 1));
}

/// The kernel takes a route away with the link and does not bring it back.
fn a_route_is_back_after_the_link(world: &mut World) {
    world.add_own("eth0", "10.0.0.1/24");
    let backend = Backend::new();
    let lease = lease(&["192.0.2.10/24"], 30);
    backend.acquire(&lease).unwrap();
    world.set_up("eth0", false);
    backend.renew(&lease).unwrap();
    world.set_up("eth0", true);
    assert_eq!(ipv4_routes(), ["0000000A"]);
    backend.renew(&lease).unwrap();
    assert_eq!(ipv4_routes(), ["0000000A", "000200C0"]);
}

/// Where the kernel keeps the other addresses of a subnet, the host can go on when its first one
/// goes.
fn after_the_hosts_first_address(world: &mut World) {
    for which in ["all", "eth0"] {
        fs::write(format!("/proc/sys/net/ipv4/conf/{which}/promote_secondaries"), "1").unwrap();
    }
    world.add_own("eth0", "192.0.2.1/24");
    let (backend, lease) = (Backend::new(), lease(&["192.0.2.10/24"], 30));
    backend.acquire(&lease).unwrap();
    world.add_own("eth0", "192.0.2.2/24");
    world.delete("eth0", "192.0.2.1/24").unwrap();
    assert_eq!(world.texts("eth0"), ["192.0.2.10/24", "192.0.2.2/24"]);
    // The kernel makes no route of ours, which would have the mark as its metric. A driver is told,
    // and repairs.
    assert!(ipv4_routes().is_empty());
    backend.renew(&lease).unwrap();
    assert_eq!(world.routes("192.0.2.0/24"), [(112, false)]);
    backend.release(&lease, Reason::Shutdown).unwrap();
    assert_eq!(
        (world.texts("eth0"), ipv4_routes()),
        (vec!["192.0.2.2/24".to_owned()], vec!["000200C0".to_owned()])
    );
}

/// A host that learned its subnet from a router (RFC 4861), and has a single address by DHCPv6: the
/// route has a lifetime of its own, which a lease in that subnet must not touch.
fn a_route_of_the_host_is_left_alone(world: &mut World) {
    world.add_own("eth0", "2001:db8::1/128");
    world.add_route("eth0", "2001:db8::1/64", RouteProtocol::Ra, Some(86_400));
    let (backend, lease) = (Backend::new(), lease(&["2001:db8::10/64"], 3));
    let is_as_before = |world: &mut World| {
        let routes = world.lifetimes("2001:db8::/64");
        matches!(routes.as_slice(), [(9, 86_300..=86_400)]) || panic!("{routes:?}")
    };
    backend.acquire(&lease).unwrap();
    assert!(is_as_before(world));
    backend.renew(&lease).unwrap();
    backend.leaving(&lease).unwrap();
    assert!(is_as_before(world));
    backend.release(&lease, Reason::Shutdown).unwrap();
    assert!(is_as_before(world));
}

/// Judged anew each time: a lease at its next renewal, and an address without a lifetime, too.
fn a_route_of_the_host_comes_and_goes(world: &mut World) {
    world.add_own("eth0", "10.0.0.1/24");
    let (static_route, ours) = (4, 112);
    for (text, subnet) in [("192.0.2.10/24", "192.0.2.0/24"), ("2001:db8::10/64", "2001:db8::/64")]
    {
        for permanent in [false, true] {
            let netlink = Netlink::new().unwrap();
            let backend = Backend::of(if permanent { netlink.permanent() } else { netlink });
            let lease = lease(&[text], 30);
            let expires = !permanent && cidr(text).address().is_ipv6();
            backend.acquire(&lease).unwrap();
            assert_eq!(world.routes(subnet), [(ours, expires)]);
            world.add_route("eth0", text, RouteProtocol::Static, None);
            backend.renew(&lease).unwrap();
            assert_eq!(
                world.routes(subnet),
                [(static_route, false)],
                "{text}: the host has the subnet"
            );
            world.delete_route("eth0", text, RouteProtocol::Static);
            backend.renew(&lease).unwrap();
            assert_eq!(world.routes(subnet), [(ours, expires)], "{text}: it has it no more");
            backend.release(&lease, Reason::Shutdown).unwrap();
            assert!(world.routes(subnet).is_empty());
        }
    }
}

fn a_default_route_is_no_subnet(world: &mut World) {
    world.add_own("eth0", "10.0.0.1/24");
    world.add_route("eth0", "0.0.0.0/0", RouteProtocol::Static, None);
    let (backend, lease) = (Backend::new(), lease(&["192.0.2.10/24"], 30));
    backend.acquire(&lease).unwrap();
    assert_eq!(world.routes("192.0.2.0/24"), [(112, false)]);
}

/// The routes of `eth0` to IPv4 subnets, as the kernel writes them.
fn ipv4_routes() -> Vec<String> {
    let routes = fs::read_to_string("/proc/thread-self/net/route").unwrap();
    let routes = routes.lines().filter_map(|line| line.strip_prefix("eth0\t"));
    routes.filter_map(|line| line.split('\t').next()).map(str::to_owned).collect()
}

/// The routes of `eth0` to 2001:db8::/64: for each whether it expires.
fn ipv6_routes() -> Vec<u32> {
    routes_to("20010db8000000000000000000000000 40")
}

/// The routes of `eth0` to an IPv6 prefix: for each whether it expires (`RTF_EXPIRES`).
fn routes_to(prefix: &str) -> Vec<u32> {
    const EXPIRES: u32 = 0x0040_0000;
    let routes = fs::read_to_string("/proc/thread-self/net/ipv6_route").unwrap();
    let routes = routes.lines().filter(|line| line.starts_with(prefix) && line.ends_with("eth0"));
    let flags = routes.map(|line| line.split_whitespace().nth(8).unwrap());
    flags.map(|flags| u32::from_str_radix(flags, 16).unwrap() & EXPIRES).collect()
}
