//! A check in the status.

use serde::{Deserialize, Serialize};
use vrrp_net::check::{CheckStatus, Outcome};

use super::words::{rfc3339, seconds};

/// A check, and what it found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Check {
    /// Its name.
    pub(crate) name: String,
    /// What has to be so for it to pass.
    pub(crate) description: String,
    /// `unknown`, `good` or `bad`.
    pub(crate) state: String,
    /// When that began, as RFC 3339.
    pub(crate) since: String,
    /// Whether it runs: one with `while = "active"` does not at other times.
    pub(crate) runs_now: bool,
    /// What the last run found: `passed`, `failed` or `not-run`; null before the first.
    pub(crate) outcome: Option<String>,
    /// The same as a sentence for people.
    pub(crate) text: Option<String>,
    /// When the last run began, as RFC 3339; null before the first.
    pub(crate) last_run: Option<String>,
    /// How long the last run took.
    pub(crate) took_seconds: f64,
    /// How many runs have ended.
    pub(crate) runs: u64,
    /// How many of those failed.
    pub(crate) failures: u64,
    /// How many could not be made.
    pub(crate) not_run: u64,
    /// The names of the virtual routers that track it.
    pub(crate) virtual_routers: Vec<String>,
}

impl Check {
    /// `virtual_routers` are the names of those that track it.
    pub(crate) fn new(status: &CheckStatus, virtual_routers: Vec<String>) -> Self {
        Self {
            name: status.name.to_string(),
            description: status.description.to_string(),
            state: status.state.as_str().to_owned(),
            since: rfc3339(status.since),
            runs_now: status.runs_now,
            outcome: status.outcome.as_ref().map(|outcome| word(outcome).to_owned()),
            text: status.outcome.as_ref().map(Outcome::text),
            last_run: status.last_run.map(rfc3339),
            took_seconds: seconds(status.took),
            runs: status.runs,
            failures: status.failures,
            not_run: status.not_run,
            virtual_routers,
        }
    }

    /// Whether it is known to fail.
    pub(crate) fn is_bad(&self) -> bool {
        self.state == "bad"
    }
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Passed(_) | Outcome::Number(0) => "passed",
        Outcome::Failed(_) | Outcome::Number(_) => "failed",
        _ => "not-run",
    }
}
