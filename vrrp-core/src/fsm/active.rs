//! RFC 9568 6.4.3: Active, with the lease that makes it true.

use core::{net::IpAddr, time::Duration};

use super::{
    Active, Announcing, Backup, Effects, Heard, Lease, Machine, Parting, Say, State, Then,
};
use crate::{Claim, Hold, Instant, LeaseFailure, Reach, Reason, Timing, Version, Want};

impl Machine {
    /// 6.4.2, Active_Down_Timer fired; 6.4.1, owner: advertises, then acquires the addresses. They
    /// are announced once they are held (8.1.2, 8.2.2).
    pub(super) fn promote(&mut self, now: Instant, reason: Reason, effects: &mut Effects) {
        self.delay = None;
        let lease = Lease::Acquiring { give_up_at: now + self.params.backend_timeout };
        effects.transition = Some(reason);
        effects.lease = Some(Want::Acquire);
        let suspect = self.inherited_suspect(now);
        self.advertise(now, Active { suspect, ..Active::new(now, now, lease) }, effects);
        self.keep_asking(now);
    }

    /// Continues where an earlier process ended: advertises at once, and announces nothing, because
    /// neighbours know the addresses.
    pub(super) fn serve_adopted(
        &mut self,
        now: Instant,
        advertised_at: Instant,
        reach: Reach,
        effects: &mut Effects,
    ) {
        self.delay = None;
        let announcing = match reach {
            Reach::OnLink => Some(Announcing::kept(now, &self.params)),
            Reach::Routed => None,
        };
        let lease = Lease::Held { announcing, repair_until: None };
        effects.transition = Some(Reason::Adopted);
        let advertised_at = advertised_at.min(now);
        self.advertise(
            now,
            Active { adopted: true, ..Active::new(now, advertised_at, lease) },
            effects,
        );
        self.keep_asking(now);
    }

    /// Sends an advertisement and restarts Adver_Timer.
    pub(super) fn advertise(&mut self, now: Instant, mut active: Active, effects: &mut Effects) {
        active.next_advert_at = now + self.params.timing.interval();
        self.transmit(now, &mut active, effects);
        self.state = State::Active(active);
    }

    /// Sends an advertisement without touching Adver_Timer.
    pub(super) fn transmit(&mut self, now: Instant, active: &mut Active, effects: &mut Effects) {
        if active.away.is_some() {
            return;
        }
        self.note_send();
        if active.sent_at < now {
            active.sent_before = active.sent_at;
        }
        active.sent_at = now;
        active.unreached = false;
        effects.transmit = Some(Say::Claim);
    }

    /// Steps down when peers may have taken over because they heard nothing from this node for
    /// three intervals.
    pub(super) fn judge_stall(&mut self, now: Instant, effects: &mut Effects) {
        let State::Active(active) = self.state else { return };
        if active.is_resigning() || now < active.superseded_at(&self.params) {
            return;
        }
        if active.away.is_some() {
            self.leave_link(now, active, effects);
            return;
        }
        if self.last_send_failed {
            self.step_out_unsent(now, effects);
            return;
        }
        self.step_down_stalled(now, effects);
    }

    /// Steps down silently: a resignation after three intervals would give each backup a full
    /// Skew_Time, where it has less than that left.
    pub(super) fn step_down_stalled(&mut self, now: Instant, effects: &mut Effects) {
        self.begin_probation(now);
        self.listen_again(now);
        effects.transition = Some(Reason::Stalled);
        effects.lease = Some(Want::Release { reason: Reason::Stalled, successor: None });
    }

