//! [`Error`]: what can go wrong in talking to a node.

use std::io;

use vrrp_core::Family;

use crate::remedy::Explained;

/// What can go wrong in talking to a [`Node`](crate::Node).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel refused a socket.
    #[error("{what}: {}", Explained(.source))]
    Io {
        /// What was tried.
        what: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// Two virtual routers of one family with one VRID on one interface.
    #[error(
        "VRID {vrid} is used twice on {interface} for {family}; a VRID is unique per interface and \
         family"
    )]
    Duplicate {
        /// The interface.
        interface: String,
        /// The VRID.
        vrid: u8,
        /// The family.
        family: Family,
    },
    /// Another process of this network namespace runs the virtual router.
    #[error(
        "VRID {vrid} on {interface} for {family} is run by {holder} already; stop it, or use \
         another VRID"
    )]
    Taken {
        /// The interface.
        interface: String,
        /// The VRID.
        vrid: u8,
        /// The family.
        family: Family,
        /// Who runs it.
        holder: String,
    },
    /// Two virtual routers of one name.
    #[error("two virtual routers are named {0:?}; give one of them another name")]
    DuplicateName(String),
    /// The node has been shut down.
    #[error("the node has been shut down")]
    Stopped,
    /// No virtual router has this name.
    #[error("there is no virtual router {0:?}")]
    Unknown(String),
}
