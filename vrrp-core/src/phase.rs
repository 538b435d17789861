//! What a virtual router is doing, and what made it change: [`Phase`], [`Reason`].

use core::fmt;

use crate::{Hold, LeaseFailure};

/// What a virtual router is doing, as users see it.
///
/// These are the RFC's three states, with Active divided by what the backend has done so far. A
/// program may act as the active node in [`Held`](Self::Held) and [`Adopted`](Self::Adopted) only:
/// see [`is_active`](Self::is_active).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "every user of a phase has to decide on each")]
pub enum Phase {
    /// Initialize: not taking part, for this reason.
    Initialize(Hold),
    /// Backup: listening to an Active.
    Backup,
    /// Active on the wire, but the backend has not confirmed yet that the addresses are held.
    Acquiring,
    /// Active, and the addresses are held.
    #[doc(alias = "master")]
    Held,
    /// Active, and an earlier process of this node already held the addresses.
    Adopted,
    /// Resigned, and still answering for the addresses until a successor is heard or a bound has
    /// passed.
    Resigning,
}

impl Phase {
    /// Returns whether this node may act as the active one: the addresses are held and nobody is about to
    /// take over. Write by this; serve by [`holds_addresses`](Self::holds_addresses).
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Held | Self::Adopted)
    }

    /// Returns whether clients reach this node by the addresses: it holds them, or resigned and still
    /// answers until a successor takes them over. A service that closes its sockets before that
    /// refuses clients for the whole handover.
    ///
    /// ```
    /// use vrrp_core::Phase;
    ///
    /// assert!(Phase::Resigning.holds_addresses() && !Phase::Resigning.is_active());
    /// assert!(!Phase::Acquiring.holds_addresses());
    /// ```
    #[must_use]
    pub const fn holds_addresses(self) -> bool {
        matches!(self, Self::Held | Self::Adopted | Self::Resigning)
    }

    /// Returns whether its peers see it as Active: it advertises, or resigns.
    #[must_use]
    pub const fn is_on_the_wire(self) -> bool {
        matches!(self, Self::Acquiring | Self::Held | Self::Adopted | Self::Resigning)
    }

    /// Returns the name of the state in RFC 9568 6.4: `initialize`, `backup` or `active`.
    #[must_use]
    pub const fn state(self) -> &'static str {
        match self {
            Self::Initialize(_) => "initialize",
            Self::Backup => "backup",
            Self::Acquiring | Self::Held | Self::Adopted | Self::Resigning => "active",
        }
    }

    /// Returns a stable word for logs, metrics and `status`: the phase without the reason of a
    /// hold.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initialize(_) => "initialize",
            Self::Backup => "backup",
            Self::Acquiring => "acquiring",
            Self::Held => "held",
            Self::Adopted => "adopted",
            Self::Resigning => "resigning",
        }
    }
}

impl fmt::Display for Phase {
    /// Writes the phase, with the reason of a hold: `held`, `initialize (link-down)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Initialize(hold) => write!(f, "initialize ({})", hold.as_str()),
            phase => f.write_str(phase.as_str()),
        }
    }
}

/// What made a virtual router change its phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// It was started, or what it awaited at the start has arrived.
    Startup,
    /// Active_Down_Timer ran out: no advertisement for Active_Down_Interval.
    Silence,
    /// The Active resigned, and Skew_Time has passed.
    Resignation,
    /// A weaker Active was preempted.
    Preemption,
    /// It owns the addresses.
    Owner,
    /// The backend holds the addresses.
    Acquired,
    /// An earlier process of this node held the addresses, and no peer can have taken over since.
    Adopted,
    /// A stronger claim was heard.
    StrongerClaim,
    /// The backend failed.
    Backend(LeaseFailure),
    /// No advertisement could be sent, or none was sent, for three intervals: a peer may have taken
    /// over.
    Stalled,
    /// Advertisements could not be sent: three in a row, the first after a promotion, or the last
    /// before the bound.
    SendFailed,
    /// Another Active was heard, but cannot be reached: it cannot know of this node.
    Unreached,
    /// Something on this host deletes the addresses again and again.
    Fight,
    /// The interface went away, went down, or lost its address.
    Interface,
    /// The interface is back.
    InterfaceBack,
    /// The pause after a fault is over.
    Retry,
    /// The node shuts down.
    Shutdown,
    /// An operator drains it.
    Drain,
    /// An operator resumed it.
    Resume,
    /// A check failed.
    CheckFailed,
    /// No check fails any more.
    CheckPassed,
    /// Its group moves, or is complete again.
    Group,
    /// The handover is over: a successor was heard.
    Successor,
    /// The handover is over: nobody took over in time.
    NoSuccessor,
    /// Its configuration was removed or replaced.
    Reconfigured,
}

