//! [`Error`]: why the kernel did not do what it was asked.

use std::{fmt, io, time::Duration};

/// How long the kernel may take. It answers at once, unless the lock on its tables is held.
pub(super) const TIMEOUT: Duration = Duration::from_secs(2);

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel refused it.
    #[error("the kernel refused it: {}{}", io::Error::from_raw_os_error(*.errno), Words(.text))]
    Refused {
        /// The error number, positive.
        errno: i32,
        /// The kernel's own words, if it gave any.
        text: String,
    },
    /// The kernel did not answer in time.
    #[error("the kernel did not answer within {} s", TIMEOUT.as_secs())]
    Timeout,
    /// The kernel's answer is not as netlink(7) says.
    #[error("the kernel's answer could not be read")]
    Malformed,
    /// The table kept changing while it was read.
    #[error("the kernel's table kept changing while it was read")]
    Interrupted,
    /// The socket itself failed.
    #[error("the netlink socket failed: {0}")]
    Io(#[from] io::Error),
}

impl Error {
    /// The error number, when the kernel gave one.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Refused { errno, .. } => Some(*errno),
            Self::Io(error) => error.raw_os_error(),
            Self::Timeout | Self::Malformed | Self::Interrupted => None,
        }
    }
}

struct Words<'a>(&'a str);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " ({})", self.0) }
    }
}
