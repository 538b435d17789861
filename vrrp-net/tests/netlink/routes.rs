//! Virtual routes: they are there while the addresses are, and no longer.

use std::time::Duration;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    link::{InfoData, InfoKind, InfoVrf, LinkAttribute, LinkInfo, LinkMessage},
    route::{RouteAttribute, RouteMessage},
};
use vrrp_core::{LeaseFailure, Reason};
use vrrp_net::{
    Lease, VirtualRoute,
    backend::Netlink,
    netlink::{
        MonitorEvent,
        routes::{EntryWay, MAIN_TABLE, RouteEntry},
    },
};

use crate::{
    backend::{Backend, failure},
    monitor::Watch,
    world::{Test, World, cidr, lease},
};

pub(crate) const TESTS: &[(&str, Test)] = &[
    ("routes_come_and_go_with_the_addresses", routes_come_and_go_with_the_addresses),
    ("a_lost_virtual_route_is_put_back", a_lost_virtual_route_is_put_back),
    ("a_renewal_extends_a_route", a_renewal_extends_a_route),
    ("routes_end_with_the_lease", routes_end_with_the_lease),
    ("a_route_that_is_refused_leaves_nothing", a_route_that_is_refused_leaves_nothing),
    ("a_route_of_the_host_is_never_replaced", a_route_of_the_host_is_never_replaced),
    ("a_route_of_the_host_in_our_place_stays", a_route_of_the_host_in_our_place_stays),
    ("routes_change_in_place", routes_change_in_place),
    ("a_route_that_is_gone_takes_no_other_with_it", a_route_that_is_gone_takes_no_other_with_it),
    ("a_change_of_routes_that_fails_keeps_them", a_change_of_routes_that_fails_keeps_them),
    ("what_a_crash_left_of_routes_is_gone_on_with", what_a_crash_left_is_gone_on_with),
    ("what_a_crash_left_of_routes_goes", what_a_crash_left_goes),
    ("routes_without_a_lifetime", routes_without_a_lifetime),
    ("two_leases_have_no_route_in_one_place", two_leases_have_no_route_in_one_place),
    ("a_route_is_in_the_table_of_the_vrf", a_route_is_in_the_table_of_the_vrf),
    ("a_route_needs_an_address_to_end_with", a_route_needs_an_address_to_end_with),
    ("the_monitor_tells_of_a_lost_virtual_route", the_monitor_tells_of_a_lost_virtual_route),
];

pub(crate) const BOTH: [&str; 2] = ["192.0.2.10/24", "2001:db8::10/64"];

/// One of each kind.
const ROUTES: [&str; 6] = [
    "default via 192.0.2.254",
    "198.51.100.0/24 dev eth0 metric 5",
    "blackhole 203.0.113.0/24",
    "default via 2001:db8::fe",
    "2001:db8:1::/48 via fe80::fe",
    "unreachable 2001:db8:2::/48",
];

/// What the kernel shows of them.
const SHOWN: [&str; 6] = [
    "0.0.0.0/0 via 192.0.2.254 src 192.0.2.10",
    "198.51.100.0/24 src 192.0.2.10 metric 5",
    "2001:db8:1::/48 via fe80::fe metric 1024 expires",
    "2001:db8:2::/48 metric 1024 Unreachable",
    "203.0.113.0/24 src 192.0.2.10 BlackHole",
    "::/0 via 2001:db8::fe metric 1024 expires",
];

pub(crate) fn own(world: &mut World) {
    world.add_own("eth0", "192.0.2.1/24");
    world.add_own("eth0", "2001:db8::1/64");
}

pub(crate) fn routed(addresses: &[&str], routes: &[&str], lasts: u64) -> Lease {
    let mut lease = lease(addresses, lasts);
    lease.routes = parsed(routes);
    lease
}

fn parsed(routes: &[&str]) -> std::sync::Arc<[VirtualRoute]> {
    routes.iter().map(|text| text.parse().unwrap()).collect()
}

