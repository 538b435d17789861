//! Checks of services: how long a client waits when one dies, and what they cost and delay.

mod bill;
mod death;
mod plan;
pub(crate) mod service;
mod table;

use std::{
    env,
    path::{Path, PathBuf},
    time::Duration,
};

pub(crate) use plan::Asks;

use crate::{Arguments, Failed, program::Programs};

/// How often, and how long processor time is counted, unless it is said: all of it in some ten minutes.
const RUNS: usize = 2;
const WINDOW: Duration = Duration::from_secs(4);

/// Both.
pub(crate) fn all(arguments: &Arguments, programs: &Programs) -> Result<(), Failed> {
    let runs = arguments.runs.unwrap_or(RUNS);
    let kinds = programs.without_frr("it has no checks");
    death::deaths(arguments, programs, &kinds, runs)?;
    println!();
    bill::bills(arguments, programs, &kinds, runs, arguments.window.unwrap_or(WINDOW))
}

/// The small program that stands for a script.
fn probe() -> Result<PathBuf, Failed> {
    let probe = env::current_exe()?.with_file_name("probe");
    if probe.is_file() { Ok(probe) } else { Err(missing(&probe)) }
}

fn missing(probe: &Path) -> Failed {
    let probe = probe.display();
    format!("there is no {probe}; make it by cargo build --release -p vrrp-benches --bin probe")
        .into()
}
