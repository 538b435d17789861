//! Handover: a node that leaves, or gives way, serves until it hears its successor.

use core::net::IpAddr;

use super::{
    Active, Announcing, Asking, Effects, Fight, Group, Lease, Machine, Say, State, Then, Unanswered,
};
use crate::{Condition, Instant, Reason, Want};

impl Machine {
    /// At a shutdown, a drain, a fight or the loss of the source: resigns, and serves until a
    /// successor is heard. RFC 9568 6.4.3 goes to Initialize at once, which leaves the addresses
    /// without a node for the successor's Skew_Time.
    pub(super) fn hand_over(
        &mut self,
        now: Instant,
        mut active: Active,
        then: Then,
        effects: &mut Effects,
    ) {
        self.remember(then);
        if active.away.is_some() && self.source().is_none() {
            // There is no link to resign on.
            self.release(then.reason(), None, effects);
            return;
        }
        match active.lease {
            Lease::Resigning { then: Then::Stop, .. } if then == Then::Stop => {
                self.release(then.reason(), None, effects);
            }
            // The stop comes first; the other request is remembered.
            Lease::Resigning { then: Then::Stop, .. } => {}
            Lease::Resigning { until, then: before, announcing, unanswered } => {
                if before == Then::GiveWay && unanswered.is_none() {
                    effects.lease = Some(Want::Leaving);
                }
                let until = until.min(now + then.patience(self.params.timing.interval()));
                active.lease = Lease::Resigning { until, then, announcing, unanswered };
                self.state = State::Active(active);
            }
            // Nobody is served yet: waiting only makes sense if the handover may be taken back.
            Lease::Acquiring { .. }
                if !matches!(then, Then::Drain { force: false } | Then::Ill | Then::Follow) =>
            {
                effects.transmit = Some(Say::Resign);
                self.release(then.reason(), None, effects);
            }
            Lease::Acquiring { give_up_at: until } => {
                self.resign(now, active, then, None, Some(Unanswered::Acquire { until }), effects);
            }
            Lease::Held { announcing, repair_until } => {
                let until = match (then, repair_until) {
                    // An address was deleted a moment ago.
                    (Then::GiveWay, _) => {
                        effects.lease = Some(Want::Repair);
                        Some(now + self.params.backend_timeout)
                    }
                    // A request to mark the addresses would supersede the repair, and nobody would
                    // answer for the lost address.
                    (_, Some(until)) => Some(until),
                    (_, None) => {
                        effects.lease = Some(Want::Leaving);
                        None
                    }
                };
                let unanswered = until.map(|until| Unanswered::Repair { until });
                self.resign(now, active, then, announcing, unanswered, effects);
            }
        }
    }

    /// Records what an operator asked for: it holds from now on, whatever becomes of the handover.
    fn remember(&mut self, then: Then) {
        match then {
            Then::Stop => self.wanted = false,
            Then::Drain { force } => self.drained = Some(Drained { force }),
            Then::GiveWay | Then::Withdraw | Then::Ill | Then::Out | Then::Follow | Then::Join => {}
        }
    }

    fn resign(
        &mut self,
        now: Instant,
        mut active: Active,
        then: Then,
        announcing: Option<Announcing>,
        unanswered: Option<Unanswered>,
        effects: &mut Effects,
    ) {
        let interval = self.params.timing.interval();
        let mut until = now + then.patience(interval);
        if then.may_be_taken_back()
            && let Some(end) = active.longest_wait(now, &self.params)
        {
            until = until.min(end);
        }
        active.lease = Lease::Resigning { until, then, announcing, unanswered };
        active.reassert_at = None;
        active.apart_until = None;
        // The first repeat comes soon: a resignation that is lost, or overtaken by an older
        // advertisement, would cost the successor an interval.
        active.next_advert_at = now + interval / 16;
        effects.transition = Some(then.reason());
        effects.transmit = Some(Say::Resign);
        self.state = State::Active(active);
    }

