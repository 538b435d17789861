//! Hosts on a wire in memory: for tests of programs that embed a [`Node`].
//!
//! ```
//! use vrrp_core::{Centiseconds, Cidr, Ipv4Addresses, LeaseFailure, Phase, VirtualRouter};
//! use vrrp_net::testing::Wire;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // In a test: #[tokio::test(start_paused = true)]
//! let wire = Wire::new();
//! let (a, b) = (wire.host("192.0.2.1".parse()?), wire.host("192.0.2.2".parse()?));
//! let addresses = Ipv4Addresses::new(["192.0.2.10/24".parse::<Cidr<_>>()?])?;
//! let router = VirtualRouter::v3_ipv4(51.try_into()?, addresses, Centiseconds::ONE_SECOND);
//! let strong = a.add(router.clone().with_priority(200.try_into()?)).await?;
//! let weak = b.add(router).await?;
//! strong.wait_for(Phase::is_active).await?;
//!
//! a.cut(); // Nobody hears a any more, and a does not know.
//! weak.wait_for(Phase::is_active).await?;
//! assert!(strong.active().is_some() && weak.active().is_some(), "each side has an active node");
//!
//! b.backend().fail_always(LeaseFailure::Failed);
//! a.mend();
//! strong.wait_for(Phase::is_active).await?;
//! weak.wait_for(|phase| phase == Phase::Backup).await?;
//! # Ok(()) }
//! ```
//!
//! Under tokio's paused time (its feature `test-util`) minutes pass in milliseconds, and a test goes
//! the same way each time: nothing in it reads the host's clock, [`Handle::active`] included.

use std::{fmt, net::IpAddr};

use tokio::sync::mpsc::UnboundedSender;
use vrrp_core::{InterfaceDetails, InterfaceStatus, Loss, MacAddr, VirtualRouter};

use crate::{
    Error, Handle, Node,
    backend::Memory,
    clock::TokioClock,
    link::memory::{self, Hub},
    monitor::{self, HostEvent, Snapshot},
};

/// The name of each host's interface.
pub const INTERFACE: &str = "eth0";

/// A wire that hosts are on, each by an interface [`INTERFACE`].
#[derive(Clone, Debug, Default)]
pub struct Wire(Hub);

impl Wire {
    /// A wire without hosts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A new host with the address `own`, with a node and a backend that holds nothing. Its
    /// interface is up.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn host(&self, own: IpAddr) -> Host {
        self.host_with(&[own])
    }

    /// The same with several addresses: the first of each family and kind is sent from.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn host_with(&self, own: &[IpAddr]) -> Host {
        let mut details = InterfaceDetails::default();
        for address in own {
            match *address {
                IpAddr::V4(v4) => details.ipv4 = details.ipv4.or(Some(v4)),
                IpAddr::V6(v6) if v6.is_unicast_link_local() => {
                    details.ipv6_link_local = details.ipv6_link_local.or(Some(v6));
                }
                IpAddr::V6(v6) => details.ipv6_routable = details.ipv6_routable.or(Some(v6)),
            }
        }
        let link = self.0.link(own);
        let (events, monitor) = monitor::channel();
        let node = Node::with_parts(link.clone(), TokioClock::new(), monitor);
        let host = Host { node, link, backend: Memory::new(), events, details };
        host.set_up(true);
        host
    }
}

/// A host of a [`Wire`]. Dropping it is what dropping its [`Node`] is: a shutdown that nobody waits
/// for. To have it die while it holds the addresses, [`cut`](Self::cut) it, or let its node
/// [`abandon`](Node::abandon) them.
pub struct Host {
    node: Node,
    link: memory::Memory,
    backend: Memory,
    events: UnboundedSender<HostEvent>,
    details: InterfaceDetails,
}

impl Host {
    /// Adds a virtual router on [`INTERFACE`] with the [`backend`](Self::backend).
    ///
    /// # Errors
    /// As for [`Node::add`].
    pub async fn add(&self, router: VirtualRouter) -> Result<Handle, Error> {
        self.node.add(INTERFACE, router, self.backend.clone()).await
    }

    /// Its node.
    #[must_use]
    pub const fn node(&self) -> &Node {
        &self.node
    }

    /// The backend that [`add`](Self::add) gives to virtual routers: it fails, hangs or takes its
    /// time on request, and knows what it was asked.
    #[must_use]
    pub const fn backend(&self) -> &Memory {
        &self.backend
    }

    /// Its end of the wire: what it sent, and what it announced.
    #[must_use]
    pub const fn link(&self) -> &memory::Memory {
        &self.link
    }

    /// Cuts the cable where the host cannot see it: what it sends reaches nobody, and nothing
    /// arrives.
    pub fn cut(&self) {
        self.link.partition(true);
    }

    /// Mends the cable.
    pub fn mend(&self) {
        self.link.partition(false);
    }

    /// Sets the interface up or down, as the host can see.
    pub fn set_up(&self, up: bool) {
        let details = self.details;
        let status = if up { InterfaceStatus::Up(details) } else { InterfaceStatus::Down(details) };
        let mac = MacAddr([2, 0, 0, 0, 0, 1]);
        let snapshot = Snapshot { index: 2, mac, status, ..Snapshot::default() };
        self.tell(HostEvent::Interface { name: INTERFACE.to_owned(), snapshot });
    }

    /// Somebody on the host deletes a virtual address. Only a backend that is
    /// [watched](Memory::set_watched) has addresses that anybody could see go.
    pub fn delete(&self, address: IpAddr) {
        let interface = INTERFACE.to_owned();
        self.tell(HostEvent::AddressRemoved { interface, address, loss: Loss::Deleted });
    }

    /// A node that has stopped listens to nothing.
    fn tell(&self, event: HostEvent) {
        drop(self.events.send(event));
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { node, backend, details, .. } = self;
        let mut host = f.debug_struct("Host");
        host.field("node", node).field("backend", backend).field("details", details);
        host.finish_non_exhaustive()
    }
}
