//! [`NodeEvent`]: what a node reports as it happens.

use std::{fmt, net::IpAddr, sync::Arc};

use vrrp_core::{Claim, Key, Notice, Phase, Reason, Sender};

/// Something that happened to a virtual router.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum NodeEvent {
    /// Its phase changed.
    #[non_exhaustive]
    Transition {
        /// Its name.
        name: Arc<str>,
        /// Its key.
        key: Key,
        /// The phase before.
        from: Phase,
        /// The phase now.
        to: Phase,
        /// What caused it.
        reason: Reason,
        /// Whose advertisement caused it, if one did.
        sender: Option<Sender>,
    },
    /// Something about a peer looks wrong. It is reported once an hour for each of a few sources,
    /// and once a minute for each virtual router, kind and reason.
    #[non_exhaustive]
    Notice {
        /// Its name.
        name: Arc<str>,
        /// Its key.
        key: Key,
        /// What.
        notice: Notice,
        /// Whose message showed it.
        source: IpAddr,
        /// What that message claimed, where it could be read.
        claim: Option<Claim>,
        /// How often the same was seen of other sources since the last report, and only counted.
        others: u32,
    },
    /// A drain ended because nobody took over.
    #[non_exhaustive]
    DrainRefused {
        /// Its name.
        name: Arc<str>,
        /// Its key.
        key: Key,
    },
    /// A check fails, and nobody took over: an ill service goes on, which is better than none.
    #[non_exhaustive]
    Unrelieved {
        /// Its name.
        name: Arc<str>,
        /// Its key.
        key: Key,
    },
}

/// What a shutdown left behind: see [`Node::shutdown_within`](crate::Node::shutdown_within).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "addresses that were not released may answer on two nodes"]
#[non_exhaustive]
pub struct Released {
    /// The names of virtual routers whose backends had not released the addresses in time.
    pub unreleased: Vec<Arc<str>>,
}

impl Released {
    /// Whether every address was released.
    #[must_use]
    pub fn all(&self) -> bool {
        self.unreleased.is_empty()
    }
}

/// How a drain ended: see [`Handle::drain`](crate::Handle::drain).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "a drain that was refused leaves this node active"]
#[expect(clippy::exhaustive_enums, reason = "whoever drains has to decide on both")]
pub enum Drained {
    /// The addresses are released, and this node stays out of the election.
    Done,
    /// Nobody took over, and this node remains the active one; or a resume ended the drain.
    Refused,
}

impl Drained {
    /// A stable word for logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }
}

impl fmt::Display for Drained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
