//! The last words of a router that yields soon after its promotion.

use core::time::Duration;

use crate::{Instant, Timing, Version};

/// The last word is repeated at most this often, half an interval apart.
const REPEATS: u8 = 6;
/// The same in VRRPv2, where a winner need not answer (RFC 3768 6.4.3).
const REPEATS_V2: u8 = 2;

/// Of two routers that were both Active, the winner has to announce the addresses again, because
/// neighbours may have learned them from the other. It only knows about the other from its
/// advertisements, and a bad network can lose the last one. So the one that yields repeats it until
/// the winner has answered; FRR does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Parting {
    left: u8,
    next_at: Instant,
    /// When the winner last advertised.
    heard_at: Instant,
}

impl Parting {
    /// Begins after the first last word was sent.
    pub(super) fn begun(now: Instant, timing: Timing) -> Self {
        let left = match timing.rules() {
            Version::V2 => REPEATS_V2,
            Version::V3 => REPEATS,
        };
        Self { left, next_at: now + pause(timing), heard_at: now }
    }

    /// Takes an advertisement of the winner. If it came long before its schedule, it is an answer:
    /// the winner has heard the last word (RFC 9568 6.4.3). Where both checksum forms are in use,
    /// one that comes right after another is the same advertisement again.
    pub(super) fn heard(self, now: Instant, timing: Timing, in_both_forms: bool) -> Option<Self> {
        if in_both_forms && now < self.heard_at + timing.interval() / 16 {
            return Some(self);
        }
        let answered = now < self.heard_at + timing.interval().saturating_mul(3) / 4;
        (!answered).then_some(Self { heard_at: now, ..self })
    }

    pub(super) const fn next_at(self) -> Instant {
        self.next_at
    }

    /// Counts a repeat.
    pub(super) fn repeated(self, now: Instant, timing: Timing) -> Option<Self> {
        let left = self.left.saturating_sub(1);
        (left > 0).then_some(Self { left, next_at: now + pause(timing), ..self })
    }
}

fn pause(timing: Timing) -> Duration {
    timing.interval() / 2
}
