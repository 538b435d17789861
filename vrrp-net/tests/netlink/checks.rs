//! Checks of interfaces and routes, in the namespace that they were started in.

use std::{num::NonZeroU8, time::Duration};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    route::{RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteType},
};
use vrrp_core::Condition;
use vrrp_net::{
    VipBackend,
    backend::Netlink,
    check::{
        Check, Checks, Effect, Interface, Outcome, Planned, Route, Schedule, Setup, Track, Tracked,
    },
};

use crate::world::{SOON, Test, World, cidr, lease};

pub(crate) const TESTS: &[(&str, Test)] = &[
    ("an_interface_passes_while_it_is_up", an_interface_passes_while_it_is_up),
    ("a_route_passes_while_it_leads_somewhere", a_route_passes_while_it_leads_somewhere),
    ("a_default_route_is_told_from_others", a_default_route_is_told_from_others),
    ("our_own_routes_do_not_count", our_own_routes_do_not_count),
    ("checks_look_where_they_were_started", checks_look_where_they_were_started),
];

fn run(check: &impl Check) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(check.run())
}

fn an_interface_passes_while_it_is_up(world: &mut World) {
    let check = Interface::new("eth0");
    let expected = Outcome::Passed("eth0 is up and has a carrier".to_owned());
    assert_eq!(run(&check), expected);
    // It is up, and what it is joined to is not.
    world.set_up("eth1", false);
    let lost = Outcome::Failed("eth0 is down or has no carrier".to_owned());
    world.until("the carrier to go", |_| run(&check) == lost);
    world.set_up("eth1", true);
    world.until("the carrier", |_| run(&check) == expected);
    world.set_up("eth0", false);
    assert_eq!(run(&check), lost);
    world.rename("eth0", "lan0");
    assert_eq!(run(&check), Outcome::Failed("there is no interface eth0".to_owned()));
}

fn has_route(text: &str) -> bool {
    match run(&Route::new(cidr(text))) {
        Outcome::Passed(_) => true,
        Outcome::Failed(_) => false,
        other => panic!("{other:?}"),
    }
}

fn a_route_passes_while_it_leads_somewhere(world: &mut World) {
    for text in ["198.51.100.0/24", "2001:db8:1::/64"] {
        assert!(!has_route(text), "{text}");
        world.add_route("eth0", text, RouteProtocol::Static, None);
        assert!(has_route(text), "{text}");
    }
    assert!(has_route("198.51.100.7/24"), "the subnet is meant");
    for other in ["198.51.100.0/25", "198.51.0.0/16", "2001:db8:1::/65", "0.0.0.0/0", "::/0"] {
        assert!(!has_route(other), "{other}");
    }
    world.set_up("eth0", false);
    for text in ["198.51.100.0/24", "2001:db8:1::/64"] {
        assert!(!has_route(text), "{text}");
    }
}

/// A route without a destination.
fn add_default(world: &mut World, family: AddressFamily, kind: RouteType, oif: Option<u32>) {
    let mut message = RouteMessage::default();
    message.header.address_family = family;
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    message.header.protocol = RouteProtocol::Static;
    message.header.kind = kind;
    message.attributes.extend(oif.map(RouteAttribute::Oif));
    let message = RouteNetlinkMessage::NewRoute(message);
    world.socket.request(message, NLM_F_CREATE | NLM_F_EXCL).unwrap();
}

fn a_default_route_is_told_from_others(world: &mut World) {
    let index = world.index("eth0");
    assert!(!has_route("0.0.0.0/0"));
    add_default(world, AddressFamily::Inet, RouteType::Unicast, Some(index));
    assert!(has_route("0.0.0.0/0") && !has_route("::/0"));
    add_default(world, AddressFamily::Inet6, RouteType::Unreachable, None);
    assert!(!has_route("::/0"), "it leads nowhere");
}

fn our_own_routes_do_not_count(_: &mut World) {
    let backend = Netlink::new().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(backend.acquire(&lease(&["192.0.2.10/24"], 30))).unwrap();
    assert!(!has_route("192.0.2.0/24"), "it is there because this node is active");
}

fn checks_look_where_they_were_started(world: &mut World) {
    let one = NonZeroU8::MIN;
    let fast = Schedule::default().interval(Duration::from_millis(20)).unwrap().rise(one).fall(one);
    let check = Planned::new("uplink", Interface::new("eth0")).schedule(fast);
    let web = Tracked::new("web").track(Track::new("uplink", Effect::Hold));
    let checks = Checks::start(Setup::new([check], [web]).unwrap()).unwrap();
    let mut is = |expected: Condition| {
        world.until_within(SOON, expected.as_str(), |_| checks.health("web").condition == expected);
    };
    is(Condition::Good);
    // The first one is in use, to wait with.
    let mut other = World { socket: vrrp_net::netlink::Socket::new().unwrap() };
    other.set_up("eth0", false);
    is(Condition::Ill);
    other.set_up("eth0", true);
    is(Condition::Good);
}
