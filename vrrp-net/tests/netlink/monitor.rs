//! What the monitor tells of interfaces.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Wake, Waker},
    time::Duration,
};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::{
    RouteNetlinkMessage,
    route::{RouteAttribute, RouteProtocol, RouteScope},
};
use tokio::{runtime::Runtime, time::timeout};
use vrrp_core::{Cidr, InterfaceStatus, Loss};
use vrrp_net::netlink::{
    InterfaceSnapshot, Monitor, MonitorEvent,
    addresses::{Manner, Mark, Put},
    links,
    routes::PrefixRoute,
};

use crate::world::{SOON, Test, World, cidr};

pub(crate) const TESTS: &[(&str, Test)] = &[
    ("an_interface_comes_and_goes_and_comes_back", an_interface_comes_and_goes_and_comes_back),
    ("a_renamed_interface_is_another_one", a_renamed_interface_is_another_one),
    ("down_and_no_carrier_are_not_up", down_and_no_carrier_are_not_up),
    (
        "a_virtual_address_without_a_tag_is_not_the_hosts",
        a_virtual_address_without_a_tag_is_not_the_hosts,
    ),
    ("a_removed_address_is_told", a_removed_address_is_told),
    ("what_nobody_deleted_is_told_apart", what_nobody_deleted_is_told_apart),
    ("a_claimed_address_is_told_as_removed", a_claimed_address_is_told_as_removed),
    ("a_removed_route_of_a_virtual_address_is_told", a_removed_route_of_a_virtual_address_is_told),
    ("routes_that_are_not_ours_wake_nobody", routes_that_are_not_ours_wake_nobody),
    (
        "a_route_that_goes_with_its_address_is_not_told",
        a_route_that_goes_with_its_address_is_not_told,
    ),
    ("virtual_addresses_wake_nobody", virtual_addresses_wake_nobody),
    ("renewals_do_not_even_wake_the_monitor", renewals_do_not_even_wake_the_monitor),
    ("lost_notifications_are_made_up_for", lost_notifications_are_made_up_for),
    ("what_can_be_adopted_is_known_from_the_start", what_can_be_adopted_is_known_from_the_start),
];

/// A monitor, listened to from the test's thread.
pub(crate) struct Watch {
    pub(crate) runtime: Runtime,
    pub(crate) monitor: Monitor,
}

impl Watch {
    pub(crate) fn new(make: impl FnOnce() -> std::io::Result<Monitor>) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let monitor = runtime.block_on(async { make() }).unwrap();
        Self { runtime, monitor }
    }

    /// On `name`, with the first event.
    pub(crate) fn on(name: &str) -> (Self, Option<InterfaceSnapshot>) {
        let mut watch = Self::new(Monitor::new);
        watch.monitor.watch(name);
        let MonitorEvent::Interface { snapshot, .. } = watch.next() else {
            panic!("no first event")
        };
        (watch, snapshot)
    }

    pub(crate) fn next(&mut self) -> MonitorEvent {
        let next = async { timeout(SOON, self.monitor.next()).await };
        self.runtime.block_on(next).unwrap_or_else(|_| panic!("no event within {SOON:?}"))
    }

    /// The first snapshot that satisfies `is_it`.
    pub(crate) fn until(
        &mut self,
        name: &str,
        is_it: impl Fn(Option<&InterfaceSnapshot>) -> bool,
    ) -> Option<InterfaceSnapshot> {
        loop {
            match self.next() {
                MonitorEvent::Interface { name: other, snapshot }
                    if *other == *name && is_it(snapshot.as_ref()) =>
                {
                    return snapshot;
                }
                _ => {}
            }
        }
    }
}

pub(crate) fn has_own(text: &str) -> impl Fn(Option<&InterfaceSnapshot>) -> bool {
    let own = cidr(text);
    move |snapshot| {
        snapshot
            .is_some_and(|snapshot| snapshot.addresses.iter().any(|address| address.cidr == own))
    }
}

/// Puts or renews a virtual address.
fn put(world: &mut World, text: &str, times: usize) {
    put_for(world, text, 30, times);
}

/// The same, for so many seconds.
fn put_for(world: &mut World, text: &str, seconds: u32, times: usize) {
    let index = world.index("eth0");
    let put = Put {
        index,
        cidr: cidr(text),
        mark: Mark::Held,
        valid: Some(seconds),
        manner: Manner::default(),
    };
    let messages = vec![(put.message(), NLM_F_CREATE | NLM_F_REPLACE); times];
    for answer in world.socket.batch(messages).unwrap() {
        answer.unwrap();
    }
}

