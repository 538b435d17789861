//! Who was heard: the latest few speakers that were accepted, and the latest few that were refused.

use alloc::vec::Vec;
use core::net::IpAddr;

use crate::{Claim, Instant, Rejected};

/// How many accepted speakers are remembered, and how many refused ones. Refused ones never push out an
/// accepted one: a forger cannot make a peer disappear.
const OF_EACH: usize = 4;

/// A node that was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Speaker {
    /// Its address.
    pub source: IpAddr,
    /// When it was last heard.
    pub last_heard: Instant,
    /// How many of its messages were accepted, or refused for any reason.
    pub messages: u64,
    /// What it claimed when it was last accepted, or why it was last refused.
    pub verdict: Result<Claim, Rejected>,
}

#[derive(Debug)]
pub(super) struct Speakers(Vec<Speaker>);

impl Default for Speakers {
    fn default() -> Self {
        Self(Vec::with_capacity(OF_EACH.saturating_mul(2)))
    }
}

impl Speakers {
    pub(super) fn as_slice(&self) -> &[Speaker] {
        &self.0
    }

    pub(super) fn heard(&mut self, now: Instant, source: IpAddr, verdict: Result<Claim, Rejected>) {
        let same_kind = |speaker: &&mut Speaker| speaker.verdict.is_ok() == verdict.is_ok();
        let new = Speaker { source, last_heard: now, messages: 1, verdict };
        let known = self.0.iter_mut().filter(same_kind).find(|speaker| speaker.source == source);
        if let Some(known) = known {
            *known = Speaker { messages: known.messages.saturating_add(1), ..new };
        } else if self.0.iter_mut().filter(same_kind).count() < OF_EACH {
            self.0.push(new);
        } else if let Some(oldest) =
            self.0.iter_mut().filter(same_kind).min_by_key(|speaker| speaker.last_heard)
        {
            *oldest = new;
        }
    }
}