    /// Ends a handover because nobody took over in time.
    pub(super) fn end_handover(
        &mut self,
        now: Instant,
        mut active: Active,
        then: Then,
        effects: &mut Effects,
    ) {
        // Peers may have taken over long ago without being heard here.
        let is_superseded = now >= active.superseded_at(&self.params);
        let is_out = self.health.condition == Condition::Out || !self.has_others();
        match then {
            // Nothing is taken back by a node that has to leave anyway.
            Then::Drain { force: false } | Then::GiveWay | Then::Ill | Then::Follow if is_out => {
                self.release(Reason::NoSuccessor, None, effects);
                effects.transmit = Some(Say::Resign);
            }
            Then::Stop | Then::Drain { force: true } | Then::Withdraw | Then::Out | Then::Join => {
                self.release(Reason::NoSuccessor, None, effects);
                // In case the earlier ones were lost.
                effects.transmit = Some(Say::Resign);
            }
            // The drain is to be taken back, but there is no source to advertise from.
            Then::Drain { force: false } if active.away.is_some() => {
                self.drained = None;
                effects.drain_refused = true;
                self.release(Reason::Interface, None, effects);
            }
            Then::GiveWay | Then::Ill | Then::Follow if active.away.is_some() => {
                self.release(Reason::Interface, None, effects)
            }
            // Past the bound, too: whether somebody serves is not known then, and nobody would come
            // back for a drained node.
            Then::Drain { force: false } => {
                self.drained = None;
                effects.drain_refused = true;
                self.take_back(now, active, Reason::Resume, effects);
            }
            Then::GiveWay => {
                active.fight = Fight::alone(now);
                self.take_back(now, active, Reason::NoSuccessor, effects);
            }
            // Asked again after a while: whoever has the rest may not be heard here.
            Then::Follow => {
                active.asking = Some(Asking::next(now, active.asking));
                self.take_back(now, active, Reason::NoSuccessor, effects);
            }
            Then::Ill => {
                if !is_superseded {
                    self.stay_ill(now, &mut active, effects);
                }
                self.take_back(now, active, Reason::NoSuccessor, effects);
            }
        }
    }

    /// Ends a drain. A shutdown continues.
    pub(super) fn resume_as_active(&mut self, now: Instant, active: Active, effects: &mut Effects) {
        self.drained = None;
        if let Some(Then::Drain { .. }) = active.handover() {
            self.go_on(now, active, Reason::Resume, effects);
        }
    }

    /// Ends the handover of a node that was to stop. A requested drain continues.
    pub(super) fn stay(&mut self, now: Instant, mut active: Active, effects: &mut Effects) {
        let (Lease::Resigning { then, .. }, Some(Drained { force })) =
            (&mut active.lease, self.drained)
        else {
            self.go_on(now, active, Reason::Startup, effects);
            return;
        };
        *then = Then::Drain { force };
        self.state = State::Active(active);
    }

    /// Takes a resignation back, unless there is another reason to leave by now: then that is why
    /// it leaves.
    pub(super) fn go_on(
        &mut self,
        now: Instant,
        mut active: Active,
        reason: Reason,
        effects: &mut Effects,
    ) {
        let next = match (self.health.condition, self.group) {
            (_, _) if !self.has_others() => Some(Then::Withdraw),
            (Condition::Out, _) => Some(Then::Out),
            (_, Group::Held) => Some(Then::Join),
            (Condition::Ill, _) => Some(Then::Ill),
            (_, Group::Leave) => Some(Then::Follow),
            (_, Group::Free | Group::Wait | Group::Complete) => None,
        };
        match (&mut active.lease, next) {
            (Lease::Resigning { then, .. }, Some(next)) => {
                *then = next;
                self.state = State::Active(active);
            }
            (Lease::Acquiring { .. } | Lease::Held { .. } | Lease::Resigning { .. }, _) => {
                self.take_back(now, active, reason, effects);
            }
        }
    }

    /// Takes a resignation back, if there is one. Past the bound it steps down instead.
    pub(super) fn take_back(
        &mut self,
        now: Instant,
        mut active: Active,
        reason: Reason,
        effects: &mut Effects,
    ) {
        let Lease::Resigning { announcing, unanswered, .. } = active.lease else { return };
        if now >= active.superseded_at(&self.params) {
            self.step_down_stalled(now, effects);
            return;
        }
        // The times of the burst have passed, and neighbours know the addresses.
        let announcing = announcing.map(|_| Announcing::kept(now, &self.params));
        active.lease = match unanswered {
            // Nobody is served yet, and there is no source to advertise from.
            Some(Unanswered::Acquire { .. }) if active.away.is_some() => {
                self.release(Reason::Interface, None, effects);
                return;
            }
            Some(Unanswered::Acquire { until }) => Lease::Acquiring { give_up_at: until },
            Some(Unanswered::Repair { until }) => {
                Lease::Held { announcing, repair_until: Some(until) }
            }
            None => {
                // The backend marked the addresses as leaving: a repair clears the mark.
                effects.lease = Some(Want::Repair);
                let repair_until = Some(now + self.params.backend_timeout);
                Lease::Held { announcing, repair_until }
            }
        };
        effects.transition = Some(reason);
        self.advertise(now, active, effects);
        self.keep_asking(now);
        if let State::Active(active) = &mut self.state {
            // Repeated soon: a resignation that is still on its way could arrive after this claim.
            active.next_advert_at = now + self.params.timing.interval() / 16;
        }
    }

    /// Leaves Active without a fault.
    pub(super) fn release(
        &mut self,
        reason: Reason,
        successor: Option<IpAddr>,
        effects: &mut Effects,
    ) {
        self.initialize(reason, effects);
        effects.lease = Some(Want::Release { reason, successor });
    }
}

/// An operator keeps it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Drained {
    /// Even if nobody takes over.
    pub(super) force: bool,
}
