//! Time as the core knows it: a number of nanoseconds since an epoch that the caller chose.

use core::{
    ops::{Add, Sub},
    time::Duration,
};

/// A point in time: nanoseconds since an epoch that the caller chooses.
///
/// There is no `now()`: the core never reads a clock; time is an argument of
/// [`Router::handle`](crate::Router::handle). A driver uses a monotonic clock that counts suspended
/// time (`CLOCK_BOOTTIME` on Linux); a simulator uses whatever it likes.
///
/// Arithmetic saturates: 2^64 ns are 584 years.
///
/// ```
/// use core::time::Duration;
/// use vrrp_core::Instant;
///
/// let start = Instant::from_nanos(5);
/// assert_eq!(start + Duration::from_nanos(3) - start, Duration::from_nanos(3));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The caller's epoch.
    pub const EPOCH: Self = Self(0);

    /// Returns the instant `nanos` nanoseconds after the caller's epoch.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Returns the nanoseconds since the caller's epoch.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Returns how long after `earlier` this is; zero if it is not later.
    #[must_use]
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(nanos))
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.saturating_duration_since(earlier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        let last = Instant::from_nanos(u64::MAX);
        assert_eq!(last + Duration::MAX, last);
        assert_eq!(Instant::EPOCH - Duration::from_secs(1), Instant::EPOCH);
        assert_eq!(Instant::EPOCH - last, Duration::ZERO);
    }
}
