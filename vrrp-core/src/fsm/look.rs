//! Whether another host holds the addresses, although nothing is heard of it.
//!
//! A Backup looks before it takes over on silence: it asks, in the last interval, who answers for
//! the addresses. An Active is told when somebody else says that they are there.
//!
//! The kernel of a program that has died answers, too, until its lease ends. So whoever answers is
//! a [`Suspect`] at first, and a rival once it still answers when that lease would have ended.

use core::time::Duration;

use super::{
    Active, Backup, Effects, Lease, Machine, State, Suspect,
    suspect::{WATCH, lasts},
};
use crate::{Instant, Look, MacAddr, Reason, Role};

/// How long an answer is waited for before the question is repeated.
const AGAIN: Duration = Duration::from_secs(1);
/// The same for a Backup that waits while the other one answers.
const SOON: Duration = Duration::from_millis(250);
/// After so many questions in a row without an answer it is gone.
const QUESTIONS: u8 = 3;
/// The least time between two defences of the addresses (RFC 5227 1.1, DEFEND_INTERVAL).
const DEFENCE: Duration = Duration::from_secs(10);

impl Machine {
    /// Returns when a Backup looks: an interval before silence alone makes it Active.
    pub(super) fn look_at(&self, backup: &Backup) -> Option<Instant> {
        let is_silence = backup.expecting == Reason::Silence && !backup.resigned;
        let looks = self.params.look != Look::Off && self.params.role != Role::Owner;
        let is_due = looks && is_silence && !backup.looked;
        is_due.then(|| backup.active_down_at - backup.active_timing.interval())
    }

    /// Asks who answers for the addresses, when that is due.
    pub(super) fn look(&self, now: Instant, backup: &mut Backup, effects: &mut Effects) {
        // After a pause there is no time left for an answer.
        let is_late = backup.active_down_at <= now;
        if self.look_at(backup).is_some_and(|at| at <= now) {
            backup.looked = true;
            effects.probe = !is_late;
        }
        self.ask(now, &mut backup.suspect, effects);
        if self.params.look == Look::Hold {
            backup.ask_soon(now);
        }
    }

    /// Takes that another host has an address, as a Backup. Unless it has looked, that is the Active
    /// that it follows.
    pub(super) fn backup_sights(&mut self, now: Instant, mut backup: Backup, mac: MacAddr) {
        if !backup.looked {
            return;
        }
        match &mut backup.suspect {
            Some(suspect) if suspect.mac == mac => suspect.seen(now),
            Some(_) => {}
            None => {
                backup.suspect = Some(Suspect::answering(now, mac, backup.active_timing));
            }
        }
        if self.params.look == Look::Hold {
            backup.ask_soon(now);
        }
        self.state = State::Backup(backup);
    }

    /// The same as an Active. While the addresses are held they are defended (RFC 5227 2.4): one
    /// announcement, and no other within ten seconds. An answer to this node's own question has
    /// misled nobody.
    pub(super) fn active_sights(
        &mut self,
        now: Instant,
        mut active: Active,
        mac: MacAddr,
        solicited: bool,
        effects: &mut Effects,
    ) {
        let known = active.suspect.as_mut().filter(|suspect| suspect.mac == mac);
        let is_known = known.map(|suspect| suspect.seen(now)).is_some();
        if !solicited && active.is_on_guard() {
            effects.announce = active.defends(now) && self.params.announcements.are_any();
            if active.suspect.is_none() {
                // The Active before this one may have died, and its kernel spoken.
                let certain_at = active.since + lasts(self.params.timing);
                active.suspect = Some(Suspect::claiming(now, mac, certain_at));
            }
        }
        if is_known || !solicited {
            self.state = State::Active(active);
        }
    }

    /// Asks a suspect whether it is still there, when that is due; forgets it when it is gone.
    pub(super) fn ask(&self, now: Instant, suspect: &mut Option<Suspect>, effects: &mut Effects) {
        let Some(asked) = suspect.as_mut().filter(|suspect| suspect.ask_at <= now) else { return };
        if asked.unanswered >= QUESTIONS {
            *suspect = None;
            return;
        }
        asked.unanswered = asked.unanswered.saturating_add(1);
        // Whoever is not to look waits for as long as it would take to be seen by itself.
        let looks = self.params.look != Look::Off;
        asked.ask_at = now + if looks { AGAIN } else { WATCH };
        effects.probe |= looks;
    }

    /// Returns until when a Backup waits because another host answers for the addresses.
    pub(super) fn looks_until(&self) -> Option<Instant> {
        let State::Backup(Backup { suspect: Some(suspect), .. }) = self.state else { return None };
        let waits = self.params.look == Look::Hold && !suspect.is_rival;
        let answers_until = suspect.seen_at + SOON.saturating_mul(2);
        waits.then(|| answers_until.min(suspect.certain_at))
    }

    /// Returns the other host that was seen to have an address, if there is one.
    #[must_use]
    pub const fn suspect(&self) -> Option<&Suspect> {
        match &self.state {
            State::Initialize => None,
            State::Backup(backup) => backup.suspect.as_ref(),
            State::Active(active) => active.suspect.as_ref(),
        }
    }

    /// Returns the suspect of a Backup that becomes Active: it is asked again when it would be
    /// certain.
    pub(super) fn inherited_suspect(&self, now: Instant) -> Option<Suspect> {
        let State::Backup(Backup { suspect: Some(suspect), .. }) = self.state else { return None };
        let ask_at = if suspect.is_rival { suspect.ask_at } else { suspect.certain_at.max(now) };
        Some(Suspect { ask_at, unanswered: 0, ..suspect })
    }
}

impl Backup {
    /// Has a suspect asked again and again until it is certain: the takeover waits for it.
    fn ask_soon(&mut self, now: Instant) {
        if let Some(suspect) = self.suspect.as_mut().filter(|suspect| !suspect.is_rival)
            && now < suspect.certain_at
        {
            suspect.ask_at = suspect.ask_at.min(now + SOON);
        }
    }
}

impl Active {
    /// Returns whether somebody else's word that it has an address means something: not while they
    /// are on the way from one node to another, and not of a weaker Active that is heard, against
    /// which they are announced anyway.
    fn is_on_guard(&self) -> bool {
        let is_held = matches!(self.lease, Lease::Held { announcing: Some(_), .. });
        is_held && self.away.is_none() && self.reassert_at.is_none()
    }

    /// Returns whether a defence is due.
    fn defends(&mut self, now: Instant) -> bool {
        let is_due = self.is_whole() && self.defended_at.is_none_or(|at| at + DEFENCE <= now);
        if is_due {
            self.defended_at = Some(now);
        }
        is_due
    }
}
