//! RFC 9568 6.4.1: what leads into the protocol, and what keeps a node out.

use core::time::Duration;

use super::{
    Backup, Effects, Link, Machine, Probation, State, Then, Vetting, handover::Drained,
    state::Fault, vetting::lets_go,
};
use crate::{Answer, Hold, Instant, LeaseFailure, Reason, Role, Want};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

impl Machine {
    pub(super) fn start(&mut self, now: Instant, effects: &mut Effects) {
        if let State::Active(active) = self.state
            && active.handover() == Some(Then::Stop)
        {
            self.wanted = true;
            self.stay(now, active, effects);
        }
        if self.wanted {
            return;
        }
        (self.wanted, self.took_part) = (true, false);
        self.delay_start(now);
        if self.state == State::Initialize {
            // The release below supersedes an inspection under way: a new one is requested.
            if let Some(fault) = &mut self.fault {
                fault.inspect_until = None;
            }
            // Leftovers of a crash are either adopted or released; the next acquire supersedes this
            // request.
            self.release_leftovers(effects);
            self.enter(now, Reason::Startup, effects);
            if let State::Backup(backup) = &mut self.state {
                backup.vetting = Vetting::Adopt { until: now + self.params.backend_timeout };
                effects.lease = Some(Want::Adopt);
            }
        }
    }

    /// Releases what an earlier process held.
    pub(super) fn release_leftovers(&self, effects: &mut Effects) {
        effects.lease = Some(Want::Release { reason: Reason::Startup, successor: None });
    }

    /// Takes a drain while it does not take part. An owner that was just started has asked its
    /// backend whether it works, and releases what an earlier process held only when it acquires:
    /// now that comes first.
    pub(super) fn stay_out(&mut self, force: bool, effects: &mut Effects) {
        self.drained = Some(Drained { force });
        effects.transition = Some(Reason::Drain);
        if let Some(Fault { hold: Hold::Inspecting, inspect_until, .. }) = &mut self.fault
            && inspect_until.take().is_some()
        {
            self.release_leftovers(effects);
        }
    }

    /// Takes a drain as a Backup. One that was just started holds nothing of its own: what is
    /// released then are leftovers.
    pub(super) fn drop_out(&mut self, force: bool, effects: &mut Effects) {
        self.drained = Some(Drained { force });
        self.initialize(Reason::Drain, effects);
        if effects.lease.is_some() {
            self.release_leftovers(effects);
        }
    }

    pub(super) fn resume(&mut self, now: Instant, effects: &mut Effects) {
        self.drained = None;
        self.enter(now, Reason::Resume, effects);
    }

    pub(super) fn link_changed(&mut self, now: Instant, link: Link, effects: &mut Effects) {
        self.forgive_sending(now);
        self.watch_link(now, link);
        let (before, source) = (self.hold(), self.source());
        let old = core::mem::replace(&mut self.link, link);
        match (self.state, link) {
            (State::Initialize, _) => {
                let reason = match before {
                    Some(Hold::LinkDown | Hold::NoSocket | Hold::NoSource) => Reason::InterfaceBack,
                    Some(_) | None => Reason::Startup,
                };
                let reason =
                    if matches!(link, Link::Ready(_)) { reason } else { Reason::Interface };
                self.enter(now, reason, effects);
            }
            // The source of advertisements follows the interface's address. A last word belongs to
            // the old source.
            (State::Backup(backup), Link::Ready(_)) => {
                self.state = State::Backup(Backup { parting: None, ..backup })
            }
            (State::Active(active), Link::Ready(_)) => self.regain_link(now, active, old, effects),
            (State::Backup(_), Link::Missing | Link::Down | Link::NoSocket | Link::NoSource) => {
                self.initialize(Reason::Interface, effects);
            }
            (
                State::Active(active),
                Link::Missing | Link::Down | Link::NoSocket | Link::NoSource,
            ) => {
                self.lose_link(now, active, source, effects);
            }
        }
    }

