//! What happens on this host, passed on to the core.

use std::net::IpAddr;

use vrrp_core::{Cidr, Input, InterfaceStatus, Key, Loss, Role};

use super::{Driver, members::MemberState, outbox::Outbox};
use crate::{
    VirtualRoute,
    clock::Clock,
    link::Link,
    monitor::{HostEvent, Monitor, Snapshot},
};

impl<L: Link, C: Clock, M: Monitor> Driver<L, C, M> {
    pub(super) fn host_event(&mut self, event: HostEvent) {
        match event {
            HostEvent::Interface { name, snapshot } => self.interface_changed(&name, snapshot),
            HostEvent::AddressRemoved { interface, address, loss } => {
                self.address_removed(&interface, address, loss);
            }
            HostEvent::RouteRemoved { interface, prefix, loss } => {
                self.route_removed(&interface, prefix, loss);
            }
            HostEvent::VirtualRouteRemoved { destination, table, metric } => {
                self.virtual_route_removed(destination, table, metric);
            }
            HostEvent::Missed => self.open_ports_anew(),
        }
    }

    fn interface_changed(&mut self, name: &str, snapshot: Snapshot) {
        let Outbox { interfaces, link, .. } = &mut self.outbox;
        if let Some(id) = interfaces.update(name, snapshot, link) {
            // What is held is on the interface that had the name before.
            self.input(Input::Interface { id, status: InterfaceStatus::Missing });
        }
        if self.judge_networks(name) {
            self.input(Input::Configure(&self.desired()));
        }
        self.sync_interfaces();
        self.report_own_addresses();
        self.look_for_claimed(name);
    }

    /// A virtual address that has become one of the host's own is lost, however the monitor came to
    /// know of it: what was told of the virtual one may have been taken for a renewal.
    fn look_for_claimed(&mut self, name: &str) {
        let own = self.monitor.networks(name);
        let is_claimed = |cidr: Cidr| own.iter().any(|own| own.address() == cidr.address());
        for key in self.holders(name, is_claimed) {
            let is_held =
                self.outbox.members.get(&key).is_some_and(|entry| {
                    entry.phase.is_active() && entry.router.role() != Role::Owner
                });
            if is_held {
                self.input(Input::LeaseLost { key, loss: Loss::Lapsed });
            }
        }
    }

    /// Judges anew which peers are behind a router; whether that changed anything.
    pub(super) fn judge_networks(&mut self, name: &str) -> bool {
        let networks = self.monitor.networks(name);
        let mut changed = false;
        for entry in self.outbox.members.values_mut().filter(|entry| *entry.interface == *name) {
            changed |= entry.on_networks(&networks);
        }
        changed
    }

    /// Any interface may have gone and come back as it was, and then nothing is heard on its ports.
    /// What they hold is read first.
    fn open_ports_anew(&mut self) {
        self.drain_sockets();
        let Outbox { interfaces, link, .. } = &mut self.outbox;
        interfaces.close_ports(link);
        self.sync_interfaces();
    }

    pub(super) fn report_own_addresses(&mut self) {
        let Outbox { interfaces, members, .. } = &mut self.outbox;
        for entry in members.values_mut() {
            entry.report_own_address(interfaces.status(&entry.interface));
        }
    }

    fn address_removed(&mut self, interface: &str, address: IpAddr, loss: Loss) {
        let how = match loss {
            Loss::Deleted => "was deleted from",
            Loss::Lapsed => "is no longer held on",
        };
        for key in self.holders(interface, |cidr| cidr.address() == address) {
            self.lose(key, loss, |name, suppressed| {
                tracing::warn!(
                    event = "address-lost", name, %interface, %address, suppressed,
                    "{name}: {address} {how} {interface}; putting it back"
                );
            });
        }
    }

    fn route_removed(&mut self, interface: &str, prefix: Cidr, loss: Loss) {
        for key in self.holders(interface, |cidr| prefix.covers(cidr)) {
            self.lose(key, loss, |name, suppressed| {
                tracing::warn!(
                    event = "route-lost", name, %interface, %prefix, suppressed,
                    "{name}: the route to {prefix} on {interface} is gone; putting it back where \
                     it is needed"
                );
            });
        }
    }

    /// A route that came with the addresses is gone. This node takes some away itself, of virtual
    /// routers that hold nothing any more or are configured otherwise.
    fn virtual_route_removed(&mut self, destination: Cidr, table: u32, metric: u32) {
        let is_it = |route: &VirtualRoute| route.may_be(destination, table, metric);
        let members = self.outbox.members.iter();
        let has_lost = members.filter(|(_, entry)| {
            entry.phase.is_active() && entry.watched.is_some() && entry.routes().iter().any(is_it)
        });
        let keys: Vec<Key> = has_lost.map(|(key, _)| *key).collect();
        let now = self.clock.now();
        for key in keys {
            if let Some(entry) = self.outbox.members.get_mut(&key)
                && let Some(suppressed) =
                    entry.route_warnings.entry(destination).or_default().pass(now)
            {
                let name = &*entry.name;
                tracing::warn!(
                    event = "route-lost", name, %destination, table, suppressed,
                    "{name}: the route to {destination} is gone; putting it back"
                );
            }
            // Who took it away is not known: it may have been this node, for another virtual router.
            self.input(Input::LeaseLost { key, loss: Loss::Lapsed });
        }
    }

    /// The backend or the program says that addresses are lost, which the kernel cannot know.
    pub(super) fn lost_by_report(&mut self, key: Key, loss: Loss, who: &str) {
        let how = loss.as_str();
        self.lose(key, loss, |name, suppressed| {
            tracing::warn!(
                event = "address-lost",
                name,
                loss = how,
                suppressed,
                "{name}: {who} says that the addresses are lost ({how}); putting them back"
            );
        });
    }

    /// Tells the core of a loss, and the log now and then if it is one of an active node.
    fn lose(&mut self, key: Key, loss: Loss, warn: impl FnOnce(&str, u64)) {
        let now = self.clock.now();
        if let Some(entry) = self.outbox.members.get_mut(&key)
            && entry.phase.is_active()
            && let Some(suppressed) = entry.loss_warning.pass(now)
        {
            warn(&entry.name, suppressed);
        }
        self.input(Input::LeaseLost { key, loss });
    }

    /// The virtual routers that have such an address of the kernel on the interface; what that
    /// means to each the core knows.
    fn holders(&self, interface: &str, is_it: impl Fn(Cidr) -> bool) -> Vec<Key> {
        let holds = |entry: &MemberState| {
            let mut held = entry.addresses.iter();
            entry.watched.is_some()
                && held.any(|held| **entry.interface_of(held) == *interface && is_it(held.cidr))
        };
        self.outbox.members.iter().filter(|(_, entry)| holds(entry)).map(|(key, _)| *key).collect()
    }
}
