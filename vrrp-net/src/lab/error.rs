//! What goes wrong in a lab.

use std::io;

use crate::netlink;

/// Why the lab could not do something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{doing} failed: {source}")]
    System {
        /// What was being done, and to what.
        doing: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// The kernel refused a change to a link or an address.
    #[error("{doing} failed: {source}")]
    Netlink {
        /// What was being done, and to what.
        doing: String,
        /// What the kernel says.
        source: netlink::Error,
    },
    /// What was asked for makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The program nft, which drops frames, is missing or refused.
    #[error("dropping frames failed: {0}")]
    Nft(String),
    /// The kernel did not come to it in time.
    #[error("{doing} failed: it was not done within {} s", .within.as_secs())]
    Late {
        /// What was being waited for.
        doing: String,
        /// How long.
        within: std::time::Duration,
    },
}

/// Says what was being done when something failed.
pub(super) trait Doing<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::System { doing: what(), source })
    }
}

impl<T> Doing<T> for nix::Result<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|errno| Error::System { doing: what(), source: errno.into() })
    }
}

impl<T> Doing<T> for Result<T, netlink::Error> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::Netlink { doing: what(), source })
    }
}