/// A lease with `routes` that had `previous` before.
fn rerouted(routes: &[&str], previous: &[&str]) -> Lease {
    let mut lease = routed(&BOTH, routes, 30);
    lease.previous_routes = parsed(previous);
    lease
}

fn all(world: &mut World) -> Vec<RouteMessage> {
    let mut all = Vec::new();
    for family in [AddressFamily::Inet, AddressFamily::Inet6] {
        let mut request = RouteMessage::default();
        request.header.address_family = family;
        let routes = world.socket.dump(RouteNetlinkMessage::GetRoute(request)).unwrap();
        all.extend(routes.into_iter().filter_map(|route| match route {
            RouteNetlinkMessage::NewRoute(route) => Some(route),
            _ => None,
        }));
    }
    all
}

/// The routes that somebody made, shown by what matters here, in alphabetical order. What has
/// expired does not count: the kernel lists it for a while.
pub(crate) fn shown(world: &mut World, protocol: u8) -> Vec<String> {
    let all = all(world).into_iter();
    let of_it = all.filter(|route| u8::from(route.header.protocol) == protocol);
    let mut shown: Vec<String> = of_it.filter_map(|route| show(&route)).collect();
    shown.sort();
    shown
}

fn show(route: &RouteMessage) -> Option<String> {
    let length = route.header.destination_prefix_length;
    let is_ipv4 = route.header.address_family == AddressFamily::Inet;
    let any = if is_ipv4 { "0.0.0.0" } else { "::" };
    let (mut to, mut rest, mut end) = (any.to_owned(), String::new(), String::new());
    for attribute in &route.attributes {
        match attribute {
            RouteAttribute::Destination(ip) => to = text(ip),
            RouteAttribute::Gateway(ip) => rest = format!("{rest} via {}", text(ip)),
            RouteAttribute::PrefSource(ip) => end = format!(" src {}{end}", text(ip)),
            RouteAttribute::Priority(metric) => end = format!("{end} metric {metric}"),
            RouteAttribute::CacheInfo(info) if info.expires.cast_signed() < 0 => return None,
            RouteAttribute::CacheInfo(info) if info.expires > 0 => {
                end = format!("{end} expires");
            }
            _ => {}
        }
    }
    let kind = match format!("{:?}", route.header.kind) {
        unicast if unicast == "Unicast" => String::new(),
        other => format!(" {other}"),
    };
    let (end, expires) = match end.strip_suffix(" expires") {
        Some(end) => (end, " expires"),
        None => (&*end, ""),
    };
    Some(format!("{to}/{length}{rest}{end}{kind}{expires}"))
}

fn text(ip: &netlink_packet_route::route::RouteAddress) -> String {
    use netlink_packet_route::route::RouteAddress;
    match ip {
        RouteAddress::Inet(ip) => ip.to_string(),
        RouteAddress::Inet6(ip) => ip.to_string(),
        other => format!("{other:?}"),
    }
}

fn ours(world: &mut World) -> Vec<String> {
    shown(world, 112)
}

/// A route by a router, as it is in the main table without anything else.
fn via(destination: &str, gateway: &str) -> RouteEntry {
    let destination = cidr(destination);
    let metric = if destination.address().is_ipv4() { 0 } else { 1024 };
    let way = EntryWay::Via { gateway: gateway.parse().unwrap(), index: None, on_link: false };
    RouteEntry { destination, table: MAIN_TABLE, metric, way, source: None }
}

/// Adds a route of the host's own.
fn add_hosts(world: &mut World, entry: &RouteEntry, flags: u16) {
    let RouteNetlinkMessage::NewRoute(mut message) = entry.add(None) else { panic!("no route") };
    message.header.protocol = 4.into();
    world.socket.request(RouteNetlinkMessage::NewRoute(message), NLM_F_CREATE | flags).unwrap();
}

