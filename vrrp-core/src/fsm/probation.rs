//! Probation: after a fault of its own a router takes over only on silence or a resignation.

use core::time::Duration;

use crate::Instant;

const SHORTEST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(300);

/// A time without preemption after a fault. Without it, a strong node with a broken backend would
/// take the address down again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Probation {
    until: Instant,
    length: Duration,
}

impl Probation {
    /// Returns the probation after a fault at `now`: 10 s, or twice the previous one, up to 5 min,
    /// unless that has been over for as long as it lasted.
    #[must_use]
    pub fn after_fault(now: Instant, previous: Option<Self>) -> Self {
        let length = match previous {
            Some(previous) if now < previous.until + previous.length => {
                previous.length.saturating_mul(2).min(LONGEST)
            }
            Some(_) | None => SHORTEST,
        };
        Self { until: now + length, length }
    }

    /// Returns whether it is longer than the first one is.
    #[must_use]
    pub(super) fn is_repeated(self) -> bool {
        self.length > SHORTEST
    }

    /// Returns when it ends.
    #[must_use]
    pub const fn until(self) -> Instant {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Instant {
        Instant::EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn it_doubles_up_to_five_minutes_and_is_forgotten_after_as_long() {
        let mut probation = Probation::after_fault(seconds(0), None);
        assert_eq!(probation.until(), seconds(10));
        for length in [20, 40, 80, 160, 300, 300] {
            let now = probation.until();
            probation = Probation::after_fault(now, Some(probation));
            assert_eq!(probation.until(), now + Duration::from_secs(length));
        }
        let forgotten = probation.until() + Duration::from_secs(300);
        assert_eq!(
            Probation::after_fault(forgotten, Some(probation)).until(),
            forgotten + SHORTEST
        );
    }
}
