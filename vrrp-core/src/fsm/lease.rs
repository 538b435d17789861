//! The lease of an Active: what its backend has done, and what becomes of lost addresses.

use super::{
    Active, Announcing, Effects, Lease, Machine, Say, State, Then, Unanswered, Vetting,
    fight::Remedy,
};
use crate::{Answer, Hold, Instant, LeaseFailure, Loss, Reach, Reason, Want};

impl Machine {
    /// Takes the answer of an Active's backend, if one is awaited.
    pub(super) fn answered_in_active(
        &mut self,
        now: Instant,
        active: Active,
        answer: Answer,
        effects: &mut Effects,
    ) {
        match (active.lease, answer) {
            (
                Lease::Resigning { unanswered: None, .. } | Lease::Held { repair_until: None, .. },
                _,
            )
            | (_, Answer::Adopted { .. } | Answer::NothingLeft | Answer::Ready) => {}
            (_, Answer::Failed(failure)) => self.backend_failed(now, failure, effects),
            (Lease::Resigning { .. }, Answer::Held(reach)) => {
                self.put_while_resigning(now, active, reach, effects);
            }
            (Lease::Acquiring { .. }, Answer::Held(reach)) => {
                effects.transition = Some(Reason::Acquired);
                self.put(now, active, reach, effects);
            }
            (Lease::Held { .. }, Answer::Held(reach)) => {
                effects.repaired = true;
                self.put(now, active, reach, effects);
            }
        }
    }

    /// Notes that the addresses are held, and announces them.
    fn put(&mut self, now: Instant, mut active: Active, reach: Reach, effects: &mut Effects) {
        let announcing = match reach {
            Reach::OnLink => {
                let (announcing, due) = Announcing::burst(now, &self.params);
                effects.announce = due;
                Some(announcing)
            }
            Reach::Routed => None,
        };
        active.lease = Lease::Held { announcing, repair_until: None };
        self.state = State::Active(active);
    }

    /// Notes that the addresses are held during a handover: a process that starts now must not
    /// adopt them.
    fn put_while_resigning(
        &mut self,
        now: Instant,
        mut active: Active,
        reach: Reach,
        effects: &mut Effects,
    ) {
        let Lease::Resigning { until, then, announcing, unanswered } = active.lease else { return };
        let announcing = match (unanswered, reach) {
            // The addresses are announced if the handover is taken back.
            (Some(Unanswered::Acquire { .. }), Reach::OnLink) => {
                Some(Announcing::kept(now, &self.params))
            }
            (Some(Unanswered::Acquire { .. }), Reach::Routed) => None,
            (Some(Unanswered::Repair { .. }) | None, _) => {
                effects.repaired = true;
                announcing
            }
        };
        if then != Then::GiveWay {
            effects.lease = Some(Want::Leaving);
        }
        active.lease = Lease::Resigning { until, then, announcing, unanswered: None };
        self.state = State::Active(active);
    }

    /// Changes the addresses: one request puts the new ones and releases those that are gone. Those
    /// that stay are served throughout.
    pub(super) fn readdress(&mut self, now: Instant, effects: &mut Effects) {
        match self.state {
            // An answer under way would be about the old addresses.
            State::Initialize => {
                let until = now + self.params.backend_timeout;
                if let Some(inspect_until) =
                    self.fault.as_mut().and_then(|fault| fault.inspect_until.as_mut())
                {
                    *inspect_until = until;
                    effects.lease = Some(Want::Inspect);
                }
            }
            State::Backup(mut backup) => {
                match &mut backup.vetting {
                    Vetting::Adopt { until } => {
                        *until = now + self.params.backend_timeout;
                        effects.lease = Some(Want::Adopt);
                    }
                    Vetting::Inspect { .. } | Vetting::Due | Vetting::Passed => {
                        self.vet(now, &mut backup, effects);
                    }
                }
                self.state = State::Backup(backup);
            }
            State::Active(active) => self.readdress_as_active(now, active, effects),
        }
    }

