//! What the host says of its interfaces: the [`Monitor`] trait, the third seam next to
//! [`Link`](crate::link::Link) and [`Clock`](crate::clock::Clock).

use std::{
    net::IpAddr,
    task::{Context, Poll},
};

use tokio::sync::mpsc;
use vrrp_core::InterfaceStatus;

/// Tells a driver about interfaces of the host, by name: they may be missing, vanish and come back.
pub trait Monitor: Send + 'static {
    /// Begins to watch the interface `name`, which need not exist. How it is now is the next that is told
    /// of it. Watching it again changes nothing.
    fn watch(&mut self, name: &str);

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
    /// An address is gone, whoever removed it.
    AddressRemoved {
        /// The name of the interface that it was on.
        interface: String,
        /// The address.
        address: IpAddr,
    },
}

/// An interface at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "written as a literal by monitors")]
pub struct Snapshot {
    /// The kernel's index; another one means that the interface was deleted and created again.
    pub index: u32,
    /// Its hardware address.
    pub mac: [u8; 6],
    /// What it can do for us.
    pub status: InterfaceStatus,
}

/// A monitor and the sender that feeds it: for tests, simulations and platforms without a monitor of their
/// own.
///
/// It watches everything that it is told of: events that were sent before the watch began count as well.
#[must_use]
pub fn channel() -> (mpsc::UnboundedSender<HostEvent>, ChannelMonitor) {
    let (sender, events) = mpsc::unbounded_channel();
    (sender, ChannelMonitor { events })
}

/// Says what it is sent by its [`channel`]; silent once the sender is gone.
#[derive(Debug)]
pub struct ChannelMonitor {
    events: mpsc::UnboundedReceiver<HostEvent>,
}

impl Monitor for ChannelMonitor {
    fn watch(&mut self, _name: &str) {}

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<HostEvent> {
        match self.events.poll_recv(cx) {
            Poll::Ready(Some(event)) => Poll::Ready(event),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}