fn delete_hosts(world: &mut World, entry: &RouteEntry) {
    let RouteNetlinkMessage::DelRoute(mut message) = entry.delete() else { panic!("no route") };
    message.header.protocol = 4.into();
    world.socket.request(RouteNetlinkMessage::DelRoute(message), 0).unwrap();
}

fn routes_come_and_go_with_the_addresses(world: &mut World) {
    own(world);
    let (backend, lease) = (Backend::new(), routed(&BOTH, &ROUTES, 30));
    backend.inspect(&lease).unwrap();
    for _ in 0..2 {
        backend.acquire(&lease).unwrap();
        assert_eq!(ours(world), SHOWN);
        backend.inspect(&lease).unwrap();
        backend.renew(&lease).unwrap();
        backend.leaving(&lease).unwrap();
        assert_eq!(ours(world), SHOWN);
    }
    backend.release(&lease, Reason::Shutdown).unwrap();
    assert!(ours(world).is_empty(), "{:?}", ours(world));
    assert_eq!(world.texts("eth0"), ["192.0.2.1/24", "2001:db8::1/64"]);
    backend.release(&lease, Reason::Shutdown).unwrap();
}

/// By a renewal, and by a repair.
fn a_lost_virtual_route_is_put_back(world: &mut World) {
    own(world);
    let (backend, lease) = (Backend::new(), routed(&BOTH, &ROUTES, 30));
    backend.acquire(&lease).unwrap();
    let delete_all = |world: &mut World| {
        for route in all(world).into_iter().filter(|route| u8::from(route.header.protocol) == 112) {
            world.socket.request(RouteNetlinkMessage::DelRoute(route), 0).unwrap();
        }
        assert!(ours(world).is_empty());
    };
    delete_all(world);
    backend.renew(&lease).unwrap();
    assert_eq!(ours(world), SHOWN);
    delete_all(world);
    backend.repair(&lease).unwrap();
    assert_eq!(ours(world), SHOWN);
    // With its address, and with its link, which the kernel does not tell of.
    world.delete("eth0", "192.0.2.10/24").unwrap();
    assert_eq!(ours(world).len(), 3);
    assert!(backend.renew(&lease).is_err());
    assert_eq!(ours(world).len(), 3, "not without the address");
    backend.repair(&lease).unwrap();
    assert_eq!(ours(world), SHOWN);
    world.set_up("eth0", false);
    world.set_up("eth0", true);
    world.until("the carrier", |world| world.link("eth0").is_some_and(|link| link.is_up()));
    backend.repair(&lease).unwrap();
    world.until("the routes", |world| {
        let _ = backend.renew(&lease);
        // The host's own IPv6 address is gone with the link, and with it the way to a router.
        ours(world).iter().filter(|route| !route.contains("2001:db8::fe")).count() >= 5
    });
}

/// The lifetime of the IPv6 routes, in seconds.
fn lifetimes(world: &mut World) -> Vec<u32> {
    let all = all(world).into_iter();
    let ours = all.filter(|route| u8::from(route.header.protocol) == 112);
    ours.filter_map(|route| {
        route.attributes.iter().find_map(|attribute| match attribute {
            RouteAttribute::CacheInfo(info) if info.expires > 0 => Some(info.expires / 100),
            _ => None,
        })
    })
    .collect()
}

fn a_renewal_extends_a_route(world: &mut World) {
    own(world);
    let (backend, lease) = (Backend::new(), routed(&BOTH, &ROUTES, 30));
    backend.acquire(&lease).unwrap();
    world.until("they age", |world| lifetimes(world).iter().all(|left| *left <= 27));
    backend.renew(&lease).unwrap();
    let left = lifetimes(world);
    assert!(left.len() == 2 && left.iter().all(|left| (28..=29).contains(left)), "{left:?}");
    assert_eq!(ours(world), SHOWN);
}

