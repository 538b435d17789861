//! [`Pace`]: how regularly a speaker advertises.

use std::time::Duration;

use vrrp_core::{Interval, Jitter};

/// The times between the advertisements of a speaker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pace {
    jitter: Jitter,
    regular: Mean,
    /// Those of less than half an interval.
    short: Mean,
}

/// A sum, and what it is the sum of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Mean {
    sum: Duration,
    count: u32,
}

impl Pace {
    /// Takes the time since the advertisement before, and the interval that this one names. Where the
    /// clock was set meanwhile, nobody knows the time.
    pub(super) fn take(&mut self, gap: Option<Duration>, interval: Option<Interval>) {
        let Some(gap) = gap else { return };
        let is_short = interval.is_some_and(|named| gap.saturating_mul(2) < named.duration());
        if let Some(interval) = interval {
            self.jitter.take(gap, interval.duration());
        }
        (if is_short { &mut self.short } else { &mut self.regular }).take(gap);
    }

    pub(super) fn mean(&self) -> Option<Duration> {
        self.regular.get().or_else(|| self.short.get())
    }

    pub(super) fn jitter(&self) -> Option<Duration> {
        self.jitter.get()
    }
}

impl Mean {
    fn take(&mut self, gap: Duration) {
        self.sum = self.sum.saturating_add(gap);
        self.count = self.count.saturating_add(1);
    }

    fn get(&self) -> Option<Duration> {
        self.sum.checked_div(self.count)
    }
}

#[cfg(test)]
mod tests {
    use vrrp_core::Centiseconds;

    use super::*;

    const SECOND: Option<Interval> = Some(Interval::V3(Centiseconds::ONE_SECOND));

    fn pace(gaps: &[u64]) -> Pace {
        let mut pace = Pace::default();
        for gap in gaps {
            pace.take(Some(Duration::from_millis(*gap)), SECOND);
        }
        pace
    }

    #[test]
    fn the_mean_is_of_what_was_sent_in_time() {
        for (gaps, mean) in [
            (&[][..], None),
            (&[1000], Some(1000)),
            (&[990, 1010, 1000], Some(1000)),
            // With an answer in between.
            (&[1000, 3, 997, 1000], Some(999)),
            // It does not do as it says.
            (&[100, 120], Some(110)),
            (&[5000, 5000], Some(5000)),
        ] {
            assert_eq!(pace(gaps).mean(), mean.map(Duration::from_millis), "{gaps:?}");
        }
    }

    #[test]
    fn the_jitter_is_that_of_the_core() {
        assert_eq!(pace(&[1010]).jitter(), Some(Duration::from_millis(10)));
        assert_eq!(pace(&[5000, 3]).jitter(), None, "away, and an answer");
    }

    #[test]
    fn a_clock_that_was_set_says_nothing() {
        let mut pace = Pace::default();
        pace.take(None, SECOND);
        assert_eq!((pace.mean(), pace.jitter()), (None, None));
    }
}
