//! Handover: a node that leaves, or gives way, serves until it hears its successor.

use core::{net::IpAddr, time::Duration};

use super::{Active, Effects, Fight, Lease, Machine, Say, State};
use crate::{Instant, Reason, Want};

/// A handover waits this long for a successor beyond one interval.
const HANDOVER_GRACE: Duration = Duration::from_millis(100);
/// A handover waits at most this long.
const LONGEST_HANDOVER: Duration = Duration::from_secs(4);

/// What follows a handover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the reasons to hand over")]
pub enum Then {
    /// The virtual router stops.
    Stop,
    /// It waits to be resumed.
    Drain {
        /// Even if nobody took over.
        force: bool,
    },
    /// It follows the successor, on probation: somebody on this host takes the addresses away again and again.
    GiveWay,
    /// It waits for an address to send from.
    Withdraw,
}

impl Machine {
    /// Shutdown, drain and a fight: resign, and serve until a successor is heard. RFC 9568 6.4.3 goes to Initialize
    /// at once, which leaves the addresses without a node for the successor's Skew_Time.
    pub(super) fn hand_over(&mut self, now: Instant, mut active: Active, then: Then, effects: &mut Effects) {
        let reason = match then {
            Then::Stop => Reason::Shutdown,
            Then::Drain { .. } => Reason::Drain,
            Then::GiveWay => Reason::Fight,
            Then::Withdraw => Reason::Interface,
        };
        if active.away.is_some() && self.source().is_none() {
            // There is no link to resign on.
            self.let_go(Some(then), reason, None, effects);
            return;
        }
        match active.lease {
            Lease::Resigning { then: Then::Stop, .. } if then == Then::Stop => {
                self.let_go(Some(then), reason, None, effects);
            }
            Lease::Resigning { then: Then::Stop, .. } => {}
            Lease::Resigning {
                until,
                announcing,
                then: before @ (Then::Drain { .. } | Then::GiveWay | Then::Withdraw),
            } => {
                if before == Then::GiveWay {
                    effects.lease = Some(Want::Leaving);
                }
                active.lease = Lease::Resigning { until, then, announcing };
                self.state = State::Active(active);
            }
            Lease::Acquiring { .. } => {
                effects.transmit = Some(Say::Resign);
                self.let_go(Some(then), reason, None, effects);
            }
            Lease::Held { announcing, .. } => {
                let interval = self.params.interval.duration();
                let until = now + interval.saturating_add(HANDOVER_GRACE).min(LONGEST_HANDOVER);
                active.lease = Lease::Resigning { until, then, announcing };
                // The first repeat comes soon: a resignation that is lost, or overtaken by an advertisement
                // that was sent before it, would cost the successor an interval.
                active.next_advert_at = now + interval / 16;
                effects.transition = Some(reason);
                effects.lease = Some(match then {
                    Then::Stop | Then::Drain { .. } | Then::Withdraw => Want::Leaving,
                    // An address was deleted a moment ago.
                    Then::GiveWay => Want::Repair,
                });
                effects.transmit = Some(Say::Resign);
                self.state = State::Active(active);
            }
        }
    }

    /// Nobody took over in time.
    pub(super) fn end_handover(
        &mut self,
        now: Instant,
        mut active: Active,
        then: Then,
        effects: &mut Effects,
    ) {
        match then {
            Then::Stop | Then::Drain { force: true } | Then::Withdraw => {
                self.let_go(Some(then), Reason::NoSuccessor, None, effects);
            }
            // What was asked for is to be taken back, and there is nothing to advertise from.
            Then::Drain { force: false } | Then::GiveWay if active.away.is_some() => {
                self.let_go(None, Reason::Interface, None, effects);
            }
            Then::Drain { force: false } => {
                effects.drain_refused = true;
                self.take_back(now, active, Reason::Resume, effects);
            }
            Then::GiveWay => {
                active.fight = Fight::alone(now);
                self.take_back(now, active, Reason::NoSuccessor, effects);
            }
        }
    }

    /// Ends a drain. A shutdown goes on.
    pub(super) fn resume_as_active(&mut self, now: Instant, active: Active, effects: &mut Effects) {
        if let Some(Then::Drain { .. }) = active.handover() {
            self.take_back(now, active, Reason::Resume, effects);
        }
    }

    /// Takes a resignation back, if there is one: the addresses are still held.
    pub(super) fn take_back(
        &mut self,
        now: Instant,
        mut active: Active,
        reason: Reason,
        effects: &mut Effects,
    ) {
        if let Lease::Resigning { announcing, .. } = active.lease {
            // The backend marked the addresses as leaving: a repair puts them right.
            let repair_until = Some(now + self.params.backend_timeout);
            active.lease = Lease::Held { announcing, repair_until };
            effects.transition = Some(reason);
            effects.lease = Some(Want::Repair);
            self.advertise(now, active, effects);
        }
    }

    /// Leaves Active without a fault, and ends the handover if this was one.
    pub(super) fn let_go(
        &mut self,
        handover: Option<Then>,
        reason: Reason,
        successor: Option<IpAddr>,
        effects: &mut Effects,
    ) {
        match handover {
            None | Some(Then::GiveWay | Then::Withdraw) => {}
            Some(Then::Stop) => self.wanted = false,
            Some(Then::Drain { .. }) => self.drained = true,
        }
        self.initialize(reason, effects);
        effects.lease = Some(Want::Release { reason, successor });
    }
}
