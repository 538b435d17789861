//! What the netlink backend does to addresses.

use std::{
    fs,
    time::{Duration, Instant},
};

use netlink_packet_route::address::AddressFlags;
use vrrp_core::{LeaseFailure, Reach, Reason};
use vrrp_net::{
    Adopted, BackendError, Lease, Release, VipBackend, backend::Netlink, netlink::addresses::Mark,
};

use crate::world::{SOON, Test, World, cidr, lease};

pub(crate) const TESTS: &[(&str, Test)] = &[
    (
        "an_address_is_leased_marked_and_never_a_source",
        an_address_is_leased_marked_and_never_a_source,
    ),
    ("acquiring_again_is_idempotent", acquiring_again_is_idempotent),
    ("an_address_of_the_host_is_not_taken", an_address_of_the_host_is_not_taken),
    ("a_claimed_address_is_not_taken_back", a_claimed_address_is_not_taken_back),
    ("the_owner_borrows_its_address", the_owner_borrows_its_address),
    ("a_virtual_address_is_held_on_one_interface", a_virtual_address_is_held_on_one_interface),
    ("all_addresses_or_none", all_addresses_or_none),
    ("a_lease_ends_by_itself", a_lease_ends_by_itself),
    ("a_renewal_keeps_it", a_renewal_keeps_it),
    ("a_renewal_does_not_bring_it_back", a_renewal_does_not_bring_it_back),
    ("a_permanent_one_has_no_lifetime", a_permanent_one_has_no_lifetime),
    ("leaving_is_a_mark_that_renewals_keep", leaving_is_a_mark_that_renewals_keep),
    ("a_release_takes_only_what_is_ours", a_release_takes_only_what_is_ours),
    ("a_release_finds_a_renamed_interface", a_release_finds_a_renamed_interface),
    ("what_a_crash_left_is_gone_on_with", what_a_crash_left_is_gone_on_with),
    ("what_cannot_be_gone_on_with_goes", what_cannot_be_gone_on_with_goes),
    ("what_version_0_1_left_is_adopted_and_marked", what_version_0_1_left_is_adopted_and_marked),
    (
        "what_version_0_1_left_goes_when_it_cannot_be_adopted",
        what_version_0_1_left_goes_when_it_cannot_be_adopted,
    ),
    (
        "what_version_0_1_left_is_looked_for_at_start_only",
        what_version_0_1_left_is_looked_for_at_start_only,
    ),
    ("without_the_capability_it_is_denied", without_the_capability_it_is_denied),
    ("a_missing_interface_has_a_name", a_missing_interface_has_a_name),
    ("an_inspection_sees_what_is_wrong", an_inspection_sees_what_is_wrong),
    ("ipv6_answers_at_once", ipv6_answers_at_once),
    ("a_whole_virtual_router_in_one_batch", a_whole_virtual_router_in_one_batch),
];

/// A backend, asked from the test's thread.
pub(crate) struct Backend {
    runtime: tokio::runtime::Runtime,
    netlink: Netlink,
}

impl Backend {
    pub(crate) fn new() -> Self {
        Self::of(Netlink::new().unwrap())
    }

    pub(crate) fn of(netlink: Netlink) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Self { runtime, netlink }
    }

    pub(crate) fn acquire(&self, lease: &Lease) -> Result<Reach, BackendError> {
        self.runtime.block_on(self.netlink.acquire(lease))
    }

    pub(crate) fn adopt(&self, lease: &Lease) -> Option<Adopted> {
        self.runtime.block_on(self.netlink.adopt(lease)).unwrap()
    }

    pub(crate) fn repair(&self, lease: &Lease) -> Result<Reach, BackendError> {
        self.runtime.block_on(self.netlink.repair(lease))
    }

    pub(crate) fn renew(&self, lease: &Lease) -> Result<(), BackendError> {
        self.runtime.block_on(self.netlink.renew(std::slice::from_ref(lease))).map(drop)
    }

    pub(crate) fn leaving(&self, lease: &Lease) -> Result<(), BackendError> {
        self.runtime.block_on(self.netlink.leaving(lease))
    }

    pub(crate) fn release(&self, lease: &Lease, reason: Reason) -> Result<(), BackendError> {
        self.runtime.block_on(self.netlink.release(lease, &Release::new(reason, None)))
    }

    pub(crate) fn inspect(&self, lease: &Lease) -> Result<(), BackendError> {
        self.runtime.block_on(self.netlink.inspect(lease))
    }
}