impl Reason {
    /// Every reason, in a fixed order.
    pub const ALL: [Self; 28] = [
        Self::Startup,
        Self::Silence,
        Self::Resignation,
        Self::Preemption,
        Self::Owner,
        Self::Acquired,
        Self::Adopted,
        Self::StrongerClaim,
        Self::Backend(LeaseFailure::Failed),
        Self::Backend(LeaseFailure::Denied),
        Self::Backend(LeaseFailure::AddressPresent),
        Self::Backend(LeaseFailure::TimedOut),
        Self::Stalled,
        Self::SendFailed,
        Self::Unreached,
        Self::Fight,
        Self::Interface,
        Self::InterfaceBack,
        Self::Retry,
        Self::Shutdown,
        Self::Drain,
        Self::Resume,
        Self::CheckFailed,
        Self::CheckPassed,
        Self::Group,
        Self::Successor,
        Self::NoSuccessor,
        Self::Reconfigured,
    ];

    /// Returns a stable word for logs, metrics and `status`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Startup => "startup",
            Self::Silence => "silence",
            Self::Resignation => "resignation",
            Self::Preemption => "preemption",
            Self::Owner => "owner",
            Self::Acquired => "acquired",
            Self::Adopted => "adopted",
            Self::StrongerClaim => "stronger-claim",
            Self::Backend(failure) => failure.as_str(),
            Self::Stalled => "stalled",
            Self::SendFailed => "send-failed",
            Self::Unreached => "peer-unreachable",
            Self::Fight => "fight",
            Self::Interface => "interface",
            Self::InterfaceBack => "interface-back",
            Self::Retry => "retry",
            Self::Shutdown => "shutdown",
            Self::Drain => "drain",
            Self::Resume => "resume",
            Self::CheckFailed => "check-failed",
            Self::CheckPassed => "check-passed",
            Self::Group => "group",
            Self::Successor => "successor",
            Self::NoSuccessor => "no-successor",
            Self::Reconfigured => "reconfigured",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::collections::BTreeSet;

    use super::*;

    /// The reason after this one. A new reason does not compile until it has its place here.
    const fn after(reason: Reason) -> Option<Reason> {
        Some(match reason {
            Reason::Startup => Reason::Silence,
            Reason::Silence => Reason::Resignation,
            Reason::Resignation => Reason::Preemption,
            Reason::Preemption => Reason::Owner,
            Reason::Owner => Reason::Acquired,
            Reason::Acquired => Reason::Adopted,
            Reason::Adopted => Reason::StrongerClaim,
            Reason::StrongerClaim => Reason::Backend(LeaseFailure::Failed),
            Reason::Backend(LeaseFailure::Failed) => Reason::Backend(LeaseFailure::Denied),
            Reason::Backend(LeaseFailure::Denied) => Reason::Backend(LeaseFailure::AddressPresent),
            Reason::Backend(LeaseFailure::AddressPresent) => {
                Reason::Backend(LeaseFailure::TimedOut)
            }
            Reason::Backend(LeaseFailure::TimedOut) => Reason::Stalled,
            Reason::Stalled => Reason::SendFailed,
            Reason::SendFailed => Reason::Unreached,
            Reason::Unreached => Reason::Fight,
            Reason::Fight => Reason::Interface,
            Reason::Interface => Reason::InterfaceBack,
            Reason::InterfaceBack => Reason::Retry,
            Reason::Retry => Reason::Shutdown,
            Reason::Shutdown => Reason::Drain,
            Reason::Drain => Reason::Resume,
            Reason::Resume => Reason::CheckFailed,
            Reason::CheckFailed => Reason::CheckPassed,
            Reason::CheckPassed => Reason::Group,
            Reason::Group => Reason::Successor,
            Reason::Successor => Reason::NoSuccessor,
            Reason::NoSuccessor => Reason::Reconfigured,
            Reason::Reconfigured => return None,
        })
    }

    #[test]
    fn every_reason_is_listed_once_and_has_a_word_of_its_own() {
        let every = std::iter::successors(Some(Reason::Startup), |reason| after(*reason));
        assert!(every.eq(Reason::ALL));
        let words: BTreeSet<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(words.len(), Reason::ALL.len());
    }
}
