//! The program on kernels of Linux 4.18 and later, and on one that is too old: trials of its own
//! and some of the lab's, under a preloaded library that takes away what such kernels do not know
//! (`shim.c`).
//!
//! `cargo test -p vrrp-bin --test old_kernels -- NAME` runs those whose name contains NAME.

#[allow(dead_code, reason = "shared with the test program `lab`, which uses the rest of it")]
#[path = "../lab/evidence.rs"]
mod evidence;
#[path = "../lab/failover.rs"]
mod failover;
#[allow(dead_code, reason = "shared with the test program `lab`, which uses the rest of it")]
#[path = "../lab/forge.rs"]
mod forge;
#[path = "../lab/interfaces.rs"]
mod interfaces;
mod shim;
mod stage;
#[allow(dead_code, reason = "shared with the test program `lab`, which uses the rest of it")]
#[path = "../lab/support.rs"]
mod support;
mod trials;
mod unfit;

use libtest_mimic::{Arguments, Trial};
use vrrp_net::lab;

use crate::shim::Shims;

/// How many trials there are at a time. They wait most of the time.
const TRIALS: usize = 6;

/// What the lab plays on kernels of today and is played here, too.
const OF_THE_LAB: [&str; 8] = [
    "failover_v3_ipv6_multicast_1000ms",
    "failover_v3_ipv4_multicast_100ms",
    "interface_made_anew_ten_times",
    "interface_renamed_while_down",
    "interface_replaced_by_another",
    "interface_prefix_route_deleted_ipv4",
    "interface_prefix_route_deleted_ipv6",
    "interface_prefix_routes_end_with_their_addresses",
];

fn main() {
    // First of all, while there is one thread.
    let available = lab::enter().map_err(|error| error.to_string());
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(arguments.test_threads.unwrap_or(TRIALS));
    let shims = available.and_then(|()| Shims::build());
    let tests = match &shims {
        Ok(shims) => trials(shims),
        Err(reason) => {
            println!("every test is ignored: {reason}");
            let ignored = Trial::test("old_kernels", || Ok(()));
            vec![ignored.with_ignored_flag(true)]
        }
    };
    let conclusion = libtest_mimic::run(&arguments, tests);
    // Exiting drops nothing.
    drop(shims);
    conclusion.exit();
}

/// The longest ones come first: others run beside them.
fn trials(shims: &Shims) -> Vec<Trial> {
    let is_first = support::ENVIRONMENT.set(shims.old()).is_ok();
    assert!(is_first, "the environment of the nodes is set once");
    let labs = failover::tests().into_iter().chain(interfaces::tests());
    let labs: Vec<Trial> = labs.filter(|trial| OF_THE_LAB.contains(&trial.name())).collect();
    assert_eq!(labs.len(), OF_THE_LAB.len(), "the lab has other trials by now");
    labs.into_iter().chain(trials::tests()).chain(unfit::tests(shims)).collect()
}
