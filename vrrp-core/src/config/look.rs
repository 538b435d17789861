//! [`Look`]: whether a Backup looks who answers for the addresses before it takes over on silence.

use crate::ConfigError;

/// What a Backup does when silence alone is about to make it Active: it asks who answers for its
/// first address (an ARP probe, or a Neighbor Solicitation).
///
/// Whoever answers may be a node that is not heard, because of a firewall or of a password that
/// differs: then both would be Active. It may also be the kernel of a program that has died, which
/// answers until its lease ends. Only one that still answers after that counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "whoever looks has to decide on each")]
pub enum Look {
    /// It does not ask.
    Off,
    /// It takes over as if it had not asked, and tells of a host that answers still when a lease
    /// would have ended.
    #[default]
    Warn,
    /// The same, and it waits that long before it takes over, while that host answers.
    Hold,
}

impl Look {
    const ALL: [Self; 3] = [Self::Off, Self::Warn, Self::Hold];

    /// Returns the word of the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Hold => "hold",
        }
    }
}

impl core::str::FromStr for Look {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let mut all = Self::ALL.into_iter();
        all.find(|look| look.as_str() == text).ok_or(ConfigError::Look)
    }
}

impl core::fmt::Display for Look {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_read_by_its_word() {
        for look in Look::ALL {
            assert_eq!(look.as_str().parse(), Ok(look));
        }
        assert_eq!("maybe".parse::<Look>(), Err(ConfigError::Look));
        assert_eq!(Look::default(), Look::Warn);
    }
}
