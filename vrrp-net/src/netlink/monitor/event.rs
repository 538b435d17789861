//! [`MonitorEvent`]: what the kernel reported, before a driver is told.

use std::{net::IpAddr, sync::Arc};

use vrrp_core::{Cidr, Loss};

use crate::{
    monitor::{HostEvent, Snapshot},
    netlink::snapshot::InterfaceSnapshot,
};

/// Something that happened to an interface that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MonitorEvent {
    /// It is now like this. Told once when the watch begins, and then when something in it changed.
    Interface {
        /// Its name.
        name: Arc<str>,
        /// How it is; `None`: there is no interface of this name.
        snapshot: Option<InterfaceSnapshot>,
    },
    /// An address is gone from it, whoever took it away; or it was a virtual address that we had
    /// put there, and somebody made it the host's own (`ip address replace`).
    AddressRemoved {
        /// The interface's name.
        name: Arc<str>,
        /// The kernel's index of the interface.
        index: u32,
        /// The address.
        address: IpAddr,
        /// Whether it was a virtual address that we had put there.
        ours: bool,
        /// Whether somebody meant to delete it.
        loss: Loss,
    },
    /// A route to a subnet of virtual addresses is gone from it, and they are still there.
    RouteRemoved {
        /// The interface's name.
        name: Arc<str>,
        /// The kernel's index of the interface.
        index: u32,
        /// The subnet.
        prefix: Cidr,
        /// Whether somebody meant to delete what we had put there; a route of the host's own just
        /// went.
        loss: Loss,
    },
    /// A virtual route is gone, whoever took it away. A route that was put beside an IPv4 address
    /// looks like one, and is told as one where [`RouteRemoved`](Self::RouteRemoved) is not.
    VirtualRouteRemoved {
        /// The subnet that it led to.
        destination: Cidr,
        /// Its routing table.
        table: u32,
        /// Its metric.
        metric: u32,
    },
    /// The kernel dropped notifications. How everything is now has been told, but not whether
    /// something went and came back meanwhile.
    Missed,
}

impl From<MonitorEvent> for HostEvent {
    fn from(event: MonitorEvent) -> Self {
        match event {
            MonitorEvent::Interface { name, snapshot } => {
                let status = InterfaceSnapshot::status(snapshot.as_ref());
                let (index, mac, incarnation) = snapshot
                    .map(|snapshot| (snapshot.index, snapshot.mac, snapshot.incarnation))
                    .unwrap_or_default();
                let snapshot = Snapshot { index, mac, incarnation, status };
                Self::Interface { name: name.to_string(), snapshot }
            }
            MonitorEvent::AddressRemoved { name, address, loss, .. } => {
                Self::AddressRemoved { interface: name.to_string(), address, loss }
            }
            MonitorEvent::RouteRemoved { name, prefix, loss, .. } => {
                Self::RouteRemoved { interface: name.to_string(), prefix, loss }
            }
            MonitorEvent::VirtualRouteRemoved { destination, table, metric } => {
                Self::VirtualRouteRemoved { destination, table, metric }
            }
            MonitorEvent::Missed => Self::Missed,
        }
    }
}
