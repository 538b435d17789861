//! The meaning of the priority octet: [`Claim`]; and what a node can be configured to claim:
//! [`Role`].

use core::{fmt, num::NonZeroU8, str::FromStr, time::Duration};

use crate::{ConfigError, Weight};

/// The priority of a router that does not own the addresses: 1 to 254, 100 by default (RFC 9568
/// 5.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(NonZeroU8);

impl Priority {
    /// 100, the default of RFC 9568 5.2.4.
    pub const DEFAULT: Self = Self(NonZeroU8::new(100).expect("100 is not zero"));

    /// 1, the least one.
    pub const LEAST: Self = Self(NonZeroU8::MIN);
    /// 254, the greatest one.
    const GREATEST: Self = Self(NonZeroU8::new(254).expect("254 is not zero"));

    /// Returns the octet on the wire.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0.get()
    }

    /// Returns the sum of this priority and a weight, within 1 to 254.
    ///
    /// ```
    /// use vrrp_core::{Priority, Weight};
    ///
    /// let weight = Weight::try_from(-150)?;
    /// assert_eq!(Priority::DEFAULT.weighted(weight), Priority::LEAST);
    /// # Ok::<(), vrrp_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn weighted(self, weight: Weight) -> Self {
        let sum = i16::from(self.get()).saturating_add(weight.get());
        match u8::try_from(sum.max(i16::from(Self::LEAST.get()))).map(Self::try_from) {
            Ok(Ok(priority)) => priority,
            Ok(Err(_)) | Err(_) => Self::GREATEST,
        }
    }
}

impl TryFrom<u8> for Priority {
    type Error = ConfigError;

    fn try_from(octet: u8) -> Result<Self, ConfigError> {
        match NonZeroU8::new(octet) {
            Some(octet) if octet < NonZeroU8::MAX => Ok(Self(octet)),
            Some(_) | None => Err(ConfigError::Priority),
        }
    }
}

impl FromStr for Priority {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        text.parse::<u8>().map_err(|_| ConfigError::Priority)?.try_into()
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What an advertisement claims in its priority octet (RFC 9568 5.2.4).
///
/// The order is the election: the greater claim becomes Active. Among equal claims the greater
/// primary address wins (RFC 9568 6.4.3).
///
/// ```
/// use vrrp_core::{Claim, Priority};
///
/// assert_eq!(Claim::from(0), Claim::Resign);
/// assert!(Claim::Own > Claim::Contend(Priority::DEFAULT));
/// assert_eq!(u8::from(Claim::from(100)), 100);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 9568 5.2.4 closes the set")]
pub enum Claim {
    /// Priority 0: the Active Router stops taking part.
    Resign,
    /// Priority 1 to 254: a router that backs up the addresses.
    Contend(Priority),
    /// Priority 255: the router that owns the addresses.
    Own,
}

impl From<u8> for Claim {
    fn from(octet: u8) -> Self {
        match (octet, Priority::try_from(octet)) {
            (0, _) => Self::Resign,
            (_, Ok(priority)) => Self::Contend(priority),
            (_, Err(_)) => Self::Own,
        }
    }
}

impl From<Claim> for u8 {
    fn from(claim: Claim) -> Self {
        match claim {
            Claim::Resign => 0,
            Claim::Contend(priority) => priority.get(),
            Claim::Own => Self::MAX,
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        u8::from(*self).fmt(f)
    }
}

/// Whether a Backup takes over from an Active of a weaker claim (RFC 9568 6.1, Preempt_Mode).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "every driver and configuration has to name all three")]
pub enum Preempt {
    /// It does: weaker advertisements are discarded, so Active_Down_Timer runs out.
    #[default]
    Always,
    /// It does not, for as long as the weaker Active lives.
    Never,
    /// It does, this long after it first heard a weaker advertisement as a Backup. Silence or a
    /// resignation voids the delay: then it takes over as any Backup would.
    After(Duration),
}

/// The role of this node in a virtual router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 9568 knows these two")]
pub enum Role {
    /// It owns the addresses: it claims 255, starts as Active and always preempts (RFC 9568 6.1).
    Owner,
    /// It backs the addresses up.
    Contender {
        /// Its configured priority.
        priority: Priority,
        /// Its Preempt_Mode.
        preempt: Preempt,
    },
}

impl Role {
    /// Returns what this node's advertisements claim.
    #[must_use]
    pub const fn claim(self) -> Claim {
        match self {
            Self::Owner => Claim::Own,
            Self::Contender { priority, .. } => Claim::Contend(priority),
        }
    }

    /// Returns the claim with the weight of checks added: 1 to 254. An owner's stays 255.
    #[must_use]
    pub fn weighted(self, weight: Weight) -> Claim {
        match self {
            Self::Owner => Claim::Own,
            Self::Contender { priority, .. } => Claim::Contend(priority.weighted(weight)),
        }
    }

    /// Returns the least claim that this role can make: an owner's stays 255.
    #[must_use]
    pub const fn least(self) -> Claim {
        match self {
            Self::Owner => Claim::Own,
            Self::Contender { .. } => Claim::Contend(Priority::LEAST),
        }
    }

    /// Returns the Preempt_Mode; an owner always preempts (RFC 9568 6.1).
    #[must_use]
    pub const fn preempt(self) -> Preempt {
        match self {
            Self::Owner => Preempt::Always,
            Self::Contender { preempt, .. } => preempt,
        }
    }
}

impl Default for Role {
    /// Returns priority 100, preempting: the defaults of RFC 9568 6.1.
    fn default() -> Self {
        Self::Contender { priority: Priority::DEFAULT, preempt: Preempt::Always }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_octet_is_one_claim_and_the_order_is_the_election() {
        for octet in 0..=u8::MAX {
            assert_eq!(u8::from(Claim::from(octet)), octet);
            if octet > 0 {
                assert!(Claim::from(octet) > Claim::from(octet - 1));
            }
        }
    }

    #[test]
    fn neither_zero_nor_the_owners_255_can_be_configured() {
        assert!(Priority::try_from(0).is_err());
        assert!(Priority::try_from(255).is_err());
        assert_eq!(Priority::try_from(254).map(Priority::get), Ok(254));
        assert_eq!("150".parse().map(Priority::get), Ok(150));
        assert_eq!("256".parse::<Priority>(), Err(ConfigError::Priority));
    }
}
