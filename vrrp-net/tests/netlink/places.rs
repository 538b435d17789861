//! Addresses where people put them: on other interfaces, with a label, a scope and a broadcast
//! address.

use vrrp_core::{LeaseFailure, Reason};
use vrrp_net::{
    Lease, VirtualAddress,
    backend::Scope,
    netlink::addresses::{Manner, Mark},
};

use crate::{
    backend::{Backend, failure},
    routes::shown,
    world::{SOON, Test, World, cidr, lease},
};

pub(crate) const TESTS: &[(&str, Test)] = &[
    ("addresses_are_on_the_interfaces_that_they_name", addresses_are_on_the_interfaces_they_name),
    ("what_a_crash_left_on_other_interfaces_is_adopted", what_a_crash_left_is_adopted),
    ("all_interfaces_or_none", all_interfaces_or_none),
    ("an_interface_that_is_gone_keeps_nothing_back", an_interface_that_is_gone_keeps_nothing_back),
    ("one_interface_that_is_gone_does_not_end_the_others", one_gone_does_not_end_the_others),
    ("a_subnet_of_another_interface_stays_there", a_subnet_of_another_interface_stays_there),
    ("an_address_moves_to_another_interface", an_address_moves_to_another_interface),
    ("an_address_of_another_lease_does_not_move", an_address_of_another_lease_does_not_move),
    ("an_inspection_looks_at_every_interface", an_inspection_looks_at_every_interface),
    ("an_address_is_put_in_its_manner", an_address_is_put_in_its_manner),
    ("another_manner_is_put_anew", another_manner_is_put_anew),
    ("another_manner_is_put_by_the_next_process", another_manner_is_put_by_the_next_process),
];

/// An address on an interface.
fn on(text: &str, interface: &str) -> VirtualAddress {
    VirtualAddress::from(cidr(text)).on(interface)
}

/// A lease of `eth0` with these addresses.
fn placed(addresses: &[VirtualAddress]) -> Lease {
    let mut lease = lease(&[], 30);
    lease.addresses = addresses.into();
    lease
}

/// Addresses on three interfaces; those of the two families on `lo`.
fn spread() -> Lease {
    placed(&[
        cidr("192.0.2.10/24").into(),
        on("198.51.100.10/24", "eth1"),
        on("203.0.113.10/32", "lo"),
        on("2001:db8::10/128", "lo"),
    ])
}

/// The addresses of the three interfaces that are not the host's own of loopback.
fn all(world: &mut World) -> Vec<String> {
    let mut all = Vec::new();
    for interface in ["eth0", "eth1", "lo"] {
        let texts = world.texts(interface).into_iter();
        let texts = texts.filter(|text| text != "127.0.0.1/8" && text != "::1/128");
        all.extend(texts.map(|text| format!("{text} {interface}")));
    }
    all
}

const SPREAD: [&str; 4] =
    ["192.0.2.10/32 eth0", "198.51.100.10/32 eth1", "203.0.113.10/32 lo", "2001:db8::10/128 lo"];

fn addresses_are_on_the_interfaces_they_name(world: &mut World) {
    world.set_up("lo", true);
    let (backend, lease) = (Backend::new(), spread());
    backend.inspect(&lease).unwrap();
    for _ in 0..2 {
        backend.acquire(&lease).unwrap();
        assert_eq!(all(world), SPREAD);
    }
    assert_eq!(world.routes("198.51.100.0/24"), [(112, false)], "a route on its interface");
    backend.renew(&lease).unwrap();
    backend.leaving(&lease).unwrap();
    for interface in ["eth0", "eth1", "lo"] {
        let ours = world.addresses(interface).into_iter().filter(|address| address.is_ours());
        for address in ours {
            assert_eq!(address.mark, Some(Mark::Leaving), "{address:?}");
            assert!(matches!(address.valid, Some(28..=29)), "{address:?}");
        }
    }
    backend.release(&lease, Reason::Shutdown).unwrap();
    assert!(all(world).is_empty(), "{:?}", all(world));
    assert!(world.routes("198.51.100.0/24").is_empty());
}

