//! What the health of the service behind the addresses means to the protocol.
//!
//! A healthy node is always before an ill one, and an ill one before none. So an ill Active hands
//! over, and takes that back if nobody follows; it then claims as little as it can, and asks again
//! from time to time, for peers that do not preempt. An ill Backup waits until any healthy one
//! would have taken over.

use core::time::Duration;

use super::{Active, Asking, Backup, Effects, Group, Machine, Probation, State, Then};
use crate::{Claim, Condition, Gate, Health, Instant, Preempt, Reason, Role, Timing};

/// Not in the same moment as the advertisement of an adoption.
const SOON: Duration = Duration::from_millis(1);

/// What a Backup's timers were armed by: when it changes, they follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    claim: Claim,
    preempt: Preempt,
    may_preempt: bool,
    wait: Duration,
}

impl Machine {
    /// Takes the sum of what checks say.
    pub(super) fn health_changed(&mut self, now: Instant, health: Health, effects: &mut Effects) {
        let before = *self;
        self.health = health;
        match self.state {
            _ if health == before.health => {}
            State::Initialize => self.judge_hold(now, before.health.condition, effects),
            State::Backup(_) if health.condition == Condition::Out => {
                self.initialize(Reason::CheckFailed, effects);
            }
            State::Backup(mut backup) => {
                let before = before.standing(now, &backup);
                self.judge_standing(now, &mut backup, before);
                self.state = State::Backup(backup);
                self.contend(now, backup, effects);
            }
            State::Active(active) => self.judge_active(now, active, &before, effects),
        }
    }

    /// Enters or leaves the hold of a check.
    fn judge_hold(&mut self, now: Instant, before: Condition, effects: &mut Effects) {
        match (before, self.health.condition) {
            (Condition::Out, Condition::Out) => {}
            (Condition::Out, _) => self.enter(now, Reason::CheckPassed, effects),
            (_, Condition::Out) => effects.transition = Some(Reason::CheckFailed),
            (_, _) => {}
        }
    }

    fn judge_active(
        &mut self,
        now: Instant,
        mut active: Active,
        before: &Self,
        effects: &mut Effects,
    ) {
        let (was, is) = (before.health.condition, self.health.condition);
        let is_leaving = active.handover().is_some_and(|then| !then.gives_way());
        if !leaves(is) && self.group != Group::Leave {
            active.asking = None;
            self.state = State::Active(active);
        }
        match is {
            Condition::Good | Condition::Unknown | Condition::Unproven => {
                if let Some(Then::Ill | Then::Out) = active.handover() {
                    self.go_on(now, active, Reason::CheckPassed, effects);
                    return;
                }
            }
            Condition::Ill | Condition::Out if is == was => {}
            // Whoever was ill has asked already; a handover that may not be taken back now ends.
            Condition::Ill | Condition::Out => {
                if !leaves(was) {
                    self.note_lapse(now);
                }
                if is == Condition::Ill && active.away.is_some() {
                    // A handover that nobody can hear would only be a gap.
                    active.asking = Some(Asking::at_once(now));
                    self.state = State::Active(active);
                    return;
                }
                if !is_leaving || matches!(active.handover(), Some(Then::Ill | Then::Out)) {
                    let then = if is == Condition::Ill { Then::Ill } else { Then::Out };
                    self.hand_over(now, active, then, effects);
                    return;
                }
            }
        }
        self.tell_claim(now, before.claim(), effects);
    }

    /// Advertises a claim that has changed: peers follow it from then on. A check that flaps must
    /// not flood them.
    fn tell_claim(&mut self, now: Instant, before: Claim, effects: &mut Effects) {
        let State::Active(mut active) = self.state else { return };
        if self.claim() != before
            && !active.is_resigning()
            && active.may_answer(now, self.params.timing)
        {
            self.transmit(now, &mut active, effects);
            self.state = State::Active(active);
        }
    }

    /// Asks again whether another node takes over, if it is time. An Active that is late advertises
    /// first: it could not wait for an answer before it may have been superseded.
    pub(super) fn ask_again(
        &mut self,
        now: Instant,
        active: &mut Active,
        effects: &mut Effects,
    ) -> bool {
        let may_ask = active.phase().is_active() && active.away.is_none();
        let Some(asking) = active.asking.filter(|asking| asking.at <= now && may_ask) else {
            return false;
        };
        if active.longest_wait(now, &self.params).is_none() {
            let soon = now + self.params.timing.interval() / 16;
            active.asking = Some(Asking { at: soon, ..asking });
            return false;
        }
        let then = if self.is_ill() { Then::Ill } else { Then::Follow };
        self.hand_over(now, *active, then, effects);
        true
    }

    /// Notes that nobody took over from an ill Active, and when it asks again.
    pub(super) fn stay_ill(&self, now: Instant, active: &mut Active, effects: &mut Effects) {
        effects.unrelieved = true;
        active.asking = Some(Asking::next(now, active.asking));
    }

    /// Sees to it that an Active that is ill, or apart from its group, asks, however it became the
    /// Active: one that goes on from an earlier process at once, anybody else has found that there
    /// is nobody.
    pub(super) fn keep_asking(&mut self, now: Instant) {
        if let State::Active(active) = &mut self.state
            && (self.health.condition == Condition::Ill || self.group == Group::Leave)
        {
            let first =
                if active.adopted { Asking::at_once(now + SOON) } else { Asking::first(now) };
            active.asking.get_or_insert(first);
        }
    }

