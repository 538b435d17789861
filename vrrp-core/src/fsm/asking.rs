//! [`Asking`]: when an Active that should not be the one asks whether another node takes over.

use core::time::Duration;

use crate::Instant;

/// How long an ill Active that nobody relieved waits before it asks again.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// When an ill Active asks the other nodes again whether one takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Asking {
    pub(super) at: Instant,
    pub(super) pause: Duration,
}

impl Asking {
    /// Without a pause.
    pub(super) fn at_once(now: Instant) -> Self {
        Self { at: now, pause: FIRST_PAUSE / 2 }
    }

    pub(super) fn first(now: Instant) -> Self {
        Self { at: now + FIRST_PAUSE, pause: FIRST_PAUSE }
    }

    /// The first one, or after twice the pause of the last one.
    pub(super) fn next(now: Instant, last: Option<Self>) -> Self {
        let Some(last) = last else { return Self::first(now) };
        let pause = last.pause.saturating_mul(2).min(LONGEST_PAUSE);
        Self { at: now + pause, pause }
    }
}
