//! A change of the phase of a virtual router.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use vrrp_core::Phase;
use vrrp_net::TransitionStatus;

use super::words::{rfc3339, seconds};

/// A change of the phase of a virtual router.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Transition {
    /// When (RFC 3339, UTC).
    pub(crate) at: String,
    /// How long ago.
    pub(crate) seconds_ago: f64,
    /// The phase before.
    pub(crate) from: String,
    /// The phase from then on.
    pub(crate) to: String,
    /// Why it did not take part from then on.
    pub(crate) hold: Option<String>,
    /// What led to it.
    pub(crate) reason: String,
    /// Whose advertisement led to it, if one did.
    pub(crate) reason_source: Option<IpAddr>,
    /// What that advertisement claimed.
    pub(crate) reason_priority: Option<u8>,
    /// The reason as a sentence, without its end.
    pub(crate) sentence: String,
}

impl From<&TransitionStatus> for Transition {
    fn from(status: &TransitionStatus) -> Self {
        let hold = match status.to {
            Phase::Initialize(hold) => Some(hold.as_str().to_owned()),
            _ => None,
        };
        Self {
            at: rfc3339(status.at),
            seconds_ago: seconds(status.ago),
            from: status.from.as_str().to_owned(),
            to: status.to.as_str().to_owned(),
            hold,
            reason: status.reason.as_str().to_owned(),
            reason_source: status.sender.map(|sender| sender.source),
            reason_priority: status.sender.map(|sender| sender.claim.into()),
            sentence: status.sentence(),
        }
    }
}
