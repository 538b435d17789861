//! When the addresses are announced while they are held: bursts, the echo after a win, the refresh.

use core::time::Duration;

use super::Params;
use crate::Instant;

/// The announcements that are still due. There is one burst per reason, never one per received
/// packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Announcing {
    /// When the burst began.
    base: Instant,
    /// The next step of the burst.
    step: u8,
    /// The next announcement of the burst, or the next refresh.
    next_at: Option<Instant>,
    /// When the last weaker advertisement was heard.
    heard_at: Option<Instant>,
    /// A while after that, in case it was a last word.
    won_at: Option<Instant>,
    /// From when somebody else's advertisement may cause an announcement again.
    quiet_until: Instant,
}

/// The least time between announcements that others can provoke: each is a packet for every
/// address.
const QUIET: Duration = Duration::from_millis(250);

impl Announcing {
    /// Begins a burst, and returns whether its first announcement is due at once.
    pub(super) fn burst(now: Instant, params: &Params) -> (Self, bool) {
        let next_at = params
            .announcements
            .delay(0)
            .map(|delay| now + delay)
            .or_else(|| refresh_at(now, params));
        let mut announcing = Self { next_at, ..Self::kept(now, params) };
        let due = announcing.due(now, params);
        (announcing, due)
    }

    /// Begins without a burst, because neighbours know the addresses. The next announcement is the
    /// refresh.
    pub(super) fn kept(now: Instant, params: &Params) -> Self {
        let next_at = refresh_at(now, params);
        Self { base: now, step: 0, next_at, heard_at: None, won_at: None, quiet_until: now }
    }

    /// Notes a weaker advertisement. Its sender may have announced the addresses, so this node
    /// announces them now at the first of a series, and an eighth of an interval after each, which
    /// may have been a last word. Returns whether an announcement is due now.
    pub(super) fn won(&mut self, now: Instant, params: &Params) -> bool {
        if !params.announcements.are_any() {
            return false;
        }
        let interval = params.timing.interval();
        let first = self.heard_at.is_none_or(|at| at + interval.saturating_mul(5) / 4 <= now);
        let mut due = false;
        if first && self.quiet_until <= now {
            (*self, due) = Self::burst(now, params);
        }
        self.heard_at = Some(now);
        self.won_at = Some((now + interval / 8).max(self.quiet_until));
        due
    }

    /// Returns whether an announcement is due, and moves on to the next.
    pub(super) fn due(&mut self, now: Instant, params: &Params) -> bool {
        let mut due = false;
        if self.won_at.is_some_and(|at| at <= now) {
            (self.won_at, self.quiet_until) = (None, now + QUIET);
            due = true;
        }
        while let Some(at) = self.next_at
            && at <= now
        {
            due = true;
            self.step = self.step.saturating_add(1);
            self.next_at = match params.announcements.delay(self.step) {
                Some(delay) => Some(self.base + delay),
                None => refresh_at(now, params),
            };
        }
        due
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        [self.next_at, self.won_at].into_iter().flatten().min()
    }
}

fn refresh_at(now: Instant, params: &Params) -> Option<Instant> {
    params.announcements.refresh().map(|every| now + spread(every, params.spread))
}

/// Returns `every`, shortened by up to a quarter.
fn spread(every: Duration, by: u8) -> Duration {
    every.saturating_sub(every.saturating_mul(u32::from(by % 64)) / 256)
}
