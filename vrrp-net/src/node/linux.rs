//! What [`Node::linux`](super::Node::linux) is made of.

use std::{
    collections::BTreeSet,
    io,
    net::IpAddr,
    task::{Context, Poll},
};

use tokio::runtime::{Builder, Runtime};
use vrrp_core::Cidr;

use crate::{
    Error,
    clock::BootClock,
    link::linux::Linux,
    monitor::{HostEvent, Monitor, Snapshot},
    netlink::{self, InterfaceSnapshot, MonitorEvent},
};

pub(super) struct Parts {
    pub(super) runtime: Runtime,
    pub(super) link: Linux,
    pub(super) clock: BootClock,
    pub(super) monitor: netlink::Monitor,
}

/// The parts of a driver that runs on this thread, in its network namespace.
pub(super) fn open() -> Result<Parts, Error> {
    let failed = |what: &str| {
        let what = what.to_owned();
        move |source: io::Error| Error::Io { what, source }
    };
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed("cannot start the driver"))?;
    let entered = runtime.enter();
    let clock = BootClock::new().map_err(failed("cannot create the driver's timer"))?.own_thread();
    let monitor = netlink::Monitor::new()
        .map_err(failed("cannot watch this host's interfaces by netlink"))?;
    drop(entered);
    Ok(Parts { runtime, link: Linux::new(), clock, monitor })
}

impl Monitor for netlink::Monitor {
    fn watch(&mut self, name: &str) {
        Self::watch(self, name);
    }

    fn unwatch(&mut self, name: &str) {
        Self::unwatch(self, name);
    }

    fn set_virtual(&mut self, addresses: BTreeSet<IpAddr>) {
        Self::set_virtual(self, addresses);
    }

    fn networks(&self, name: &str) -> Vec<Cidr> {
        Self::networks(self, name)
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<HostEvent> {
        Self::poll_event(self, cx).map(|event| match event {
            MonitorEvent::Interface { name, snapshot } => {
                let status = InterfaceSnapshot::status(snapshot.as_ref());
                let (index, mac, incarnation) = snapshot
                    .map(|snapshot| (snapshot.index, snapshot.mac, snapshot.incarnation))
                    .unwrap_or_default();
                let snapshot = Snapshot { index, mac, incarnation, status };
                HostEvent::Interface { name: name.to_string(), snapshot }
            }
            MonitorEvent::AddressRemoved { name, address, loss, .. } => {
                HostEvent::AddressRemoved { interface: name.to_string(), address, loss }
            }
            MonitorEvent::RouteRemoved { name, prefix, loss, .. } => {
                HostEvent::RouteRemoved { interface: name.to_string(), prefix, loss }
            }
            MonitorEvent::Missed => HostEvent::Missed,
        })
    }
}
