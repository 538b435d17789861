//! Errors of sending, and who is to blame.
//!
//! When a link goes down, the kernel refuses to send before it reports the change, which takes tens
//! of milliseconds on a busy host. Such errors are the link's fault, not this node's: without a
//! link the node goes to Initialize anyway, and once the link is back it may preempt.

use core::time::Duration;

use super::{Active, Effects, Lease, Machine, Probation, State, Then};
use crate::{Hold, Instant, Reason, Want};

/// This many advertisements in a row that cannot be sent are a hold.
const SEND_FAILURES: u8 = 3;
/// How late the report of a link change may be.
const LATE: Duration = Duration::from_millis(250);

/// A probation for errors of sending, and how to take it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Blame {
    until: Instant,
    /// The previous probation.
    probation: Option<Probation>,
}

impl Machine {
    /// Notes a send. Success is not reported: if the last send was not reported as failed, it ended
    /// the row of failures.
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

    /// Notes that the last advertisement could reach no peer, which is not this node's fault.
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

    /// Forgives errors just before a link change: they were the link's fault.
    pub(super) fn forgive_sending(&mut self, now: Instant) {
        let Some(blame) = self.blame.take().filter(|blame| now < blame.until) else { return };
        self.probation = blame.probation;
        self.fault = self.fault.filter(|fault| fault.hold != Hold::Send);
        (self.send_failures, self.last_send_failed) = (0, false);
    }
}
