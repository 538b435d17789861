//! [`Report`]: what a guest told, a line at a time.

use libtest_mimic::Failed;

use crate::scenarios::Check;

/// A guest that stood still for so long, in hundredths of a second, was not given the processor:
/// its failures say nothing about the program.
const PAUSED: u32 = 100;

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Report {
    passed: Vec<String>,
    failed: Vec<String>,
    figures: Vec<String>,
    /// What the guest says that it runs.
    pub(crate) release: Option<String>,
    /// The longest pause, in hundredths of a second.
    paused: u32,
    ended: bool,
}

impl Report {
    pub(crate) fn parse(text: &str) -> Self {
        let mut report = Self::default();
        for line in text.lines().map(str::trim) {
            match line.split_once(' ') {
                Some(("ok", name)) => report.passed.push(name.to_owned()),
                Some(("fail", why)) => report.failed.push(why.to_owned()),
                Some(("figure", figure)) => report.figures.push(figure.to_owned()),
                Some(("kernel", release)) => report.release = Some(release.to_owned()),
                Some(("paused", time)) => report.paused = time.parse().unwrap_or_default(),
                _ => report.ended |= line == "end",
            }
        }
        report
    }

    /// Whether it is to be played again before anything is said: it failed, and the machine was
    /// busy.
    pub(crate) fn is_inconclusive(&self) -> bool {
        self.ended && !self.failed.is_empty() && self.paused > PAUSED
    }

    /// Those of one check, as a cell of the table.
    pub(crate) fn figures_of(&self, check: &str) -> String {
        let figures =
            self.figures.iter().filter_map(|figure| figure.strip_prefix(check)?.strip_prefix(": "));
        figures.collect::<Vec<_>>().join("; ")
    }

    /// What became of one of `checks`. A guest that has not ended, or did not tell of each of them,
    /// has failed in all.
    pub(crate) fn outcome(&self, check: &str, checks: &[Check]) -> Result<(), Failed> {
        let begin = format!("{check}:");
        if let Some(why) = self.failed.iter().find(|why| why.starts_with(&begin)) {
            return Err(
                format!("{why} (the guest's longest pause: {} ms)", self.paused * 10).into()
            );
        }
        let is_told = |check: &str| {
            let begin = format!("{check}:");
            self.passed.iter().any(|name| name == check)
                || self.failed.iter().any(|why| why.starts_with(&begin))
        };
        if let Some(missing) = checks.iter().find(|check| !is_told(check.name)) {
            return Err(format!("the guest tells nothing of {}", missing.name).into());
        }
        if let Some(why) =
            self.failed.iter().find(|why| !checks.iter().any(|check| is_of(why, check.name)))
        {
            return Err(format!("nobody expects what the guest tells: {why}").into());
        }
        if self.ended { Ok(()) } else { Err("the guest did not end".into()) }
    }
}

fn is_of(why: &str, check: &str) -> bool {
    why.strip_prefix(check).is_some_and(|rest| rest.starts_with(':'))
}