    /// Takes part, if no hold stands: the owner as Active (6.4.1), anyone else as Backup.
    pub(super) fn enter(&mut self, now: Instant, reason: Reason, effects: &mut Effects) {
        effects.transition = Some(reason);
        match self.hold() {
            None => {}
            // The pause may have ended while another hold stood.
            Some(Hold::Backend(_) | Hold::Inspecting | Hold::Send) => {
                return self.retry(now, effects);
            }
            Some(_) => return,
        }
        let is_vetted = reason == Reason::Retry;
        let was_here = core::mem::replace(&mut self.took_part, true);
        let is_owner = self.params.role == Role::Owner && self.may_preempt(now);
        if is_owner && !self.is_gated(now) {
            if is_vetted {
                self.promote(now, Reason::Owner, effects);
            } else {
                self.vet_owner(now, effects);
            }
            return;
        }
        let timing = self.params.timing;
        let timer = match reason {
            // Enough to hear an Active, if all it takes is to listen. A unicast Active also has to
            // know how to reach this node.
            Reason::InterfaceBack if was_here && !self.params.unicast => {
                self.short_patience(timing)
            }
            // It was Active a moment ago, and peers know how to reach it.
            Reason::Retry if was_here && self.on_probation(now) => self.short_patience(timing),
            _ => self.patience(timing),
        };
        let mut backup = Backup::new(timing, now + timer);
        if is_owner {
            // It waits for nothing but the end of a delay.
            (backup.active_down_at, backup.expecting) = (now, Reason::Owner);
        }
        self.greet(now, &mut backup, effects);
        if !is_vetted {
            self.vet(now, &mut backup, effects);
        }
        self.state = State::Backup(backup);
    }

    pub(super) fn on_probation(&self, now: Instant) -> bool {
        self.probation.is_some_and(|probation| now < probation.until())
    }

    pub(super) fn begin_probation(&mut self, now: Instant) {
        self.probation = Some(Probation::after_fault(now, self.probation));
        self.blame = None;
    }

    /// Keeps the node out because of a fault of its own, and begins the pause before the next try.
    pub(super) fn fault(&mut self, now: Instant, hold: Hold) {
        let pause = match self.fault.and_then(|fault| fault.pause) {
            Some(pause) => pause.saturating_mul(2).min(LONGEST_PAUSE),
            None => FIRST_PAUSE,
        };
        self.fault =
            Some(Fault { hold, retry_at: now + pause, pause: Some(pause), inspect_until: None });
    }

    /// Tries again once the pause after a fault is over: a backend is asked first, everything else
    /// is just tried.
    pub(super) fn retry(&mut self, now: Instant, effects: &mut Effects) {
        let Some(mut fault) = self.fault else { return };
        match (fault.hold, fault.inspect_until) {
            (_, Some(until)) if until <= now => {
                self.fail_inspection(now, LeaseFailure::TimedOut, effects);
            }
            (_, Some(_)) => {}
            (_, None) if now < fault.retry_at || self.hold() != Some(fault.hold) => {}
            // The backend has to release first.
            (Hold::Backend(_) | Hold::Inspecting, None) if lets_go(effects) => {}
            (Hold::Backend(_) | Hold::Inspecting, None) => {
                fault.inspect_until = Some(now + self.params.backend_timeout);
                self.fault = Some(fault);
                effects.lease = Some(Want::Inspect);
            }
            (_, None) => {
                self.fault = None;
                self.enter(now, Reason::Retry, effects);
            }
        }
    }

    /// Takes the backend's answer to the inspection of an owner, or to one after a fault.
    pub(super) fn answered_in_initialize(
        &mut self,
        now: Instant,
        answer: Answer,
        effects: &mut Effects,
    ) {
        let is_inspected = self.fault.is_some_and(|fault| fault.inspect_until.is_some());
        match answer {
            // Nobody waits for the leftovers any more.
            Answer::Adopted { .. } => self.release_leftovers(effects),
            Answer::Ready if is_inspected => {
                self.fault = None;
                self.enter(now, Reason::Retry, effects);
            }
            Answer::Failed(failure) if is_inspected => self.fail_inspection(now, failure, effects),
            Answer::Ready | Answer::Failed(_) | Answer::Held(_) | Answer::NothingLeft => {}
        }
    }

    fn fail_inspection(&mut self, now: Instant, failure: LeaseFailure, effects: &mut Effects) {
        self.fault(now, Hold::Backend(failure));
        effects.transition = Some(Reason::Backend(failure));
    }
}
