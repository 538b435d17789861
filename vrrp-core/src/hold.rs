//! What keeps a virtual router back: [`Hold`]s keep it out of the election, [`Gate`]s let it
//! listen.
//!
//! Both are levels, not edges: each stands for as long as its reason lasts, whatever happens to the
//! others. To add one, add a variant, its word, and its place in `ALL`.

use core::fmt;

use crate::LeaseFailure;

/// Why a virtual router does not take part. Several may stand at once: [`Holds`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hold {
    /// It has not been started, or it has been shut down.
    Stopped,
    /// The interface does not exist.
    InterfaceMissing,
    /// The interface is down or has no carrier.
    LinkDown,
    /// No socket could be opened on the interface: it can neither send nor hear.
    NoSocket,
    /// The interface has no usable address to send from.
    NoSource,
    /// Another interface that it relies on ([`Desired::rely_on`]) does not exist, is down, or has
    /// no carrier.
    ///
    /// [`Desired::rely_on`]: crate::Desired::rely_on
    OtherInterface,
    /// The backend could not hold the addresses; it is asked again after a while.
    Backend(LeaseFailure),
    /// It owns the addresses, and its backend is asked whether it could hold them.
    Inspecting,
    /// Advertisements could not be sent: three in a row, or the last before the bound.
    Send,
    /// It was drained, and waits to be resumed.
    Drained,
    /// A check failed, and an ill service must not be reached ([`Condition::Out`]).
    ///
    /// [`Condition::Out`]: crate::Condition::Out
    Check,
    /// Another virtual router of its group is held, and holds all.
    Group,
}

impl Hold {
    /// Returns a stable word for logs, metrics and `status`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::InterfaceMissing => "interface-missing",
            Self::LinkDown => "link-down",
            Self::NoSocket => "no-socket",
            Self::NoSource => "no-source-address",
            Self::OtherInterface => "other-interface",
            Self::Backend(failure) => failure.as_str(),
            Self::Inspecting => "inspecting",
            Self::Send => "send",
            Self::Drained => "drained",
            Self::Check => "check",
            Self::Group => "group",
        }
    }

    /// Returns whether it is a fault of this node that needs attention. What was asked for is none,
    /// nor is a service that is ill: to restart this node would not heal it.
    #[must_use]
    pub const fn is_fault(self) -> bool {
        !matches!(
            self,
            Self::Stopped | Self::Inspecting | Self::Drained | Self::Check | Self::Group
        )
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Hold {
    /// Every hold, in the order in which users see them.
    const ALL: [Self; 15] = [
        Self::Stopped,
        Self::Drained,
        Self::InterfaceMissing,
        Self::LinkDown,
        Self::NoSocket,
        Self::NoSource,
        Self::OtherInterface,
        Self::Backend(LeaseFailure::Failed),
        Self::Backend(LeaseFailure::Denied),
        Self::Backend(LeaseFailure::AddressPresent),
        Self::Backend(LeaseFailure::TimedOut),
        Self::Inspecting,
        Self::Send,
        // Last, so that a fault of this node is told first.
        Self::Check,
        Self::Group,
    ];
}

/// The holds that stand at one moment.
///
/// ```
/// use vrrp_core::{Hold, Holds};
///
/// let holds: Holds = [Hold::LinkDown, Hold::Drained].into_iter().collect();
/// assert!(holds.contains(Hold::LinkDown));
/// assert_eq!(holds.first(), Some(Hold::Drained));
/// assert_eq!(holds.to_string(), "drained, link-down");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Holds(u64);

impl Holds {
    /// The empty set.
    pub const EMPTY: Self = Self(0);

    /// Returns whether no hold stands.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns whether `hold` stands.
    #[must_use]
    pub fn contains(self, hold: Hold) -> bool {
        self.0 & bit(&Hold::ALL, &hold) != 0
    }

    /// Returns the hold that [`Phase::Initialize`](crate::Phase::Initialize) names.
    #[must_use]
    pub fn first(self) -> Option<Hold> {
        self.iter().next()
    }

    /// Returns the holds that stand, in order of weight.
    pub fn iter(self) -> impl Iterator<Item = Hold> {
        Hold::ALL.into_iter().filter(move |hold| self.contains(*hold))
    }
}

impl FromIterator<Hold> for Holds {
    fn from_iter<I: IntoIterator<Item = Hold>>(holds: I) -> Self {
        Self(holds.into_iter().fold(0, |bits, hold| bits | bit(&Hold::ALL, &hold)))
    }
}

impl fmt::Display for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_words(f, self.iter().map(Hold::as_str))
    }
}

