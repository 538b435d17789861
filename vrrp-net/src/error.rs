//! [`Error`]: what can go wrong in talking to a node.

use std::{io, time::Duration};

use vrrp_core::{Family, Phase};

use crate::remedy::Explained;

/// What can go wrong in talking to a [`Node`](crate::Node).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel refused a socket.
    #[error("{what}: {}", Explained(.source))]
    #[non_exhaustive]
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
    #[non_exhaustive]
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
    #[non_exhaustive]
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
    /// Members of one group disagree on its policy.
    #[error("the members of the group {0:?} disagree on its policy; give all of them the same one")]
    GroupPolicies(String),
    /// Another configuration of a virtual router has another VRID or family.
    #[error("{name} is VRID {vrid} for {family} and stays so; remove it, and add the other one")]
    #[non_exhaustive]
    OtherRouter {
        /// Its name.
        name: String,
        /// Its VRID.
        vrid: u8,
        /// Its family.
        family: Family,
    },
    /// A virtual router that was being removed was configured again.
    #[error("{0} was configured again before it was gone")]
    Kept(String),
    /// The kernel refuses the sockets of a virtual router to this process.
    #[error(
        "{name}: {reason}; give it to this program (AmbientCapabilities= of systemd, --cap-add of \
         a container engine, `setcap cap_net_raw,cap_net_admin+ep PROGRAM`)"
    )]
    #[non_exhaustive]
    Denied {
        /// The name of the virtual router.
        name: String,
        /// What the kernel said.
        reason: String,
    },
    /// Only the active node announces its addresses.
    #[error(
        "{name} is not the active node ({phase}), so it has no addresses to announce; ask the node \
         that is"
    )]
    #[non_exhaustive]
    NotActive {
        /// The name of the virtual router.
        name: String,
        /// What it does instead.
        phase: Phase,
    },
    /// Its addresses were announced on request less than a second ago.
    #[error(
        "{name} was asked to announce its addresses less than a second ago, and each announcement \
         reaches everybody on the link; ask again in {} ms",
        .wait.as_nanos().div_ceil(1_000_000)
    )]
    #[non_exhaustive]
    TooSoon {
        /// The name of the virtual router.
        name: String,
        /// How long until it may be asked again.
        wait: Duration,
    },
    /// It is the active node, and announces nothing at the moment.
    #[error(
        "{0} announces nothing: neighbours find its addresses by routing, or something is missing \
         at the moment, and they are announced once it is back; its status says what is missing"
    )]
    Unannounced(String),
    /// The tokio runtime has no timers.
    #[error(
        "the tokio runtime of this thread has no timers, and a backend that hangs could not be \
         given up; build the runtime with enable_time() or enable_all()"
    )]
    NoTimers,
    /// The node has been shut down.
    #[error("the node has been shut down")]
    Stopped,
    /// No virtual router has this name.
    #[error("there is no virtual router {0:?}")]
    Unknown(String),
}