    /// Notes that it leaves because of a check. One that does so again and again does not preempt
    /// for a while: the addresses would go to and fro.
    pub(super) fn note_lapse(&mut self, now: Instant) {
        let lapse = Probation::after_fault(now, self.lapse);
        self.lapse = Some(lapse);
        if lapse.is_repeated() && self.probation.is_none_or(|other| other.until() < lapse.until()) {
            self.probation = Some(lapse);
        }
    }

    /// Returns whether weights have lowered its priority, so that a peer may be stronger.
    pub(super) fn is_lowered(&self) -> bool {
        let role = self.params.role;
        !self.is_ill() && role.weighted(self.health.weight) < role.claim()
    }

    pub(super) fn is_ill(&self) -> bool {
        self.health.condition == Condition::Ill
    }

    /// Returns the Preempt_Mode. Whoever is Active in the first member of its group completes the
    /// group.
    pub(super) fn preempt(&self) -> Preempt {
        match self.group {
            Group::Complete => Preempt::Always,
            Group::Free | Group::Wait | Group::Leave | Group::Held => self.params.role.preempt(),
        }
    }

    /// Returns whether it may take over from a weaker Active that lives.
    pub(super) fn may_preempt(&self, now: Instant) -> bool {
        self.health.condition == Condition::Good && !self.on_probation(now)
    }

    /// Returns the gate of its health.
    pub(super) const fn health_gate(&self) -> Option<Gate> {
        match self.health.condition {
            Condition::Good | Condition::Out => None,
            Condition::Unknown => Some(Gate::Unknown),
            Condition::Unproven => Some(Gate::Unproven),
            Condition::Ill => Some(Gate::Ill),
        }
    }

    /// Returns how long a Backup waits for an Active: Active_Down_Interval (6.1). An ill one waits
    /// until the weakest healthy one would have taken over and been heard, and its own Skew_Time
    /// more, so that of several ill ones the strongest is first.
    pub(super) fn patience(&self, timing: Timing) -> Duration {
        let claim = self.own_claim();
        if !self.is_ill() {
            return timing.active_down(claim);
        }
        let weakest = timing.active_down(Role::default().least());
        weakest.saturating_add(timing.interval()).saturating_add(timing.skew(claim))
    }

    /// Returns how long a Backup waits that only has to hear whether there is an Active.
    pub(super) fn short_patience(&self, timing: Timing) -> Duration {
        if self.is_ill() {
            return self.patience(timing);
        }
        timing.interval().saturating_add(timing.skew(self.own_claim()))
    }

    /// Returns what the timers of a Backup are armed by.
    pub(super) fn standing(&self, now: Instant, backup: &Backup) -> Standing {
        Standing {
            claim: self.own_claim(),
            preempt: self.preempt(),
            may_preempt: self.may_preempt(now),
            wait: self.wait(backup),
        }
    }

    /// Returns whether it leaves to the others what an Active resigns. A member whose group is
    /// elsewhere does, and an ill node, unless it has the first member of its group: ill nodes that
    /// each hold a part would never be one.
    pub(super) fn stands_back(&self) -> bool {
        match self.group {
            Group::Leave => true,
            Group::Complete => false,
            Group::Free | Group::Wait | Group::Held => self.is_ill(),
        }
    }

    /// Returns what Active_Down_Timer is set to. 6.4.2: after a resignation that is Skew_Time.
    pub(super) fn wait(&self, backup: &Backup) -> Duration {
        if backup.resigned && !self.stands_back() {
            backup.active_timing.skew(self.own_claim())
        } else {
            self.patience(backup.active_timing)
        }
    }

    /// Adjusts a Backup to another claim, Preempt_Mode or health: calls off a takeover that is no
    /// longer allowed, and runs the timer for as long as it says now.
    pub(super) fn judge_standing(&self, now: Instant, backup: &mut Backup, before: Standing) {
        let after = self.standing(now, backup);
        if after.claim < before.claim || after.preempt != before.preempt || !after.may_preempt {
            backup.preempt_at = None;
        }
        if self.params.role == Role::Owner && after.may_preempt {
            // 6.4.1: the owner waits for nobody.
            (backup.active_down_at, backup.expecting) = (now, Reason::Owner);
            return;
        }
        let is_off = match backup.expecting {
            Reason::Preemption => {
                after.claim < before.claim || after.preempt != Preempt::Always || !after.may_preempt
            }
            Reason::Owner => true,
            _ => false,
        };
        if is_off {
            backup.active_down_at = now + self.patience(backup.active_timing);
            backup.expecting = Reason::Silence;
            return;
        }
        // One of the two differences is zero.
        let longer = after.wait.saturating_sub(before.wait);
        let shorter = before.wait.saturating_sub(after.wait);
        backup.active_down_at = backup.active_down_at + longer - shorter;
    }
}

/// Returns whether an Active of this condition leaves, if it can.
const fn leaves(condition: Condition) -> bool {
    matches!(condition, Condition::Ill | Condition::Out)
}
