//! Asks the backend whether it could hold the addresses before this node contends, so that a strong
//! node with a broken backend takes nothing from a healthy one.

use super::{Backup, Effects, Machine, State, Vetting, state::Fault};
use crate::{Answer, Hold, Instant, LeaseFailure, Reason, Want};

impl Machine {
    /// Asks the backend of a Backup whether it would work; later, if it is just being asked to
    /// release.
    pub(super) fn vet(&self, now: Instant, backup: &mut Backup, effects: &mut Effects) {
        if let Some(Want::Release { .. }) = effects.lease {
            backup.vetting = Vetting::Due;
            return;
        }
        backup.vetting = Vetting::Inspect { until: now + self.params.backend_timeout };
        effects.lease = Some(Want::Inspect);
    }

    /// Asks the backend of an owner. An owner has nobody to listen to meanwhile, so it waits for
    /// the answer in Initialize.
    pub(super) fn vet_owner(&mut self, now: Instant, effects: &mut Effects) {
        let lets_go = lets_go(effects);
        let inspect_until = (!lets_go).then(|| now + self.params.backend_timeout);
        self.fault =
            Some(Fault { hold: Hold::Inspecting, retry_at: now, pause: None, inspect_until });
        if !lets_go {
            effects.lease = Some(Want::Inspect);
        }
    }

    /// Takes the answer of a Backup's backend. A timer that ran out earlier has waited for this
    /// answer.
    pub(super) fn answered_in_backup(
        &mut self,
        now: Instant,
        mut backup: Backup,
        answer: Answer,
        effects: &mut Effects,
    ) {
        match (backup.vetting, answer) {
            (_, Answer::Adopted { reach, advertised_at }) => {
                self.adopt(now, backup, reach, advertised_at, effects);
            }
            // The next process can find the leftovers again.
            (Vetting::Adopt { .. }, Answer::NothingLeft | Answer::Failed(_)) => {
                self.vet(now, &mut backup, effects);
                self.state = State::Backup(backup);
            }
            (Vetting::Inspect { .. }, Answer::Ready) => {
                backup.vetting = Vetting::Passed;
                self.state = State::Backup(backup);
                self.contend(now, backup, effects);
            }
            (Vetting::Inspect { .. }, Answer::Failed(failure)) => {
                self.fail_vetting(now, failure, effects)
            }
            (
                Vetting::Adopt { .. } | Vetting::Inspect { .. } | Vetting::Due | Vetting::Passed,
                _,
            ) => {}
        }
    }

    /// Leaves the election after a no; no answer is a no.
    pub(super) fn fail_vetting(
        &mut self,
        now: Instant,
        failure: LeaseFailure,
        effects: &mut Effects,
    ) {
        self.fault(now, Hold::Backend(failure));
        self.initialize(Reason::Backend(failure), effects);
    }

    /// Becomes Active if a timer says so and the backend could hold the addresses.
    pub(super) fn contend(&mut self, now: Instant, mut backup: Backup, effects: &mut Effects) {
        let Some(reason) = backup.contends(now).filter(|_| !self.is_gated(now)) else { return };
        match backup.vetting {
            Vetting::Passed => self.promote(now, reason, effects),
            Vetting::Due => {
                self.vet(now, &mut backup, effects);
                self.state = State::Backup(backup);
            }
            Vetting::Adopt { .. } | Vetting::Inspect { .. } => {}
        }
    }
}

/// Returns whether the backend is being asked to release what was held a moment ago, which has to
/// come first. Leftovers of a crash may wait.
pub(super) fn lets_go(effects: &Effects) -> bool {
    matches!(effects.lease, Some(Want::Release { reason, .. }) if reason != Reason::Startup)
}
