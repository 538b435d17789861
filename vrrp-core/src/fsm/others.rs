//! Other interfaces that a virtual router relies on: some of its addresses are there.
//!
//! While one of them is gone, this node cannot serve all of what it stands for, and a node that can
//! should. As with its own link, an Active waits for a moment first (see `away`): whoever configures
//! a host takes interfaces down and up again. It advertises meanwhile, because it can.

use super::{Active, Effects, Lease, Machine, Say, State, Then, Unanswered, away::short_loss};
use crate::{Instant, Reason};

impl Machine {
    /// Takes whether the other interfaces are up.
    pub(super) fn others_changed(&mut self, now: Instant, ready: bool, effects: &mut Effects) {
        let was_ready = self.has_others();
        self.watch_others(now, ready);
        match (self.state, ready) {
            _ if ready == was_ready => {}
            (State::Initialize, true) => self.enter(now, Reason::InterfaceBack, effects),
            (State::Initialize, false) => effects.transition = Some(Reason::Interface),
            // It was held, and is in Initialize.
            (State::Backup(_), true) => {}
            (State::Backup(_), false) => self.initialize(Reason::Interface, effects),
            (State::Active(active), true) => self.regain_others(now, active, effects),
            (State::Active(active), false) => self.lose_others(now, active, effects),
        }
    }

    /// Waits as an Active for what is gone, or leaves.
    fn lose_others(&mut self, now: Instant, mut active: Active, effects: &mut Effects) {
        match active.lease {
            Lease::Held { .. } => {
                let wait = now + short_loss(self.params.timing);
                let until = wait.min(active.superseded_at(&self.params));
                active.apart_until = Some(until);
                active.forget_repair();
                self.state = State::Active(active);
            }
            // What is asked of the backend cannot succeed.
            Lease::Acquiring { .. } => self.leave_others(now, active, effects),
            // Nobody is served yet, and what is asked of the backend cannot succeed.
            Lease::Resigning { unanswered: Some(Unanswered::Acquire { .. }), .. } => {
                self.release(Reason::Interface, None, effects);
                effects.transmit = Some(Say::Resign);
            }
            Lease::Resigning { then, .. } => {
                active.forget_repair();
                self.state = State::Active(active);
                match then {
                    Then::GiveWay | Then::Ill | Then::Follow => {
                        self.leave_others(now, active, effects);
                    }
                    Then::Stop | Then::Drain { .. } | Then::Withdraw | Then::Out | Then::Join => {}
                }
            }
        }
    }

    /// Goes on, because all of them are back in time. What the kernel took away with them is put
    /// back: it does not tell of each route.
    fn regain_others(&mut self, now: Instant, mut active: Active, effects: &mut Effects) {
        match active.lease {
            Lease::Held { .. } if active.apart_until.take().is_some() => {
                if let Some(away) = &mut active.away {
                    away.repair = true;
                } else {
                    self.repair(now, &mut active, effects);
                }
                self.state = State::Active(active);
            }
            Lease::Resigning { then: Then::Withdraw, .. } if active.away.is_none() => {
                self.go_on(now, active, Reason::InterfaceBack, effects);
            }
            Lease::Held { .. } | Lease::Acquiring { .. } | Lease::Resigning { .. } => {}
        }
    }

    /// Returns whether the other interfaces that it relies on are up.
    pub(super) const fn has_others(&self) -> bool {
        self.others_down_since.is_none()
    }

    /// Leaves, because they were gone for too long: serves what it has until a successor is heard.
    pub(super) fn leave_others(&mut self, now: Instant, active: Active, effects: &mut Effects) {
        self.hand_over(now, active, Then::Withdraw, effects);
    }
}

impl Active {
    /// Forgets a repair under way, or one that is due: it cannot succeed while another interface is
    /// gone, which is not the backend's fault. All is put back when that is there again.
    fn forget_repair(&mut self) {
        match &mut self.lease {
            Lease::Held { repair_until, .. } => *repair_until = None,
            Lease::Resigning { unanswered, .. } => {
                unanswered.take_if(|unanswered| matches!(unanswered, Unanswered::Repair { .. }));
            }
            Lease::Acquiring { .. } => {}
        }
    }
}