fn what_a_crash_left_is_adopted(world: &mut World) {
    world.set_up("lo", true);
    Backend::new().acquire(&spread()).unwrap();
    let backend = Backend::new();
    let adopted = backend.adopt(&spread()).unwrap();
    assert!(!adopted.completed && adopted.renewed_ago < SOON, "{adopted:?}");
    assert_eq!(all(world), SPREAD);
    world.delete("lo", "203.0.113.10/32").unwrap();
    assert!(Backend::new().adopt(&spread()).unwrap().completed);
    assert_eq!(all(world).len(), SPREAD.len());
    // One that is about to be handed over spoils those of the other interfaces.
    Backend::new().leaving(&spread()).unwrap();
    assert_eq!(Backend::new().adopt(&spread()), None);
    assert!(all(world).is_empty(), "{:?}", all(world));
}

fn all_interfaces_or_none(world: &mut World) {
    let missing = placed(&[cidr("192.0.2.10/24").into(), on("192.0.2.11/24", "eth7")]);
    let backend = Backend::new();
    let names = ["no interface eth7"];
    assert_eq!(failure(backend.acquire(&missing), &names), LeaseFailure::Failed);
    assert_eq!(failure(backend.inspect(&missing), &names), LeaseFailure::Failed);
    world.add_own("lo", "192.0.2.12/32");
    let taken = placed(&[
        cidr("192.0.2.10/24").into(),
        on("192.0.2.11/24", "eth1"),
        on("192.0.2.12/32", "lo"),
    ]);
    assert_eq!(
        failure(backend.acquire(&taken), &["192.0.2.12", "lo"]),
        LeaseFailure::AddressPresent
    );
    assert_eq!(all(world), ["192.0.2.12/32 lo"]);
}

fn an_interface_that_is_gone_keeps_nothing_back(world: &mut World) {
    world.add_cable("eth2", "eth3");
    let lease = placed(&[cidr("192.0.2.10/24").into(), on("192.0.2.11/24", "eth2")]);
    let backend = Backend::new();
    backend.acquire(&lease).unwrap();
    world.remove("eth2");
    backend.release(&lease, Reason::Interface).unwrap();
    assert!(all(world).is_empty());
}

fn one_gone_does_not_end_the_others(world: &mut World) {
    world.add_cable("eth2", "eth3");
    let lease = placed(&[cidr("192.0.2.10/24").into(), on("192.0.2.11/24", "eth2")]);
    let backend = Backend::new();
    backend.acquire(&lease).unwrap();
    world.remove("eth2");
    world.until("it ages", |world| matches!(world.held("eth0").valid, Some(..=27)));
    assert_eq!(failure(backend.renew(&lease), &["192.0.2.11/24", "eth2"]), LeaseFailure::Failed);
    assert!(matches!(world.held("eth0").valid, Some(28..=29)), "{:?}", world.held("eth0"));
}

/// A route of ours to it would cut the host off from there.
fn a_subnet_of_another_interface_stays_there(world: &mut World) {
    world.set_up("lo", true);
    world.add_own("eth0", "192.0.2.1/24");
    world.add_own("eth0", "2001:db8::1/64");
    let backend = Backend::new();
    for (text, bare) in [("192.0.2.10/24", "192.0.2.10/32"), ("2001:db8::10/64", "2001:db8::10/64")]
    {
        for interface in ["eth1", "lo"] {
            let lease = placed(&[on(text, interface)]);
            backend.acquire(&lease).unwrap();
            let put = format!("{bare} {interface}");
            assert!(all(world).contains(&put), "{put}: {:?}", all(world));
            assert_eq!(shown(world, 112), [""; 0], "{text} on {interface}");
            backend.renew(&lease).unwrap();
            assert_eq!(shown(world, 112), [""; 0], "{text} on {interface}");
            backend.release(&lease, Reason::Shutdown).unwrap();
        }
    }
    // Nobody has this one, and there are neighbours on eth1 alone.
    backend
        .acquire(&placed(&[on("203.0.113.10/24", "eth1"), on("203.0.113.11/24", "lo")]))
        .unwrap();
    assert_eq!(shown(world, 112), ["203.0.113.0/24 src 203.0.113.10"]);
}

