//! [`Probes`]: at most a hundred questions a second on each interface.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use vrrp_core::{Instant, InterfaceId};

/// How many questions are asked in a second.
const MOST: usize = 100;
const SECOND: Duration = Duration::from_secs(1);

/// When questions were asked in the last second.
#[derive(Debug, Default)]
pub(super) struct Probes {
    asked: BTreeMap<InterfaceId, VecDeque<Instant>>,
}

impl Probes {
    /// Whether one more may be asked now; then it counts.
    pub(super) fn pass(&mut self, interface: InterfaceId, now: Instant) -> bool {
        // Interfaces come and go.
        self.asked.retain(|_, asked| asked.back().is_some_and(|at| now < *at + SECOND));
        let asked = self.asked.entry(interface).or_default();
        while asked.front().is_some_and(|at| *at + SECOND <= now) {
            asked.pop_front();
        }
        let passes = asked.len() < MOST;
        if passes {
            asked.push_back(now);
        }
        passes
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn no_second_has_more_than_a_hundred() {
        let interface = InterfaceId::new(NonZeroU32::MIN);
        let mut probes = Probes::default();
        let start = Instant::EPOCH + SECOND;
        let passed: Vec<Instant> = (0..5000_u32)
            .map(|step| start + Duration::from_millis(1) * step)
            .filter(|now| probes.pass(interface, *now))
            .collect();
        assert_eq!(passed.len(), 500);
        assert!(passed.windows(MOST + 1).all(|all| all[MOST] - all[0] >= SECOND));
        let other = InterfaceId::new(NonZeroU32::MAX);
        assert!(probes.pass(other, passed[499]), "each interface has its own");
    }
}
