//! RFC 9568 6.4.2: Backup.

use super::{Backup, Effects, Heard, Machine, Say, State, Vetting};
use crate::{Claim, Instant, LeaseFailure, Preempt, Reach, Reason};

impl Machine {
    pub(super) fn backup_hears(
        &mut self,
        now: Instant,
        mut backup: Backup,
        heard: Heard,
        effects: &mut Effects,
    ) {
        let claim = self.claim();
        // Whoever is heard hides nothing.
        (backup.greeting, backup.looked, backup.suspect) = (None, false, None);
        match heard.claim {
            // A deviation from 6.4.2, which ignores the source: the followed Active continues, and
            // a takeover would make a second one beside it.
            Claim::Resign if backup.follows_another(now, heard.source) => {
                effects.stranger_resigned = true;
            }
            // 6.4.2: Active_Down_Timer is set to Skew_Time. A repeated resignation does not
            // postpone the takeover, whatever was discarded meanwhile.
            Claim::Resign => {
                backup.expecting =
                    if self.stands_back() { Reason::Silence } else { Reason::Resignation };
                let was_resigned = core::mem::replace(&mut backup.resigned, true);
                let at = now + self.wait(&backup);
                backup.active_down_at =
                    if was_resigned { at.min(backup.active_down_at) } else { at };
                (backup.preempt_at, backup.parting) = (None, None);
            }
            heard_claim if heard_claim < claim && self.preempts_at_once(now) => {
                // 6.4.2: discarded, so that the timer runs out.
                backup.expecting = Reason::Preemption;
                backup.quiet_at = now + self.patience(heard.timing);
            }
            heard_claim => {
                let is_stranger = backup.follows_another(now, heard.source);
                backup.active_timing = heard.timing;
                backup.parting = backup
                    .parting
                    .and_then(|parting| parting.heard(now, heard.timing, heard.in_both_forms));
                backup.active_down_at = now + self.patience(heard.timing);
                backup.quiet_at = backup.active_down_at;
                backup.expecting = Reason::Silence;
                backup.resigned = false;
                backup.active = Some(heard.source);
                backup.preempt_at = match self.preempt() {
                    // It may be the last word of a node that yielded to the followed Active.
                    Preempt::After(_)
                        if heard_claim < claim && is_stranger && self.may_preempt(now) =>
                    {
                        backup.preempt_at
                    }
                    Preempt::After(delay) if heard_claim < claim && self.may_preempt(now) => {
                        Some(backup.preempt_at.unwrap_or(now + delay))
                    }
                    Preempt::After(_) | Preempt::Always | Preempt::Never => None,
                };
            }
        }
        self.state = State::Backup(backup);
    }

    fn preempts_at_once(&self, now: Instant) -> bool {
        self.preempt() == Preempt::Always && self.may_preempt(now)
    }

    pub(super) fn backup_timeout(
        &mut self,
        now: Instant,
        mut backup: Backup,
        effects: &mut Effects,
    ) {
        self.greet_again(now, &mut backup, effects);
        self.look(now, &mut backup, effects);
        let contends = backup.contends(now).is_some();
        // Nobody is there any more who could hear a last word.
        backup.parting = backup.parting.filter(|_| !contends);
        self.state = State::Backup(backup);
        if contends {
            match backup.vetting.until() {
                Some(until) if until <= now => {
                    self.fail_vetting(now, LeaseFailure::TimedOut, effects)
                }
                Some(_) | None => self.contend(now, backup, effects),
            }
        } else if let Some(parting) = backup.parting.filter(|parting| parting.next_at() <= now) {
            self.note_send();
            effects.transmit = Some(Say::Claim);
            backup.parting = parting.repeated(now, backup.active_timing);
            self.state = State::Backup(backup);
        }
    }

    /// Leftovers of an earlier process were lost while the backend was asked about them: releases
    /// the rest.
    pub(super) fn lost_before_adoption(&mut self, mut backup: Backup, effects: &mut Effects) {
        if let Vetting::Adopt { .. } = backup.vetting {
            backup.vetting = Vetting::Due;
            self.state = State::Backup(backup);
            self.release_leftovers(effects);
        }
    }

    /// Adopts the addresses that an earlier process left behind, if no peer can have taken over;
    /// otherwise releases them.
    pub(super) fn adopt(
        &mut self,
        now: Instant,
        mut backup: Backup,
        reach: Reach,
        advertised_at: Instant,
        effects: &mut Effects,
    ) {
        if let Vetting::Adopt { .. } = backup.vetting {
            backup.vetting = Vetting::Due;
        }
        self.state = State::Backup(backup);
        // An owner that is delayed expects nobody.
        let anybody_heard =
            backup.active.is_some() || !matches!(backup.expecting, Reason::Silence | Reason::Owner);
        if anybody_heard || advertised_at + self.params.timing.silence() <= now {
            self.release_leftovers(effects);
        } else {
            self.serve_adopted(now, advertised_at, reach, effects);
        }
    }

    /// Adjusts the timers that the old configuration armed.
    pub(super) fn reconfigure_backup(&mut self, now: Instant, mut backup: Backup, before: &Self) {
        // A last word belongs to the configuration that yielded.
        backup.parting = None;
        let timing = self.params.timing;
        let follows_nobody = backup.active.is_none() && backup.expecting == Reason::Silence;
        if before.params.timing != timing && follows_nobody {
            // The timer counts its own intervals, not those of an Active.
            backup.active_timing = timing;
            backup.active_down_at = now + self.patience(timing);
            backup.quiet_at = backup.active_down_at;
        } else if before.params.role != self.params.role {
            let before = before.standing(now, &backup);
            self.judge_standing(now, &mut backup, before);
        }
        self.state = State::Backup(backup);
    }
}
