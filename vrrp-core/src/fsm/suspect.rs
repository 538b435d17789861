//! [`Suspect`]: another host that was seen to have an address, and whether that is certain.

use core::time::Duration;

use crate::{Instant, MacAddr, Timing};

/// How late the kernel may remove an address whose lease has ended: 2.3 s is the latest that was
/// seen.
const LATE: Duration = Duration::from_millis(2500);
/// How often a rival is asked whether it is still there.
pub(super) const WATCH: Duration = Duration::from_secs(10);

/// Another host that was seen to have an address of this virtual router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Suspect {
    pub(super) mac: MacAddr,
    pub(super) since: Instant,
    pub(super) seen_at: Instant,
    /// When it is no dead program's kernel any more.
    pub(super) certain_at: Instant,
    /// When it is asked next.
    pub(super) ask_at: Instant,
    /// How often in a row it was asked without an answer.
    pub(super) unanswered: u8,
    pub(super) is_rival: bool,
    /// Whether it answered a Backup that looked.
    pub(super) is_looked_for: bool,
}

impl Suspect {
    /// One that answered a Backup, which follows its silent Active at this timing.
    pub(super) fn answering(now: Instant, mac: MacAddr, timing: Timing) -> Self {
        Self::until(now, mac, now + lasts(timing))
    }

    /// One that is looked for, and of which nothing is certain until then.
    fn until(now: Instant, mac: MacAddr, certain_at: Instant) -> Self {
        Self {
            mac,
            since: now,
            seen_at: now,
            certain_at,
            ask_at: certain_at,
            unanswered: 0,
            is_rival: false,
            is_looked_for: true,
        }
    }

    /// One that says by itself that it has an address.
    pub(super) fn claiming(now: Instant, mac: MacAddr, certain_at: Instant) -> Self {
        let mut suspect = Self { is_looked_for: false, ..Self::until(now, mac, certain_at) };
        suspect.seen(now);
        suspect
    }

    /// Notes that it was seen again.
    pub(super) fn seen(&mut self, now: Instant) {
        (self.seen_at, self.unanswered) = (now, 0);
        self.is_rival |= self.certain_at <= now;
        self.ask_at = if self.is_rival { now + WATCH } else { self.certain_at };
    }

    /// Returns its hardware address.
    #[must_use]
    pub const fn mac(&self) -> MacAddr {
        self.mac
    }

    /// Returns when it was first seen.
    #[must_use]
    pub const fn since(&self) -> Instant {
        self.since
    }

    /// Returns when it was last seen.
    #[must_use]
    pub const fn seen_at(&self) -> Instant {
        self.seen_at
    }

    /// Returns whether it is certain that it holds an address.
    #[must_use]
    pub const fn is_rival(&self) -> bool {
        self.is_rival
    }

    /// Returns whether it answered a Backup that looked.
    #[must_use]
    pub const fn is_looked_for(&self) -> bool {
        self.is_looked_for
    }

    pub(super) const fn ask_at(&self) -> Instant {
        self.ask_at
    }
}

/// Returns how long the kernel of a program that has just died may still answer: its lease, in whole
/// seconds, and what the kernel may be late.
pub(super) fn lasts(timing: Timing) -> Duration {
    let whole = timing.silence().as_secs().saturating_sub(1).max(1);
    Duration::from_secs(whole).saturating_add(LATE)
}