fn routes_end_with_the_lease(world: &mut World) {
    own(world);
    Backend::new().acquire(&routed(&BOTH, &ROUTES, 2)).unwrap();
    assert_eq!(ours(world), SHOWN);
    // The kernel gives no lifetime to an IPv6 route that leads nowhere.
    world.until_within(Duration::from_secs(8), "the end of the lease", |world| {
        ours(world) == ["2001:db8:2::/48 metric 1024 Unreachable"]
    });
}

fn a_route_that_is_refused_leaves_nothing(world: &mut World) {
    own(world);
    let backend = Backend::new();
    for refused in ["default via 203.0.113.1", "::/0 via 2001:db8:9::1", "default dev eth7"] {
        let lease = routed(&BOTH, &["blackhole 198.51.100.0/24", refused], 30);
        let names = if refused.contains("eth7") {
            ["no interface eth7", ""]
        } else {
            ["the route default via", "could not be added"]
        };
        assert_eq!(failure(backend.acquire(&lease), &names), LeaseFailure::Failed);
        assert!(ours(world).is_empty(), "{:?}", ours(world));
        assert_eq!(world.texts("eth0"), ["192.0.2.1/24", "2001:db8::1/64"]);
    }
}

fn a_route_of_the_host_is_never_replaced(world: &mut World) {
    own(world);
    let backend = Backend::new();
    for (to, gateway, ours_by) in
        [("0.0.0.0/0", "192.0.2.253", "192.0.2.254"), ("::/0", "2001:db8::fd", "2001:db8::fe")]
    {
        let entry = via(to, gateway);
        add_hosts(world, &entry, NLM_F_EXCL);
        let hosts = shown(world, 4);
        let text = format!("default via {ours_by}");
        let lease = routed(&BOTH, &[&text], 30);
        let names = [&*text, "this host has another one", "another metric"];
        assert_eq!(failure(backend.inspect(&lease), &names), LeaseFailure::Failed);
        assert_eq!(failure(backend.acquire(&lease), &names), LeaseFailure::Failed);
        assert_eq!((shown(world, 4), ours(world)), (hosts.clone(), vec![]));
        assert_eq!(world.texts("eth0"), ["192.0.2.1/24", "2001:db8::1/64"]);
        let lease = routed(&BOTH, &[&format!("{text} metric 50")], 30);
        backend.inspect(&lease).unwrap();
        backend.acquire(&lease).unwrap();
        assert_eq!((shown(world, 4), ours(world).len()), (hosts.clone(), 1));
        backend.release(&lease, Reason::Shutdown).unwrap();
        assert_eq!((shown(world, 4), ours(world)), (hosts, vec![]));
        delete_hosts(world, &entry);
    }
}

/// Somebody replaces ours by his own, by the same router or another: it stays as it is, and ours
/// comes back when it goes.
fn a_route_of_the_host_in_our_place_stays(world: &mut World) {
    own(world);
    let (backend, lease) = (Backend::new(), routed(&BOTH, &ROUTES, 3));
    backend.acquire(&lease).unwrap();
    for (to, gateway) in [
        ("0.0.0.0/0", "192.0.2.253"),
        ("0.0.0.0/0", "192.0.2.254"),
        ("::/0", "2001:db8::fd"),
        ("::/0", "2001:db8::fe"),
    ] {
        let entry = via(to, gateway);
        add_hosts(world, &entry, NLM_F_REPLACE);
        let hosts = shown(world, 4);
        assert_eq!((hosts.len(), ours(world).len()), (1, 5), "{to} by {gateway}");
        for _ in 0..2 {
            backend.renew(&lease).unwrap();
            assert_eq!((shown(world, 4), ours(world).len()), (hosts.clone(), 5), "{gateway}");
        }
        delete_hosts(world, &entry);
        backend.renew(&lease).unwrap();
        assert_eq!(ours(world), SHOWN, "{to} by {gateway}");
    }
}