/// The failure, once its sentence is known to name what matters.
pub(crate) fn failure<T>(result: Result<T, BackendError>, names: &[&str]) -> LeaseFailure {
    let Err(error) = result else { panic!("it succeeded") };
    for name in names {
        assert!(error.to_string().contains(name), "{name:?} is missing in: {error}");
    }
    error.kind()
}

fn an_address_is_leased_marked_and_never_a_source(world: &mut World) {
    world.add_own("eth0", "192.0.2.1/24");
    let backend = Backend::new();
    assert_eq!(backend.acquire(&lease(&["192.0.2.10/24"], 30)).unwrap(), Reach::OnLink);
    let held = world.held("eth0");
    assert_eq!((held.cidr, held.mark), (cidr("192.0.2.10/24"), Some(Mark::Held)));
    assert!(matches!(held.valid, Some(28..=29)), "{held:?}");
    let flags = AddressFlags::Deprecated | AddressFlags::Secondary;
    assert!(held.flags.contains(flags), "{held:?}");
    assert!(held.is_adoptable(SOON), "renewed {:?} ago", held.renewed_ago());
}

fn acquiring_again_is_idempotent(world: &mut World) {
    world.add_own("eth0", "192.0.2.1/24");
    let backend = Backend::new();
    let lease = lease(&["192.0.2.10/24", "192.0.2.11/32"], 30);
    for _ in 0..2 {
        backend.acquire(&lease).unwrap();
        assert_eq!(world.texts("eth0"), ["192.0.2.1/24", "192.0.2.11/32", "192.0.2.10/24"]);
    }
    // Another process that starts later goes on with it, and so does one with another prefix
    // length.
    Backend::new().acquire(&crate::world::lease(&["192.0.2.10/32"], 30)).unwrap();
    assert_eq!(world.texts("eth0").len(), 3);
}

fn an_address_of_the_host_is_not_taken(world: &mut World) {
    let backend = Backend::new();
    world.add_own("eth0", "192.0.2.1/24");
    world.add_own("eth1", "192.0.2.2/25");
    for (address, interface) in
        [("192.0.2.1/24", "eth0"), ("192.0.2.1/32", "eth0"), ("192.0.2.2/24", "eth1")]
    {
        let lease = lease(&["192.0.2.10/24", address], 30);
        let bare = address.split('/').next().unwrap();
        assert_eq!(
            failure(backend.acquire(&lease), &[bare, interface]),
            LeaseFailure::AddressPresent
        );
        assert_eq!(
            failure(backend.inspect(&lease), &[bare, interface]),
            LeaseFailure::AddressPresent
        );
    }
    assert_eq!(world.texts("eth0"), ["192.0.2.1/24"]);
    assert!(world.addresses("eth0").iter().all(|own| own.valid.is_none() && !own.is_leftover()));
}

/// Right after a request, when the backend has just read what there is.
fn a_claimed_address_is_not_taken_back(world: &mut World) {
    world.add_own("eth0", "192.0.2.1/24");
    let (backend, lease) = (Backend::new(), lease(&["192.0.2.10/24"], 30));
    for _ in 0..2 {
        backend.acquire(&lease).unwrap();
    }
    world.claim("eth0", "192.0.2.10/24");
    assert_eq!(
        failure(backend.acquire(&lease), &["192.0.2.10", "eth0"]),
        LeaseFailure::AddressPresent
    );
    assert!(!world.addresses("eth0").iter().any(|address| address.is_ours()));
}

