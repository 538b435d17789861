//! [`Member`]: one virtual router, as a program asks a node for it.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use vrrp_core::{GroupPolicy, Health, VirtualRouter};

use crate::backend::{VipBackend, VirtualAddress, VirtualRoute};

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
    /// How its addresses are put, of those that are not just put on its interface. What names none
    /// of its addresses says nothing.
    pub places: Vec<VirtualAddress>,
    /// Addresses of either family that are held with its own, and not advertised.
    pub extra: Vec<VirtualAddress>,
    /// Routes that are there while the addresses are.
    pub routes: Vec<VirtualRoute>,
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
    /// It goes on for a process that no other node succeeds before this moment.
    Succeeding(Instant),
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
        Self {
            name: name.into(),
            interface: interface.into(),
            router,
            backend,
            health: Health::default(),
            group: None,
            places: Vec::new(),
            extra: Vec::new(),
            routes: Vec::new(),
            start: Start::default(),
        }
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

    /// Says how one of its addresses is put: on another interface, for one, which is then watched as
    /// its own is. While that is missing or down, the virtual router stays out of the election
    /// ([`Hold::OtherInterface`](crate::Hold::OtherInterface)).
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use vrrp_net::{Centiseconds, Ipv4Addresses, Member, VirtualAddress, VirtualRouter, backend::Memory};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cidr: vrrp_net::Cidr = "198.51.100.10/32".parse()?;
    /// let addresses = Ipv4Addresses::new(["198.51.100.10".parse::<std::net::Ipv4Addr>()?])?;
    /// let router = VirtualRouter::v3_ipv4(51.try_into()?, addresses, Centiseconds::ONE_SECOND);
    /// let member = Member::new("eth0", router, Arc::new(Memory::new()))
    ///     .place(VirtualAddress::from(cidr).on("lo"))
    ///     .route("default via 192.0.2.254".parse()?);
    /// # let _ = member;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn place(mut self, address: VirtualAddress) -> Self {
        self.places.push(address);
        self
    }

    /// Adds an address of either family that is held with its own, and not advertised.
    #[must_use]
    pub fn extra(mut self, address: VirtualAddress) -> Self {
        self.extra.push(address);
        self
    }

    /// Adds a route that is there while the addresses are.
    #[must_use]
    pub fn route(mut self, route: VirtualRoute) -> Self {
        self.routes.push(route);
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

    /// Has it go on for an earlier process of this host that ended a moment ago, and said that no
    /// other node takes over before `until`: [`RouterStatus::lease`](crate::RouterStatus::lease) after
    /// the moment at which the status was asked for. What that process held is adopted then, even
    /// without a lifetime, and however long ago it was renewed.
    ///
    /// This is for a virtual router that is new to its node, and for a program that executes
    /// another one in its own place: whoever was ended in another way may have left longer ago.
    #[must_use]
    pub fn succeeding(mut self, until: Instant) -> Self {
        self.start = Start::Succeeding(until);
        self
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, interface, router, backend: _, health, group, start, .. } = self;
        let Self { places, extra, routes, .. } = self;
        let mut member = f.debug_struct("Member");
        member
            .field("name", name)
            .field("interface", interface)
            .field("router", router)
            .field("health", health)
            .field("group", group)
            .field("places", places)
            .field("extra", extra)
            .field("routes", routes)
            .field("start", start)
            .finish_non_exhaustive()
    }
}
