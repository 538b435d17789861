//! What is reported about peers, and how often: once an hour for each source, once a minute for
//! each kind.

use core::{net::IpAddr, time::Duration};

use super::{Event, Notice, NoticeSet};
use crate::{Claim, Instant, Key};

/// After this long everything about a source is reported again.
const AGAIN: Duration = Duration::from_secs(3600);

/// Notices of one kind are at least this far apart, whoever they are about.
const APART: Duration = Duration::from_secs(60);

/// How many notices may wait to be polled.
const WAITING: usize = 8;

/// This many resignations in a row, heard by the Active, are more than a handover: a node that
/// leaves repeats its own twice.
const RESIGNATIONS: u8 = 5;

/// What is remembered of one speaker.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Record {
    /// What was reported since `told_since`.
    told: NoticeSet,
    told_since: Instant,
    /// What was only counted.
    counted: NoticeSet,
    /// Since when it has claimed to be Active beside us, as the weaker one; meaningless unless
    /// `weaker`. Not an `Option`: `Option<Entry>` would put its own tag into that one, and every
    /// packet reads it.
    weaker_since: Instant,
    weaker: bool,
    /// How often in a row it has resigned while we were Active.
    resignations: u8,
}

impl Record {
    /// Notes a weaker Active, last heard `before`, while we have been Active `since`. Returns
    /// whether it does not give way: it continues after three of its intervals. The third may come a
    /// quarter early: a timer is never exact, and the fourth would come an interval later.
    pub(super) fn is_weaker(
        &mut self,
        now: Instant,
        before: Option<Instant>,
        since: Instant,
        silence: Duration,
    ) -> bool {
        self.resignations = 0;
        let goes_on = before.is_some_and(|before| now <= before + silence);
        if !(self.weaker && goes_on && self.weaker_since >= since) {
            (self.weaker, self.weaker_since) = (true, now);
        }
        let early = silence.checked_div(12).unwrap_or_default();
        self.weaker_since + silence.saturating_sub(early) <= now
    }

    /// Notes a resignation while we are Active. Returns whether there were too many in a row.
    pub(super) fn resigns(&mut self) -> bool {
        self.weaker = false;
        self.resignations = self.resignations.saturating_add(1);
        self.resignations >= RESIGNATIONS
    }
}

/// One notice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) notice: Notice,
    pub(super) source: IpAddr,
    pub(super) claim: Option<Claim>,
}

/// The notices of one virtual router that are to be polled, and their limits.
#[derive(Debug)]
pub(super) struct Telling {
    /// In order, from the first place on.
    waiting: [Option<(Told, u32)>; WAITING],
    /// When each kind may be reported next.
    next_at: [Instant; Notice::KINDS],
    /// How many times each kind was only counted since its last report.
    withheld: [u32; Notice::KINDS],
}

impl Default for Telling {
    fn default() -> Self {
        Self {
            waiting: [None; WAITING],
            next_at: [Instant::EPOCH; Notice::KINDS],
            withheld: [0; Notice::KINDS],
        }
    }
}

impl Telling {
    /// Returns whether there is something to be polled.
    pub(super) const fn is_due(&self) -> bool {
        matches!(self.waiting, [Some(_), ..])
    }

    /// Queues a notice, unless it was reported already or a limit forbids it. A speaker that found
    /// no place has no record, so it is reported only if nobody was in the last hour: a flood must
    /// not hide what it is made of.
    pub(super) fn tell(&mut self, now: Instant, record: Option<&mut Record>, told: Told) {
        let mut nobody = Record::default();
        let known = record.is_some();
        let record = record.unwrap_or(&mut nobody);
        if record.told_since + AGAIN <= now {
            record.told = NoticeSet::EMPTY;
        }
        let kind = told.notice.kind();
        let (Some(next_at), Some(withheld)) =
            (self.next_at.get_mut(kind), self.withheld.get_mut(kind))
        else {
            return;
        };
        if record.told.contains(told.notice) {
            return;
        }
        let wait = if known || *next_at == Instant::EPOCH {
            Duration::ZERO
        } else {
            AGAIN.saturating_sub(APART)
        };
        let free = self.waiting.iter_mut().find(|place| place.is_none());
        match free {
            Some(place) if *next_at + wait <= now => {
                if record.counted.remove(told.notice) {
                    *withheld = withheld.saturating_sub(1);
                }
                *place = Some((told, core::mem::take(withheld)));
                *next_at = now + APART;
                if record.told.is_empty() {
                    record.told_since = now;
                }
                record.told.insert(told.notice);
            }
            Some(_) | None => {
                if !record.counted.contains(told.notice) {
                    record.counted.insert(told.notice);
                    *withheld = withheld.saturating_add(1);
                }
            }
        }
    }

    /// Takes the next notice to be polled.
    pub(super) fn take(&mut self, key: Key) -> Option<Event> {
        let (Told { notice, source, claim }, others) = self.waiting.first_mut()?.take()?;
        self.waiting.rotate_left(1);
        Some(Event::Notice { key, notice, source, claim, others })
    }
}