fn the_owner_borrows_its_address(world: &mut World) {
    world.add_own("eth0", "192.0.2.1/24");
    let mut lease = lease(&["192.0.2.1/24", "192.0.2.10/24"], 30);
    lease.owner = true;
    let backend = Backend::new();
    backend.inspect(&lease).unwrap();
    backend.acquire(&lease).unwrap();
    backend.renew(&lease).unwrap();
    backend.leaving(&lease).unwrap();
    let own = world.addresses("eth0").into_iter().find(|address| !address.is_ours()).unwrap();
    assert_eq!((own.cidr, own.valid), (cidr("192.0.2.1/24"), None));
    backend.release(&lease, Reason::Shutdown).unwrap();
    assert_eq!(world.texts("eth0"), ["192.0.2.1/24"]);
}

fn a_virtual_address_is_held_on_one_interface(world: &mut World) {
    let backend = Backend::new();
    let mut lease = lease(&["192.0.2.10/24"], 30);
    backend.acquire(&lease).unwrap();
    let mut other = lease.clone();
    other.key.vrid = 52.try_into().unwrap();
    other.interface = "eth1".into();
    assert_eq!(
        failure(backend.acquire(&other), &["192.0.2.10", "eth0"]),
        LeaseFailure::AddressPresent
    );
    // But it moves with its virtual router, whose interface's name has moved on to another one.
    lease.interface = "eth1".into();
    backend.acquire(&lease).unwrap();
    assert!(world.texts("eth0").is_empty());
    assert_eq!(world.texts("eth1"), ["192.0.2.10/32"]);
}

fn all_addresses_or_none(world: &mut World) {
    fs::write("/proc/sys/net/ipv6/conf/eth0/disable_ipv6", "1").unwrap();
    let mixed = lease(&["192.0.2.10/24", "2001:db8::10/64", "192.0.2.11/24"], 30);
    let names = ["2001:db8::10/128", "eth0", "disable_ipv6"];
    assert_eq!(failure(Backend::new().acquire(&mixed), &names), LeaseFailure::Denied);
    assert!(world.texts("eth0").is_empty());
}

fn a_lease_ends_by_itself(world: &mut World) {
    let begun = Instant::now();
    Backend::new().acquire(&lease(&["192.0.2.10/24", "2001:db8::10/64"], 2)).unwrap();
    assert_eq!(world.texts("eth0").len(), 2);
    // It is late by 2.3 s at the worst that was measured.
    world.until_within(Duration::from_secs(8), "the end of the lease", |world| {
        world.texts("eth0").is_empty()
    });
    assert!(begun.elapsed() > Duration::from_millis(900), "after {:?}", begun.elapsed());
}

fn a_renewal_keeps_it(world: &mut World) {
    world.add_own("eth0", "2001:db8::1/64");
    let backend = Backend::new();
    let texts = ["192.0.2.10/24", "2001:db8::10/64"];
    backend.acquire(&lease(&texts, 3)).unwrap();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(6) {
        backend.renew(&lease(&texts, 3)).unwrap();
        let ours: Vec<_> = world.addresses("eth0").into_iter().filter(|a| a.is_ours()).collect();
        assert_eq!(ours.len(), 2, "after {:?}", begun.elapsed());
        let has = |flag| {
            ours.iter().all(|address| address.ip().is_ipv4() || address.flags.contains(flag))
        };
        assert!(has(AddressFlags::Nodad | AddressFlags::Noprefixroute), "{ours:?}");
        std::thread::sleep(Duration::from_millis(250));
    }
}