fn an_interface_comes_and_goes_and_comes_back(world: &mut World) {
    let (mut watch, missing) = Watch::on("eth2");
    assert_eq!(missing, None);
    let mut indices = Vec::new();
    for _ in 0..2 {
        world.add_cable("eth2", "eth3");
        world.add_own("eth2", "192.0.2.1/24");
        let is_ready = |snapshot: Option<&InterfaceSnapshot>| {
            has_own("192.0.2.1/24")(snapshot) && snapshot.is_some_and(|snapshot| snapshot.up)
        };
        let snapshot = watch.until("eth2", is_ready).unwrap();
        assert_eq!(snapshot.mac, world.link("eth2").unwrap().mac);
        let InterfaceStatus::Up(details) = InterfaceSnapshot::status(Some(&snapshot)) else {
            panic!("{snapshot:?}");
        };
        assert_eq!(details.ipv4, "192.0.2.1".parse().ok());
        indices.push(snapshot.index);
        let message = links::delete(snapshot.index);
        world.socket.request(message, 0).unwrap();
        watch.until("eth2", |snapshot| snapshot.is_none());
    }
    assert_ne!(indices[0], indices[1]);
}

fn a_renamed_interface_is_another_one(world: &mut World) {
    let (mut watch, before) = Watch::on("eth0");
    let index = before.unwrap().index;
    watch.monitor.watch("wan0");
    assert!(matches!(watch.next(), MonitorEvent::Interface { snapshot: None, .. }));
    world.set_up("eth0", false);
    world.socket.request(links::rename(index, "wan0"), 0).unwrap();
    assert_eq!(watch.until("wan0", |snapshot| snapshot.is_some()).unwrap().index, index);
    world.socket.request(links::rename(index, "eth0"), 0).unwrap();
    assert_eq!(watch.until("eth0", |snapshot| snapshot.is_some()).unwrap().index, index);
}

fn down_and_no_carrier_are_not_up(world: &mut World) {
    let (mut watch, before) = Watch::on("eth0");
    assert!(before.unwrap().up);
    for interface in ["eth0", "eth1"] {
        world.set_up(interface, false);
        watch.until("eth0", |snapshot| snapshot.is_some_and(|snapshot| !snapshot.up));
        world.set_up(interface, true);
        watch.until("eth0", |snapshot| snapshot.is_some_and(|snapshot| snapshot.up));
    }
}

/// A program that moves addresses puts them there like any other.
fn a_virtual_address_without_a_tag_is_not_the_hosts(world: &mut World) {
    world.settle("eth0");
    world.add_own("eth0", "192.0.2.10/24");
    world.add_own("eth0", "fe80::10/64");
    let (mut watch, before) = Watch::on("eth0");
    let own = |snapshot: Option<&InterfaceSnapshot>| {
        InterfaceSnapshot::status(snapshot).details().copied().unwrap_or_default()
    };
    assert_eq!(own(before.as_ref()).ipv4, Some("192.0.2.10".parse().unwrap()));
    let all = ["192.0.2.10".parse().unwrap(), "fe80::10".parse().unwrap()];
    watch.monitor.set_virtual(all.into_iter().collect());
    let after = watch.until("eth0", |snapshot| own(snapshot).ipv4.is_none());
    let link_local = own(after.as_ref()).ipv6_link_local;
    assert!(
        link_local.is_some_and(|ip| ip != "fe80::10".parse::<std::net::Ipv6Addr>().unwrap()),
        "{after:?}"
    );
}

fn a_removed_address_is_told(world: &mut World) {
    world.add_own("eth0", "192.0.2.1/24");
    put(world, "192.0.2.10/24", 1);
    let (mut watch, _) = Watch::on("eth0");
    for (text, is_ours) in [("192.0.2.10/24", true), ("192.0.2.1/24", false)] {
        world.delete("eth0", text).unwrap();
        loop {
            if let MonitorEvent::AddressRemoved { name, address, ours, loss, .. } = watch.next() {
                assert_eq!((&*name, address, ours), ("eth0", cidr(text).address(), is_ours));
                assert_eq!(loss, Loss::Deleted);
                break;
            }
        }
    }
    watch.until("eth0", |snapshot| !has_own("192.0.2.1/24")(snapshot));
}

/// What expires, or goes with the primary address of its subnet, was not meant to go.
fn what_nobody_deleted_is_told_apart(world: &mut World) {
    let (mut watch, _) = Watch::on("eth0");
    let mut removed = |text: &str, loss: Loss| {
        let told = loop {
            if let MonitorEvent::AddressRemoved { address, ours: true, loss, .. } = watch.next() {
                break (address, loss);
            }
        };
        assert_eq!(told, (cidr(text).address(), loss));
    };
    for text in ["192.0.2.10/24", "2001:db8::10/64"] {
        put_for(world, text, 1, 1);
        removed(text, Loss::Lapsed);
    }
    world.add_own("eth0", "192.0.2.1/24");
    put(world, "192.0.2.10/24", 1);
    world.delete("eth0", "192.0.2.1/24").unwrap();
    removed("192.0.2.10/24", Loss::Lapsed);
    put(world, "198.51.100.10/24", 1);
    world.delete("eth0", "198.51.100.10/24").unwrap();
    removed("198.51.100.10/24", Loss::Deleted);
}

