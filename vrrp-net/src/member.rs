//! [`Member`]: one virtual router, as a program asks a node for it.

use std::{fmt, sync::Arc, time::Duration};

use vrrp_core::VirtualRouter;

use crate::backend::VipBackend;

/// One virtual router for [`Node::configure`](crate::Node::configure).
#[derive(Clone)]
#[non_exhaustive]
pub struct Member {
    /// Its name, for logs, status and control.
    pub name: Arc<str>,
    /// The interface's name.
    pub interface: Arc<str>,
    /// Its configuration.
    pub router: VirtualRouter,
    /// Who holds its addresses. Members with the same `Arc` are renewed in one call.
    pub backend: Arc<dyn VipBackend>,
    pub(crate) start: Start,
}

/// What a virtual router that is new to its node does first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Start {
    /// It takes part in the election.
    #[default]
    TakingPart,
    /// It stays out until it is resumed, or for this long.
    Drained(Option<Duration>),
}

impl Member {
    /// A member named `INTERFACE-VRID-FAMILY`.
    pub fn new(interface: &str, router: VirtualRouter, backend: Arc<dyn VipBackend>) -> Self {
        let name = format!("{interface}-{}-{}", router.vrid(), router.family());
        let start = Start::default();
        Self { name: name.into(), interface: interface.into(), router, backend, start }
    }

    /// Sets the name.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }

    /// Sets whether it starts drained: it stays out of the election until
    /// [`Handle::resume`](crate::Handle::resume), and what an earlier process left on this host is
    /// released and not adopted.
    ///
    /// This is for a virtual router that is new to its node. One that is there already keeps the
    /// drain that it has, or goes on without one.
    #[must_use]
    pub fn drained(mut self, drained: bool) -> Self {
        self.start = if drained { Start::Drained(None) } else { Start::TakingPart };
        self
    }

    /// Has it start drained, as [`drained`](Self::drained) does, for `duration` from the moment at
    /// which it is configured.
    #[must_use]
    pub fn drained_for(mut self, duration: Duration) -> Self {
        self.start = Start::Drained(Some(duration));
        self
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, interface, router, backend: _, start } = self;
        let mut member = f.debug_struct("Member");
        member
            .field("name", name)
            .field("interface", interface)
            .field("router", router)
            .field("start", start)
            .finish_non_exhaustive()
    }
}
