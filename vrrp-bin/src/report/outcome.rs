//! What has come of a request to do something.

use serde::{Deserialize, Serialize};

/// What has come of a drain or a resume of one virtual router.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// The name of the virtual router.
    pub(crate) name: String,
    /// Whether what was asked for is done; all of it, as far as the disk.
    pub(crate) done: bool,
    /// A sentence for people.
    pub(crate) sentence: String,
}

/// The answer to `POST /drain` and `POST /resume`: of every virtual router, in the order of their
/// names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcomes {
    /// The version of this format: that of the status.
    pub(crate) schema: u32,
    /// One of each.
    pub(crate) outcomes: Vec<Outcome>,
}