fn an_address_moves_to_another_interface(world: &mut World) {
    world.set_up("lo", true);
    let backend = Backend::new();
    let (here, there) = ([cidr("192.0.2.10/32").into()], [on("192.0.2.10/32", "lo")]);
    let changed = |addresses: &[VirtualAddress], previous: &[VirtualAddress]| {
        let mut lease = placed(addresses);
        lease.previous = previous.into();
        lease
    };
    backend.acquire(&placed(&here)).unwrap();
    backend.repair(&changed(&there, &here)).unwrap();
    assert_eq!(all(world), ["192.0.2.10/32 lo"]);
    backend.repair(&changed(&here, &there)).unwrap();
    assert_eq!(all(world), ["192.0.2.10/32 eth0"]);
    // A change that was not carried out: everything is let go.
    backend.release(&changed(&there, &here), Reason::Shutdown).unwrap();
    assert!(all(world).is_empty());
}

fn an_address_of_another_lease_does_not_move(world: &mut World) {
    let backend = Backend::new();
    backend.acquire(&lease(&["192.0.2.10/32"], 30)).unwrap();
    let mut other = placed(&[on("192.0.2.10/32", "eth1")]);
    other.key.vrid = 52.try_into().unwrap();
    assert_eq!(
        failure(backend.acquire(&other), &["192.0.2.10", "eth0"]),
        LeaseFailure::AddressPresent
    );
    assert_eq!(all(world), ["192.0.2.10/32 eth0"]);
}

fn an_inspection_looks_at_every_interface(world: &mut World) {
    let lease = placed(&[cidr("192.0.2.10/24").into(), on("203.0.113.10/32", "lo")]);
    let backend = Backend::new();
    world.set_up("lo", false);
    let names = ["lo is down or has no carrier"];
    assert_eq!(failure(backend.inspect(&lease), &names), LeaseFailure::Failed);
    world.set_up("lo", true);
    backend.inspect(&lease).unwrap();
}

/// In a manner of its own.
fn dressed(label: &str) -> VirtualAddress {
    VirtualAddress::from(cidr("192.0.2.10/24"))
        .label(label.parse().unwrap())
        .scope(Scope::LINK)
        .broadcast([192, 0, 2, 255].into())
}

fn manner(label: &str) -> Manner {
    let broadcast = Some([192, 0, 2, 255].into());
    Manner { label: Some(label.into()), scope: 253, broadcast }
}

fn an_address_is_put_in_its_manner(world: &mut World) {
    world.add_own("eth0", "192.0.2.1/24");
    let (backend, lease) = (Backend::new(), placed(&[dressed("eth0:web")]));
    backend.acquire(&lease).unwrap();
    for _ in 0..2 {
        assert_eq!(world.held("eth0").manner, manner("eth0:web"));
        backend.renew(&lease).unwrap();
    }
    let adopted = Backend::new().adopt(&lease).unwrap();
    assert!(!adopted.completed, "it is as it was");
    backend.release(&lease, Reason::Shutdown).unwrap();
    assert_eq!(all(world), ["192.0.2.1/24 eth0"]);
    let own = Manner { label: Some("eth0".into()), ..Manner::default() };
    backend.acquire(&crate::world::lease(&["192.0.2.10/24"], 30)).unwrap();
    assert_eq!(world.held("eth0").manner, own, "the kernel's own");
}

fn another_manner_is_put_anew(world: &mut World) {
    world.add_own("eth0", "192.0.2.1/24");
    let backend = Backend::new();
    backend.acquire(&placed(&[dressed("eth0:web")])).unwrap();
    let (plain, global) = (cidr("192.0.2.10/24").into(), dressed("eth0:mail").scope(Scope::GLOBAL));
    let own = Manner { label: Some("eth0".into()), ..Manner::default() };
    // The kernel takes no two scopes in one subnet.
    for (address, expected, length) in [
        (dressed("eth0:mail"), manner("eth0:mail"), 32),
        (global, Manner { scope: 0, ..manner("eth0:mail") }, 24),
        (plain, own, 24),
    ] {
        backend.repair(&placed(&[address])).unwrap();
        assert_eq!(world.held("eth0").manner, expected);
        let put = format!("192.0.2.10/{length} eth0");
        assert!(all(world).contains(&put) && all(world).len() == 2, "{:?}", all(world));
    }
}

fn another_manner_is_put_by_the_next_process(world: &mut World) {
    world.add_own("eth0", "192.0.2.1/24");
    Backend::new().acquire(&placed(&[dressed("eth0:web")])).unwrap();
    assert!(Backend::new().adopt(&placed(&[dressed("eth0:mail")])).is_some());
    assert_eq!(world.held("eth0").manner, manner("eth0:mail"));
}
