//! [`Table`]: what checks cost and delay, a line for each number and kind, and what is aimed at.

use std::{fmt, time::Duration};

use super::{
    bill::{Bill, Case},
    plan::Asks,
};
use crate::{figures::median, program::Kind};

/// How many checks the aims are about.
const MANY: usize = 1_000;
/// The 99th of a hundred advertisements, in milliseconds.
const LATEST: f64 = 5.0;
/// How much more than keepalived's script a run of a program may take.
const BESIDE_KEEPALIVED: f64 = 1.1;

/// What was measured of each case.
pub(super) struct Table(Vec<(Case, Vec<Bill>)>);

/// A case without its program, in words.
pub(super) struct Row(pub(super) Case);

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self((asks, count, _)) = self;
        if *count == 0 { f.write_str("no checks") } else { write!(f, "{count} × {asks}") }
    }
}

/// The medians of a case, and what all its advertisements have in common.
struct Sum {
    runs: f64,
    daemon: f64,
    programs: f64,
    /// In rising order.
    late: Vec<f64>,
    passing: bool,
}

impl Table {
    pub(super) fn new(cases: &[Case]) -> Self {
        Self(cases.iter().map(|case| (*case, Vec::new())).collect())
    }

    pub(super) fn add(&mut self, case: Case, bill: Bill) {
        if let Some((_, bills)) = self.0.iter_mut().find(|(of, _)| *of == case) {
            bills.push(bill);
        }
    }

    /// The lines, and then the aims.
    pub(super) fn print(&self, runs: usize, window: Duration) {
        println!("checks at 1 s: processor time in % of one core, medians of {runs} × {window:?};");
        println!(
            "advertisements at 100 ms of another virtual router meanwhile: how much later than"
        );
        println!("100 ms after the one before, of all {runs} together");
        println!(
            "{:<16} {:<10} {:>7} {:>7} {:>8} {:>7} {:>8}   {:>9} {:>6} {:>6} {:>6}  all pass",
            "",
            "",
            "runs/s",
            "daemon",
            "programs",
            "both",
            "µs a run",
            "late, p50",
            "p99",
            "max",
            "n"
        );
        for (case, sum) in self.sums() {
            sum.print(case);
        }
        if self.sums().all(|((_, count, _), _)| count != MANY) {
            return;
        }
        println!("aims, of {MANY} checks:");
        for asks in [Asks::Tcp, Asks::Dns, Asks::File, Asks::Http] {
            self.judge_share(asks, if asks == Asks::Http { 10.0 } else { 5.0 });
        }
        self.judge_command();
        self.judge_late();
    }

    fn sums(&self) -> impl Iterator<Item = (Case, Sum)> {
        self.0.iter().filter_map(|(case, bills)| Some((*case, Sum::of(bills)?)))
    }

    fn many(&self, asks: Asks, kind: Kind) -> Option<Sum> {
        self.sums().find(|(case, _)| *case == (asks, MANY, kind)).map(|(_, sum)| sum)
    }

    fn judge_share(&self, asks: Asks, aim: f64) {
        let Some(Sum { daemon, .. }) = self.many(asks, Kind::Vrrp) else { return };
        println!("    {asks:<8} {daemon:.1} % of {aim} % of a core: {}", word(daemon <= aim));
    }

    /// By the run, since neither may have done a thousand in a second.
    fn judge_command(&self) {
        let of = |kind| Some(self.many(Asks::Command, kind)?.a_run()).filter(|run| *run > 0.0);
        let Some((ours, theirs)) = of(Kind::Vrrp).zip(of(Kind::Keepalived)) else { return };
        let ratio = ours / theirs;
        println!(
            "    command  {ratio:.2} of {BESIDE_KEEPALIVED} × keepalived's script, daemon and \
             programs, a run: {}",
            word(ratio <= BESIDE_KEEPALIVED)
        );
    }

    fn judge_late(&self) {
        for (case, sum) in self.sums().filter(|((_, count, _), _)| *count == MANY) {
            let p99 = percentile(&sum.late, 99);
            println!(
                "    {:<10} {:<16} advertisements late by {p99:.2} of {LATEST} ms (p99): {}",
                case.2,
                Row(case).to_string(),
                word(p99 < LATEST)
            );
        }
    }
}

impl Sum {
    fn of(bills: &[Bill]) -> Option<Self> {
        let middle = |value: fn(&Bill) -> f64| {
            let mut all: Vec<f64> = bills.iter().map(value).collect();
            all.sort_unstable_by(f64::total_cmp);
            median(&all)
        };
        let mut late: Vec<f64> = bills.iter().flat_map(|bill| bill.late.iter().copied()).collect();
        late.sort_unstable_by(f64::total_cmp);
        Some(Self {
            runs: middle(|bill| bill.runs)?,
            daemon: middle(|bill| bill.daemon)?,
            programs: middle(|bill| bill.programs)?,
            late,
            passing: bills.iter().all(|bill| bill.passing),
        })
    }

    /// Microseconds of processor time that one run takes.
    fn a_run(&self) -> f64 {
        let both = self.daemon + self.programs;
        if self.runs > 0.0 { both * 10_000.0 / self.runs } else { 0.0 }
    }

    fn print(&self, case: Case) {
        let Self { runs, daemon, programs, late, passing } = self;
        let (row, kind) = (Row(case).to_string(), case.2);
        let (p50, p99) = (percentile(late, 50), percentile(late, 99));
        println!(
            "{row:<16} {kind:<10} {runs:>7.0} {daemon:>7.2} {programs:>8.2} {:>7.2} {:>8.0}   \
             {p50:>9.2} {p99:>6.2} {:>6.2} {:>6}  {}",
            daemon + programs,
            self.a_run(),
            late.last().copied().unwrap_or_default(),
            late.len(),
            if *passing { "yes" } else { "NO" }
        );
    }
}

/// The smallest value that so many percent do not exceed, of values in rising order.
fn percentile(rising: &[f64], percent: usize) -> f64 {
    let at = (rising.len() * percent).div_ceil(100).saturating_sub(1);
    rising.get(at).copied().unwrap_or_default()
}

fn word(met: bool) -> &'static str {
    if met { "met" } else { "missed" }
}
