//! [`NodeEvent`]: what a node tells as it happens.

use std::{net::IpAddr, sync::Arc};

use vrrp_core::{Key, Notice, Phase, Reason};

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
    },
    /// Something about a peer looks wrong.
    Notice {
        /// Its name.
        name: Arc<str>,
        /// What.
        notice: Notice,
        /// Whose advertisement showed it.
        source: IpAddr,
    },
    /// A drain ended because nobody took over.
    DrainRefused {
        /// Its name.
        name: Arc<str>,
    },
}
