//! The program `vrrp` beside keepalived and FRR: the same work in the same lab, in turns.
//!
//! `cargo run --release -p vrrp-benches --bin beside -- --help` tells what can be measured.

mod advert;
mod checks;
mod config;
mod figures;
mod flood;
mod load;
mod machine;
mod outage;
mod program;
mod site;
mod sweep;
mod takeover;
mod watched;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, ValueEnum};
use vrrp_net::lab;

use crate::{
    checks::Asks,
    load::Role,
    program::{Kind, Programs},
    sweep::Load,
};

/// What went wrong, as a sentence.
pub(crate) type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Measures `vrrp` beside keepalived and FRR on this machine, in networks made of namespaces.
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    /// What to measure; everything when nothing is named
    #[arg(value_enum)]
    measurements: Vec<Measurement>,
    /// How often each is measured, the programs taking turns: 5 times, but checks twice
    #[arg(long)]
    runs: Option<usize>,
    /// Which programs; can be given several times
    #[arg(long, value_enum)]
    only: Vec<Kind>,
    /// How many virtual routers, for cpu and memory; can be given several times
    #[arg(long)]
    routers: Vec<usize>,
    /// The advertisement interval, such as 100ms; can be given several times
    #[arg(long, value_parser = humantime::parse_duration)]
    interval: Vec<Duration>,
    /// As what a program is measured, for cpu
    #[arg(long, value_enum)]
    role: Vec<Role>,
    /// What else the processors do, for sweep
    #[arg(long, value_enum)]
    load: Vec<Load>,
    /// How many checks; can be given several times
    #[arg(long)]
    checks: Vec<usize>,
    /// Which checks; can be given several times
    #[arg(long, value_enum)]
    check: Vec<Asks>,
    /// The program that keepalived and vrrp check a web server with at 127.0.0.1:8080; otherwise
    /// curl, if it is there
    #[arg(long)]
    script: Option<String>,
    /// How long processor time is counted, and a flood lasts: 10s, but 4s for checks
    #[arg(long, value_parser = humantime::parse_duration)]
    window: Option<Duration>,
    /// The program vrrp; otherwise the one beside this program
    #[arg(long)]
    vrrp: Option<PathBuf>,
    /// Is the other end of what is measured
    #[arg(long, hide = true)]
    answer: Option<Answer>,
}

/// What another process of this program does.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Answer {
    /// It answers checks of each kind.
    Checks,
    /// It is a web server whose name is a.
    A,
    /// It is another.
    B,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Measurement {
    /// How late a Backup takes over, and announces its address
    Takeover,
    /// How late 255 virtual routers take over at once
    Many,
    /// What a client loses when the active node of two goes
    Outage,
    /// Processor time
    Cpu,
    /// Memory
    Memory,
    /// Advertisements sent while somebody floods the node with packets that it must refuse
    Flood,
    /// What checks of services cost and delay, and how long a client waits when a service dies
    Checks,
    /// How late advertisements leave while others watch the node; of vrrp alone
    Watched,
    /// How late the kernel takes addresses away whose leases nobody renews any more; of no program
    Sweep,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.answer {
        Some(answer) => serve(answer),
        // Before anything else, while there is one thread.
        None => lab::enter().map_err(Failed::from).and_then(|()| run(&arguments)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("{failed}");
            ExitCode::FAILURE
        }
    }
}

fn serve(answer: Answer) -> Result<(), Failed> {
    match answer {
        Answer::Checks => vrrp_benches::serve::serve().map_err(|error| error.to_string().into()),
        Answer::A => checks::service::serve('a'),
        Answer::B => checks::service::serve('b'),
    }
}

fn run(arguments: &Arguments) -> Result<(), Failed> {
    let programs = Programs::find(&arguments.only, arguments.vrrp.as_deref())?;
    machine::print();
    programs.print();
    let all = Measurement::value_variants();
    let chosen = if arguments.measurements.is_empty() { all } else { &arguments.measurements };
    for measurement in chosen {
        println!();
        match measurement {
            Measurement::Takeover => takeover::one(arguments, &programs)?,
            Measurement::Many => takeover::many(arguments, &programs)?,
            Measurement::Outage => outage::outages(arguments, &programs)?,
            Measurement::Cpu => load::cpu(arguments, &programs)?,
            Measurement::Memory => load::memory(arguments, &programs)?,
            Measurement::Flood => flood::floods(arguments, &programs)?,
            Measurement::Checks => checks::all(arguments, &programs)?,
            Measurement::Watched => watched::all(arguments, &programs)?,
            Measurement::Sweep => sweep::sweeps(arguments)?,
        }
    }
    Ok(())
}

impl Arguments {
    /// How often each is measured.
    fn runs(&self) -> usize {
        self.runs.unwrap_or(5)
    }

    /// How long processor time is counted.
    fn window(&self) -> Duration {
        self.window.unwrap_or(Duration::from_secs(10))
    }

    /// The intervals that were asked for, or these.
    fn intervals(&self, otherwise: &[u64]) -> Vec<Duration> {
        if self.interval.is_empty() {
            return otherwise
                .iter()
                .map(|milliseconds| Duration::from_millis(*milliseconds))
                .collect();
        }
        self.interval.clone()
    }

    /// The numbers of virtual routers that were asked for, or these.
    fn routers(&self, otherwise: &[usize]) -> Vec<usize> {
        if self.routers.is_empty() { otherwise.to_vec() } else { self.routers.clone() }
    }
}
