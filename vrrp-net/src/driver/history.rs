//! What became of a virtual router: its last transitions, and what all of them add up to.

use std::{collections::VecDeque, time::SystemTime};

use vrrp_core::{Instant, Phase, Reason, Sender};

use crate::{Reasons, Takeovers, TransitionStatus};

/// How many are kept.
const KEPT: usize = 10;

/// The transitions since the start. They belong to the virtual router and not to its configuration:
/// what is configured anew changes none.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The last ones, the latest first.
    last: VecDeque<Transition>,
    pub(super) reasons: Reasons,
    pub(super) takeovers: Takeovers,
    /// When the takeover that is under way began.
    decided_at: Option<Instant>,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transition {
    /// By the wall clock then.
    pub(super) at: SystemTime,
    /// By the clock of the driver.
    pub(super) when: Instant,
    pub(super) from: Phase,
    pub(super) to: Phase,
    pub(super) reason: Reason,
    pub(super) sender: Option<Sender>,
}

impl History {
    pub(super) fn push(&mut self, transition: Transition) {
        self.reasons.count(transition.reason);
        self.note_takeover(&transition);
        self.last.truncate(KEPT - 1);
        self.last.push_front(transition);
    }

    fn note_takeover(&mut self, transition: &Transition) {
        let Transition { when, to, .. } = *transition;
        let decided_at = self.decided_at.take();
        match to {
            Phase::Acquiring => self.decided_at = Some(when),
            Phase::Held => {
                if let Some(decided_at) = decided_at {
                    self.takeovers.note(when - decided_at);
                }
            }
            Phase::Initialize(_) | Phase::Backup | Phase::Adopted | Phase::Resigning => {}
        }
    }

    pub(super) fn shown(&self, now: Instant) -> Vec<TransitionStatus> {
        let shown = |transition: &Transition| {
            let Transition { at, when, from, to, reason, sender } = *transition;
            TransitionStatus { at, ago: now - when, from, to, reason, sender }
        };
        self.last.iter().map(shown).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_last_ten_are_kept_the_latest_first() {
        let mut history = History::default();
        let second = |number| Instant::EPOCH + Duration::from_secs(number);
        for number in 0..25 {
            history.push(Transition {
                at: SystemTime::UNIX_EPOCH,
                when: second(number),
                from: Phase::Backup,
                to: Phase::Acquiring,
                reason: Reason::Silence,
                sender: None,
            });
        }
        let ages: Vec<u64> =
            history.shown(second(30)).iter().map(|shown| shown.ago.as_secs()).collect();
        assert_eq!(ages, [6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    }
}