fn routes_change_in_place(world: &mut World) {
    own(world);
    let backend = Backend::new();
    let mut before: &[&str] = &[];
    for (routes, expected) in [
        (&["default via 192.0.2.254", "blackhole 198.51.100.0/24"][..], 2),
        (&["default via 192.0.2.253", "blackhole 198.51.100.0/24"], 2),
        (&["default via 2001:db8::fe", "default via 192.0.2.253 metric 5"], 2),
        (&["default via 2001:db8::fd"], 1),
        (&[], 0),
    ] {
        backend.repair(&rerouted(routes, before)).unwrap();
        let found = ours(world);
        assert_eq!(found.len(), expected, "{routes:?}: {found:?}");
        for route in routes.iter().filter_map(|route| route.split(" via ").nth(1)) {
            let gateway = route.split(' ').next().unwrap();
            assert!(found.iter().any(|found| found.contains(gateway)), "{route}: {found:?}");
        }
        before = routes;
    }
    // The address that a route names goes, and another one takes its place.
    backend.repair(&routed(&BOTH, &["default via 192.0.2.254"], 30)).unwrap();
    let mut changed = routed(&["192.0.2.11/24", BOTH[1]], &["default via 192.0.2.254"], 30);
    changed.previous = [cidr(BOTH[0]).into()].into();
    backend.repair(&changed).unwrap();
    assert_eq!(ours(world), ["0.0.0.0/0 via 192.0.2.254 src 192.0.2.11"]);
    // A change that was not carried out: everything is let go.
    let mut lease = rerouted(&["blackhole 198.51.100.0/24"], &["default via 192.0.2.254"]);
    lease.previous = changed.addresses;
    backend.release(&lease, Reason::Shutdown).unwrap();
    assert!(ours(world).is_empty());
}

/// To a kernel that is to delete an IPv4 route without a metric, any metric is right.
fn a_route_that_is_gone_takes_no_other_with_it(world: &mut World) {
    own(world);
    let backend = Backend::new();
    let before = ["default via 192.0.2.254", "default via 192.0.2.254 metric 5"];
    backend.acquire(&routed(&BOTH, &before, 30)).unwrap();
    assert_eq!(ours(world).len(), 2);
    world.socket.request(via("0.0.0.0/0", "192.0.2.254").delete(), 0).unwrap();
    let left = ["0.0.0.0/0 via 192.0.2.254 src 192.0.2.10 metric 5"];
    assert_eq!(ours(world), left);
    backend.repair(&rerouted(&before[1..], &before)).unwrap();
    assert_eq!(ours(world), left);
}

fn a_change_of_routes_that_fails_keeps_them(world: &mut World) {
    own(world);
    let backend = Backend::new();
    let before = ["default via 192.0.2.254", "default via 2001:db8::fe"];
    backend.acquire(&routed(&BOTH, &before, 30)).unwrap();
    let were = ours(world);
    let after = ["default via 192.0.2.253", "default via 2001:db8:9::1", "blackhole 10.0.0.0/8"];
    assert!(backend.repair(&rerouted(&after, &before)).is_err());
    assert_eq!(ours(world), were);
    backend.renew(&routed(&BOTH, &before, 30)).unwrap();
    backend.release(&rerouted(&after, &before), Reason::Shutdown).unwrap();
    assert!(ours(world).is_empty());
}

