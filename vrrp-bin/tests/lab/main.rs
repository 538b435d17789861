//! The program on real kernels: nodes, clients and attackers in network namespaces.
//!
//! `cargo test -p vrrp-bin --test lab -- NAME` runs those whose name contains NAME.

mod backends;
mod cases;
mod checking;
#[allow(dead_code, reason = "shared with the test program `containers`, which uses the rest of it")]
#[path = "../containers/client.rs"]
mod client;
#[path = "../program/crowd.rs"]
mod crowd;
mod disagreement;
mod evidence;
mod failover;
mod faults;
mod flood;
mod forge;
mod frames;
mod groups;
mod health;
mod holders;
mod hostile;
mod interfaces;
mod judged;
mod known_bad;
mod leftovers;
mod limits;
mod makes;
mod notify;
mod others;
mod page;
mod places;
#[allow(dead_code, reason = "shared with the tests of examples, which use the rest of it")]
#[path = "../program/postgres.rs"]
mod postgres;
mod privileges;
mod processor;
mod realtime;
mod reload;
mod same_file;
mod scanning;
#[allow(dead_code, reason = "shared with the test program `daemon`, which uses the rest of it")]
#[path = "../daemon/schema.rs"]
mod schema;
mod status;
mod support;
mod unicast;
mod watching;
mod wiring;

use std::env;

use libtest_mimic::{Arguments, Trial};
use vrrp_net::lab;

fn main() {
    others::squat_if_asked();
    health::server::serve_if_asked();
    // First of all, while there is one thread.
    let available = lab::enter();
    let mut arguments = Arguments::from_args();
    // Each test is several busy processes, and measures time.
    arguments.test_threads = Some(arguments.test_threads.unwrap_or(2));
    let everything = env::var_os("VRRP_TEST_ALL").is_some() || arguments.filter.is_some();
    let all = [
        failover::tests(),
        faults::tests(),
        backends::tests(),
        realtime::tests(),
        limits::tests(),
        others::tests(),
        interfaces::tests(),
        judged::tests(),
        checking::tests(everything),
        scanning::tests(everything),
        unicast::tests(),
        disagreement::tests(),
        groups::tests(),
        leftovers::tests(),
        wiring::tests(),
        holders::tests(everything),
        hostile::tests(),
        known_bad::tests(),
        frames::tests(),
        flood::tests(),
        health::tests(),
        health::page::tests(everything),
        health::probing::tests(everything),
        notify::tests(),
        page::tests(everything),
        places::tests(everything),
        privileges::tests(),
        processor::tests(),
        cases::tests(everything),
        same_file::tests(everything),
        reload::tests(everything),
        status::tests(everything),
        watching::tests(everything),
    ];
    let mut tests: Vec<Trial> = all.into_iter().flatten().collect();
    if let Err(reason) = available {
        println!("every test is ignored: {reason}");
        tests = tests.into_iter().map(|test| test.with_ignored_flag(true)).collect();
    }
    libtest_mimic::run(&arguments, tests).exit();
}