/// `ip address replace` of a virtual address makes it the host's own, without removing it.
fn a_claimed_address_is_told_as_removed(world: &mut World) {
    put(world, "192.0.2.10/24", 1);
    let (mut watch, _) = Watch::on("eth0");
    world.claim("eth0", "192.0.2.10/24");
    loop {
        if let MonitorEvent::AddressRemoved { address, ours, .. } = watch.next() {
            assert_eq!((address, ours), (cidr("192.0.2.10/24").address(), true));
            break;
        }
    }
    watch.until("eth0", has_own("192.0.2.10/24"));
}

/// A virtual address in a subnet that the host does not have, and the route that it brings.
fn bring_subnet(world: &mut World, text: &str) -> PrefixRoute {
    let index = world.index("eth0");
    let bare = Cidr::from(cidr(text).address());
    let put =
        Put { index, cidr: bare, mark: Mark::Held, valid: Some(30), manner: Manner::default() };
    world.socket.request(put.message(), NLM_F_CREATE | NLM_F_EXCL).unwrap();
    let route = PrefixRoute::of(index, cidr(text));
    world.socket.request(route.add(Some(30)), NLM_F_CREATE).unwrap();
    route
}

fn a_removed_route_of_a_virtual_address_is_told(world: &mut World) {
    let routes = ["192.0.2.10/24", "2001:db8::10/64"].map(|text| bring_subnet(world, text));
    let (mut watch, _) = Watch::on("eth0");
    for route in routes {
        world.socket.request(route.delete(), 0).unwrap();
        let prefix = route.prefix.subnet();
        let told = watch.next();
        let (name, loss) = ("eth0".into(), Loss::Deleted);
        let expected = MonitorEvent::RouteRemoved { name, index: route.index, prefix, loss };
        // The enumeration may gain variants, which this one is not.
        assert_eq!(told, expected);
    }
}

/// There can be a million of them.
fn routes_that_are_not_ours_wake_nobody(world: &mut World) {
    world.add_own("eth0", "198.51.100.1/24");
    let ours = bring_subnet(world, "192.0.2.10/24");
    let (mut watch, _) = Watch::on("eth0");
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(wakes.clone());
    let change = |world: &mut World, text: &str, protocol: RouteProtocol| {
        let route = PrefixRoute { prefix: cidr(text), ..ours };
        for mut message in [route.add(None), route.delete()] {
            if let RouteNetlinkMessage::NewRoute(message) | RouteNetlinkMessage::DelRoute(message) =
                &mut message
            {
                message.header.protocol = protocol;
                // What routing protocols learn has a gateway, all of the Internet does.
                if protocol == RouteProtocol::Bgp {
                    message.header.scope = RouteScope::Universe;
                    let gateway: IpAddr = "198.51.100.2".parse().unwrap();
                    message.attributes.push(RouteAttribute::Gateway(gateway.into()));
                    message
                        .attributes
                        .retain(|attribute| !matches!(attribute, RouteAttribute::PrefSource(_)));
                }
            }
            world.socket.request(message, NLM_F_CREATE).unwrap();
        }
    };
    for number in 0..20 {
        let Watch { runtime, monitor } = &mut watch;
        let _ = monitor.poll_event(&mut Context::from_waker(&waker));
        change(world, &format!("203.0.{number}.0/24"), RouteProtocol::Bgp);
        runtime.block_on(async { tokio::time::sleep(Duration::from_millis(10)).await });
    }
    let woken = wakes.0.load(Ordering::Relaxed);
    assert!(woken <= 3, "woken {woken} times by routes of BGP");
    // Like the kernel's, but to no subnet of ours; and the host's own.
    change(world, "203.0.113.0/24", RouteProtocol::Kernel);
    world.delete_route("eth0", "198.51.100.1/24", RouteProtocol::Kernel);
    world.socket.request(ours.delete(), 0).unwrap();
    let MonitorEvent::RouteRemoved { prefix, .. } = watch.next() else { panic!("another event") };
    assert_eq!(prefix, cidr("192.0.2.0/24"));
}