fn a_renewal_does_not_bring_it_back(world: &mut World) {
    let backend = Backend::new();
    let lease = lease(&["192.0.2.10/32", "192.0.2.11/32"], 30);
    assert_eq!(failure(backend.renew(&lease), &["192.0.2.1", "eth0"]), LeaseFailure::Failed);
    assert!(world.texts("eth0").is_empty());
    backend.acquire(&lease).unwrap();
    world.delete("eth0", "192.0.2.10/32").unwrap();
    assert_eq!(failure(backend.renew(&lease), &["192.0.2.10", "eth0"]), LeaseFailure::Failed);
    assert_eq!(world.texts("eth0"), ["192.0.2.11/32"]);
    backend.repair(&lease).unwrap();
    assert_eq!(world.texts("eth0").len(), 2);
    backend.release(&lease, Reason::StrongerClaim).unwrap();
    assert!(backend.renew(&lease).is_err());
    assert!(world.texts("eth0").is_empty());
}

fn a_permanent_one_has_no_lifetime(world: &mut World) {
    let backend = Backend::of(Netlink::new().unwrap().permanent());
    let lease = lease(&["192.0.2.10/24", "2001:db8::10/64"], 3);
    backend.acquire(&lease).unwrap();
    backend.renew(&lease).unwrap();
    let held = world.addresses("eth0");
    assert_eq!(held.len(), 2);
    assert!(
        held.iter().all(|held| held.valid.is_none() && held.mark == Some(Mark::Held)),
        "{held:?}"
    );
    assert!(held.iter().all(|held| held.flags.contains(AddressFlags::Deprecated)), "{held:?}");
    assert!(!held.iter().any(|held| held.is_adoptable(SOON)), "{held:?}");
    backend.release(&lease, Reason::Shutdown).unwrap();
    assert!(world.texts("eth0").is_empty());
}

fn leaving_is_a_mark_that_renewals_keep(world: &mut World) {
    let backend = Backend::new();
    let lease = lease(&["192.0.2.10/24"], 30);
    backend.acquire(&lease).unwrap();
    backend.leaving(&lease).unwrap();
    assert_eq!(world.held("eth0").mark, Some(Mark::Leaving));
    backend.renew(&lease).unwrap();
    assert_eq!(world.held("eth0").mark, Some(Mark::Leaving));
    assert!(!world.held("eth0").is_adoptable(SOON));
    backend.acquire(&lease).unwrap();
    assert_eq!(world.held("eth0").mark, Some(Mark::Held), "a drain was taken back");
    backend.leaving(&lease).unwrap();
    backend.release(&lease, Reason::Successor).unwrap();
    assert!(world.texts("eth0").is_empty());
}

fn a_release_takes_only_what_is_ours(world: &mut World) {
    world.add_own("eth0", "192.0.2.10/24");
    world.add_own("eth1", "192.0.2.11/24");
    let backend = Backend::new();
    let lease = lease(&["192.0.2.10/24", "192.0.2.11/24", "192.0.2.12/24"], 30);
    for _ in 0..2 {
        backend.release(&lease, Reason::Shutdown).unwrap();
    }
    assert_eq!(
        (world.texts("eth0"), world.texts("eth1")),
        (vec!["192.0.2.10/24".into()], vec!["192.0.2.11/24".into()])
    );
}

fn a_release_finds_a_renamed_interface(world: &mut World) {
    let backend = Backend::new();
    let lease = lease(&["192.0.2.10/24"], 30);
    backend.acquire(&lease).unwrap();
    world.set_up("eth0", false);
    world.rename("eth0", "wan0");
    backend.release(&lease, Reason::Interface).unwrap();
    assert!(world.texts("wan0").is_empty());
}

fn what_a_crash_left_is_gone_on_with(world: &mut World) {
    let lease = lease(&["192.0.2.10/24", "2001:db8::10/64"], 30);
    Backend::new().acquire(&lease).unwrap();
    let before = world.texts("eth0");
    let begun = Instant::now();
    let backend = Backend::new();
    let adopted = backend.adopt(&lease).unwrap();
    assert_eq!(adopted.reach, Reach::OnLink);
    // The kernel's stamps can lag some tenths of a second.
    assert!(adopted.renewed_ago < begun.elapsed() + Duration::from_secs(1), "{adopted:?}");
    assert_eq!(world.texts("eth0"), before);
    world.until("it ages", |_| {
        backend.adopt(&lease).unwrap().renewed_ago > Duration::from_millis(1500)
    });
    backend.renew(&lease).unwrap();
    assert!(backend.adopt(&lease).unwrap().renewed_ago < Duration::from_secs(1));
    backend.release(&lease, Reason::Shutdown).unwrap();
    assert!(world.texts("eth0").is_empty());
}

