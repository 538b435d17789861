//! An Active whose link or source is gone for a moment: it waits before it leaves.
//!
//! Whoever configures a host (a DHCP client, networkd, an operator) removes addresses and puts them
//! back, and a cable can be out for a tenth of a second. Leaving at once would cost a takeover, and
//! the way back another one. Meanwhile nothing is sent, and nothing counts as sent: without a
//! carrier every `sendmsg` succeeds.

use core::{net::IpAddr, time::Duration};

use super::{Active, Announcing, Away, Effects, Lease, Link, Machine, State, Then};
use crate::{Instant, Reason, Timing};

/// The longest wait, if two intervals are longer.
const LONGEST_WAIT: Duration = Duration::from_millis(250);

/// Returns how long a link or source may be gone without consequences.
pub(super) fn short_loss(timing: Timing) -> Duration {
    timing.interval().saturating_mul(2).min(LONGEST_WAIT)
}

impl Active {
    /// Postpones a repair under way. It cannot succeed without a link, which is not the backend's
    /// fault.
    fn postpone_repair(&mut self) {
        if let (Some(away), Lease::Held { repair_until, .. }) = (&mut self.away, &mut self.lease) {
            away.repair |= repair_until.take().is_some();
        }
    }
}

impl Machine {
    /// Waits for the lost link or source of an Active, or leaves; `source` is the old one.
    pub(super) fn lose_link(
        &mut self,
        now: Instant,
        mut active: Active,
        source: Option<IpAddr>,
        effects: &mut Effects,
    ) {
        let source = source.or_else(|| active.away.map(|away| away.source));
        // Resignations still leave, from the old source.
        let can_speak = self.link == Link::NoSource;
        let away = match (active.lease, source) {
            (Lease::Held { .. }, Some(source)) => {
                let until =
                    (now + short_loss(self.params.timing)).min(active.superseded_at(&self.params));
                active.away.unwrap_or(Away { until, source, repair: false })
            }
            (Lease::Resigning { until, .. }, Some(source)) if can_speak => {
                Away { until, source, repair: false }
            }
            (Lease::Held { .. } | Lease::Resigning { .. } | Lease::Acquiring { .. }, _) => {
                self.release(Reason::Interface, None, effects);
                effects.transmit = None;
                return;
            }
        };
        active.away = Some(away);
        if !can_speak {
            active.postpone_repair();
        }
        self.state = State::Active(active);
        if away.until <= now {
            self.leave_link(now, active, effects);
        }
    }

    /// Continues, because the link and a source are back in time.
    pub(super) fn regain_link(
        &mut self,
        now: Instant,
        mut active: Active,
        before: Link,
        effects: &mut Effects,
    ) {
        let Some(away) = active.away.take() else { return };
        match active.lease {
            Lease::Resigning { then: Then::Withdraw, .. } => {
                self.go_on(now, active, Reason::InterfaceBack, effects);
                return;
            }
            Lease::Resigning { .. } | Lease::Acquiring { .. } => {
                self.state = State::Active(active);
                return;
            }
            Lease::Held { announcing: Some(_), repair_until } if before != Link::NoSource => {
                // Switches forget who was behind a port that was down.
                let (announcing, due) = Announcing::burst(now, &self.params);
                active.lease = Lease::Held { announcing: Some(announcing), repair_until };
                effects.announce = due && active.is_whole();
            }
            Lease::Held { .. } => {}
        }
        if away.repair || before == Link::Missing {
            self.repair(now, &mut active, effects);
        }
        self.advertise(now, active, effects);
    }

    /// Leaves, because the link or source was gone for too long. Without a link the node just
    /// releases; without a source it hands over, with resignations from the old one.
    pub(super) fn leave_link(&mut self, now: Instant, active: Active, effects: &mut Effects) {
        if self.link == Link::NoSource && now < active.superseded_at(&self.params) {
            self.hand_over(now, active, Then::Withdraw, effects);
        } else {
            self.release(Reason::Interface, None, effects);
            effects.transmit = None;
        }
    }

    /// Notes addresses that were lost with the link, or with the host's own.
    pub(super) fn lost_while_away(
        &mut self,
        now: Instant,
        mut active: Active,
        effects: &mut Effects,
    ) {
        if self.link == Link::NoSource {
            self.repair(now, &mut active, effects);
        } else if let Some(away) = &mut active.away {
            away.repair = true;
            active.postpone_repair();
        }
        self.state = State::Active(active);
    }
}
