//! Compares the desired world with the present one.

use alloc::{boxed::Box, collections::BTreeSet};
use core::net::IpAddr;

use super::{
    Desired, InterfaceStatus, Port, Router,
    deadlines::{Index, Slot},
    desired::Wanted,
    entry::Entry,
};
use crate::{
    Family, Hold, InterfaceId, Key, Phase, Protocol, Transport, VirtualRouter,
    addresses::is_link_local,
    fsm::{self, Link, Machine, Params},
};

/// Returns the parts of a configuration that the machine works with.
fn params(wanted: &Wanted) -> Params {
    let Wanted { config, backend_timeout, .. } = wanted;
    Params {
        timing: config.interval().timing(),
        role: config.role(),
        announcements: config.announcements(),
        backend_timeout: *backend_timeout,
        spread: config.vrid().get(),
        unicast: *config.transport() != Transport::Multicast,
        startup_delay: config.startup_delay(),
        up_delay: config.up_delay(),
        look: config.look(),
    }
}

/// Returns what an interface allows a virtual router to do, and the address it would send from.
fn link(config: &VirtualRouter, status: InterfaceStatus) -> Link {
    let details = match status {
        InterfaceStatus::Missing => return Link::Missing,
        InterfaceStatus::Down(_) => return Link::Down,
        InterfaceStatus::Up(details) => details,
    };
    let closed = match config.family() {
        Family::Ipv4 => details.ipv4_closed,
        Family::Ipv6 => details.ipv6_closed,
    };
    if closed {
        return Link::NoSocket;
    }
    let own: Option<IpAddr> = match config.protocol() {
        Protocol::V2 { .. } | Protocol::V3Ipv4 { .. } => details.ipv4.map(Into::into),
        Protocol::V3Ipv6 { .. } if peers_off_link(config) => details.ipv6_routable.map(Into::into),
        Protocol::V3Ipv6 { .. } => details.ipv6_link_local.map(Into::into),
    };
    config.source().or(own).map_or(Link::NoSource, Link::Ready)
}

/// Returns whether a unicast peer has to be reached from a routable address.
fn peers_off_link(config: &VirtualRouter) -> bool {
    match config.transport() {
        Transport::Multicast => false,
        Transport::Unicast { peers, .. } => peers.iter().any(|peer| !is_link_local(peer.address)),
    }
}

/// Returns whether there are addresses to put or to release, whatever the order of the lists.
fn has_other_addresses(one: &VirtualRouter, other: &VirtualRouter) -> bool {
    !one.addresses().eq(other.addresses())
        && one.addresses().collect::<BTreeSet<_>>() != other.addresses().collect()
}

impl Router {
    pub(super) fn configure(&mut self, desired: &Desired) {
        self.shutting_down = false;
        // Who is removed or changed tells its old group nothing: a group that is judged by what is
        // half done begins to hand over, and takes that back.
        self.groups.clear();
        for slot in 0..self.entries.len() {
            let Some(Some(entry)) = self.entries.get_mut(slot) else { continue };
            if desired.get(&entry.key()).is_none() {
                self.remove(slot);
            }
        }
        for (key, wanted) in desired.wanted() {
            match self.slot(key) {
                None => self.insert(*key, wanted),
                Some(slot) => self.change(slot, wanted),
            }
        }
        self.regroup(desired.groups());
        let room = self.entries.len();
        self.dirty.reserve(room.saturating_sub(self.dirty.len()));
        self.removed.reserve(room.saturating_sub(self.removed.len()));
    }

    /// Takes over the current state of an interface. A missing interface without a virtual router
    /// is forgotten, because a host may create new ones forever.
    pub(super) fn set_interface(&mut self, id: InterfaceId, status: InterfaceStatus) {
        let is_here = |entry: &Entry| entry.key().interface == id;
        let old = if status == InterfaceStatus::Missing {
            self.ports.retain(|port| {
                port.interface != id || port.slots.iter().any(|slot| slot.get().is_some())
            });
            self.interfaces.remove(&id)
        } else {
            self.interfaces.insert(id, status)
        };
        self.step_all(is_here, |entry| fsm::Input::Link(link(entry.config(), status)));
        self.judge_others(id);
        let mac = |status: InterfaceStatus| status.details().map(|details| details.mac);
        if old.and_then(mac).zip(mac(status)).is_some_and(|(old, new)| old != new) {
            self.step_all(is_here, |_| fsm::Input::Moved);
        }
    }

    /// Tells those that rely on an interface how the others are that they rely on.
    fn judge_others(&mut self, id: InterfaceId) {
        for slot in 0..self.entries.len() {
            let relies = self.entry(slot).is_some_and(|entry| entry.rest.others.contains(&id));
            if relies {
                let ready = self.are_ready(slot);
                self.step(slot, fsm::Input::Others { ready });
            }
        }
    }

    /// Returns whether the other interfaces that a virtual router relies on are up.
    fn are_ready(&self, slot: Slot) -> bool {
        let is_up = |id| matches!(self.interfaces.get(id), Some(InterfaceStatus::Up(_)));
        self.entry(slot).is_none_or(|entry| entry.rest.others.iter().all(is_up))
    }

