//! Something that deletes the addresses again and again: when that is a fight, and what follows.

use core::time::Duration;

use crate::Instant;

/// Deletions follow each other when they are less than this apart.
const IN_A_ROW: Duration = Duration::from_secs(1);
/// After this long it is a fight, and after as long without a deletion it is over.
const LONG: Duration = Duration::from_secs(5);
/// How often the addresses are put back in a fight while no other node takes over.
const PACE: Duration = Duration::from_secs(1);
/// How long until another node is looked for again.
const ASK_AGAIN: Duration = Duration::from_secs(60);

/// How far a fight has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "models and tests look into it")]
pub enum Fight {
    /// Nobody deletes anything.
    #[default]
    None,
    /// Deletions, but not for long enough to be a fight.
    Deletions {
        /// Since when.
        since: Instant,
        /// The last one.
        last: Instant,
    },
    /// It is a fight, and no other node took over.
    Alone {
        /// The last deletion.
        last: Instant,
        /// When the addresses were last put back.
        repaired_at: Instant,
        /// When they are put back next, if something is gone.
        repair_at: Option<Instant>,
        /// From when a deletion lets another node try again.
        ask_again_at: Instant,
    },
}

/// What a deletion leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// The address is put back at once.
    Repair,
    /// It is put back at the fight's pace.
    Wait,
    /// Another node may have more luck.
    HandOver,
}

impl Fight {
    /// Notes that an address was deleted, and returns what that leads to.
    pub(super) fn deleted(&mut self, now: Instant) -> Remedy {
        match *self {
            Self::Deletions { since, last } if now < last + IN_A_ROW => {
                *self = Self::Deletions { since, last: now };
                if now < since + LONG { Remedy::Repair } else { Remedy::HandOver }
            }
            Self::Alone { last, ask_again_at, .. } if now < last + LONG && ask_again_at <= now => {
                Remedy::HandOver
            }
            Self::Alone { last, repaired_at, ask_again_at, .. } if now < last + LONG => {
                let at = repaired_at + PACE;
                let is_due = at <= now;
                let repaired_at = if is_due { now } else { repaired_at };
                let repair_at = (!is_due).then_some(at);
                *self = Self::Alone { last: now, repaired_at, repair_at, ask_again_at };
                if is_due { Remedy::Repair } else { Remedy::Wait }
            }
            Self::None | Self::Deletions { .. } | Self::Alone { .. } => {
                *self = Self::Deletions { since: now, last: now };
                Remedy::Repair
            }
        }
    }

    /// Creates a fight in which the addresses were put back, and nobody else took over.
    pub(super) fn alone(now: Instant) -> Self {
        Self::Alone { last: now, repaired_at: now, repair_at: None, ask_again_at: now + ASK_AGAIN }
    }

    /// Returns whether a deleted address is due to be put back; it then counts as put back.
    pub(super) fn repair_is_due(&mut self, now: Instant) -> bool {
        match self {
            Self::Alone { repaired_at, repair_at, .. } if repair_at.is_some_and(|at| at <= now) => {
                (*repaired_at, *repair_at) = (now, None);
                true
            }
            Self::None | Self::Deletions { .. } | Self::Alone { .. } => false,
        }
    }

    /// Returns when a deleted address is put back.
    pub(super) const fn repair_at(&self) -> Option<Instant> {
        match self {
            Self::Alone { repair_at, .. } => *repair_at,
            Self::None | Self::Deletions { .. } => None,
        }
    }

    /// Returns whether this node is in a fight, so that any other node may have the addresses.
    pub(super) fn is_hopeless(&self, now: Instant) -> bool {
        matches!(self, Self::Alone { last, .. } if now < *last + LONG)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Instant {
        Instant::EPOCH + Duration::from_millis(milliseconds)
    }

    /// What deletions every `pace` lead to, up to `until`.
    fn deletions(fight: &mut Fight, from: u64, pace: u64, until: u64) -> (u64, Remedy) {
        let mut now = from;
        loop {
            let answer = fight.deleted(at(now));
            if answer != Remedy::Repair || now + pace > until {
                return (now, answer);
            }
            now += pace;
        }
    }

    #[test]
    fn one_a_second_is_no_fight_and_more_than_that_is_one_after_five_seconds() {
        for (pace, outcome) in [
            (3000, (60_000, Remedy::Repair)),
            (1000, (60_000, Remedy::Repair)),
            (999, (5994, Remedy::HandOver)),
            (100, (5000, Remedy::HandOver)),
        ] {
            assert_eq!(deletions(&mut Fight::None, 0, pace, 60_000), outcome, "every {pace} ms");
        }
    }

    #[test]
    fn alone_it_repairs_once_a_second_until_there_was_peace() {
        let mut fight = Fight::alone(at(0));
        assert!(fight.is_hopeless(at(4999)) && !fight.is_hopeless(at(5000)));
        assert_eq!(fight.deleted(at(100)), Remedy::Wait);
        assert_eq!(fight.repair_at(), Some(at(1000)));
        assert!(!fight.repair_is_due(at(999)) && fight.repair_is_due(at(1000)));
        assert_eq!(fight.repair_at(), None);
        assert_eq!(fight.deleted(at(2000)), Remedy::Repair);
        assert_eq!(fight.deleted(at(7000)), Remedy::Repair);
        assert_eq!(fight, Fight::Deletions { since: at(7000), last: at(7000) });
    }

    #[test]
    fn another_node_is_looked_for_again_after_a_minute() {
        let mut fight = Fight::alone(at(0));
        for now in (1000..60_000).step_by(1000) {
            assert_eq!(fight.deleted(at(now)), Remedy::Repair);
        }
        assert_eq!(fight.deleted(at(60_000)), Remedy::HandOver);
    }
}
