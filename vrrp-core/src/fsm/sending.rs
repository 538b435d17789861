//! Errors of sending, and whose they are.
//!
//! The kernel refuses to send on a link that goes down before it tells of that, and on a busy host
//! the news takes tens of milliseconds. Such errors are the link's, and no fault of this node:
//! without a link it is in Initialize all the same, and with it again it may preempt.

use core::time::Duration;

use super::{Active, Effects, Lease, Machine, Probation, State, Then};
use crate::{Hold, Instant, Reason, Want};

/// Advertisements in a row that cannot be sent before that is a hold.
const SEND_FAILURES: u8 = 3;
/// How late the news of a link may be.
const LATE: Duration = Duration::from_millis(250);

/// What this node was blamed for, and how to take it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Blame {
    until: Instant,
    /// The probation before.
    probation: Option<Probation>,
}

impl Machine {
    /// Success is not reported: a send that was not reported as failed ended the row of failures.
    pub(super) fn note_send(&mut self) {
        if !self.last_send_failed {
            self.send_failures = 0;
        }
        self.last_send_failed = false;
    }

    pub(super) fn note_send_failure(&mut self) {
        self.last_send_failed = true;
        self.send_failures = self.send_failures.saturating_add(1);
    }

    pub(super) fn send_failed(&mut self, now: Instant, mut active: Active, effects: &mut Effects) {
        self.note_send_failure();
        let unheard =
            active.sent_at == active.since && matches!(active.lease, Lease::Acquiring { .. });
        active.sent_at = active.sent_before;
        self.state = State::Active(active);
        if active.handover() == Some(Then::Withdraw) {
            // Nobody can be reached from the old source.
            self.release(Reason::Interface, None, effects);
            return;
        }
        if active.is_resigning() || active.away.is_some() {
            return;
        }
        if self.send_failures >= SEND_FAILURES {
            self.step_out_unsent(now, effects);
        } else if unheard {
            // Nobody knows of the promotion, so it did not happen: a peer may be Active.
            self.blame_sending(now);
            self.listen_again(now);
            effects.transition = Some(Reason::SendFailed);
            effects.lease = Some(Want::Release { reason: Reason::SendFailed, successor: None });
        }
    }

    /// The last advertisement found no way to any peer, which is no fault of this node.
    pub(super) const fn note_unreached(&mut self) {
        if let State::Active(active) = &mut self.state {
            active.unreached = true;
        }
    }

    /// Leaves Active because nothing can be sent.
    pub(super) fn step_out_unsent(&mut self, now: Instant, effects: &mut Effects) {
        self.blame_sending(now);
        self.keep_out(now, Hold::Send, Reason::SendFailed, effects);
    }

    /// Begins the probation after errors of sending.
    fn blame_sending(&mut self, now: Instant) {
        let blame = Blame { until: now + LATE, probation: self.probation };
        self.begin_probation(now);
        self.blame = Some(blame);
    }

    /// The link has changed: errors of just before were the link's.
    pub(super) fn forgive_sending(&mut self, now: Instant) {
        let Some(blame) = self.blame.take().filter(|blame| now < blame.until) else { return };
        self.probation = blame.probation;
        self.fault = self.fault.filter(|fault| fault.hold != Hold::Send);
        (self.send_failures, self.last_send_failed) = (0, false);
    }
}