/// What lets a Backup listen, but keeps it from becoming Active, or from preempting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Gate {
    /// The backend is being asked whether it could hold the addresses: no promotion before its
    /// answer.
    Asking,
    /// The node started a short time ago: no promotion before that is over.
    StartupDelay,
    /// The link came up a short time ago: no promotion before that is over.
    UpDelay,
    /// Other virtual routers of its group are not ready, or Active elsewhere: no promotion before
    /// they are ready.
    Group,
    /// Another host answers for the addresses, although nothing is heard of it: no promotion before
    /// it stops, or before it would have if it were a dead program's kernel
    /// ([`Look::Hold`](crate::Look::Hold)).
    Look,
    /// A check has no result yet, and only a service that is known to be good may serve: no
    /// promotion before it has ([`Condition::Unproven`](crate::Condition::Unproven)).
    Unproven,
    /// A check has no result yet: no preemption ([`Condition::Unknown`](crate::Condition::Unknown)).
    Unknown,
    /// A check failed: no preemption, and everybody healthy is before it
    /// ([`Condition::Ill`](crate::Condition::Ill)).
    Ill,
    /// The node recently had a fault of its own, or left for a check again and again: no
    /// preemption.
    Probation,
}

impl Gate {
    const ALL: [Self; 9] = [
        Self::Asking,
        Self::StartupDelay,
        Self::UpDelay,
        Self::Group,
        Self::Look,
        Self::Unproven,
        Self::Unknown,
        Self::Ill,
        Self::Probation,
    ];

    /// Returns a stable word for logs, metrics and `status`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asking => "asking",
            Self::StartupDelay => "startup-delay",
            Self::UpDelay => "up-delay",
            Self::Group => "group",
            Self::Look => "look",
            Self::Unproven => "check-unproven",
            Self::Unknown => "check-unknown",
            Self::Ill => "ill",
            Self::Probation => "probation",
        }
    }

    /// Returns whether it forbids every promotion, not only preemption.
    #[must_use]
    pub const fn forbids_promotion(self) -> bool {
        match self {
            Self::Asking
            | Self::StartupDelay
            | Self::UpDelay
            | Self::Group
            | Self::Look
            | Self::Unproven => true,
            Self::Unknown | Self::Ill | Self::Probation => false,
        }
    }
}

impl fmt::Display for Gate {
    /// The word of [`as_str`](Self::as_str).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The gates that stand at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Gates(u64);

impl Gates {
    /// The empty set.
    pub const EMPTY: Self = Self(0);

    /// Returns whether no gate stands.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns whether `gate` stands.
    #[must_use]
    pub fn contains(self, gate: Gate) -> bool {
        self.0 & bit(&Gate::ALL, &gate) != 0
    }

    /// Returns the gates that stand.
    pub fn iter(self) -> impl Iterator<Item = Gate> {
        Gate::ALL.into_iter().filter(move |gate| self.contains(*gate))
    }
}

impl FromIterator<Gate> for Gates {
    fn from_iter<I: IntoIterator<Item = Gate>>(gates: I) -> Self {
        Self(gates.into_iter().fold(0, |bits, gate| bits | bit(&Gate::ALL, &gate)))
    }
}

impl fmt::Display for Gates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_words(f, self.iter().map(Gate::as_str))
    }
}

/// Returns the bit of `one` in `all`, which has at most 64 elements.
fn bit<T: PartialEq>(all: &[T], one: &T) -> u64 {
    let place =
        all.iter().position(|other| other == one).and_then(|place| u32::try_from(place).ok());
    place.and_then(|place| 1_u64.checked_shl(place)).unwrap_or(0)
}

fn write_words(
    f: &mut fmt::Formatter<'_>,
    words: impl Iterator<Item = &'static str>,
) -> fmt::Result {
    for (number, word) in words.enumerate() {
        if number > 0 {
            f.write_str(", ")?;
        }
        f.write_str(word)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, string::ToString, vec::Vec};

    use super::*;

    extern crate std;

    #[test]
    fn every_hold_has_a_word_and_a_bit_of_its_own() {
        let words: BTreeSet<&str> = Hold::ALL.into_iter().map(Hold::as_str).collect();
        assert_eq!(words.len(), Hold::ALL.len());
        let all: Holds = Hold::ALL.into_iter().collect();
        assert_eq!(all.iter().collect::<Vec<_>>(), Hold::ALL);
        for hold in Hold::ALL {
            let one: Holds = [hold].into_iter().collect();
            assert_eq!(one.iter().collect::<Vec<_>>(), [hold]);
        }
    }

    #[test]
    fn a_set_is_told_in_the_order_of_its_weight() {
        let holds: Holds = [Hold::Send, Hold::Stopped, Hold::NoSource].into_iter().collect();
        assert_eq!(holds.first(), Some(Hold::Stopped));
        assert_eq!(holds.to_string(), "stopped, no-source-address, send");
        assert_eq!(Holds::EMPTY.to_string(), "");
    }

    #[test]
    fn a_gate_stands_by_itself() {
        let gates: Gates = [Gate::Probation].into_iter().collect();
        assert!(gates.contains(Gate::Probation) && !gates.contains(Gate::Asking));
        assert_eq!(gates.to_string(), "probation");
        assert!(Gates::EMPTY.is_empty());
    }
}
