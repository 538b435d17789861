//! [`CheckStatus`]: everything about a check at one moment.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{outcome::Outcome, tally::State};

/// Everything about a check at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CheckStatus {
    /// Its name.
    pub name: Arc<str>,
    /// What has to be so for it to pass.
    pub description: Arc<str>,
    /// What it is known to be.
    pub state: State,
    /// When that began, by the wall clock at that time.
    pub since: SystemTime,
    /// Whether it runs: one that counts while a virtual router is active does not at other times.
    pub runs_now: bool,
    /// What the last run found; `None` before the first.
    pub outcome: Option<Outcome>,
    /// When the last run began, by the wall clock at that time; `None` before the first.
    pub last_run: Option<SystemTime>,
    /// How long the last run took.
    pub took: Duration,
    /// How many runs have ended.
    pub runs: u64,
    /// How many of those failed.
    pub failures: u64,
    /// How many could not be made.
    pub not_run: u64,
}
