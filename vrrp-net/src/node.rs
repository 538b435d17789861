//! [`Node`] and [`Handle`]: what a program holds.

use std::{net::IpAddr, sync::Arc, time::Duration, time::SystemTime};

use tokio::sync::broadcast;
use vrrp_core::{Cidr, Claim, Counters, Family, Key, Notice, Phase, Reason, Rejected, VirtualRouter};

use crate::{VipBackend, link::Overflow};

/// What can go wrong in talking to a [`Node`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel refused a socket.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// Two virtual routers of one family with one VRID on one interface.
    #[error("VRID {vrid} is used twice on {interface} for {family}; a VRID is unique per interface and family")]
    Duplicate {
        /// The interface.
        interface: String,
        /// The VRID.
        vrid: u8,
        /// The family.
        family: Family,
    },
    /// The node has been shut down.
    #[error("the node has been shut down")]
    Stopped,
    /// No virtual router has this name.
    #[error("there is no virtual router {0:?}")]
    Unknown(String),
}

/// One virtual router for [`Node::configure`].
#[derive(Clone)]
#[non_exhaustive]
pub struct Member {
    /// Its name, for logs, status and control.
    pub name: Arc<str>,
    /// The interface's name.
    pub interface: Arc<str>,
    /// Its configuration.
    pub router: VirtualRouter,
    /// Who holds its addresses.
    pub backend: Arc<dyn VipBackend>,
}

impl Member {
    /// A member named `INTERFACE-VRID-FAMILY`.
    pub fn new(interface: &str, router: VirtualRouter, backend: Arc<dyn VipBackend>) -> Self {
        let name = format!("{interface}-{}-{}", router.vrid(), router.family());
        Self { name: name.into(), interface: interface.into(), router, backend }
    }

    /// Sets the name.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }
}

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

/// Everything about a node at one moment.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct NodeStatus {
    /// Its virtual routers, in the order of their names.
    pub routers: Vec<RouterStatus>,
    /// Its sockets, with what belongs to no virtual router.
    pub ports: Vec<PortStatus>,
}

/// Everything about one virtual router at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RouterStatus {
    /// Its name.
    pub name: Arc<str>,
    /// The interface's name.
    pub interface: Arc<str>,
    /// Its configuration.
    pub router: VirtualRouter,
    /// What it does.
    pub phase: Phase,
    /// Since when.
    pub since: SystemTime,
    /// What led to it.
    pub reason: Reason,
    /// Its effective priority.
    pub claim: Claim,
    /// The addresses that are held now; empty unless the phase is held, adopted or resigning.
    pub held: Vec<Cidr>,
    /// For how long it stays active if no further advertisement can be sent.
    pub lease: Option<Duration>,
    /// How long it will not preempt yet, because of a fault of its own.
    pub probation: Option<Duration>,
    /// The Active that it follows, as a Backup.
    pub active_peer: Option<IpAddr>,
    /// What the backend last said when it failed.
    pub backend_error: Option<String>,
    /// Counters.
    pub counters: Counters,
    /// Who was heard, and whose messages were refused.
    pub speakers: Vec<SpeakerStatus>,
}

/// A node that was heard.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SpeakerStatus {
    /// Its address.
    pub source: IpAddr,
    /// How long ago.
    pub ago: Duration,
    /// How many messages.
    pub messages: u64,
    /// What it claims, or why it was refused.
    pub verdict: Result<Claim, Rejected>,
}

/// One socket, and what it received that belongs to no virtual router.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PortStatus {
    /// The interface's name.
    pub interface: Arc<str>,
    /// The family.
    pub family: Family,
    /// Rejections of messages for VRIDs that are not ours.
    pub counters: Counters,
    /// Whose messages those were.
    pub speakers: Vec<SpeakerStatus>,
    /// What was dropped before it could be read.
    pub overflow: Overflow,
}

/// VRRP on this host: one task that drives any number of virtual routers.
///
/// Clones are handles to the same node. Dropping the last one, with every [`Handle`], is a shutdown.
#[derive(Clone)]
pub struct Node {}

/// One virtual router of a [`Node`].
#[derive(Clone)]
pub struct Handle {}

/// Until when this node is the active one, unless it is renewed: see [`Handle::active`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActiveUntil {
    until: vrrp_core::Instant,
}

#[allow(missing_docs, unused_variables, clippy::unimplemented)]
impl Node {
    /// Raw sockets and netlink in the network namespace of the calling thread. Inside a tokio runtime.
    pub fn linux() -> Result<Self, Error> { unimplemented!() }
    /// Adds one virtual router and starts it.
    pub async fn add(&self, interface: &str, router: VirtualRouter, backend: impl VipBackend) -> Result<Handle, Error> { unimplemented!() }
    /// The whole desired world at once; what stays keeps its state.
    pub async fn configure(&self, members: Vec<Member>) -> Result<Vec<Handle>, Error> { unimplemented!() }
    pub fn events(&self) -> broadcast::Receiver<NodeEvent> { unimplemented!() }
    pub async fn status(&self) -> Result<NodeStatus, Error> { unimplemented!() }
    /// Hands over, releases, and returns when all is let go. A second call, from a clone, lets go at once.
    pub async fn shutdown(&self) -> Result<(), Error> { unimplemented!() }
}

#[allow(missing_docs, unused_variables, clippy::unimplemented)]
impl Handle {
    pub fn name(&self) -> &str { unimplemented!() }
    pub fn phase(&self) -> Phase { unimplemented!() }
    /// Waits for a phase other than the one last seen through this handle.
    pub async fn changed(&mut self) -> Result<Phase, Error> { unimplemented!() }
    /// `Some` while this node may act as the active one; compares the bound with the clock at each call.
    pub fn active(&self) -> Option<ActiveUntil> { unimplemented!() }
    /// Hands over and stays out; Ok(false): nobody took over, and this node goes on.
    pub async fn drain(&self, force: bool) -> Result<bool, Error> { unimplemented!() }
    pub async fn resume(&self) -> Result<(), Error> { unimplemented!() }
}

impl ActiveUntil {
    /// How long that is from now; zero once it has passed.
    #[must_use]
    pub fn remaining(&self) -> Duration { Duration::ZERO }
}
