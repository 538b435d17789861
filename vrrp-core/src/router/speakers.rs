//! Who was heard: a few speakers whose messages were accepted, a few whose messages were refused,
//! and what was reported about each.

use core::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use super::{NoticeSet, Sender, telling::Record};
use crate::{Claim, Counters, Instant, Rejected};

/// How many accepted speakers are remembered, and how many refused ones. Refused ones never push
/// out an accepted one: a forger cannot make a peer disappear.
const OF_EACH: usize = 4;

/// How long a speaker keeps its place without a message, where no interval is known.
pub(super) const FRESH: Duration = Duration::from_secs(4);

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
    /// What its last message claimed, if that could be read; in a refused message the claim may be
    /// forged.
    pub claim: Option<Claim>,
    /// What its last message showed.
    pub notices: NoticeSet,
}

/// What was heard: how much, and from whom.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(super) struct Tally {
    pub(super) speakers: Speakers,
    pub(super) counters: Counters,
    /// What was reported about each speaker, in the same order.
    records: [Record; OF_EACH * 2],
}

/// The place of a speaker, and when it was last heard before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) index: usize,
    pub(super) before: Option<Instant>,
}

impl Tally {
    pub(super) fn reject(&mut self, now: Instant, source: IpAddr, reason: Rejected) {
        self.counters.count_rejected(reason);
        let speaker = Speaker::new(now, source, Err(reason), None, NoticeSet::EMPTY);
        self.heard(speaker, FRESH);
    }

    /// Records a message; returns `None` if there is no place for its sender.
    #[inline]
    pub(super) fn heard(&mut self, speaker: Speaker, fresh: Duration) -> Option<Place> {
        let place = self.speakers.heard(speaker, fresh)?;
        if place.before.is_none()
            && let Some(record) = self.records.get_mut(place.index)
        {
            *record = Record::default();
        }
        Some(place)
    }

    /// Returns what is remembered of the speaker at that place.
    pub(super) fn record(&mut self, index: usize) -> Option<&mut Record> {
        self.records.get_mut(index)
    }
}

impl Speaker {
    /// Creates a speaker from one message.
    pub(super) const fn new(
        now: Instant,
        source: IpAddr,
        verdict: Result<Claim, Rejected>,
        claim: Option<Claim>,
        notices: NoticeSet,
    ) -> Self {
        Self { source, last_heard: now, messages: 1, verdict, claim, notices }
    }
}

/// An array, so that it lies next to the counters in memory.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Speakers {
    len: usize,
    list: [Speaker; OF_EACH * 2],
}

impl Default for Speakers {
    fn default() -> Self {
        let nobody = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let nobody =
            Speaker::new(Instant::EPOCH, nobody, Ok(Claim::Resign), None, NoticeSet::EMPTY);
        Self { list: [nobody; OF_EACH * 2], len: 0 }
    }
}

impl Speakers {
    pub(super) fn as_slice(&self) -> &[Speaker] {
        self.list.get(..self.len).unwrap_or_default()
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut Speaker> {
        self.list.get_mut(..self.len)?.get_mut(index)
    }

    /// Returns the place of the accepted speaker with this address.
    pub(super) fn accepted(&self, source: IpAddr) -> Option<usize> {
        self.as_slice()
            .iter()
            .position(|speaker| speaker.verdict.is_ok() && speaker.source == source)
    }

    /// Returns the speaker heard last among those that claim less than `claim` and did not resign.
    pub(super) fn latest_weaker(&self, claim: Claim) -> Option<Sender> {
        let weaker = |speaker: &&Speaker| {
            speaker.verdict.is_ok_and(|theirs| theirs < claim && theirs != Claim::Resign)
        };
        let latest =
            self.as_slice().iter().filter(weaker).max_by_key(|speaker| speaker.last_heard)?;
        Some(Sender { source: latest.source, claim: latest.verdict.ok()? })
    }

    #[inline]
    fn heard(&mut self, new: Speaker, fresh: Duration) -> Option<Place> {
        let len = self.len;
        let is_it = |speaker: &Speaker| {
            speaker.source == new.source && speaker.verdict.is_ok() == new.verdict.is_ok()
        };
        let heard = self.list.get_mut(..len).unwrap_or_default().iter_mut().enumerate();
        if let Some((index, known)) = { heard }.find(|(_, speaker)| is_it(speaker)) {
            let before = Some(known.last_heard);
            known.last_heard = new.last_heard;
            known.messages = known.messages.saturating_add(1);
            (known.verdict, known.claim, known.notices) = (new.verdict, new.claim, new.notices);
            return Some(Place { index, before });
        }
        let index = self.room(&new, fresh)?;
        *self.list.get_mut(index)? = new;
        self.len = len.max(index.saturating_add(1));
        Some(Place { index, before: None })
    }

    /// Returns a place for a new speaker: a free one, or that of the stalest of its kind. Fresh
    /// speakers keep their places: a flood of forged sources pushes nobody out.
    #[cold]
    fn room(&self, new: &Speaker, fresh: Duration) -> Option<usize> {
        let of_kind = || {
            let all = self.as_slice().iter().enumerate();
            all.filter(|(_, speaker)| speaker.verdict.is_ok() == new.verdict.is_ok())
        };
        if of_kind().count() < OF_EACH {
            return Some(self.len);
        }
        let stale = of_kind().filter(|(_, speaker)| speaker.last_heard + fresh <= new.last_heard);
        stale.min_by_key(|(_, speaker)| speaker.last_heard).map(|(index, _)| index)
    }
}
