//! The vocabulary of a lease, the right to hold the addresses: [`Generation`], [`Answer`],
//! [`Reach`], [`Loss`], and [`LeaseFailure`].

use core::fmt;

use crate::Instant;

/// Numbers the requests to a backend, so that a late answer is recognized.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(u64);

impl Generation {
    /// Returns the number itself, for logs. It begins anew with each process.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    pub(crate) fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

/// What a backend answers. Each answer fits certain requests only: an answer to any other request
/// changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the answers to the requests of `Want`")]
pub enum Answer {
    /// To [`Want::Acquire`](crate::Want::Acquire) and [`Want::Repair`](crate::Want::Repair): this
    /// host answers for the addresses.
    Held(Reach),
    /// To [`Want::Adopt`](crate::Want::Adopt): an earlier process of this node held the addresses
    /// when it ended, and they are still held.
    Adopted {
        /// How neighbours find the addresses.
        reach: Reach,
        /// When that process last advertised, or an earlier time. Three intervals later a peer may
        /// have taken over, and the addresses are released.
        advertised_at: Instant,
    },
    /// To [`Want::Adopt`](crate::Want::Adopt): there is nothing to adopt, and leftovers have been
    /// released.
    NothingLeft,
    /// To [`Want::Inspect`](crate::Want::Inspect): an acquire could succeed.
    Ready,
    /// To any request: the backend does not hold the addresses, or could not.
    Failed(LeaseFailure),
}

/// How neighbours find the addresses once a backend holds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "neighbours are told, or need not be")]
pub enum Reach {
    /// By ARP or Neighbor Discovery on this link: the addresses are announced.
    OnLink,
    /// By routing (a cloud's floating IP, BGP): nothing is announced.
    Routed,
}

impl Reach {
    /// A stable word for logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnLink => "on-link",
            Self::Routed => "routed",
        }
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a held address was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "somebody's doing, or nobody's")]
pub enum Loss {
    /// Somebody deleted it, or its subnet's route. Repeated deletions are a fight: see
    /// [`Reason::Fight`].
    ///
    /// [`Reason::Fight`]: crate::Reason::Fight
    Deleted,
    /// Nobody deleted it: it expired, its interface went down, or it went with the primary address
    /// of its subnet.
    Lapsed,
}

impl Loss {
    /// A stable word for logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Lapsed => "lapsed",
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a backend does not hold the addresses. It is an input of the protocol, not an error of a
/// caller: the node resigns and a healthy peer takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LeaseFailure {
    /// The backend tried and failed; another try may help.
    Failed,
    /// The backend lacks a right or a privilege.
    Denied,
    /// The address is already there and is not ours.
    AddressPresent,
    /// The backend did not answer in time.
    TimedOut,
}

impl LeaseFailure {
    /// Returns a stable word for logs, metrics and `status`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "backend-failed",
            Self::Denied => "backend-denied",
            Self::AddressPresent => "address-present",
            Self::TimedOut => "backend-timeout",
        }
    }
}

impl fmt::Display for LeaseFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
