//! [`State`]: what is told of a virtual router or a group.

use std::fmt;

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

impl fmt::Display for State {
    /// Writes the word of [`as_str`](Self::as_str).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