fn what_cannot_be_gone_on_with_goes(world: &mut World) {
    let both = lease(&["192.0.2.10/24", "192.0.2.11/24"], 30);
    let crashed = || Backend::new().acquire(&both).unwrap();
    assert_eq!(Backend::new().adopt(&both), None, "nothing is there");

    crashed();
    Backend::new().leaving(&both).unwrap();
    assert_eq!(Backend::new().adopt(&both), None, "it was about to be handed over");
    assert!(world.texts("eth0").is_empty());

    crashed();
    let mut old = both.clone();
    old.lasts = Duration::from_millis(50);
    world.until("it is old", |world| world.held_since("eth0") > old.lasts);
    assert_eq!(Backend::new().adopt(&old), None, "it is too old");
    assert!(world.texts("eth0").is_empty());

    let permanent = || Backend::of(Netlink::new().unwrap().permanent());
    permanent().acquire(&both).unwrap();
    assert_eq!(permanent().adopt(&both), None, "nobody knows how old it is");
    assert!(world.texts("eth0").is_empty());

    world.add_own("eth0", "192.0.2.10/24");
    assert_eq!(Backend::new().adopt(&both), None, "it is the host's own");
    assert_eq!(world.texts("eth0"), ["192.0.2.10/24"]);
}

const BOTH: [&str; 2] = ["192.0.2.10/24", "2001:db8::10/64"];

/// As version 0.1 left them, which put an IPv4 address without the host's subnet as /32.
fn leave_as_0_1(world: &mut World, protocol: u8, valid: Option<u32>) {
    world.put_as_0_1("eth0", "192.0.2.10/32", protocol, valid);
    world.put_as_0_1("eth0", "2001:db8::10/64", protocol, valid);
}

fn what_version_0_1_left_is_adopted_and_marked(world: &mut World) {
    leave_as_0_1(world, 112, Some(30));
    let (backend, lease) = (Backend::new(), lease(&BOTH, 30));
    let adopted = backend.adopt(&lease).unwrap();
    assert!(adopted.renewed_ago < SOON, "{adopted:?}");
    assert_eq!(world.texts("eth0"), ["192.0.2.10/32", "2001:db8::10/64"], "a /64 keeps its length");
    for _ in 0..2 {
        let all = world.addresses("eth0");
        assert!(all.iter().all(|address| address.mark == Some(Mark::Held)), "{all:?}");
        assert!(all.iter().all(|address| !address.has_prefix_route()), "{all:?}");
        backend.renew(&lease).unwrap();
    }
    assert_eq!(world.routes("2001:db8::/64"), [(112, true)], "ours instead of the kernel's");
    backend.release(&lease, Reason::Shutdown).unwrap();
    assert!(world.texts("eth0").is_empty());
    assert!(world.routes("2001:db8::/64").is_empty() && world.routes("192.0.2.0/24").is_empty());
}

fn what_version_0_1_left_goes_when_it_cannot_be_adopted(world: &mut World) {
    for (protocol, valid, permanent) in
        [(113, Some(30), false), (112, None, false), (112, None, true)]
    {
        leave_as_0_1(world, protocol, valid);
        let netlink = Netlink::new().unwrap();
        let backend = Backend::of(if permanent { netlink.permanent() } else { netlink });
        assert_eq!(backend.adopt(&lease(&BOTH, 30)), None);
        assert!(world.texts("eth0").is_empty(), "{protocol} {valid:?} {permanent}");
        assert!(world.routes("2001:db8::/64").is_empty());
    }
}

