//! Who was heard: a few speakers whose messages were accepted, a few whose messages were refused,
//! and what was reported about each.

use core::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use super::{
    NoticeSet, Sender,
    said::{Differing, Jitter, LeftOut, Said},
    telling::Record,
};
use crate::{Claim, Counters, Instant, Rejected, RxMeta};

/// How many accepted speakers are remembered, and how many refused ones; of the others messages are
/// counted. Refused ones never push out an accepted one: a forger cannot make a peer disappear.
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
    /// What its last message said, as far as it could be read.
    pub said: Said,
    jitter: Jitter,
}

/// What was heard: how much, and from whom.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(super) struct Tally {
    pub(super) speakers: Speakers,
    pub(super) counters: Counters,
    /// What was reported about each speaker, in the same order.
    records: [Record; OF_EACH * 2],
    /// How the addresses of each differed when they last did, in the same order.
    differing: [Differing; OF_EACH * 2],
    left_out: LeftOut,
}

/// The place of a speaker, and when it was last heard before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) index: usize,
    pub(super) before: Option<Instant>,
}

impl Tally {
    pub(super) fn reject(&mut self, now: Instant, meta: &RxMeta, bytes: &[u8], reason: Rejected) {
        self.counters.count_rejected(reason);
        let said = Said::read(meta, bytes);
        let speaker = Speaker::new(now, meta.source, Err(reason), None, NoticeSet::EMPTY, said);
        self.heard(speaker, FRESH);
    }

    /// Records a message; returns `None` if there is no place for its sender.
    #[inline]
    pub(super) fn heard(&mut self, speaker: Speaker, fresh: Duration) -> Option<Place> {
        let is_accepted = speaker.verdict.is_ok();
        let Some(place) = self.speakers.heard(speaker, fresh) else {
            let LeftOut { heard, refused } = &mut self.left_out;
            let count = if is_accepted { heard } else { refused };
            *count = count.wrapping_add(1);
            return None;
        };
        if place.before.is_none()
            && let Some(record) = self.records.get_mut(place.index)
        {
            *record = Record::default();
        }
        Some(place)
    }

    /// Notes how the addresses of the speaker at that place differ from ours.
    pub(super) fn differs(&mut self, index: usize, differing: Differing) {
        if let Some(noted) = self.differing.get_mut(index) {
            *noted = differing;
        }
    }

    /// Returns how the addresses of each speaker differed when they last did, in their order.
    pub(super) const fn differing(&self) -> &[Differing] {
        &self.differing
    }

    pub(super) const fn left_out(&self) -> LeftOut {
        self.left_out
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
        said: Said,
    ) -> Self {
        let jitter = Jitter::NONE;
        Self { source, last_heard: now, messages: 1, verdict, claim, notices, said, jitter }
    }

    /// Returns by how much the times between its advertisements deviate from the interval that they
    /// name, on average: of each deviation a sixteenth counts, as with the jitter of RFC 3550 6.4.1.
    /// `None` before the second one, and of a refused speaker.
    ///
    /// A time of less than half an interval does not count: that is an answer to a weaker node. Nor
    /// does one of more than three intervals, after which it had been away.
    #[must_use]
    pub fn jitter(&self) -> Option<Duration> {
        self.jitter.get()
    }

    /// Takes over what another message of the same node said.
    #[inline]
    fn go_on(&mut self, new: &Self) {
        let goes_on = |it: &Self| it.verdict.is_ok_and(|claim| claim != Claim::Resign);
        if let Some(interval) = new.said.interval.filter(|_| goes_on(self) && goes_on(new)) {
            self.jitter.take(new.last_heard - self.last_heard, interval.duration());
        }
        self.last_heard = new.last_heard;
        self.messages = self.messages.saturating_add(1);
        (self.verdict, self.claim, self.notices) = (new.verdict, new.claim, new.notices);
        self.said = new.said;
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
        let nobody = Speaker::new(
            Instant::EPOCH,
            nobody,
            Ok(Claim::Resign),
            None,
            NoticeSet::EMPTY,
            Said::default(),
        );
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
            known.go_on(&new);
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
