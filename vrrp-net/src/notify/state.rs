//! [`State`]: what is told of a virtual router or a group.

use std::fmt;

use vrrp_core::{Hold, Phase};

/// What is told of a virtual router or a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "keepalived's, and scripts know no other")]
pub enum State {
    /// It is active, and the addresses are held.
    #[doc(alias = "master")]
    Active,
    /// It backs up, or an operator keeps it out.
    Backup,
    /// It is kept out by anything else.
    Fault,
    /// It was stopped or removed.
    Stop,
}

impl State {
    /// Returns a stable word, in the words of RFC 9568: that of `VRRP_STATE`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Backup => "backup",
            Self::Fault => "fault",
            Self::Stop => "stop",
        }
    }

    /// Returns keepalived's word: that of arguments and of the FIFO.
    #[must_use]
    pub const fn keepalived(self) -> &'static str {
        match self {
            Self::Active => "MASTER",
            Self::Backup => "BACKUP",
            Self::Fault => "FAULT",
            Self::Stop => "STOP",
        }
    }
}

impl State {
    /// What is told of a virtual router in this phase; `None`: nothing new.
    pub(super) const fn of(phase: Phase) -> Option<Self> {
        match phase {
            Phase::Initialize(hold) => Self::of_hold(hold),
            Phase::Backup => Some(Self::Backup),
            Phase::Acquiring | Phase::Resigning => None,
            Phase::Held | Phase::Adopted => Some(Self::Active),
        }
    }

    const fn of_hold(hold: Hold) -> Option<Self> {
        match hold {
            Hold::Stopped => Some(Self::Stop),
            Hold::Drained => Some(Self::Backup),
            // An owner that has just started: its next phase says what it is.
            Hold::Inspecting => None,
            Hold::InterfaceMissing
            | Hold::LinkDown
            | Hold::NoSocket
            | Hold::NoSource
            | Hold::OtherInterface
            | Hold::Backend(_)
            | Hold::Send
            | Hold::Check
            | Hold::Group => Some(Self::Fault),
            // What may come: no operator asked for it, as far as is known here.
            _ => Some(Self::Fault),
        }
    }
}

impl fmt::Display for State {
    /// Writes the word of [`as_str`](Self::as_str).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use vrrp_core::LeaseFailure;

    use super::*;

    #[test]
    fn each_phase_and_hold_has_its_state() {
        let (active, backup) = (Some(State::Active), Some(State::Backup));
        let (fault, stop) = (Some(State::Fault), Some(State::Stop));
        for (phase, state) in [
            (Phase::Backup, backup),
            (Phase::Acquiring, None),
            (Phase::Held, active),
            (Phase::Adopted, active),
            (Phase::Resigning, None),
        ] {
            assert_eq!(State::of(phase), state, "{phase}");
        }
        for (hold, state) in [
            (Hold::Stopped, stop),
            (Hold::Drained, backup),
            (Hold::InterfaceMissing, fault),
            (Hold::LinkDown, fault),
            (Hold::NoSocket, fault),
            (Hold::NoSource, fault),
            (Hold::OtherInterface, fault),
            (Hold::Backend(LeaseFailure::Failed), fault),
            (Hold::Backend(LeaseFailure::Denied), fault),
            (Hold::Backend(LeaseFailure::AddressPresent), fault),
            (Hold::Backend(LeaseFailure::TimedOut), fault),
            (Hold::Inspecting, None),
            (Hold::Send, fault),
            (Hold::Check, fault),
            (Hold::Group, fault),
        ] {
            assert_eq!(State::of(Phase::Initialize(hold)), state, "{hold}");
        }
    }

    #[test]
    fn states_have_our_words_and_those_of_keepalived() {
        let words = [State::Active, State::Backup, State::Fault, State::Stop]
            .map(|state| (state.as_str(), state.keepalived()));
        let expected =
            [("active", "MASTER"), ("backup", "BACKUP"), ("fault", "FAULT"), ("stop", "STOP")];
        assert_eq!(words, expected);
    }
}
