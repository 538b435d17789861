//! [`Version`]: one of the two protocols; [`Versions`]: those that a virtual router speaks.

use core::fmt;

/// A version of VRRP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the versions that are in use")]
pub enum Version {
    /// RFC 3768, for IPv4 only.
    V2,
    /// RFC 9568.
    V3,
}

impl Version {
    /// Returns the number on the wire: 2 or 3.
    #[must_use]
    pub const fn get(self) -> u8 {
        match self {
            Self::V2 => 2,
            Self::V3 => 3,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// The versions that a virtual router speaks: one, or both while its nodes move from one to the
/// other (RFC 9568 8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "one of them, or both")]
pub enum Versions {
    /// This one alone.
    Only(Version),
    /// Both.
    Both,
}

impl Versions {
    /// Returns whether `version` is spoken.
    #[must_use]
    pub fn contains(self, version: Version) -> bool {
        match self {
            Self::Only(only) => only == version,
            Self::Both => true,
        }
    }
}

impl From<Version> for Versions {
    fn from(version: Version) -> Self {
        Self::Only(version)
    }
}
