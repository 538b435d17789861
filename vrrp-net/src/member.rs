//! [`Member`]: one virtual router, as a program asks a node for it.

use std::{fmt, sync::Arc};

use vrrp_core::{GroupPolicy, Health, VirtualRouter};

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
    /// What is known of its service when it starts: see [`health`](Self::health).
    pub health: Health,
    /// What it moves together with.
    pub group: Option<Group>,
}

/// Virtual routers of one node that become active together and leave together: those that name the
/// same group. The first one of them in [`Node::configure`](crate::Node::configure) decides: while
/// it is active on this node, the others follow, and while it is active elsewhere, they hand over.
/// A drain, and an ill service, move all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Group {
    /// Its name.
    pub name: Arc<str>,
    /// What a hold of one member means to the others.
    pub policy: GroupPolicy,
}

impl Group {
    /// A group in which a hold of one member holds all.
    #[must_use]
    pub fn all(name: &str) -> Self {
        Self { name: name.into(), policy: GroupPolicy::All }
    }

    /// A group in which a member that is held is left out, until none is left.
    #[must_use]
    pub fn any(name: &str) -> Self {
        Self { name: name.into(), policy: GroupPolicy::Any }
    }
}

impl Member {
    /// A member named `INTERFACE-VRID-FAMILY`.
    pub fn new(interface: &str, router: VirtualRouter, backend: Arc<dyn VipBackend>) -> Self {
        let name = format!("{interface}-{}-{}", router.vrid(), router.family());
        let health = Health::default();
        let name = name.into();
        Self { name, interface: interface.into(), router, backend, health, group: None }
    }

    /// Sets the name.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }

    /// Sets what it moves together with.
    #[must_use]
    pub fn group(mut self, group: Group) -> Self {
        self.group = Some(group);
        self
    }

    /// Sets what is known of its service when it starts, such as
    /// [`Condition::Unknown`](crate::Condition::Unknown) until a check has run. Afterwards
    /// [`Handle::set_health`](crate::Handle::set_health) says it: a virtual router that is there keeps
    /// its health when it is configured again.
    #[must_use]
    pub fn health(mut self, health: Health) -> Self {
        self.health = health;
        self
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, interface, router, backend: _, health, group } = self;
        let mut member = f.debug_struct("Member");
        member
            .field("name", name)
            .field("interface", interface)
            .field("router", router)
            .field("health", health)
            .field("group", group)
            .finish_non_exhaustive()
    }
}