fn what_version_0_1_left_is_looked_for_at_start_only(world: &mut World) {
    world.put_as_0_1("eth0", "192.0.2.10/24", 112, Some(30));
    let (backend, lease) = (Backend::new(), lease(&["192.0.2.10/24"], 30));
    assert_eq!(failure(backend.acquire(&lease), &["192.0.2.10"]), LeaseFailure::AddressPresent);
    backend.release(&lease, Reason::Shutdown).unwrap();
    assert_eq!(world.texts("eth0"), ["192.0.2.10/24"]);
    // An operator has made it his own, and an old kernel left the tag as it was.
    world.claim("eth0", "192.0.2.10/24");
    assert_eq!(backend.adopt(&lease), None);
    assert_eq!(world.texts("eth0"), ["192.0.2.10/24"]);
}

fn without_the_capability_it_is_denied(world: &mut World) {
    let lease = lease(&["192.0.2.10/24"], 30);
    Backend::new().inspect(&lease).unwrap();
    crate::world::without_capabilities(|| {
        let backend = Backend::new();
        assert_eq!(failure(backend.inspect(&lease), &["CAP_NET_ADMIN"]), LeaseFailure::Denied);
        assert_eq!(
            failure(backend.acquire(&lease), &["192.0.2.10", "CAP_NET_ADMIN"]),
            LeaseFailure::Denied
        );
    });
    assert!(world.texts("eth0").is_empty());
}

fn a_missing_interface_has_a_name(_: &mut World) {
    let mut lease = lease(&["192.0.2.10/24"], 30);
    lease.interface = "eth7".into();
    let backend = Backend::new();
    assert_eq!(failure(backend.acquire(&lease), &["no interface eth7"]), LeaseFailure::Failed);
    assert_eq!(failure(backend.inspect(&lease), &["no interface eth7"]), LeaseFailure::Failed);
    assert_eq!(failure(backend.renew(&lease), &["no interface eth7"]), LeaseFailure::Failed);
    backend.release(&lease, Reason::Interface).unwrap();
}

fn an_inspection_sees_what_is_wrong(world: &mut World) {
    let backend = Backend::new();
    let lease = lease(&["192.0.2.10/24"], 30);
    backend.inspect(&lease).unwrap();
    backend.acquire(&lease).unwrap();
    backend.inspect(&lease).unwrap();
    world.set_up("eth1", false);
    assert_eq!(
        failure(backend.inspect(&lease), &["eth0 is down or has no carrier"]),
        LeaseFailure::Failed
    );
}

fn ipv6_answers_at_once(world: &mut World) {
    for interface in ["all", "eth0"] {
        fs::write(format!("/proc/sys/net/ipv6/conf/{interface}/accept_dad"), "1").unwrap();
    }
    world.add_tentative("eth0", "2001:db8::2/64");
    let tentative = world.addresses("eth0").remove(0);
    assert!(tentative.flags.contains(AddressFlags::Tentative), "{tentative:?}");
    let backend = Backend::new();
    backend.acquire(&lease(&["2001:db8::10/64"], 30)).unwrap();
    for _ in 0..2 {
        let held = world.held("eth0");
        assert!(!held.flags.contains(AddressFlags::Tentative), "{held:?}");
        assert!(held.flags.contains(AddressFlags::Nodad | AddressFlags::Noprefixroute), "{held:?}");
        backend.renew(&lease(&["2001:db8::10/64"], 30)).unwrap();
    }
}

fn a_whole_virtual_router_in_one_batch(world: &mut World) {
    let backend = Backend::new();
    for texts in [
        (1..=255).map(|number| format!("198.51.100.{number}/32")).collect::<Vec<_>>(),
        (1..=255).map(|number| format!("2001:db8::{number:x}/128")).collect(),
    ] {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let lease = lease(&texts, 30);
        backend.acquire(&lease).unwrap();
        assert_eq!(world.addresses("eth0").iter().filter(|address| address.is_ours()).count(), 255);
        backend.renew(&lease).unwrap();
        backend.release(&lease, Reason::Shutdown).unwrap();
        assert!(world.texts("eth0").is_empty());
    }
}
