//! What is promised of a virtual address, fault by fault, as a client, the wire and the kernels see
//! it; and beside it what keepalived does with the same fault in the same run.
//!
//! `cargo test -p vrrp-bin --test guarantees` runs the faults that are soon over, `VRRP_TEST_ALL=1` or
//! a filter such as `-- loss` all of them. `VRRP_GUARANTEES_TABLE=FILE` writes what was measured into a
//! file, whose relative path begins at the workspace's root.

mod attic;
mod cables;
mod crash;
#[path = "../program/crowd.rs"]
mod crowd;
mod crowded;
mod deletion;
mod election;
mod figures;
mod handover;
mod interface;
mod loss;
mod member;
mod network;
mod play;
mod routes;
mod short_losses;
mod site;
mod stall;
#[allow(dead_code, reason = "shared with the test program `lab`, which uses the rest of it")]
#[path = "../lab/support.rs"]
mod support;
mod table;

use std::{
    cmp::Reverse,
    env,
    process::Command,
    sync::{Arc, PoisonError, RwLock},
    time::Instant,
};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use vrrp_net::lab::{self, Ticker};

use crate::{
    figures::Figures,
    table::{Cell, Table},
};

/// How many faults there are at a time, each in two labs or more. They wait most of the time.
const FAULTS: usize = 4;

/// About how many seconds a fault may take that is played in every run.
const SHORT: u32 = 20;

/// One fault: a trial, and a row of the table.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    /// What happens.
    fault: &'static str,
    /// What is promised then.
    promise: &'static str,
    /// About how long it takes.
    seconds: u32,
    /// A program that makes the fault.
    needs: Option<&'static str>,
    /// Whether it is only run when everything is.
    is_long: bool,
    play: Play,
}

impl Case {
    /// One that is played beside a ticker.
    const fn timed(
        name: &'static str,
        fault: &'static str,
        promise: &'static str,
        seconds: u32,
        play: fn(&Ticker) -> Result<Figures, Failed>,
    ) -> Self {
        Self { name, fault, promise, seconds, needs: None, is_long: false, play: Play::Timed(play) }
    }
}

/// How a fault is played.
#[derive(Clone, Copy)]
enum Play {
    /// Beside a ticker and other faults. It is repeated when the machine paused.
    Timed(fn(&Ticker) -> Result<Figures, Failed>),
    /// While nothing else runs here.
    Quiet(fn() -> Result<Figures, Failed>),
}

/// Held for writing by a fault that is played while nothing else runs, for reading by every other.
static MACHINE: RwLock<()> = RwLock::new(());

impl Play {
    fn play(self) -> Result<Figures, Failed> {
        match self {
            Self::Timed(play) => {
                let _shared = MACHINE.read().unwrap_or_else(PoisonError::into_inner);
                support::conclude(play)
            }
            Self::Quiet(play) => {
                let _whole = MACHINE.write().unwrap_or_else(PoisonError::into_inner);
                play()
            }
        }
    }
}

fn main() {
    // First of all, while there is one thread.
    let available = lab::enter();
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(arguments.test_threads.unwrap_or(FAULTS));
    let everything = env::var_os("VRRP_TEST_ALL").is_some() || arguments.filter.is_some();
    let table = Arc::new(Table::default());
    let mut tests = trials(everything, &table);
    if let Err(reason) = available {
        println!("every test is ignored: {reason}");
        tests = tests.into_iter().map(|test| test.with_ignored_flag(true)).collect();
    }
    let begun = Instant::now();
    let conclusion = libtest_mimic::run(&arguments, tests);
    if let Some(path) = env::var_os("VRRP_GUARANTEES_TABLE").filter(|_| !arguments.list)
        && let Err(error) = table.write(path.as_ref(), begun.elapsed())
    {
        println!("the table cannot be written: {error}");
    }
    attic::clear();
    conclusion.exit();
}

/// In the order of the table.
fn cases() -> Vec<Case> {
    let all = [
        handover::CASES,
        crash::CASES,
        stall::CASES,
        deletion::CASES,
        interface::CASES,
        short_losses::CASES,
        routes::CASES,
        crowded::CASES,
        loss::CASES,
        cables::CASES,
        election::CASES,
    ];
    all.into_iter().flatten().copied().collect()
}

/// The longest ones come first: others run beside them.
fn trials(everything: bool, table: &Arc<Table>) -> Vec<Trial> {
    let mut cases = cases();
    cases.retain(|case| everything || !(case.is_long || case.seconds > SHORT));
    cases.sort_by_key(|case| Reverse(case.seconds));
    cases.into_iter().map(|case| trial(case, Arc::clone(table))).collect()
}

fn trial(case: Case, table: Arc<Table>) -> Trial {
    Trial::ignorable_test(case.name, move || {
        if let Some(program) =
            case.needs.filter(|program| Command::new(program).arg("--version").output().is_err())
        {
            return Ok(Completion::ignored_with(format!("the program {program} is missing")));
        }
        let outcome = case.play.play();
        let cell = outcome.as_ref().map_or(Cell::Failed, |figures| Cell::Passed(figures.clone()));
        table.record(case.name, cell);
        let figures = outcome?;
        println!("{}: {figures}", case.name);
        Ok(Completion::Completed)
    })
}