fn a_route_that_goes_with_its_address_is_not_told(world: &mut World) {
    for text in ["192.0.2.10/24", "2001:db8::10/64"] {
        bring_subnet(world, text);
    }
    let (mut watch, _) = Watch::on("eth0");
    for text in ["192.0.2.10/32", "2001:db8::10/128"] {
        world.delete("eth0", text).unwrap();
    }
    let route = PrefixRoute::of(world.index("eth0"), cidr("2001:db8::10/64"));
    world.socket.request(route.delete(), 0).unwrap();
    // With its link, too.
    bring_subnet(world, "2001:db8::10/64");
    world.set_up("eth0", false);
    loop {
        match watch.next() {
            MonitorEvent::RouteRemoved { prefix, .. } => panic!("told of {prefix}"),
            MonitorEvent::Interface { snapshot, .. }
                if !snapshot.as_ref().is_some_and(|is| is.up) =>
            {
                break;
            }
            _ => {}
        }
    }
    world.set_up("eth0", true);
    world.add_own("eth0", "198.51.100.1/24");
    loop {
        match watch.next() {
            MonitorEvent::RouteRemoved { prefix, .. } => panic!("told of {prefix}"),
            MonitorEvent::Interface { snapshot, .. }
                if has_own("198.51.100.1/24")(snapshot.as_ref()) =>
            {
                break;
            }
            _ => {}
        }
    }
}

fn virtual_addresses_wake_nobody(world: &mut World) {
    world.add_own("eth0", "192.0.2.1/24");
    world.add_own("eth0", "2001:db8::1/64");
    world.settle("eth0");
    let (mut watch, _) = Watch::on("eth0");
    for text in ["192.0.2.10/24", "2001:db8::10/64"] {
        put(world, text, 100);
    }
    world.add_own("eth0", "192.0.2.2/24");
    match watch.next() {
        MonitorEvent::Interface { snapshot, .. } => {
            assert!(has_own("192.0.2.2/24")(snapshot.as_ref()), "{snapshot:?}")
        }
        other => panic!("{other:?}"),
    }
}

/// Counts how often it is woken.
#[derive(Default)]
pub(crate) struct Wakes(pub(crate) AtomicU32);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// There can be thousands of them a second.
fn renewals_do_not_even_wake_the_monitor(world: &mut World) {
    for (number, text) in ["192.0.2.10/24", "2001:db8::10/64"].into_iter().enumerate() {
        put(world, text, 1);
        let (mut watch, _) = Watch::on("eth0");
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(wakes.clone());
        let Watch { runtime, monitor } = &mut watch;
        let mut count = |act: &mut dyn FnMut(u8)| {
            wakes.0.store(0, Ordering::Relaxed);
            for round in 0..20 {
                let _ = monitor.poll_event(&mut Context::from_waker(&waker));
                act(round);
                // For the runtime to see what there is; and the kernel stamps addresses in
                // hundredths of a second.
                runtime.block_on(async { tokio::time::sleep(Duration::from_millis(10)).await });
            }
            wakes.0.load(Ordering::Relaxed)
        };
        let renewed = count(&mut |_| put(world, text, 1));
        assert!(renewed <= 3, "{text}: woken {renewed} times by 20 renewals");
        let others = count(&mut |round| {
            put(world, &format!("198.51.{number}.{round}/32"), 1);
        });
        assert!(others >= 10, "{text}: woken {others} times by 20 new addresses");
    }
}

fn lost_notifications_are_made_up_for(world: &mut World) {
    put(world, "192.0.2.10/24", 1);
    let mut watch = Watch::new(|| Monitor::with_receive_buffer(1));
    watch.monitor.watch("eth0");
    watch.next();
    // The socket is full after the first few of these, so nothing of what follows is told.
    for number in 0..200 {
        put(world, &format!("192.0.2.{}/32", 50 + number), 1);
    }
    world.delete("eth0", "192.0.2.10/24").unwrap();
    world.add_own("eth0", "192.0.2.1/24");
    let (mut is_told, mut is_seen) = (false, false);
    while !(is_told && is_seen) {
        match watch.next() {
            MonitorEvent::AddressRemoved { address, ours, .. } => {
                assert_eq!((address, ours), (cidr("192.0.2.10/24").address(), true));
                is_told = true;
            }
            MonitorEvent::Interface { snapshot, .. } => {
                is_seen |= has_own("192.0.2.1/24")(snapshot.as_ref())
            }
            _ => {}
        }
    }
    // It goes on as before.
    world.delete("eth0", "192.0.2.1/24").unwrap();
    watch.until("eth0", |snapshot| !has_own("192.0.2.1/24")(snapshot));
}

fn what_can_be_adopted_is_known_from_the_start(world: &mut World) {
    put(world, "192.0.2.10/24", 1);
    let (watch, _) = Watch::on("eth0");
    let adoptable = watch
        .monitor
        .addresses("eth0")
        .filter(|address| address.is_adoptable(Duration::from_secs(3)));
    assert_eq!(adoptable.map(|address| address.cidr).collect::<Vec<_>>(), [cidr("192.0.2.10/24")]);
}
