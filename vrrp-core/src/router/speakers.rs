//! Who was heard: the latest few speakers that were accepted, and the latest few that were refused.

use core::net::{IpAddr, Ipv4Addr};

use crate::{Claim, Counters, Instant, Rejected};

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

/// What was heard: how much, and from whom.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(super) struct Tally {
    pub(super) speakers: Speakers,
    pub(super) counters: Counters,
}

impl Tally {
    pub(super) fn reject(&mut self, now: Instant, source: IpAddr, reason: Rejected) {
        self.counters.count_rejected(reason);
        self.speakers.heard(now, source, Err(reason));
    }
}

/// An array, so that it stands next to the counters.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Speakers {
    len: usize,
    list: [Speaker; OF_EACH * 2],
}

impl Default for Speakers {
    fn default() -> Self {
        let nobody = Speaker {
            source: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            last_heard: Instant::EPOCH,
            messages: 0,
            verdict: Ok(Claim::Resign),
        };
        Self { list: [nobody; OF_EACH * 2], len: 0 }
    }
}

impl Speakers {
    pub(super) fn as_slice(&self) -> &[Speaker] {
        self.list.get(..self.len).unwrap_or_default()
    }

    pub(super) fn heard(&mut self, now: Instant, source: IpAddr, verdict: Result<Claim, Rejected>) {
        let same_kind = |speaker: &&mut Speaker| speaker.verdict.is_ok() == verdict.is_ok();
        let new = Speaker { source, last_heard: now, messages: 1, verdict };
        let heard = self.list.get_mut(..self.len).unwrap_or_default();
        let known = heard.iter_mut().filter(same_kind).find(|speaker| speaker.source == source);
        if let Some(known) = known {
            *known = Speaker { messages: known.messages.saturating_add(1), ..new };
        } else if heard.iter_mut().filter(same_kind).count() < OF_EACH {
            if let Some(next) = self.list.get_mut(self.len) {
                *next = new;
                self.len = self.len.saturating_add(1);
            }
        } else if let Some(oldest) =
            heard.iter_mut().filter(same_kind).min_by_key(|speaker| speaker.last_heard)
        {
            *oldest = new;
        }
    }
}
