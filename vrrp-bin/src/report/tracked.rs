//! What a check says to a virtual router that tracks it.

use serde::{Deserialize, Serialize};
use vrrp_core::Weight;
use vrrp_net::{
    RouterStatus,
    check::{Effect, Share},
};

use super::Check;

/// A check that a virtual router tracks, and what it does there now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tracked {
    /// The name of the check.
    pub(crate) check: String,
    /// Its weight; null if it decides whether this node should hold the addresses.
    pub(crate) weight: Option<i16>,
    /// Whether what is good counts as bad here, and what is bad as good.
    pub(crate) reversed: bool,
    /// What it says here: `unknown`, `good` or `bad`.
    pub(crate) state: String,
    /// What it adds to the priority now.
    pub(crate) adds: i16,
    /// When the state of the check began, as RFC 3339.
    pub(crate) since: String,
    /// What its last run found, as a sentence for people; null before the first.
    pub(crate) text: Option<String>,
    /// When its last run began, as RFC 3339; null before the first.
    pub(crate) last_run: Option<String>,
}

impl Tracked {
    /// `check` is what is known of the check itself.
    pub(crate) fn new(share: &Share, check: &Check) -> Self {
        let weight = match share.track.effect {
            Effect::Hold => None,
            Effect::Weight(weight) => Some(weight.get()),
        };
        Self {
            check: share.track.check.to_string(),
            weight,
            reversed: share.track.is_reversed,
            state: share.state.as_str().to_owned(),
            adds: share.adds.get(),
            since: check.since.clone(),
            text: check.text.clone(),
            last_run: check.last_run.clone(),
        }
    }

    /// Whether it speaks against this node now.
    pub(crate) fn is_bad(&self) -> bool {
        self.state == "bad"
    }

    /// How the effective priority came about, with the checks that add to it named.
    pub(super) fn priority_sentence(tracks: &[Self], status: &RouterStatus) -> String {
        let adds = tracks.iter().filter(|track| track.adds != 0);
        let parts: Vec<String> =
            adds.map(|track| format!("{} {:+}", track.check, track.adds)).collect();
        // What checks say is told to the node a moment later.
        if parts.is_empty() || status.health.weight == Weight::ZERO {
            status.priority_sentence()
        } else {
            status.priority_of(&parts)
        }
    }
}
