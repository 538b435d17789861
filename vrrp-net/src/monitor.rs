//! What the host says of its interfaces: the [`Monitor`] trait, the third seam next to
//! [`Link`](crate::link::Link) and [`Clock`](crate::clock::Clock).

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::IpAddr,
    task::{Context, Poll},
};

use tokio::sync::mpsc;
use vrrp_core::{Cidr, Family, InterfaceStatus, Loss, MacAddr};

/// Tells a driver about interfaces of the host, by name: they may be missing, vanish and come back.
pub trait Monitor: Send + 'static {
    /// Begins to watch the interface `name`, which need not exist. How it is now is the next that
    /// is told of it. Watching it again changes nothing.
    fn watch(&mut self, name: &str);

    /// Ends the watch of the interface `name`: nothing more need be told of it. It may be watched
    /// again later.
    fn unwatch(&mut self, _name: &str) {}

    /// These are no addresses of the host's own to send from, whoever puts them there: a program
    /// that moves addresses may put them on an interface.
    fn set_virtual(&mut self, _addresses: BTreeSet<IpAddr>) {}

    /// The networks of an interface that is watched: the host's own addresses with their prefix
    /// lengths. A monitor that does not know them says none.
    fn networks(&self, _name: &str) -> Vec<Cidr> {
        Vec::new()
    }

    /// The next thing that happened to an interface that is watched.
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
    /// Some of what happened was not told, and cannot be any more. How everything is now has been
    /// told; an interface may have gone and come back as it was, and then nothing is heard on its
    /// sockets.
    Missed,
}

/// Which of those it is that were alike. Each number counts on when something has gone that sockets
/// listen on: what comes in its place looks the same, but they hear nothing on it.
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
    /// Whether it is still the same one, where the index and the address do not tell.
    pub incarnation: Incarnation,
    /// What it can do for us.
    pub status: InterfaceStatus,
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
                HostEvent::Missed => return Poll::Ready(event),
            };
            if self.watched.contains(name) {
                return Poll::Ready(event);
            }
        }
    }
}