    fn insert(&mut self, key: Key, wanted: &Wanted) {
        let machine = Machine::new(params(wanted));
        let config = &wanted.config;
        let status = self.interfaces.get(&key.interface).copied().unwrap_or_default();
        let link = link(config, status);
        let mut entry = Entry::new(self.now, key, config.clone(), machine, self.gone);
        entry.rest.others.clone_from(&wanted.others);
        entry.rest.revision = wanted.revision;
        let slot = match self.free.pop() {
            Some(free) => free,
            None => {
                self.entries.push(None);
                self.entries.len().saturating_sub(1)
            }
        };
        if let Some(place) = self.entries.get_mut(slot) {
            *place = Some(entry);
        }
        self.deadlines.reserve(self.entries.len());
        self.index(key, Some(slot));
        self.step(slot, fsm::Input::Link(link));
        let ready = self.are_ready(slot);
        self.step(slot, fsm::Input::Others { ready });
        self.step(slot, fsm::Input::Start);
    }

    fn index(&mut self, key: Key, slot: Option<Slot>) {
        let wanted = (key.interface, key.family);
        let found = self.ports.binary_search_by_key(&wanted, |port| (port.interface, port.family));
        let place = found.unwrap_or_else(|place| {
            let port = Port {
                interface: key.interface,
                family: key.family,
                slots: Box::new([Index::NONE; 256]),
                other: Box::default(),
            };
            self.ports.insert(place, port);
            place
        });
        let port = self.ports.get_mut(place);
        if let Some(there) = port.and_then(|port| port.slots.get_mut(usize::from(key.vrid.get()))) {
            *there = slot.map_or(Index::NONE, Index::new);
        }
    }

    /// Applies what differs from the present configuration. The handover of a virtual router that
    /// was to be removed is taken back.
    fn change(&mut self, slot: Slot, wanted: &Wanted) {
        let config = &wanted.config;
        let Some(Some(entry)) = self.entries.get_mut(slot) else { return };
        let status = self.interfaces.get(&entry.key().interface).copied().unwrap_or_default();
        let stays = core::mem::take(&mut entry.rest.is_removed);
        let params = params(wanted);
        let is_other = entry.config() != config || *entry.machine().params() != params;
        let revision = core::mem::replace(&mut entry.rest.revision, wanted.revision);
        let is_readdressed =
            has_other_addresses(entry.config(), config) || revision != wanted.revision;
        if is_other {
            entry.set_config(config.clone());
        }
        entry.rest.others.clone_from(&wanted.others);
        let ready = self.are_ready(slot);
        if stays {
            self.removed.retain(|removed| *removed != slot);
        }
        if is_other {
            self.step(slot, fsm::Input::Link(link(config, status)));
            self.step(slot, fsm::Input::Reconfigure(params));
        }
        self.step(slot, fsm::Input::Others { ready });
        if is_readdressed {
            self.step(slot, fsm::Input::Readdress);
        }
        // It starts again if it was shut down.
        self.step(slot, fsm::Input::Start);
    }

    /// Shuts a virtual router down; [`finish_removals`](Self::finish_removals) does the rest.
    fn remove(&mut self, slot: Slot) {
        let Some(Some(entry)) = self.entries.get_mut(slot) else { return };
        let already = core::mem::replace(&mut entry.rest.is_removed, true);
        // A removal does not cut a handover short; only a second shutdown does.
        let is_stopping =
            !entry.machine().is_wanted() && entry.machine().phase() == Phase::Resigning;
        if !already {
            self.removed.push(slot);
            if !is_stopping {
                self.step(slot, fsm::Input::Shutdown);
            }
        }
    }

    pub(super) fn is_gone(&self, slot: Slot) -> bool {
        self.entry(slot).is_some_and(|entry| {
            entry.machine().phase() == Phase::Initialize(Hold::Stopped) && !entry.has_output()
        })
    }

    /// Forgets the removed virtual routers that have stopped and were polled.
    pub(super) fn finish_removals(&mut self) {
        let mut index = 0;
        while let Some(slot) = self.removed.get(index).copied() {
            if !self.is_gone(slot) {
                index = index.saturating_add(1);
                continue;
            }
            self.removed.swap_remove(index);
            self.deadlines.set(slot, None);
            let Some(gone) = self.entries.get_mut(slot).and_then(Option::take) else { continue };
            self.dirty.retain(|queued| *queued != slot);
            self.free.push(slot);
            self.gone = self.gone.max(gone.generation());
            self.index(gone.key(), None);
        }
    }

    /// Makes every virtual router hand over and stop. The first shutdown leaves alone those that
    /// already hand over for their removal.
    pub(super) fn shutdown(&mut self) {
        let first = !core::mem::replace(&mut self.shutting_down, true);
        for slot in 0..self.entries.len() {
            let Some(entry) = self.entry(slot) else { continue };
            if !(entry.rest.is_removed && first) {
                self.step(slot, fsm::Input::Shutdown);
            }
        }
    }
}