    pub(super) fn active_hears(
        &mut self,
        now: Instant,
        mut active: Active,
        heard: Heard,
        effects: &mut Effects,
    ) {
        let is_stronger = heard.claim > self.claim()
            || (heard.claim == self.claim() && self.is_outranked_by(heard.source));
        match (active.lease, heard.claim) {
            (Lease::Held { .. }, claim) if active.away.is_some() => {
                if is_stronger && claim != Claim::Resign {
                    self.release(Reason::StrongerClaim, Some(heard.source), effects);
                }
            }
            (Lease::Resigning { .. }, Claim::Resign) => {}
            (Lease::Resigning { then: Then::GiveWay, .. }, _) => {
                self.begin_probation(now);
                self.follow(now, heard, Reason::Fight, effects);
            }
            // The node that is ill, too, goes on.
            (Lease::Resigning { then: Then::Ill | Then::Follow, .. }, _) => {
                self.follow(now, heard, Reason::Successor, effects);
            }
            (Lease::Resigning { .. }, _) => {
                self.release(Reason::Successor, Some(heard.source), effects)
            }
            // 6.4.3: advertise, restart Adver_Timer.
            (_, Claim::Resign) => {
                if active.reassert_at.is_some() {
                    active.outlive(now, self.params.timing, heard.timing);
                }
                if active.may_answer(now, self.params.timing) {
                    effects.answered = true;
                    self.advertise(now, active, effects);
                } else {
                    effects.withheld = true;
                    self.state = State::Active(active);
                }
            }
            (_, _) if is_stronger => self.yield_to(now, active, heard, effects),
            // The other node cannot be reached, so it cannot hear this one, whichever is stronger.
            (_, _) if active.unreached => {
                self.begin_probation(now);
                self.follow(now, heard, Reason::Unreached, effects);
            }
            // Something on this host keeps deleting the addresses; any other node can serve them
            // better.
            (_, _) if active.fight.is_hopeless(now) => {
                self.begin_probation(now);
                effects.transmit = Some(Say::Resign);
                self.follow(now, heard, Reason::Fight, effects);
            }
            (_, _) => self.win(now, active, heard.timing, effects),
        }
    }

    /// Returns whether `source` outranks this node. 6.4.3: among equal priorities the greater
    /// primary address wins, in network order.
    fn is_outranked_by(&self, source: IpAddr) -> bool {
        self.source().is_none_or(|ours| source > ours)
    }

    /// 6.4.3: yields to a stronger claim. Preempt_Mode does not matter here.
    fn yield_to(&mut self, now: Instant, active: Active, heard: Heard, effects: &mut Effects) {
        if self.is_lowered() {
            self.note_lapse(now);
        }
        let mut backup = self.follow(now, heard, Reason::StrongerClaim, effects);
        // A last word makes the winner announce: neighbours have learned the addresses from this
        // node.
        self.note_send();
        effects.transmit = Some(Say::Claim);
        // A promotion that ends so soon was probably a mistake, because advertisements were lost:
        // the network is bad.
        if now < active.since + self.params.timing.silence() {
            backup.parting = Some(Parting::begun(now, heard.timing));
            self.state = State::Backup(backup);
        }
    }

    /// Releases in favour of another node, and follows it.
    fn follow(
        &mut self,
        now: Instant,
        heard: Heard,
        reason: Reason,
        effects: &mut Effects,
    ) -> Backup {
        let mut backup = Backup::new(heard.timing, now + self.patience(heard.timing));
        backup.active = Some(heard.source);
        self.state = State::Backup(backup);
        effects.transition = Some(reason);
        effects.lease = Some(Want::Release { reason, successor: Some(heard.source) });
        backup
    }

    /// 6.4.3: wins against a weaker claim. VRRPv3 answers at once, without restarting Adver_Timer;
    /// VRRPv2 discards it (RFC 3768 6.4.3).
    fn win(&mut self, now: Instant, mut active: Active, theirs: Timing, effects: &mut Effects) {
        match self.params.timing.rules() {
            Version::V2 => {}
            Version::V3 if active.may_answer(now, self.params.timing) => {
                self.transmit(now, &mut active, effects);
                effects.answered = true;
            }
            Version::V3 => effects.withheld = true,
        }
        let is_whole = active.is_whole();
        if let Lease::Held { announcing: Some(announcing), .. } = &mut active.lease {
            effects.announce = announcing.won(now, &self.params) && is_whole;
        }
        if let Lease::Held { .. } = active.lease {
            active.outlive(now, self.params.timing, theirs);
        }
        self.state = State::Active(active);
    }

