//! [`Entry`]: what is known of one check.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{sync::watch, task::AbortHandle, time::Instant};

use crate::check::{
    log::Line,
    outcome::Outcome,
    plan::Planned,
    schedule::{NotRun, When},
    status::CheckStatus,
    tally::{State, Tally},
    track::Reading,
};

/// Tells a check from an earlier one of its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::check) struct Id(u64);

impl Id {
    /// Returns this one, and goes on to the next.
    pub(super) fn take(&mut self) -> Self {
        std::mem::replace(self, self.next())
    }

    pub(in crate::check) fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

/// The task of a check. Dropped, it is cut off, and what it runs ends.
pub(in crate::check) struct Task(pub(in crate::check) AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// How a check begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begins {
    /// With the program.
    AtStart,
    /// While the program runs.
    AtRunTime,
    /// In place of another one of its name, which was in this state.
    After(State),
}

/// A run of a check that has ended.
pub(in crate::check) struct Run {
    pub(in crate::check) outcome: Outcome,
    pub(in crate::check) began: SystemTime,
    pub(in crate::check) took: Duration,
}

pub(super) struct Entry {
    pub(super) id: Id,
    pub(super) planned: Planned,
    pub(super) task: Option<Task>,
    description: Arc<str>,
    tally: Tally,
    number: Option<i32>,
    /// It was added while others ran: it counts as good before its first result.
    at_run_time: bool,
    /// The virtual routers that start with it: before its first result it is unknown to them.
    pub(super) starters: BTreeSet<Arc<str>>,
    counts_from: watch::Sender<Option<Instant>>,
    runs_now: bool,
    since: SystemTime,
    last: Option<Run>,
    runs: u64,
    failures: u64,
    not_run: u64,
    /// It was told that it could not be run.
    is_told: bool,
}

impl Entry {
    pub(super) fn new(
        id: Id,
        planned: &Planned,
        description: Arc<str>,
        begins: Begins,
    ) -> (Self, watch::Receiver<Option<Instant>>) {
        let (counts_from, receiver) = watch::channel(None);
        let entry = Self {
            id,
            planned: planned.clone(),
            task: None,
            description,
            tally: match begins {
                Begins::After(state @ (State::Good | State::Bad)) => {
                    Tally::going_on(&planned.schedule, state)
                }
                Begins::AtStart | Begins::After(State::Unknown) | Begins::AtRunTime => {
                    Tally::new(&planned.schedule)
                }
            },
            number: None,
            at_run_time: begins != Begins::AtStart,
            starters: BTreeSet::new(),
            counts_from,
            runs_now: planned.schedule.when == When::Always,
            since: SystemTime::now(),
            last: None,
            runs: 0,
            failures: 0,
            not_run: 0,
            is_told: false,
        };
        (entry, receiver)
    }

    /// What it says to a virtual router that it counts for.
    pub(super) fn reading_for(&self, router: &str) -> Reading {
        let state = match self.tally.state() {
            State::Unknown if self.at_run_time && !self.starters.contains(router) => State::Good,
            state => state,
        };
        Reading { state, number: self.number }
    }

    /// What it knows.
    pub(super) fn reading(&self) -> Reading {
        Reading { state: self.tally.state(), number: self.number }
    }

    pub(super) fn appoint(&self, from: Option<Instant>) {
        self.counts_from.send_if_modified(|old| {
            let changed = *old != from;
            *old = from;
            changed
        });
    }

    pub(super) fn begin(&mut self) {
        self.tally = Tally::new(&self.planned.schedule_of_good());
        (self.runs_now, self.number, self.since) = (true, None, SystemTime::now());
    }

    pub(super) fn end(&mut self) {
        (self.runs_now, self.number, self.since) = (false, None, SystemTime::now());
    }

    pub(super) fn note(&mut self, run: Run) -> Vec<Line> {
        self.runs = self.runs.saturating_add(1);
        match &run.outcome {
            Outcome::Passed(_) => {}
            Outcome::Failed(_) => self.failures = self.failures.saturating_add(1),
            Outcome::NotRun(_) => self.not_run = self.not_run.saturating_add(1),
            Outcome::Number(number) => self.number = Some(*number),
        }
        let from = self.tally.state();
        let to = self.tally.judge(&run.outcome);
        let mut lines = Vec::new();
        lines.extend(self.told_of_running(&run.outcome));
        if from != to {
            self.since = run.began.checked_add(run.took).unwrap_or(run.began);
            let (name, text) = (self.planned.name.clone(), run.outcome.text());
            lines.push(Line::Changed { name, from, to, text });
        }
        self.last = Some(run);
        lines
    }

    /// What is told of whether it can be run: when that changes. Where it counts as failed, the
    /// change of the state tells it.
    fn told_of_running(&mut self, outcome: &Outcome) -> Option<Line> {
        let (name, state) = (self.planned.name.clone(), self.tally.state());
        let was_told = self.is_told;
        match (outcome, self.planned.schedule.not_run) {
            (Outcome::NotRun(text), NotRun::Ignore) => {
                self.is_told = true;
                let (description, text) = (self.description.clone(), text.clone());
                (!was_told).then_some(Line::NotRun { name, state, description, text })
            }
            (Outcome::NotRun(_), NotRun::Fail) => None,
            (Outcome::Passed(_) | Outcome::Failed(_) | Outcome::Number(_), _) => {
                self.is_told = false;
                was_told.then_some(Line::Runs { name, state })
            }
        }
    }

    pub(super) fn status(&self) -> CheckStatus {
        CheckStatus {
            name: self.planned.name.clone(),
            description: self.description.clone(),
            state: if self.runs_now { self.tally.state() } else { State::Unknown },
            since: self.since,
            runs_now: self.runs_now,
            outcome: self.last.as_ref().map(|run| run.outcome.clone()),
            last_run: self.last.as_ref().map(|run| run.began),
            took: self.last.as_ref().map(|run| run.took).unwrap_or_default(),
            runs: self.runs,
            failures: self.failures,
            not_run: self.not_run,
        }
    }
}
