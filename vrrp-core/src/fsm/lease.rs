//! The lease of an Active: what its backend has done, and what becomes of addresses that are lost.

use super::{Active, Announcing, Effects, Machine, Say, State, Then, fight::Answer};
use crate::{Hold, Instant, LeaseFailure, Loss, Reach, Reason, Want};

/// What the backend has done so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the phases of Active")]
pub enum Lease {
    /// It was asked for the addresses, and has until then to answer.
    Acquiring {
        /// When it counts as failed.
        give_up_at: Instant,
    },
    /// It holds them.
    Held {
        /// The announcements that are due; `None` when neighbours need not be told.
        announcing: Option<Announcing>,
        /// A lost address is being put back; when that counts as failed.
        repair_until: Option<Instant>,
    },
    /// It still holds them, for a successor to be heard.
    Resigning {
        /// When that has taken too long.
        until: Instant,
        /// What follows.
        then: Then,
        /// What `announcing` was, should the resignation be taken back.
        announcing: Option<Announcing>,
    },
}

impl Machine {
    pub(super) fn lease_done(
        &mut self,
        now: Instant,
        mut active: Active,
        result: Result<Reach, LeaseFailure>,
        effects: &mut Effects,
    ) {
        match (active.lease, result) {
            (Lease::Resigning { .. }, _) | (Lease::Held { repair_until: None, .. }, _) => return,
            (Lease::Acquiring { .. }, Ok(_)) => effects.transition = Some(Reason::Acquired),
            (Lease::Held { .. }, Ok(_)) => effects.repaired = true,
            (Lease::Acquiring { .. } | Lease::Held { .. }, Err(failure)) => {
                self.backend_failed(now, failure, effects);
                return;
            }
        }
        let announcing = match result {
            Ok(Reach::OnLink) => {
                let (announcing, due) = Announcing::burst(now, &self.params);
                effects.announce = due;
                Some(announcing)
            }
            Ok(Reach::Routed) | Err(_) => None,
        };
        active.lease = Lease::Held { announcing, repair_until: None };
        self.state = State::Active(active);
    }

    /// An address that is lost below the bound of the lease is put back: no transition, unless somebody deletes it
    /// again and again.
    pub(super) fn lease_lost(&mut self, now: Instant, mut active: Active, loss: Loss, effects: &mut Effects) {
        if active.away.is_some() && !active.is_resigning() {
            self.lost_while_away(now, active, effects);
            return;
        }
        let answer = match (active.lease, loss) {
            (Lease::Held { repair_until, .. }, Loss::Deleted) => {
                // Whoever deletes faster than a backend answers is a fight, and no fault of the backend.
                if repair_until.is_some() {
                    self.restart_repair(now, &mut active);
                }
                active.fight.deleted(now)
            }
            (Lease::Held { .. }, Loss::Lapsed) => Answer::Repair,
            // Served until a successor is heard.
            (Lease::Resigning { then: Then::GiveWay, .. }, _) => {
                effects.lease = Some(Want::Repair);
                return;
            }
            // It was put there, and is gone before its backend was heard.
            (Lease::Acquiring { .. }, _) => {
                effects.lease = Some(Want::Acquire);
                return;
            }
            (Lease::Resigning { .. }, _) => return,
        };
        match answer {
            Answer::Repair => self.repair(now, &mut active, effects),
            Answer::Wait => {}
            Answer::HandOver => {
                self.hand_over(now, active, Then::GiveWay, effects);
                return;
            }
        }
        self.state = State::Active(active);
    }

    /// Has what is lost put back. An advertisement goes first: a process that is started after this one tells by the
    /// age of the address when peers last heard of it.
    pub(super) fn repair(&mut self, now: Instant, active: &mut Active, effects: &mut Effects) {
        if let Lease::Held { repair_until, .. } = &mut active.lease {
            repair_until.get_or_insert(now + self.params.backend_timeout);
            effects.lease = Some(Want::Repair);
            if active.may_answer(now, self.params.interval) {
                self.transmit(now, active, effects);
            }
        }
    }

    fn restart_repair(&self, now: Instant, active: &mut Active) {
        if let Lease::Held { repair_until, .. } = &mut active.lease {
            *repair_until = Some(now + self.params.backend_timeout);
        }
    }

    pub(super) fn backend_failed(&mut self, now: Instant, failure: LeaseFailure, effects: &mut Effects) {
        effects.transmit = Some(Say::Resign);
        self.step_out(now, Hold::Backend(failure), Reason::Backend(failure), effects);
    }
}
