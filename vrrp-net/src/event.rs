//! [`NodeEvent`]: what a node tells as it happens.

use std::{net::IpAddr, sync::Arc};

use vrrp_core::{Claim, Key, Notice, Phase, Reason, Sender};

/// Something that happened to a virtual router.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum NodeEvent {
    /// Its phase changed.
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
    /// Something about a peer looks wrong. Told once an hour for each of a few sources, and of one
    /// kind and one reason once a minute for each virtual router.
    Notice {
        /// Its name.
        name: Arc<str>,
        /// What.
        notice: Notice,
        /// Whose message showed it.
        source: IpAddr,
        /// What that message claimed, where it could be read.
        claim: Option<Claim>,
        /// How many times the same was to be told of other sources since it was told last, and was
        /// counted instead.
        others: u32,
    },
    /// A drain ended because nobody took over.
    DrainRefused {
        /// Its name.
        name: Arc<str>,
    },
}
