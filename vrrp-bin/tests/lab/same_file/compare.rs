//! What may differ between a host of a pair with a program of ours and the same host of a pair of
//! keepalived's: what is listed with its reason.

use std::collections::BTreeSet;

use libtest_mimic::Failed;

use super::{
    Case, Failure, Stage,
    site::{Make, Who},
};
use crate::{
    places::table::without,
    support::{Outcome, check},
};

/// Where a line is that the other pair does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Only {
    /// In the pair with a program of ours.
    Here,
    /// In keepalived's own pair.
    There,
}

/// A difference that is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Difference {
    pub(super) only: Only,
    /// The line behind its stage and its host, as in `failure a: fifo: ...`; a `*` stands for any text.
    pub(super) line: &'static str,
    /// Why it is so.
    pub(super) why: &'static str,
}

/// A difference that was found: its number in the list of the case.
pub(super) type Found = usize;

/// What is expected of a stage.
pub(super) struct Expected<'a> {
    pub(super) case: &'a Case,
    pub(super) stage: Stage,
}

impl Expected<'_> {
    /// Compares what is seen of a host with what is seen of it in keepalived's pair, and says which
    /// of the listed differences there are.
    ///
    /// # Errors
    /// What differs and is not listed.
    pub(super) fn judge(
        &self,
        who: Who,
        make: Make,
        lines: &[String],
        theirs: &[String],
    ) -> Result<Vec<Found>, Failed> {
        let theirs = self.without_what_a_dead_one_leaves(who, make, theirs);
        let (more, less) = (without(lines, &theirs), without(&theirs, lines));
        let mut found = Vec::new();
        let mut unlisted = Vec::new();
        for (only, lines) in [(Only::Here, &more), (Only::There, &less)] {
            for line in lines {
                match self.listed(only, who, line) {
                    Some(number) => found.push(number),
                    None => unlisted.push(format!("only {only:?}: {line}")),
                }
            }
        }
        let place = format!("{} {}", self.stage.name(), who.name());
        check(unlisted.is_empty(), format!("{place}: {unlisted:#?} of {lines:#?}"))?;
        let (ours, common) = (without(lines, &more), without(&theirs, &less));
        check(ours == common, format!("{place}: another order: {ours:#?}, {common:#?}"))?;
        Ok(found)
    }

    fn listed(&self, only: Only, who: Who, line: &str) -> Option<Found> {
        let line = format!("{} {}: {line}", self.stage.name(), who.name());
        let differences = self.case.differences.iter();
        differences
            .enumerate()
            .find(|(_, difference)| difference.only == only && matches(difference.line, &line))
            .map(|(number, _)| number)
    }

    /// The addresses and routes of a process of keepalived's that was killed stay until somebody
    /// removes them; of ours the kernel takes them back.
    fn without_what_a_dead_one_leaves(
        &self,
        who: Who,
        make: Make,
        theirs: &[String],
    ) -> Vec<String> {
        let was_killed = self.case.failure == Failure::Kill && self.stage == Stage::Failure;
        let mut theirs = theirs.to_vec();
        if was_killed && who == Who::A && make == Make::Ours {
            theirs.retain(|line| !line.starts_with("address ") && !line.starts_with("route "));
        }
        theirs
    }
}

/// Whether a text is what a pattern says, in which a `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((begin, rest)) => text.strip_prefix(begin).is_some_and(|text| {
            (0..=text.len()).any(|skip| text.get(skip..).is_some_and(|text| matches(rest, text)))
        }),
    }
}

/// Every difference that is listed has been found, or the list is out of date.
pub(super) fn listed_happened(case: &Case, found: &[Found]) -> Outcome {
    let found: BTreeSet<Found> = found.iter().copied().collect();
    for (number, Difference { only, line, why }) in case.differences.iter().enumerate() {
        let has_happened = found.contains(&number);
        check(has_happened, format!("{}: nothing is like {line:?}, only {only:?}", case.name))?;
        println!("{}: only {only:?}: {line}: {why}", case.name);
    }
    Ok(())
}
