//! The netlink backend and the monitor against the kernel, in network namespaces of their own.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

mod backend;
mod changes;
mod checks;
mod crowds;
mod floods;
mod guard;
mod inspections;
mod monitor;
mod places;
mod routes;
mod subnets;
mod world;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    if let Err(error) = vrrp_net::lab::enter() {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    let mut arguments = Arguments::from_args();
    // Lifetimes are judged by the clock.
    arguments.test_threads.get_or_insert(4);
    let tests = [
        backend::TESTS,
        changes::TESTS,
        checks::TESTS,
        crowds::TESTS,
        subnets::TESTS,
        monitor::TESTS,
        places::TESTS,
        routes::TESTS,
        inspections::TESTS,
        floods::TESTS,
        guard::TESTS,
    ];
    let trials = tests.into_iter().flatten().map(|(name, test)| {
        Trial::test(*name, move || {
            world::run(*test);
            Ok(())
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
