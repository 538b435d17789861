//! [`Tables`]: a copy of the kernel's interfaces and addresses, which follows what the kernel tells.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    mem,
    net::IpAddr,
    time::Duration,
};

use netlink_packet_route::address::AddressFlags;
use vrrp_core::{Cidr, Loss};

use super::{MonitorEvent, Watched};
use crate::netlink::{
    Error, Socket,
    addresses::{self, HostAddress},
    links::{self, HostLink},
    message::Messages,
    routes::{self, OnLink},
    snapshot::InterfaceSnapshot,
};

/// A copy of the kernel's tables.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) links: BTreeMap<u32, HostLink>,
    /// In the kernel's order, which makes the first one of a subnet the primary one.
    pub(super) addresses: Vec<HostAddress>,
    /// How many interfaces have left, in all; and for each that came later how many had left by then.
    departures: u64,
    incarnations: BTreeMap<u32, u64>,
    /// How often notifications were lost.
    news_lost: u64,
}

impl Tables {
    pub(super) fn read(socket: &mut Socket) -> Result<Self, Error> {
        let links = links::list(socket)?.into_iter().map(|link| (link.index, link)).collect();
        Ok(Self::new(links, addresses::list(socket)?))
    }

    pub(super) fn new(links: BTreeMap<u32, HostLink>, addresses: Vec<HostAddress>) -> Self {
        Self { links, addresses, departures: 0, incarnations: BTreeMap::new(), news_lost: 0 }
    }

    /// Takes over what was counted before notifications were lost.
    pub(super) fn go_on_from(&mut self, old: &Self) {
        self.departures = old.departures;
        self.incarnations.clone_from(&old.incarnations);
        self.incarnations.retain(|index, _| self.links.contains_key(index));
        self.news_lost = old.news_lost.wrapping_add(1);
    }

    pub(super) fn link(&self, name: &str) -> Option<&HostLink> {
        self.links.values().find(|link| link.name == name)
    }

    pub(super) fn snapshot(&self, name: &str, without: &BTreeSet<IpAddr>) -> Option<InterfaceSnapshot> {
        let own = self.addresses.iter().filter(|address| !without.contains(&address.ip()));
        self.link(name).map(|link| InterfaceSnapshot {
            incarnation: self.incarnations.get(&link.index).copied().unwrap_or_default(),
            news_lost: self.news_lost,
            ..InterfaceSnapshot::new(link, own)
        })
    }

    /// Follows the notifications of one datagram.
    pub(super) fn apply(&mut self, datagram: &[u8], watched: &Watched, events: &mut VecDeque<MonitorEvent>) {
        for (header, payload) in Messages(datagram) {
            if let Some((is_new, link)) = links::decode(&header, payload) {
                self.follow_link(is_new, link, watched, events);
            } else if let Some((is_new, Some(address))) = addresses::decode(&header, payload) {
                self.follow_address(is_new, address, watched, events);
            } else if let Some((false, route)) = routes::decode(&header, payload) {
                self.tell_route_removed(&route, watched, events);
            }
        }
    }

    fn follow_link(
        &mut self,
        is_new: bool,
        link: HostLink,
        watched: &Watched,
        events: &mut VecDeque<MonitorEvent>,
    ) {
        if is_new {
            if !self.links.contains_key(&link.index) {
                self.incarnations.insert(link.index, self.departures);
            }
            self.links.insert(link.index, link);
            return;
        }
        self.departures = self.departures.wrapping_add(1);
        self.incarnations.remove(&link.index);
        let (gone, rest) = mem::take(&mut self.addresses).into_iter().partition(|a| a.index == link.index);
        self.addresses = rest;
        let gone: Vec<HostAddress> = gone;
        for address in &gone {
            self.tell_removed(address, Loss::Lapsed, watched, events);
        }
        self.links.remove(&link.index);
    }

