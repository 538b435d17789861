//! What has come of a request to do something.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::{SCHEMA, words::rfc3339};

/// What has come of a drain, a resume or an announcement of one virtual router.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// The name of the virtual router.
    pub(crate) name: String,
    /// Whether what was asked for is done; all of it, as far as the disk.
    pub(crate) done: bool,
    /// A sentence for people.
    pub(crate) sentence: String,
}

/// The answer to `POST /drain`, `/resume` and `/announce`: of every virtual router, in the order of their
/// names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcomes {
    /// The version of this format: that of the status.
    pub(crate) schema: u32,
    /// One of each.
    pub(crate) outcomes: Vec<Outcome>,
}

/// The answer to `POST /reload`, where nothing was wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reloaded {
    /// The version of this format: that of the status.
    pub(crate) schema: u32,
    /// What is another now, one sentence each; none if nothing is.
    pub(crate) changes: Vec<String>,
    /// A sentence for people.
    pub(crate) sentence: String,
}

impl Reloaded {
    /// What was changed.
    pub(crate) fn new(changes: Vec<String>) -> Self {
        let sentence = match changes.len() {
            0 => "the configuration was read again, and nothing in it has changed".to_owned(),
            1 => "the configuration was read again; one thing has changed".to_owned(),
            count => format!("the configuration was read again; {count} things have changed"),
        };
        Self { schema: SCHEMA, changes, sentence }
    }
}

/// What came of the last reload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastReload {
    /// When it ended (RFC 3339, UTC).
    pub(crate) time: String,
    /// Whether the configuration was taken over; if not, the one before is in force.
    pub(crate) done: bool,
    /// Sentences for people, one a line: what has changed, or what is wrong.
    pub(crate) sentence: String,
}

impl LastReload {
    /// One that ended just now.
    pub(crate) fn now(outcome: &Result<Reloaded, String>) -> Self {
        let (done, sentence) = match outcome {
            Ok(reloaded) => (true, reloaded.sentence.clone()),
            Err(sentences) => (false, sentences.clone()),
        };
        Self { time: rfc3339(SystemTime::now()), done, sentence }
    }
}