    pub(super) fn active_timeout(
        &mut self,
        now: Instant,
        mut active: Active,
        effects: &mut Effects,
    ) {
        if !active.is_resigning() && active.away.is_some_and(|away| away.until <= now) {
            self.leave_link(now, active, effects);
            return;
        }
        if active.apart_until.is_some_and(|until| until <= now) {
            self.leave_others(now, active, effects);
            return;
        }
        match active.lease {
            Lease::Acquiring { give_up_at }
            | Lease::Held { repair_until: Some(give_up_at), .. }
                if give_up_at <= now =>
            {
                self.backend_failed(now, LeaseFailure::TimedOut, effects);
                return;
            }
            Lease::Resigning { unanswered: Some(unanswered), .. } if unanswered.until() <= now => {
                self.backend_failed(now, LeaseFailure::TimedOut, effects);
                return;
            }
            Lease::Resigning { until, then, .. } if until <= now => {
                self.end_handover(now, active, then, effects);
                return;
            }
            Lease::Held { announcing: Some(mut announcing), repair_until }
                if active.away.is_none() =>
            {
                effects.announce = announcing.due(now, &self.params) && active.is_whole();
                active.lease = Lease::Held { announcing: Some(announcing), repair_until };
            }
            Lease::Acquiring { .. } | Lease::Held { .. } | Lease::Resigning { .. } => {}
        }
        if self.ask_again(now, &mut active, effects) {
            return;
        }
        if active.away.is_none() && matches!(active.lease, Lease::Held { .. }) {
            self.ask(now, &mut active.suspect, effects);
        }
        effects.reasserted = active.has_outlived(now);
        if active.fight.repair_is_due(now) {
            self.repair(now, &mut active, effects);
        }
        self.state = State::Active(active);
        if active.next_advert_at <= now && (active.away.is_none() || active.is_resigning()) {
            self.advertise_on_schedule(now, active, effects);
        }
    }

    /// 6.4.3, Adver_Timer fired: advertises. The schedule does not drift when the timer is late.
    fn advertise_on_schedule(&mut self, now: Instant, mut active: Active, effects: &mut Effects) {
        let interval = self.params.timing.interval();
        // The weakest backup waits for all but a 256th of an interval after a resignation: a repeat
        // just before the end would make it wait as long again.
        let room = if active.is_resigning() { interval / 16 } else { Duration::ZERO };
        let pause = interval.saturating_add(room);
        let due = active.next_advert_at;
        let on_schedule = due + pause;
        active.next_advert_at = if on_schedule > now { on_schedule } else { now + pause };
        if active.is_resigning() {
            effects.transmit = Some(Say::Resign);
        } else {
            self.transmit(now, &mut active, effects);
            effects.due = Some(due);
        }
        self.state = State::Active(active);
    }

    /// Goes to Backup for just long enough to hear an Active, so that a lone node is back soon.
    pub(super) fn listen_again(&mut self, now: Instant) {
        let timing = self.params.timing;
        self.state = State::Backup(Backup::new(timing, now + self.short_patience(timing)));
    }

    /// Announces the addresses again, from the beginning of a burst.
    pub(super) fn announce_anew(
        &mut self,
        now: Instant,
        mut active: Active,
        effects: &mut Effects,
    ) {
        if let Lease::Held { announcing: Some(_), repair_until } = active.lease {
            let (announcing, due) = Announcing::burst(now, &self.params);
            active.lease = Lease::Held { announcing: Some(announcing), repair_until };
            effects.announce = due && active.is_whole() && active.away.is_none();
            self.state = State::Active(active);
        }
    }

    /// The same, and announces them also where the burst begins later, or there is none: somebody
    /// asks for it.
    pub(super) fn announce_at_once(&mut self, now: Instant, active: Active, effects: &mut Effects) {
        self.announce_anew(now, active, effects);
        let is_announced = matches!(active.lease, Lease::Held { announcing: Some(_), .. });
        effects.announce = is_announced && active.is_whole() && active.away.is_none();
    }

    /// Leaves Active because of a fault of this node.
    pub(super) fn release_at_fault(
        &mut self,
        now: Instant,
        hold: Hold,
        reason: Reason,
        effects: &mut Effects,
    ) {
        self.begin_probation(now);
        self.keep_out(now, hold, reason, effects);
    }

    pub(super) fn keep_out(
        &mut self,
        now: Instant,
        hold: Hold,
        reason: Reason,
        effects: &mut Effects,
    ) {
        self.fault(now, hold);
        self.initialize(reason, effects);
        effects.lease = Some(Want::Release { reason, successor: None });
    }
}
