//! dev-probation: after a fault of its own a node does not preempt for a while.

use crate::settings::SECOND;

const SHORTEST: u64 = 10 * SECOND;
const LONGEST: u64 = 300 * SECOND;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Probation {
    length: u64,
    pub(crate) until: u64,
}

impl Probation {
    pub(crate) const fn is_on(&self, now: u64) -> bool {
        now < self.until
    }

    /// Takes over one that repeats an earlier one, if it is the longer one.
    pub(crate) const fn follow(&mut self, other: Self) {
        if other.length > SHORTEST && self.until < other.until {
            *self = other;
        }
    }

    /// Twice as long after each further fault, and forgotten after as long without one.
    pub(crate) fn begin(&mut self, now: u64) {
        let is_remembered = self.length > 0 && now < self.until + self.length;
        self.length = if is_remembered { (2 * self.length).min(LONGEST) } else { SHORTEST };
        self.until = now + self.length;
    }
}
