//! Version 0.1 is replaced by this one while it holds addresses. It marked them by `IFA_PROTO`, and
//! this one does by their metric.
//!
//! It plays only with `VRRP_TEST_ALL=1`, where the sources are a clone with the history: version
//! 0.1 is built from it.

mod earlier;
#[allow(
    dead_code,
    reason = "shared with the test program `old_kernels`, which uses the rest of it"
)]
#[path = "../old_kernels/stage.rs"]
mod stage;
mod subnets;
#[allow(dead_code, reason = "shared with the test program `lab`, which uses the rest of it")]
#[path = "../lab/support.rs"]
mod support;

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use libtest_mimic::{Arguments, Trial};
use vrrp_net::{
    lab::{self, Signal, Ticker, wait_until},
    netlink::addresses::Mark,
};

use crate::{
    earlier::Missing,
    stage::{
        SECOND, STRONG, WEAK, are_answered, clients, config, entries, is_adopted,
        wait_for_addresses,
    },
    support::{Node, Outcome, Pair, SOON, check, timed},
};

fn main() {
    // What is built may have to be fetched, and the lab has no network.
    let earlier = match env::var_os("VRRP_TEST_ALL") {
        None => Err(Missing::Here("VRRP_TEST_ALL is not set (./test --all sets it)".to_owned())),
        Some(_) => earlier::build(),
    };
    // While there is one thread.
    let available = lab::enter();
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(arguments.test_threads.unwrap_or(2));
    let earlier = match available {
        Ok(()) => earlier,
        Err(reason) => Err(Missing::Here(reason.to_string())),
    };
    let tests = match earlier {
        Ok(program) => trials(&program),
        Err(Missing::Here(reason)) => {
            println!("every test is ignored: {reason}");
            vec![Trial::test("upgrade", || Ok(())).with_ignored_flag(true)]
        }
        Err(Missing::Broken(said)) => {
            vec![Trial::test("version_0_1_is_built", move || Err(said.into()))]
        }
    };
    libtest_mimic::run(&arguments, tests).exit();
}

fn trials(program: &Path) -> Vec<Trial> {
    let this = PathBuf::from(env!("CARGO_BIN_EXE_vrrp"));
    let [one, two, three, four] = [(); 4].map(|()| program.to_path_buf());
    vec![
        timed("upgrade_under_a_lease", move |ticker| leased(&one, &this, ticker)),
        timed("upgrade_under_a_lease_beside_version_0_1", move |ticker| leased(&two, &two, ticker)),
        timed("upgrade_without_a_lease", move |_| without_a_lease(&three)),
        timed("upgrade_with_subnets_of_its_own", move |ticker| subnets::kept(&four, ticker)),
    ]
}

/// a runs version 0.1 and is Active.
fn elect(pair: &mut Pair, program: &Path, peer: &Path, more: &str) -> Outcome {
    pair.a.start_command(&config(STRONG, SECOND, more), Command::new(program))?;
    pair.b.start_command(&config(WEAK, SECOND, more), Command::new(peer))?;
    pair.a.wait_for_phase("held")?;
    pair.b.wait_for_phase("backup")?;
    let found = entries(&pair.a)?;
    let is_of_earlier =
        found.iter().all(|entry| entry.mark.is_none() && entry.old_mark == Some(Mark::Held));
    check(is_of_earlier && !found.is_empty(), format!("version 0.1 has put {found:?}"))
}

/// Waits until a has every address once, with the mark of this version.
fn wait_for_marks(node: &Node) -> Outcome {
    wait_for_addresses(node, true)?;
    let marked = || {
        entries(node).is_ok_and(|found| {
            found.iter().all(|entry| entry.mark == Some(Mark::Held) && entry.old_mark.is_none())
        })
    };
    check(wait_until(SOON, marked), format!("not marked: {:?}", entries(node)?))
}

/// Nobody notices.
fn leased(program: &Path, peer: &Path, ticker: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    elect(&mut pair, program, peer, "")?;
    is_adopted(&mut pair, ticker, |node| {
        node.start(&config(STRONG, SECOND, ""))?;
        node.wait_for_phase("adopted")?;
        wait_for_marks(node)
    })?;
    wait_for_marks(&pair.a)?;
    leave(&mut pair)
}

/// What has no lifetime is never adopted: it goes at the start, and comes back by election.
fn without_a_lease(program: &Path) -> Outcome {
    let more = "lease = false";
    let mut pair = Pair::new()?;
    elect(&mut pair, program, Path::new(env!("CARGO_BIN_EXE_vrrp")), more)?;
    let clients = clients(&pair)?;
    pair.a.process()?.kill()?;
    pair.a.start(&config(STRONG, SECOND, more))?;
    pair.a.wait_for_phase("held")?;
    pair.b.wait_for_phase("backup")?;
    let log = pair.a.log();
    check(
        !log.contains("adopted") && !log.contains("address-present"),
        format!("its log:\n{log}"),
    )?;
    wait_for_marks(&pair.a)?;
    wait_for_addresses(&pair.b, false)?;
    are_answered(&clients)?;
    leave(&mut pair)
}

fn leave(pair: &mut Pair) -> Outcome {
    pair.a.signal(Signal::SIGTERM)?;
    check(pair.a.wait()?, "a did not end with status 0")?;
    wait_for_addresses(&pair.a, false)?;
    pair.b.wait_for_phase("held")
}
