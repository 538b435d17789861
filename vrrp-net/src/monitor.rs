//! What the host reports of its interfaces: the [`Monitor`] trait, the third seam next to
//! [`Link`](crate::link::Link) and [`Clock`](crate::clock::Clock).

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::IpAddr,
    task::{Context, Poll},
};

use tokio::sync::mpsc;
use vrrp_core::{Cidr, Family, InterfaceStatus, Loss, MacAddr};

/// Reports interfaces of the host to a driver, by name: they may be missing, vanish and come back.
pub trait Monitor: Send + 'static {
    /// Begins to watch the interface `name`, which need not exist. The next event of it is how it is
    /// now. Watching it again changes nothing.
    fn watch(&mut self, name: &str);

    /// Ends the watch of the interface `name`: no more events of it are needed. It may be watched
    /// again later.
    fn unwatch(&mut self, _name: &str) {}

    /// Names addresses that are not the host's own to send from, whoever puts them there: a program
    /// that moves addresses may put them on an interface.
    fn set_virtual(&mut self, _addresses: BTreeSet<IpAddr>) {}

    /// Returns the networks of a watched interface: the host's own addresses with their prefix
    /// lengths. A monitor that does not know them returns none.
    fn networks(&self, _name: &str) -> Vec<Cidr> {
        Vec::new()
    }

    /// Ready with the next event of a watched interface.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<HostEvent>;
}

/// Something that happened on this host.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostEvent {
    /// An interface came, changed or went.
    Interface {
        /// Its name.
        name: String,
        /// How it is now.
        snapshot: Snapshot,
    },
    /// An address is gone, whoever removed it, or it was a virtual one and became the host's own.
    AddressRemoved {
        /// The name of the interface that it was on.
        interface: String,
        /// The address.
        address: IpAddr,
        /// Whether somebody meant to delete it.
        loss: Loss,
    },
    /// A route to the subnet of a virtual address is gone, and the address is not.
    RouteRemoved {
        /// The name of the interface that it was on.
        interface: String,
        /// The subnet.
        prefix: Cidr,
        /// Whether somebody meant to delete what the virtual address had brought.
        loss: Loss,
    },
    /// A virtual route is gone, whoever removed it: this process, too, as it leaves.
    VirtualRouteRemoved {
        /// The subnet that it led to.
        destination: Cidr,
        /// The number of its routing table.
        table: u32,
        /// Its metric, as the kernel shows it.
        metric: u32,
    },
    /// Some events were lost for good. How everything is now has been reported, but an interface
    /// may have gone and come back as it was, and then its sockets receive nothing.
    Missed,
}

/// Tells apart what looks alike. Each number counts on when something goes that sockets listen on:
/// what comes in its place looks the same, but the sockets receive nothing on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "written as a literal by monitors")]
pub struct Incarnation {
    /// The interface itself.
    pub interface: u64,
    /// Its last IPv4 address.
    pub ipv4: u64,
    /// Its last IPv6 address.
    pub ipv6: u64,
}

impl Incarnation {
    /// The number of a family.
    #[must_use]
    pub const fn of(&self, family: Family) -> u64 {
        match family {
            Family::Ipv4 => self.ipv4,
            Family::Ipv6 => self.ipv6,
        }
    }
}

/// An interface at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "written as a literal by monitors")]
pub struct Snapshot {
    /// The kernel's index; another one means that the interface was deleted and created again.
    pub index: u32,
    /// Its hardware address.
    pub mac: MacAddr,
    /// Tells whether it is still the same one, where the index and the address do not.
    pub incarnation: Incarnation,
    /// What it can do for us.
    pub status: InterfaceStatus,
}

impl Snapshot {
    /// Whether the interface exists.
    #[must_use]
    pub const fn is_present(&self) -> bool {
        !matches!(self.status, InterfaceStatus::Missing)
    }
}

/// A monitor and the sender that feeds it: for tests, simulations and platforms without a monitor
/// of their own.
#[must_use]
pub fn channel() -> (mpsc::UnboundedSender<HostEvent>, ChannelMonitor) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let monitor = ChannelMonitor {
        receiver,
        known: BTreeMap::new(),
        watched: BTreeSet::new(),
        pending: VecDeque::new(),
    };
    (sender, monitor)
}

/// Yields the events sent through its [`channel`]; pending forever once the sender is dropped.
#[derive(Debug)]
pub struct ChannelMonitor {
    receiver: mpsc::UnboundedReceiver<HostEvent>,
    /// How every interface is, watched or not.
    known: BTreeMap<String, Snapshot>,
    watched: BTreeSet<String>,
    pending: VecDeque<HostEvent>,
}

impl Monitor for ChannelMonitor {
    fn watch(&mut self, name: &str) {
        if self.watched.insert(name.to_owned())
            && let Some(snapshot) = self.known.get(name)
        {
            self.pending
                .push_back(HostEvent::Interface { name: name.to_owned(), snapshot: *snapshot });
        }
    }

    fn unwatch(&mut self, name: &str) {
        self.watched.remove(name);
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<HostEvent> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Poll::Ready(event);
            }
            let Poll::Ready(Some(event)) = self.receiver.poll_recv(cx) else {
                return Poll::Pending;
            };
            let name = match &event {
                HostEvent::Interface { name, snapshot } => {
                    self.known.insert(name.clone(), *snapshot);
                    name
                }
                HostEvent::AddressRemoved { interface, .. }
                | HostEvent::RouteRemoved { interface, .. } => interface,
                HostEvent::VirtualRouteRemoved { .. } | HostEvent::Missed => {
                    return Poll::Ready(event);
                }
            };
            if self.watched.contains(name) {
                return Poll::Ready(event);
            }
        }
    }
}
