//! The image on a real container engine: the deployments of `examples/deploy` as hosts on one
//! network, each a container with a DNS server whose network our container shares, and a client
//! that asks 100 times a second.
//!
//! It plays only with `VRRP_TEST_CONTAINERS=1`, as root on Debian, and runs an engine of its own: a
//! `dockerd` in a network, a process tree and a folder that end with it. The base images are made
//! from the distribution's packages, once, and kept in `target/containers`.

#[allow(dead_code, reason = "shared with the test program `lab`, which asks HTTP servers, too")]
mod client;
mod engine;
mod examples;
mod health;
mod image;
mod images;
mod lan;
mod replace;
mod scripts;
#[path = "../program/static_binary.rs"]
mod static_binary;
#[allow(dead_code, reason = "shared with the test program `lab`, which uses the rest of it")]
#[path = "../lab/support.rs"]
mod support;
mod swarm;
mod table;
mod two_nodes;
mod watch;

use std::{env, path::Path, process::Command, sync::Arc};

use libtest_mimic::{Arguments, Failed, Trial};
use vrrp_net::lab;

use crate::{engine::Engine, table::Table};

type Outcome = Result<(), Failed>;
type Test = fn(&Engine, &Table) -> Outcome;

const TESTS: [(&str, Test); 9] = [
    ("osixia_scenario", two_nodes::osixia),
    ("arcts_scenario", two_nodes::arcts),
    ("a_resolver_that_dies_moves_its_address", health::play),
    ("one_node_replaced_at_a_time", replace::play),
    ("the_image_is_confined_and_healthy", image::confined),
    ("a_script_without_its_interpreter", scripts::without_an_interpreter),
    ("a_script_of_osixias_in_an_image_with_a_shell", scripts::with_a_shell),
    ("swarm_stack", swarm::play),
    ("size_and_memory", image::cost),
];

/// Programs, and Debian's packages of them.
const NEEDED: [(&str, &str); 4] = [
    ("dockerd", "docker.io"),
    ("docker-compose", "docker-compose"),
    ("debootstrap", "debootstrap"),
    ("tshark", "tshark"),
];

fn main() {
    // First of all, while there is one thread.
    let available = lab::enter().map_err(|error| error.to_string());
    let mut arguments = Arguments::from_args();
    // They measure time, and share two processors with everything that the engine does.
    arguments.test_threads = Some(1);
    let table = Arc::new(Table::default());
    let tests = match available.and_then(|()| possible()) {
        Err(reason) => {
            println!("every test is ignored: {reason}");
            TESTS.map(|(name, _)| Trial::test(name, || Ok(())).with_ignored_flag(true)).into()
        }
        Ok(()) if arguments.list => TESTS.map(|(name, _)| Trial::test(name, || Ok(()))).into(),
        Ok(()) => trials(&table),
    };
    let conclusion = libtest_mimic::run(&arguments, tests);
    if let Err(error) = table.publish() {
        println!("the table cannot be written: {error}");
    }
    conclusion.exit();
}

/// All of them on one engine, which ends with the last.
fn trials(table: &Arc<Table>) -> Vec<Trial> {
    match Engine::start() {
        Err(error) => vec![Trial::test("a_container_engine", || Err(error))],
        Ok(engine) => {
            let engine = Arc::new(engine);
            let trial = |(name, test): (&str, Test)| {
                let (engine, table) = (Arc::clone(&engine), Arc::clone(table));
                Trial::test(name, move || table.conclude(|| test(&engine, &table)))
            };
            TESTS.map(trial).into()
        }
    }
}

/// Why this is not the place to play them.
fn possible() -> Result<(), String> {
    if env::var_os("VRRP_TEST_CONTAINERS").is_none() {
        return Err("VRRP_TEST_CONTAINERS is not set (./test --all sets it)".to_owned());
    }
    if !nix::unistd::geteuid().is_root() {
        return Err("a container engine of its own needs root".to_owned());
    }
    if !Path::new("/etc/debian_version").exists() {
        return Err(
            "the base images are made from Debian's packages, and this is not Debian".to_owned()
        );
    }
    for (program, package) in NEEDED {
        let found =
            Command::new("which").arg(program).output().is_ok_and(|output| output.status.success());
        if !found {
            return Err(format!("{program} is missing; install the package {package}"));
        }
    }
    Ok(())
}
