//! [`Takeovers`]: how long it took to serve.

use std::time::Duration;

/// How often a virtual router took over since its start, and how long that took: from the moment at
/// which it decided to become Active (the phase [`Acquiring`](vrrp_core::Phase::Acquiring) began,
/// and the first advertisement left) until the backend held the addresses (the phase
/// [`Held`](vrrp_core::Phase::Held) began, and they were announced). It is what the backend takes;
/// the silence before that is the protocol's.
///
/// What was adopted from an earlier process was served all the while, and does not count. Nor does a
/// takeover that was broken off, or that a handover came in between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Takeovers {
    /// How many.
    pub count: u64,
    /// How long all of them took, summed up.
    pub total: Duration,
    /// How long the last one took; `None` before the first.
    pub last: Option<Duration>,
}

impl Takeovers {
    pub(crate) const fn note(&mut self, took: Duration) {
        self.count = self.count.wrapping_add(1);
        self.total = self.total.saturating_add(took);
        self.last = Some(took);
    }
}