fn what_a_crash_left_is_gone_on_with(world: &mut World) {
    own(world);
    Backend::new().acquire(&routed(&BOTH, &ROUTES, 30)).unwrap();
    let backend = Backend::new();
    assert!(!backend.adopt(&routed(&BOTH, &ROUTES, 30)).unwrap().completed);
    assert_eq!(ours(world), SHOWN);
    backend.renew(&routed(&BOTH, &ROUTES, 30)).unwrap();
    assert_eq!(ours(world), SHOWN);
    // A later one has fewer, and one that is new. An IPv6 route that nobody lists ends by itself.
    let fewer = routed(&BOTH, &["default via 192.0.2.254", "blackhole 10.0.0.0/8"], 30);
    let backend = Backend::new();
    backend.adopt(&fewer).unwrap();
    let ipv4 = |world: &mut World| {
        ours(world).into_iter().filter(|route| route.contains("192.0.2.10")).collect::<Vec<_>>()
    };
    assert_eq!(
        ipv4(world),
        ["0.0.0.0/0 via 192.0.2.254 src 192.0.2.10", "10.0.0.0/8 src 192.0.2.10 BlackHole"]
    );
    backend.release(&fewer, Reason::Shutdown).unwrap();
    assert!(ipv4(world).is_empty());
}

fn what_a_crash_left_goes(world: &mut World) {
    own(world);
    let lease = routed(&BOTH, &ROUTES, 30);
    Backend::new().acquire(&lease).unwrap();
    Backend::new().leaving(&lease).unwrap();
    assert_eq!(Backend::new().adopt(&lease), None, "it was about to be handed over");
    assert!(ours(world).is_empty(), "{:?}", ours(world));
    // In another table the kernel leaves a route that names an address which is gone.
    let elsewhere = routed(&BOTH, &["default via 192.0.2.254 table 100"], 30);
    Backend::new().acquire(&elsewhere).unwrap();
    world.delete("eth0", BOTH[0]).unwrap();
    world.delete("eth0", BOTH[1]).unwrap();
    assert_eq!(ours(world).len(), 1);
    assert_eq!(Backend::new().adopt(&routed(&BOTH, &[], 30)), None);
    assert!(ours(world).is_empty(), "its source is an address of the lease");
}

fn routes_without_a_lifetime(world: &mut World) {
    own(world);
    let permanent = || Backend::of(Netlink::new().unwrap().permanent());
    let (backend, lease) = (permanent(), routed(&BOTH, &ROUTES, 3));
    backend.acquire(&lease).unwrap();
    let forever = SHOWN.map(|route| route.replace(" expires", ""));
    assert_eq!(ours(world), forever);
    world.socket.request(via("::/0", "2001:db8::fe").delete(), 0).unwrap();
    assert_eq!(ours(world).len(), 5);
    backend.renew(&lease).unwrap();
    assert_eq!(ours(world), forever);
    assert_eq!(permanent().adopt(&lease), None, "nobody knows how old they are");
    assert!(ours(world).is_empty());
    // From one kind to the other and back, as a configuration changes.
    for _ in 0..2 {
        permanent().acquire(&lease).unwrap();
        assert_eq!(ours(world), forever);
        Backend::new().acquire(&lease).unwrap();
        assert_eq!(ours(world), SHOWN);
    }
}

fn two_leases_have_no_route_in_one_place(world: &mut World) {
    own(world);
    let backend = Backend::new();
    let first = routed(&["192.0.2.10/24"], &["default via 192.0.2.254", "default via fe80::1"], 30);
    let mut second = routed(&["192.0.2.11/24"], &["default via 192.0.2.253"], 30);
    second.key.vrid = 52.try_into().unwrap();
    backend.acquire(&first).unwrap();
    let before = ours(world);
    let names = ["default via 192.0.2.253", "another virtual router", "another metric"];
    assert_eq!(failure(backend.acquire(&second), &names), LeaseFailure::Failed);
    assert_eq!(ours(world), before);
    // One that is the same for both goes with the last of them.
    second.routes = parsed(&["default via fe80::1"]);
    backend.acquire(&second).unwrap();
    backend.release(&first, Reason::Shutdown).unwrap();
    assert_eq!(ours(world), ["::/0 via fe80::1 metric 1024 expires"]);
    backend.release(&second, Reason::Shutdown).unwrap();
    assert!(ours(world).is_empty());
}

