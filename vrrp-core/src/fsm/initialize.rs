//! RFC 9568 6.4.1: what leads into the protocol, and what keeps out of it.

use core::time::Duration;

use super::{Backup, Effects, Fault, Link, Machine, Probation, State, Then};
use crate::{Hold, Instant, LeaseFailure, Reach, Reason, Role, Want};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

impl Machine {
    pub(super) fn start(&mut self, now: Instant, effects: &mut Effects) {
        if let State::Active(active) = self.state
            && active.handover() == Some(Then::Stop)
        {
            self.take_back(now, active, Reason::Startup, effects);
        }
        if self.wanted {
            return;
        }
        self.wanted = true;
        if self.state == State::Initialize {
            // The release below supersedes an inspection that is under way: it is asked for anew.
            if let Some(fault) = &mut self.fault {
                fault.inspect_until = None;
            }
            // What a crash left behind is gone on with, or it goes; whoever acquires next supersedes this.
            self.leave_to_nobody(effects);
            self.enter(now, Reason::Startup, effects);
            if let State::Backup(backup) = &mut self.state {
                backup.adopting = true;
                effects.lease = Some(Want::Adopt);
            }
        }
    }

    /// What an earlier process held goes.
    pub(super) fn leave_to_nobody(&self, effects: &mut Effects) {
        effects.lease = Some(Want::Release { reason: Reason::Startup, successor: None });
    }

    pub(super) fn resume(&mut self, now: Instant, effects: &mut Effects) {
        self.drained = false;
        self.enter(now, Reason::Resume, effects);
    }

    pub(super) fn link_changed(&mut self, now: Instant, link: Link, effects: &mut Effects) {
        let before = self.hold();
        self.link = link;
        match (self.state, link) {
            (State::Initialize, _) => {
                let reason = match before {
                    Some(Hold::LinkDown | Hold::NoSocket | Hold::NoSource) => Reason::InterfaceBack,
                    Some(_) | None => Reason::Startup,
                };
                let reason = if matches!(link, Link::Ready(_)) { reason } else { Reason::Interface };
                self.enter(now, reason, effects);
            }
            // The source of advertisements follows the interface's address. A last word was that of the old one.
            (State::Backup(backup), Link::Ready(_)) => {
                self.state = State::Backup(Backup { parting: None, ..backup })
            }
            (State::Active(_), Link::Ready(_)) => {}
            (State::Backup(_), Link::Missing | Link::Down | Link::NoSocket | Link::NoSource) => {
                self.initialize(Reason::Interface, effects);
            }
            (State::Active(active), Link::Missing | Link::Down | Link::NoSocket | Link::NoSource) => {
                self.let_go(active.handover(), Reason::Interface, None, effects);
                effects.transmit = None;
            }
        }
    }

    /// Takes part, if nothing holds it: the owner as Active (6.4.1), anyone else as Backup.
    pub(super) fn enter(&mut self, now: Instant, reason: Reason, effects: &mut Effects) {
        effects.transition = Some(reason);
        match self.hold() {
            None => {}
            // The pause may have ended while something else held it.
            Some(Hold::Backend(_) | Hold::Send) => return self.retry(now, effects),
            Some(_) => return,
        }
        if self.params.role == Role::Owner && !self.on_probation(now) {
            self.promote(now, Reason::Owner, effects);
            return;
        }
        let timer = self.params.interval.active_down(self.claim());
        self.state = State::Backup(Backup::new(self.params.interval, now + timer));
    }

    pub(super) fn on_probation(&self, now: Instant) -> bool {
        self.probation.is_some_and(|probation| now < probation.until())
    }

    pub(super) fn begin_probation(&mut self, now: Instant) {
        self.probation = Some(Probation::after_fault(now, self.probation));
    }

    /// Keeps out because of a fault of this node, and begins the pause before the next try.
    pub(super) fn fault(&mut self, now: Instant, hold: Hold) {
        let pause = match self.fault {
            Some(fault) => fault.pause.saturating_mul(2).min(LONGEST_PAUSE),
            None => FIRST_PAUSE,
        };
        self.fault = Some(Fault { hold, retry_at: now + pause, pause, inspect_until: None });
    }

    /// The pause after a fault is over: a backend is asked first, everything else is tried.
    pub(super) fn retry(&mut self, now: Instant, effects: &mut Effects) {
        let Some(mut fault) = self.fault else { return };
        match (fault.hold, fault.inspect_until) {
            (_, Some(until)) if until <= now => {
                self.inspected(now, Err(LeaseFailure::TimedOut), effects);
            }
            (_, Some(_)) => {}
            (_, None) if now < fault.retry_at || self.hold() != Some(fault.hold) => {}
            (Hold::Backend(_), None) => {
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

    /// The backend's answer to [`Want::Inspect`].
    pub(super) fn inspected(
        &mut self,
        now: Instant,
        result: Result<Reach, LeaseFailure>,
        effects: &mut Effects,
    ) {
        if self.fault.is_none_or(|fault| fault.inspect_until.is_none()) {
            return;
        }
        match result {
            Ok(_) => {
                self.fault = None;
                self.enter(now, Reason::Retry, effects);
            }
            Err(failure) => {
                self.fault(now, Hold::Backend(failure));
                effects.transition = Some(Reason::Backend(failure));
            }
        }
    }
}
