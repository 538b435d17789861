//! Whether an address that is gone has run out, or somebody deleted it.
//!
//! The kernel tells both in the same message, with the seconds that were left. Its sweep takes away
//! what ends within the next 20 ms: where addresses change all the time it runs at each change, and
//! nearly everything that runs out goes with one second left. Then the age decides, by the kernel's
//! tick: that lags behind the clock by as much as it did when the host started, a quarter of a
//! second for example, which is seen when an address is told of that has just been put.

use vrrp_core::Loss;

use crate::netlink::addresses::HostAddress;

/// Hundredths of a second, as the kernel stamps addresses.
const SECOND: u32 = 100;
/// How much earlier than its end, or later, an address is seen to go that has run out: 20 ms, and
/// what the clocks, the machine and rounding are late.
const MARGIN: u32 = 10;

/// An address as it was heard of last.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) address: HostAddress,
    /// How old it seemed then, in hundredths of a second.
    pub(super) age: u32,
}

#[derive(Debug, Default)]
pub(super) struct Losses {
    /// How far the kernel's tick lags behind the clock at most.
    lag: Option<u32>,
}

impl Losses {
    /// Learns from an address of this age that was just told of; most have just been put.
    pub(super) fn learn(&mut self, age: u32) {
        self.lag = Some(self.lag.map_or(age, |lag| lag.min(age)));
    }

    /// How `removed` was lost, which seems to be of this age; `known`: how it was heard of before.
    pub(super) fn judge(&self, removed: &HostAddress, age: u32, known: Option<&Known>) -> Loss {
        let has_run_out = match removed.valid {
            None => false,
            Some(0) => true,
            Some(1) => self.is_at_its_end(age.saturating_sub(self.lag.unwrap_or_default()), known),
            Some(_) => false,
        };
        if has_run_out { Loss::Lapsed } else { Loss::Deleted }
    }

    /// Whether an address of this age, which had one second left or less, was at its end.
    fn is_at_its_end(&self, age: u32, known: Option<&Known>) -> bool {
        // It was put for at most so long, in seconds, if it had one left.
        let most = age / SECOND + 1;
        match known.and_then(|known| self.put_for(known)).filter(|seconds| *seconds <= most) {
            Some(seconds) => age.saturating_add(MARGIN) >= seconds.saturating_mul(SECOND),
            // It is not known, or it was renewed for longer or shorter since: a whole number of
            // seconds in any case.
            None => age + MARGIN >= SECOND && (age + MARGIN) % SECOND <= 2 * MARGIN,
        }
    }

    /// For how many seconds it was put.
    fn put_for(&self, known: &Known) -> Option<u32> {
        let age = known.age.saturating_sub(self.lag.unwrap_or_default());
        known.address.valid.map(|left| left.saturating_add(age / SECOND))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::addresses::Mark;

    fn address(valid: Option<u32>) -> HostAddress {
        HostAddress {
            valid,
            ..HostAddress::new(1, "192.0.2.10/24".parse().unwrap(), Some(Mark::Held))
        }
    }

    /// How an address is lost at this age, with so many seconds left, that was put for so many; the
    /// kernel's tick lags by a quarter of a second.
    fn lost(put: Option<u32>, left: Option<u32>, age: u32) -> Loss {
        const LAG: u32 = 25;
        let mut losses = Losses::default();
        for age in [LAG + 40, LAG, LAG + 1] {
            losses.learn(age);
        }
        let known = put.map(|put| Known { address: address(Some(put)), age: LAG });
        losses.judge(&address(left), age + LAG, known.as_ref())
    }

    #[test]
    fn a10_an_address_at_its_end_has_run_out() {
        for put in [1, 2, 29] {
            for left in [0, 1] {
                for (late, what) in [(0, "20 ms early"), (2, "at its end"), (10, "told late")] {
                    let age = put * SECOND - 2 + late;
                    assert_eq!(
                        lost(Some(put), Some(left), age),
                        Loss::Lapsed,
                        "{put} s, {left} left, {what}"
                    );
                    assert_eq!(
                        lost(None, Some(left), age),
                        Loss::Lapsed,
                        "not heard of, {left} left, {what}"
                    );
                }
            }
            assert_eq!(
                lost(Some(put), Some(0), put * SECOND + 200),
                Loss::Lapsed,
                "the kernel took its time"
            );
        }
        assert_eq!(lost(Some(29), Some(1), 198), Loss::Lapsed, "renewed for 2 s since");
        assert_eq!(lost(Some(2), Some(1), 2898), Loss::Lapsed, "renewed for 29 s since");
    }

    #[test]
    fn a10_an_address_before_its_end_was_deleted() {
        for put in [1, 2, 29] {
            for age in [put * SECOND - 50, put * SECOND - 15] {
                assert_eq!(lost(Some(put), Some(1), age), Loss::Deleted, "{put} s, at {age}");
                assert_eq!(
                    lost(None, Some(1), age),
                    Loss::Deleted,
                    "not heard of, {put} s, at {age}"
                );
            }
        }
        assert_eq!(lost(Some(2), Some(1), 100), Loss::Deleted, "half-way");
        assert_eq!(lost(Some(2), Some(2), 5), Loss::Deleted);
        assert_eq!(lost(Some(2), None, 200), Loss::Deleted, "it has no lifetime any more");
    }
}
