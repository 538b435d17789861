//! [`Figures`]: what was measured of each program, and how it compares.

use std::fmt::Write;

use crate::{Failed, program::Kind};

/// One quantity, measured several times of several programs.
#[derive(Debug)]
pub(crate) struct Figures {
    title: String,
    unit: &'static str,
    samples: Vec<(Kind, f64)>,
}

impl Figures {
    pub(crate) fn new(title: impl Into<String>, unit: &'static str) -> Self {
        Self { title: title.into(), unit, samples: Vec::new() }
    }

    pub(crate) fn add(&mut self, kind: Kind, value: f64) {
        self.samples.push((kind, value));
    }

    /// The table: a line for each program, in the order in which they are declared.
    pub(crate) fn print(&self) {
        let mut kinds: Vec<Kind> = self.samples.iter().map(|(kind, _)| *kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let Self { title, unit, .. } = self;
        println!(
            "{:<58} {:>10} {:>10} {:>10}",
            format!("{title} ({unit})"),
            "median",
            "min",
            "max"
        );
        let reference = self.median(Kind::Keepalived);
        for kind in kinds {
            let of = self.of(kind);
            let (min, max) = (of.first().copied(), of.last().copied());
            let median = self.median(kind).unwrap_or_default();
            let mut line = format!(
                "    {kind:<54} {:>10} {:>10} {:>10}",
                text(median),
                text(min.unwrap_or_default()),
                text(max.unwrap_or_default())
            );
            if let Some(reference) =
                reference.filter(|value| kind != Kind::Keepalived && *value != 0.0)
            {
                let _ = write!(line, "   {:.2} × keepalived", median / reference);
            }
            println!("{line}");
        }
    }

    fn median(&self, kind: Kind) -> Option<f64> {
        median(&self.of(kind))
    }

    /// In rising order.
    fn of(&self, kind: Kind) -> Vec<f64> {
        let mut values: Vec<f64> =
            self.samples.iter().filter(|(of, _)| *of == kind).map(|(_, value)| *value).collect();
        values.sort_unstable_by(f64::total_cmp);
        values
    }
}

/// What was measured; or says why it was not.
pub(crate) fn told<T>(kind: Kind, outcome: Result<T, Failed>) -> Option<T> {
    outcome.inspect_err(|why| println!("no figure of {kind} in this run: {why}")).ok()
}

/// The middle of values in rising order, or the mean of the two in the middle.
pub(crate) fn median(rising: &[f64]) -> Option<f64> {
    let (low, high) = (rising.len().checked_sub(1)? / 2, rising.len() / 2);
    Some(f64::midpoint(*rising.get(low)?, *rising.get(high)?))
}

/// With as many digits as mean something.
fn text(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        1.0..100.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
