//! [`Lateness`]: how late advertisements leave.

use std::time::Duration;

/// The upper bounds of the buckets.
const BOUNDS: [Duration; 13] = [
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
];

/// How late advertisements left this node, since it was started: from the moment at which
/// Adver_Timer ran out until the kernel had been handed all packets of the advertisement, by the
/// node's clock.
///
/// Advertisements that leave for another reason are not counted, because none of them has a moment at
/// which it is due: the first one after a promotion, answers to weaker nodes, resignations, and those
/// that say that the priority has changed. Nor are those that could not be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lateness {
    counts: [u64; BOUNDS.len()],
    beyond: u64,
    sum: Duration,
}

impl Lateness {
    /// Returns the upper bound of each bucket, from 100 µs to 1 s, with how many advertisements were
    /// late by so much at most, and by more than the bound before.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> + use<'_> {
        BOUNDS.into_iter().zip(self.counts.iter().copied())
    }

    /// Returns how many advertisements were late by more than the last bound.
    #[must_use]
    pub const fn beyond(&self) -> u64 {
        self.beyond
    }

    /// Returns by how much all of them were late, summed up.
    #[must_use]
    pub const fn sum(&self) -> Duration {
        self.sum
    }

    /// Returns how many advertisements there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(self.beyond, |sum, count| sum.wrapping_add(*count))
    }

    /// Counts an advertisement that was late by so much.
    pub(crate) fn note(&mut self, late: Duration) {
        let bucket = BOUNDS.partition_point(|bound| *bound < late);
        let count = self.counts.get_mut(bucket).unwrap_or(&mut self.beyond);
        *count = count.wrapping_add(1);
        self.sum = self.sum.saturating_add(late);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_counted_once_up_to_the_bound_and_not_beyond() {
        let mut lateness = Lateness::default();
        let late = [0, 100, 101, 1_000, 30_000, 1_000_000, 1_000_001, 60_000_000];
        late.into_iter().map(Duration::from_micros).for_each(|late| lateness.note(late));
        let counts: Vec<u64> = lateness.buckets().map(|(_, count)| count).collect();
        assert_eq!(counts, [2, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
        assert_eq!((lateness.beyond(), lateness.count()), (2, 8));
        assert_eq!(lateness.sum(), Duration::from_micros(late.iter().sum()));
        let bounds: Vec<Duration> = lateness.buckets().map(|(bound, _)| bound).collect();
        assert!(bounds.is_sorted() && bounds.len() == 13, "{bounds:?}");
    }
}