    pub(super) fn follow_address(
        &mut self,
        is_new: bool,
        address: HostAddress,
        watched: &Watched,
        events: &mut VecDeque<MonitorEvent>,
    ) {
        let place =
            self.addresses.iter().position(|old| old.index == address.index && old.cidr == address.cidr);
        match (is_new, place.and_then(|place| self.addresses.get_mut(place))) {
            (true, Some(old)) => {
                let old = mem::replace(old, address.clone());
                if old.is_ours() && !address.is_ours() {
                    self.tell_removed(&old, Loss::Deleted, watched, events);
                }
            }
            (true, None) => self.addresses.push(address),
            (false, Some(_)) => {
                note_primary(&address, events);
                self.tell_removed(&address, how_lost(&address), watched, events);
                self.addresses.retain(|old| old.index != address.index || old.cidr != address.cidr);
            }
            // The filter may have taken what told of it for a renewal.
            (false, None) if address.is_ours() => {
                self.tell_removed(&address, how_lost(&address), watched, events);
            }
            (false, None) => {}
        }
    }

    pub(super) fn tell_removed_since(
        &self,
        old: &Self,
        watched: &Watched,
        events: &mut VecDeque<MonitorEvent>,
    ) {
        for address in &old.addresses {
            let same = |new: &HostAddress| {
                new.index == address.index
                    && new.cidr == address.cidr
                    && (new.is_ours() || !address.is_ours())
            };
            if !self.addresses.iter().any(same) {
                old.tell_removed(address, Loss::Lapsed, watched, events);
            }
        }
    }

    fn tell_removed(
        &self,
        address: &HostAddress,
        loss: Loss,
        watched: &Watched,
        events: &mut VecDeque<MonitorEvent>,
    ) {
        let Some(link) = self.links.get(&address.index) else { return };
        if let Some((name, _)) = watched.get_key_value(link.name.as_str()) {
            events.push_back(MonitorEvent::AddressRemoved {
                name: name.clone(),
                index: address.index,
                address: address.ip(),
                ours: address.is_ours(),
                loss,
            });
        }
    }

    /// The kernel says first that a link is down or an address is gone, and then that its routes are.
    fn tell_route_removed(&self, route: &OnLink, watched: &Watched, events: &mut VecDeque<MonitorEvent>) {
        let OnLink { index, table, prefix, ours, .. } = *route;
        let Some(link) = self.links.get(&index).filter(|link| link.is_up()) else { return };
        let here = || self.addresses.iter().filter(|address| address.index == index);
        let is_needed =
            here().any(|address| address.is_ours() && routes::covers(prefix, address.ip().into()));
        // We take ours away ourselves when the host has a subnet of its own.
        let is_given_up = ours && here().any(|own| !own.is_ours() && routes::covers(own.cidr, prefix));
        if let Some((name, _)) = watched.get_key_value(link.name.as_str())
            && is_needed
            && !is_given_up
            && table == self.routing_table(link)
        {
            let loss = if ours { Loss::Deleted } else { Loss::Lapsed };
            events.push_back(MonitorEvent::RouteRemoved { name: name.clone(), index, prefix, loss });
        }
    }

    fn routing_table(&self, link: &HostLink) -> u32 {
        let master = link.master.and_then(|index| self.links.get(&index));
        master.and_then(|master| master.vrf_table).unwrap_or(routes::MAIN_TABLE)
    }
}

/// What runs out is reported with nothing left of its lifetime. On a host whose addresses change, the kernel looks at
/// lifetimes at each change, takes away what has less than a tenth of a second left, and reports a whole second of it.
fn how_lost(removed: &HostAddress) -> Loss {
    let fraction = Duration::from_nanos(removed.renewed_ago().subsec_nanos().into());
    match removed.valid {
        Some(0) => Loss::Lapsed,
        Some(1) if fraction >= Duration::from_millis(900) => Loss::Lapsed,
        Some(_) | None => Loss::Deleted,
    }
}

/// When the primary IPv4 address of a subnet goes, the kernel takes the others along, and tells of them first.
fn note_primary(removed: &HostAddress, events: &mut VecDeque<MonitorEvent>) {
    if removed.is_ours() || removed.flags.contains(AddressFlags::Secondary) || removed.ip().is_ipv6() {
        return;
    }
    for event in events {
        if let MonitorEvent::AddressRemoved { index, address, ours: true, loss, .. } = event
            && *index == removed.index
            && routes::covers(removed.cidr, Cidr::from(*address))
        {
            *loss = Loss::Lapsed;
        }
    }
}
