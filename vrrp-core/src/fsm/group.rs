//! Virtual routers that move together, as one of them sees it.
//!
//! The [`Router`](crate::Router) looks at the whole group and tells each member what it may do, as
//! a level: see its module `groups` for who decides.

use super::{Backup, Effects, Lease, Machine, State, Then};
use crate::{Gate, Hold, Instant, Reason};

/// What a group lets one of its members do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the table of cells covers every one")]
pub enum Group {
    /// There is none, or it has no objection.
    #[default]
    Free,
    /// It listens: the others are not ready, or elsewhere. An Active goes on.
    Wait,
    /// It listens, and an Active hands over: the first member is Active elsewhere, or hands over.
    Leave,
    /// The first member is Active here: it follows as soon as it can, whatever its Preempt_Mode.
    Complete,
    /// Another member is held, and holds all.
    Held,
}

impl Machine {
    /// Takes what the group says.
    pub(super) fn group_changed(&mut self, now: Instant, group: Group, effects: &mut Effects) {
        let before = *self;
        self.group = group;
        match (self.state, group) {
            _ if group == before.group => {}
            (State::Initialize, Group::Held) => effects.transition = Some(Reason::Group),
            (State::Initialize, _) if before.group == Group::Held => {
                self.enter(now, Reason::Group, effects);
            }
            (State::Initialize, _) => {}
            (State::Backup(_), Group::Held) => self.initialize(Reason::Group, effects),
            (State::Backup(mut backup), _) => {
                let standing = before.standing(now, &backup);
                self.judge_standing(now, &mut backup, standing);
                self.state = State::Backup(backup);
                self.contend(now, backup, effects);
            }
            (State::Active(active), Group::Held) => match active.handover() {
                None | Some(Then::GiveWay | Then::Ill | Then::Follow) => {
                    self.hand_over(now, active, Then::Join, effects);
                }
                Some(Then::Stop | Then::Drain { .. } | Then::Withdraw | Then::Out | Then::Join) => {
                }
            },
            (State::Active(active), Group::Leave) => match (active.handover(), active.lease) {
                // The backend is asked for what others hold already.
                (None, Lease::Acquiring { .. } | Lease::Held { .. }) if active.away.is_none() => {
                    let then = if self.is_ill() { Then::Ill } else { Then::Follow };
                    self.hand_over(now, active, then, effects);
                }
                // It asks once it can be heard, or once it has taken that handover back.
                (None, _) => self.keep_asking(now),
                (Some(_), _) => {}
            },
            (State::Active(mut active), Group::Free | Group::Wait | Group::Complete) => {
                if !self.is_ill() {
                    active.asking = None;
                    self.state = State::Active(active);
                }
                if let Some(Then::Follow | Then::Join) = active.handover() {
                    self.go_on(now, active, Reason::Group, effects);
                }
            }
        }
    }

    /// Notes whether the timer of a Backup has run out, so that a gate without an end of its own is
    /// no deadline.
    pub(super) fn note_timer(&mut self, now: Instant) {
        if let State::Backup(backup) = &mut self.state {
            let is_quiet = backup.quiet_at <= now;
            let why = |reason| if is_quiet { Reason::Silence } else { reason };
            backup.ran_out = backup.contends(now).map(why);
        }
    }

    /// Returns what its group lets it do.
    #[must_use]
    pub const fn group(&self) -> Group {
        self.group
    }

    /// Returns the gate of the group.
    pub(super) const fn group_gate(&self) -> Option<Gate> {
        match self.group {
            Group::Free | Group::Complete | Group::Held => None,
            Group::Wait | Group::Leave => Some(Gate::Group),
        }
    }

    /// Returns what a group has to know of it.
    #[must_use]
    pub fn stand(&self) -> Stand {
        match self.state {
            State::Initialize => Stand::Out,
            State::Backup(Backup { ran_out: Some(reason), .. }) => match reason {
                Reason::Silence | Reason::Resignation => Stand::Silent,
                _ => Stand::Ready,
            },
            State::Backup(backup) if backup.active.is_some() && !backup.resigned => Stand::Follows,
            State::Backup(_) => Stand::Listens,
            State::Active(active) if active.is_resigning() => Stand::Leaves,
            State::Active(_) => Stand::Active,
        }
    }

    /// Returns whether it is kept out by something other than its group. An owner whose backend is
    /// being asked is not: it is about to begin, and takes nothing from those that serve.
    #[must_use]
    pub fn is_held_itself(&self) -> bool {
        self.holds().iter().any(|hold| !matches!(hold, Hold::Group | Hold::Inspecting))
    }
}

/// What a group has to know of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a group decides on each")]
pub enum Stand {
    /// It does not take part.
    Out,
    /// A Backup that has not heard anybody.
    Listens,
    /// A Backup of an Active that it hears.
    Follows,
    /// A Backup whose timer has run out: there is no Active.
    Silent,
    /// A Backup whose timer has run out, and that takes over from a weaker Active, or owns the
    /// addresses.
    Ready,
    /// Active.
    Active,
    /// Active, and handing over.
    Leaves,
}
