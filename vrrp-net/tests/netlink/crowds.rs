//! What the netlink backend does on a host with much else on it.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use vrrp_core::{LeaseFailure, Reason};
use vrrp_net::netlink::{Monitor, Socket, addresses};

use crate::{
    backend::{Backend, failure},
    world::{Test, World, cidr, lease},
};

pub(crate) const TESTS: &[(&str, Test)] = &[
    (
        "a7_a_host_full_of_addresses_that_change_is_no_obstacle",
        a7_a_host_full_of_addresses_that_change_is_no_obstacle,
    ),
    ("a7_a_renewal_follows_its_interface", a7_a_renewal_follows_its_interface),
    ("a7_an_owner_may_have_its_address_elsewhere", a7_an_owner_may_have_its_address_elsewhere),
];

/// So many that the kernel tells them in a dozen datagrams, and there is hardly one without a
/// change meanwhile.
fn a7_a_host_full_of_addresses_that_change_is_no_obstacle(world: &mut World) {
    world.add_own("eth0", "192.0.2.1/24");
    world.fill("eth1", 5000);
    let index = world.index("lo");
    let (stop, changes) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        let _stop = OnDrop(|| stop.store(true, Ordering::Relaxed));
        scope.spawn(|| {
            let mut socket = Socket::new().unwrap();
            let cidr = cidr("203.0.113.1/32");
            while !stop.load(Ordering::Relaxed) {
                socket.request(addresses::add_own(index, cidr), NLM_F_CREATE | NLM_F_EXCL).unwrap();
                socket.request(addresses::delete(index, cidr), 0).unwrap();
                changes.fetch_add(1, Ordering::Relaxed);
            }
        });
        world.until("changes", |_| changes.load(Ordering::Relaxed) > 10);
        let (backend, lease) = (Backend::new(), lease(&["192.0.2.10/24", "2001:db8::10/64"], 30));
        for _ in 0..3 {
            backend.inspect(&lease).unwrap();
            assert_eq!(backend.adopt(&lease), None);
            backend.acquire(&lease).unwrap();
            for _ in 0..20 {
                backend.renew(&lease).unwrap();
            }
            assert!(Backend::new().adopt(&lease).is_some());
            backend.leaving(&lease).unwrap();
            backend.release(&lease, Reason::Shutdown).unwrap();
            // All are seen, though never at one moment.
            let all = addresses::list(&mut world.socket).unwrap();
            assert!(all.len() > 5000, "{} of 5000 addresses and more", all.len());
        }
        let elsewhere = crate::world::lease(&["10.0.4.210/32"], 30);
        assert_eq!(
            failure(backend.acquire(&elsewhere), &["10.0.4.210", "eth1"]),
            LeaseFailure::AddressPresent
        );
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { Monitor::new() }).unwrap();
    });
}

struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// The name may be gone, or another's: what is renewed is where it was put.
fn a7_a_renewal_follows_its_interface(world: &mut World) {
    let (backend, lease) = (Backend::new(), lease(&["192.0.2.10/24"], 30));
    backend.acquire(&lease).unwrap();
    world.rename("eth0", "wan0");
    world.rename("eth1", "eth0");
    backend.renew(&lease).unwrap();
    assert_eq!((world.texts("wan0").len(), world.texts("eth0").len()), (1, 0));
    backend.release(&lease, Reason::Interface).unwrap();
    assert_eq!((world.texts("wan0").len(), world.texts("eth0").len()), (0, 0));
    backend.acquire(&lease).unwrap();
    backend.renew(&lease).unwrap();
    assert_eq!((world.texts("wan0").len(), world.texts("eth0").len()), (0, 1));
}

fn a7_an_owner_may_have_its_address_elsewhere(world: &mut World) {
    world.add_own("lo", "192.0.2.1/32");
    let mut lease = lease(&["192.0.2.1/24", "192.0.2.10/24"], 30);
    lease.owner = true;
    let backend = Backend::new();
    backend.acquire(&lease).unwrap();
    backend.renew(&lease).unwrap();
    assert_eq!(world.held("eth0").cidr.address(), cidr("192.0.2.10/24").address());
}
