//! The program beside keepalived and FRR: every way in which they can share an address, in every
//! situation in which they have to agree.
//!
//! `cargo test -p vrrp-bin --test interop` runs a fixed third of the matrix, in which every mode
//! and every scenario is met; `VRRP_TEST_ALL=1` or a filter such as `-- keepalived_v3` chooses from
//! all of it. `VRRP_INTEROP_TABLE=FILE` writes what came of it into a file, whose relative path
//! begins at the workspace's root.

mod member;
mod mode;
mod scenario;
#[allow(dead_code, reason = "shared with the test program `lab`, which uses the rest of it")]
#[path = "../lab/support.rs"]
mod support;
mod table;
mod world;

use std::{env, sync::Arc, time::Instant};

use libtest_mimic::{Arguments, Completion, Trial};
use vrrp_net::lab;

use crate::{
    mode::Mode,
    scenario::Scenario,
    table::{Cell, Table},
};

/// How many labs there are at a time. They wait most of the time.
const LABS: usize = 7;

fn main() {
    // First of all, while there is one thread.
    let available = lab::enter();
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(arguments.test_threads.unwrap_or(LABS));
    let table = Arc::new(Table::default());
    let everything = env::var_os("VRRP_TEST_ALL").is_some() || arguments.filter.is_some();
    let mut tests = trials(everything, &table);
    if let Err(reason) = available {
        println!("every test is ignored: {reason}");
        tests = tests.into_iter().map(|test| test.with_ignored_flag(true)).collect();
    }
    let begun = Instant::now();
    let conclusion = libtest_mimic::run(&arguments, tests);
    if let Some(path) = env::var_os("VRRP_INTEROP_TABLE").filter(|_| !arguments.list)
        && let Err(error) = table.write(path.as_ref(), begun.elapsed())
    {
        println!("the table cannot be written: {error}");
    }
    conclusion.exit();
}

fn trials(everything: bool, table: &Arc<Table>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for (row, mode) in Mode::ALL.into_iter().enumerate() {
        for (column, scenario) in Scenario::ALL.into_iter().enumerate() {
            if everything || (row + column) % 3 == 0 {
                trials.push(trial(mode, scenario, Arc::clone(table)));
            }
        }
    }
    trials
}

fn trial(mode: Mode, scenario: Scenario, table: Arc<Table>) -> Trial {
    Trial::ignorable_test(format!("{}__{}", mode.name(), scenario.name()), move || {
        if let Some(why) = scenario.missing(mode) {
            table.record(mode, scenario, Cell::Missing(why.clone()));
            return Ok(Completion::ignored_with(why));
        }
        let outcome = support::conclude(|ticker| scenario.play(mode, ticker));
        let cell = match &outcome {
            Ok(beyond) => Cell::Passed(*beyond),
            Err(_) => Cell::Failed,
        };
        table.record(mode, scenario, cell);
        outcome.map(|_| Completion::Completed)
    })
}
