//! Other addresses while some are held, and what an earlier process with other addresses left
//! behind.

use std::time::Duration;

use vrrp_core::Reason;
use vrrp_net::Lease;

use crate::{
    backend::Backend,
    world::{SOON, Test, World, cidr, lease},
};

pub(crate) const TESTS: &[(&str, Test)] = &[
    ("b02_what_is_new_is_put_and_what_is_gone_goes", what_is_new_is_put_and_what_is_gone_goes),
    ("b02_a_subnet_that_is_gone_loses_its_route", a_subnet_that_is_gone_loses_its_route),
    ("b02_a_release_lets_go_of_both_lists", a_release_lets_go_of_both_lists),
    ("b02_a_change_that_fails_keeps_what_was_there", a_change_that_fails_keeps_what_was_there),
    ("b02_what_a_crash_left_is_completed", what_a_crash_left_is_completed),
    ("b02_what_was_leaving_is_not_completed", what_was_leaving_is_not_completed),
];

/// A lease of `addresses` that had `previous` before.
fn changed(addresses: &[&str], previous: &[&str]) -> Lease {
    let mut lease = lease(addresses, 30);
    lease.previous = previous.iter().map(|text| cidr(text).into()).collect();
    lease
}

fn what_is_new_is_put_and_what_is_gone_goes(world: &mut World) {
    world.add_own("eth0", "192.0.2.1/24");
    let backend = Backend::new();
    backend.acquire(&lease(&["192.0.2.10/24"], 30)).unwrap();
    let first = lease(&["192.0.2.10/24", "192.0.2.11/24"], 30);
    backend.repair(&first).unwrap();
    assert_eq!(world.texts("eth0"), ["192.0.2.1/24", "192.0.2.10/24", "192.0.2.11/24"]);
    backend.repair(&changed(&["192.0.2.12/24", "192.0.2.10/24"], &["192.0.2.11/24"])).unwrap();
    assert_eq!(world.texts("eth0"), ["192.0.2.1/24", "192.0.2.10/24", "192.0.2.12/24"]);
    backend.repair(&changed(&["192.0.2.10/24"], &["192.0.2.12/24"])).unwrap();
    assert_eq!(world.texts("eth0"), ["192.0.2.1/24", "192.0.2.10/24"]);
}

fn a_subnet_that_is_gone_loses_its_route(world: &mut World) {
    let backend = Backend::new();
    let (old, new) =
        (["2001:db8:1::10/64", "198.51.100.10/24"], ["2001:db8:2::10/64", "203.0.113.10/24"]);
    backend.acquire(&lease(&old, 30)).unwrap();
    backend.repair(&changed(&new, &old)).unwrap();
    for (subnet, routes) in [
        ("2001:db8:1::/64", 0),
        ("198.51.100.0/24", 0),
        ("2001:db8:2::/64", 1),
        ("203.0.113.0/24", 1),
    ] {
        assert_eq!(world.routes(subnet).len(), routes, "{subnet}");
    }
}

fn a_release_lets_go_of_both_lists(world: &mut World) {
    let backend = Backend::new();
    backend.acquire(&lease(&["192.0.2.10/32", "192.0.2.11/32"], 30)).unwrap();
    // Before it was carried out, everything is let go.
    backend
        .release(
            &changed(&["192.0.2.11/32", "192.0.2.12/32"], &["192.0.2.10/32"]),
            Reason::Shutdown,
        )
        .unwrap();
    assert!(world.texts("eth0").is_empty());
}

/// An address of the host's own among the new ones: nothing of the change is left.
fn a_change_that_fails_keeps_what_was_there(world: &mut World) {
    world.add_own("eth0", "192.0.2.1/24");
    let backend = Backend::new();
    backend.acquire(&lease(&["192.0.2.10/24", "192.0.2.11/24"], 30)).unwrap();
    let before = world.texts("eth0");
    let refused = changed(&["192.0.2.10/24", "192.0.2.12/24", "192.0.2.1/24"], &["192.0.2.11/24"]);
    assert!(backend.repair(&refused).is_err());
    assert_eq!(world.texts("eth0"), before);
}

fn what_a_crash_left_is_completed(world: &mut World) {
    world.add_own("eth0", "192.0.2.1/24");
    Backend::new().acquire(&lease(&["192.0.2.10/24", "2001:db8::10/64"], 30)).unwrap();
    let more = lease(&["192.0.2.10/24", "192.0.2.11/24", "2001:db8::10/64"], 30);
    let adopted = Backend::new().adopt(&more).unwrap();
    assert!(adopted.completed && adopted.renewed_ago < SOON, "{adopted:?}");
    assert!(world.texts("eth0").contains(&"192.0.2.11/24".to_owned()));
    let again = Backend::new().adopt(&more).unwrap();
    assert!(!again.completed, "nothing is missing now");
    assert!(again.renewed_ago < Duration::from_secs(5));
}

fn what_was_leaving_is_not_completed(world: &mut World) {
    let (backend, few) = (Backend::new(), lease(&["192.0.2.10/32"], 30));
    backend.acquire(&few).unwrap();
    backend.leaving(&few).unwrap();
    let more = lease(&["192.0.2.10/32", "192.0.2.11/32"], 30);
    assert_eq!(Backend::new().adopt(&more), None);
    assert!(world.texts("eth0").is_empty());
}