/// The tables of our routes.
fn tables(world: &mut World) -> Vec<u32> {
    let all = all(world).into_iter();
    let ours = all.filter(|route| u8::from(route.header.protocol) == 112);
    let table = |route: RouteMessage| {
        route.attributes.iter().find_map(|attribute| match attribute {
            RouteAttribute::Table(table) => Some(*table),
            _ => None,
        })
    };
    ours.filter_map(table).collect()
}

fn a_route_is_in_the_table_of_the_vrf(world: &mut World) {
    let mut vrf = LinkMessage::default();
    vrf.attributes = vec![
        LinkAttribute::IfName("red".to_owned()),
        LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Vrf),
            LinkInfo::Data(InfoData::Vrf(vec![InfoVrf::TableId(1000)])),
        ]),
    ];
    let message = RouteNetlinkMessage::NewLink(vrf);
    match world.socket.request(message, NLM_F_CREATE | NLM_F_EXCL) {
        Err(error) if error.errno() == Some(libc::EOPNOTSUPP) => {
            eprintln!("this kernel has no VRFs");
            return;
        }
        made => made.unwrap(),
    }
    world.set_up("red", true);
    let mut port = LinkMessage::default();
    port.header.index = world.index("eth0");
    port.attributes = vec![LinkAttribute::Controller(world.index("red"))];
    world.socket.request(RouteNetlinkMessage::SetLink(port), 0).unwrap();
    own(world);
    let (backend, lease) = (Backend::new(), routed(&BOTH, &ROUTES, 2));
    backend.inspect(&lease).unwrap();
    backend.acquire(&lease).unwrap();
    assert_eq!(tables(world), [1000; 6]);
    backend.renew(&lease).unwrap();
    assert_eq!(ours(world), SHOWN);
    backend.release(&lease, Reason::Shutdown).unwrap();
    assert!(ours(world).is_empty());
    let main = routed(&BOTH, &["blackhole 203.0.113.0/24 table main"], 2);
    backend.acquire(&main).unwrap();
    assert_eq!(tables(world), [MAIN_TABLE]);
    backend.release(&main, Reason::Shutdown).unwrap();
    backend.acquire(&lease).unwrap();
    world.until_within(Duration::from_secs(8), "the end of the lease", |world| {
        ours(world).is_empty()
    });
}

fn a_route_needs_an_address_to_end_with(world: &mut World) {
    own(world);
    let lease = routed(&["2001:db8::10/64"], &["default via 192.0.2.254"], 30);
    let names = ["default via 192.0.2.254", "no virtual IPv4 address"];
    assert_eq!(failure(Backend::new().acquire(&lease), &names), LeaseFailure::Failed);
    assert_eq!(world.texts("eth0"), ["192.0.2.1/24", "2001:db8::1/64"]);
}

fn the_monitor_tells_of_a_lost_virtual_route(world: &mut World) {
    own(world);
    let backend = Backend::new();
    backend.acquire(&routed(&BOTH, &ROUTES, 30)).unwrap();
    let mut watch = Watch::new(vrrp_net::netlink::Monitor::new);
    let hosts = RouteEntry { metric: 7, ..via("0.0.0.0/0", "192.0.2.253") };
    add_hosts(world, &hosts, NLM_F_EXCL);
    delete_hosts(world, &hosts);
    let mut expected = Vec::new();
    for route in all(world).into_iter().filter(|route| u8::from(route.header.protocol) == 112) {
        expected.push(show(&route).unwrap().split(' ').next().unwrap().to_owned());
        world.socket.request(RouteNetlinkMessage::DelRoute(route), 0).unwrap();
    }
    for expected in expected {
        let MonitorEvent::VirtualRouteRemoved { destination, table, .. } = watch.next() else {
            panic!("another event")
        };
        assert_eq!((destination, table), (cidr(&expected), MAIN_TABLE));
    }
}