    fn readdress_as_active(&mut self, now: Instant, mut active: Active, effects: &mut Effects) {
        let until = now + self.params.backend_timeout;
        match &mut active.lease {
            Lease::Acquiring { give_up_at } => {
                *give_up_at = until;
                effects.lease = Some(Want::Acquire);
            }
            // All of them are put when the other interface is back.
            Lease::Held { .. } if active.apart_until.is_some() => return,
            Lease::Held { .. } if active.away.is_some() => {
                self.lost_while_away(now, active, effects);
                return;
            }
            Lease::Held { repair_until, .. } => {
                *repair_until = Some(until);
                effects.lease = Some(Want::Repair);
            }
            Lease::Resigning { unanswered: Some(unanswered), .. } => {
                effects.lease = Some(match unanswered {
                    Unanswered::Acquire { .. } => Want::Acquire,
                    Unanswered::Repair { .. } => Want::Repair,
                });
                self.state = State::Active(active);
                return;
            }
            // The successor puts its own addresses.
            Lease::Resigning { unanswered: None, .. } => return,
        }
        self.transmit(now, &mut active, effects);
        self.state = State::Active(active);
    }

    /// Has an address that is lost below the bound put back, without a transition, unless something
    /// keeps deleting it.
    pub(super) fn lease_lost(
        &mut self,
        now: Instant,
        mut active: Active,
        loss: Loss,
        effects: &mut Effects,
    ) {
        // All of them are put back when the other interface is back, if it is in time.
        if active.apart_until.is_some() || (active.is_resigning() && !self.has_others()) {
            return;
        }
        if active.away.is_some() && !active.is_resigning() {
            self.lost_while_away(now, active, effects);
            return;
        }
        let answer = match (active.lease, loss) {
            (Lease::Held { repair_until, .. }, Loss::Deleted) => {
                // Deletions faster than a backend's answers are a fight, and not the backend's
                // fault.
                if repair_until.is_some() {
                    self.restart_repair(now, &mut active);
                }
                active.fight.deleted(now)
            }
            (Lease::Held { .. }, Loss::Lapsed) => Remedy::Repair,
            // It was put there, and was lost before the backend answered.
            (
                Lease::Acquiring { .. }
                | Lease::Resigning { unanswered: Some(Unanswered::Acquire { .. }), .. },
                _,
            ) => {
                effects.lease = Some(Want::Acquire);
                return;
            }
            // Served until a successor is heard.
            (Lease::Resigning { until, then, announcing, .. }, _) => {
                let unanswered =
                    Some(Unanswered::Repair { until: now + self.params.backend_timeout });
                active.lease = Lease::Resigning { until, then, announcing, unanswered };
                effects.lease = Some(Want::Repair);
                self.state = State::Active(active);
                return;
            }
        };
        match answer {
            Remedy::Repair => self.repair(now, &mut active, effects),
            Remedy::Wait => {}
            Remedy::HandOver => {
                self.hand_over(now, active, Then::GiveWay, effects);
                return;
            }
        }
        self.state = State::Active(active);
    }

    /// Has lost addresses put back. An advertisement goes first: a later process judges by the age
    /// of the address when peers last heard of this node. While another interface is gone it waits
    /// for that.
    pub(super) fn repair(&mut self, now: Instant, active: &mut Active, effects: &mut Effects) {
        if active.apart_until.is_some() {
            return;
        }
        if let Lease::Held { repair_until, .. } = &mut active.lease {
            repair_until.get_or_insert(now + self.params.backend_timeout);
            effects.lease = Some(Want::Repair);
            if active.may_answer(now, self.params.timing) {
                self.transmit(now, active, effects);
            }
        }
    }

    fn restart_repair(&self, now: Instant, active: &mut Active) {
        if let Lease::Held { repair_until, .. } = &mut active.lease {
            *repair_until = Some(now + self.params.backend_timeout);
        }
    }

    pub(super) fn backend_failed(
        &mut self,
        now: Instant,
        failure: LeaseFailure,
        effects: &mut Effects,
    ) {
        effects.transmit = Some(Say::Resign);
        self.release_at_fault(now, Hold::Backend(failure), Reason::Backend(failure), effects);
    }
}
