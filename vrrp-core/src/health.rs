//! What is known of the service behind the addresses: [`Health`], of a [`Condition`] and a
//! [`Weight`].
//!
//! Checks are not the core's: whoever runs them tells it the sum of what they say, as a level. The
//! same health told twice changes nothing.

use core::{fmt, iter::Sum};

use crate::ConfigError;

/// What is known of the service behind the addresses of one virtual router, as a whole.
///
/// ```
/// use vrrp_core::{Condition, Health, Weight};
///
/// let health = Health { condition: Condition::Good, weight: Weight::try_from(-50)? };
/// assert_ne!(health, Health::default());
/// # Ok::<(), vrrp_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "written as a literal by whoever runs checks")]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Health {
    /// Whether this node should hold the addresses.
    pub condition: Condition,
    /// What is added to the configured priority.
    pub weight: Weight,
}

/// Whether a node should hold the addresses, as far as its checks know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "whoever shows one decides on each")]
pub enum Condition {
    /// Nothing speaks against it.
    #[default]
    Good,
    /// Nothing is known yet. It does not preempt, but takes over from a node that is gone.
    Unknown,
    /// Nothing is known yet, and only a service that is known to be good may serve: it does not
    /// become Active, but goes on if it is.
    Unproven,
    /// The service is ill, and is still better than none: any healthy node is before it, and if
    /// there is no other one, it holds the addresses.
    Ill,
    /// The service is ill, and must not be reached: it holds nothing ([`Hold::Check`]).
    ///
    /// [`Hold::Check`]: crate::Hold::Check
    Out,
}

impl Condition {
    /// Returns a stable word for logs, metrics and `status`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Unknown => "unknown",
            Self::Unproven => "unproven",
            Self::Ill => "ill",
            Self::Out => "out",
        }
    }
}

impl fmt::Display for Condition {
    /// Writes the word of [`as_str`](Self::as_str).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a check adds to a priority: -253 to 253. The sum stays within 1 to 254, and the priority of
/// an owner does not change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Weight(i16);

impl Weight {
    /// Changes nothing.
    pub const ZERO: Self = Self(0);
    /// Makes 254 of any priority.
    pub const MAX: Self = Self(253);
    /// Makes 1 of any priority.
    pub const MIN: Self = Self(-253);

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> i16 {
        self.0
    }
}

impl TryFrom<i16> for Weight {
    type Error = ConfigError;

    fn try_from(number: i16) -> Result<Self, ConfigError> {
        let weight = Self(number);
        if (Self::MIN..=Self::MAX).contains(&weight) {
            Ok(weight)
        } else {
            Err(ConfigError::Weight)
        }
    }
}

impl Sum for Weight {
    /// Returns the sum, cut off at the ends only as a whole: the order does not matter.
    fn sum<I: Iterator<Item = Self>>(weights: I) -> Self {
        let sum = weights.fold(0_i32, |sum, weight| sum.saturating_add(weight.0.into()));
        let within = sum.clamp(Self::MIN.0.into(), Self::MAX.0.into());
        Self(i16::try_from(within).unwrap_or_default())
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    #[test]
    fn the_order_of_weights_does_not_matter() {
        let weights: Vec<Weight> =
            [-253, 100, -253, 253, 153].into_iter().map(|w| Weight::try_from(w).unwrap()).collect();
        let there: Weight = weights.iter().copied().sum();
        let back: Weight = weights.iter().rev().copied().sum();
        assert_eq!((there, back), (Weight::ZERO, Weight::ZERO));
        assert_eq!([Weight::MIN, Weight::MIN].into_iter().sum::<Weight>(), Weight::MIN);
        assert_eq!(Weight::try_from(254), Err(ConfigError::Weight));
    }
}
