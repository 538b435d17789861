//! [`Tables`]: a copy of the kernel's interfaces and addresses, which follows what the kernel tells.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque, btree_map},
    mem,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use netlink_packet_route::address::AddressFlags;
use vrrp_core::{Cidr, Loss};

use super::{
    event::MonitorEvent,
    losses::{Known, Losses},
};
use crate::{
    monitor::Incarnation,
    netlink::{
        Error, Socket,
        addresses::{self, HostAddress, Place, place},
        links::{self, HostLink},
        message::{Change, Messages},
        routes::{self, OnLink, RouteEntry},
        snapshot::InterfaceSnapshot,
    },
};

/// The interfaces that are watched, by name, each as it was last reported.
pub(super) type Watched = BTreeMap<Arc<str>, Option<InterfaceSnapshot>>;

/// What sorts before all addresses of the interface `index`.
const fn before(index: u32) -> Place {
    (index, IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0)
}

/// An entry of the kernel's table of addresses.
#[derive(Debug)]
struct Entry {
    /// The kernel's order, which makes the first address of a subnet the primary one.
    order: u64,
    known: Known,
}

/// An interface.
#[derive(Debug)]
struct KnownLink {
    link: HostLink,
    incarnation: Incarnation,
}

/// A copy of the kernel's tables. A notification costs the same whatever else is in them: a host
/// may have ten thousand addresses, and tell of thousands of changes a second that concern nobody
/// here.
#[derive(Debug, Default)]
pub(super) struct Tables {
    links: BTreeMap<u32, KnownLink>,
    by_name: BTreeMap<String, u32>,
    addresses: BTreeMap<Place, Entry>,
    last_order: u64,
    /// How many interfaces have gone. One that comes has this number: another than the one before
    /// it had which had its index.
    gone: u64,
    losses: Losses,
    /// The interfaces of which something was heard since this was last asked.
    changed: BTreeSet<u32>,
}

impl Tables {
    pub(super) fn read(socket: &mut Socket) -> Result<Self, Error> {
        Ok(Self::of(links::list(socket)?, addresses::list(socket)?))
    }

    pub(super) fn of(links: Vec<HostLink>, addresses: Vec<HostAddress>) -> Self {
        let mut tables = Self::default();
        // The last ones may be gone already (see `links::list`): whoever has their name by now
        // keeps it.
        for link in links.into_iter().rev() {
            tables.enter_link(link);
        }
        for address in addresses {
            let age = address.age();
            tables.enter_address(address, age);
        }
        tables
    }

    pub(super) fn link(&self, name: &str) -> Option<&HostLink> {
        Some(&self.known(name)?.link)
    }

    fn known(&self, name: &str) -> Option<&KnownLink> {
        self.links.get(self.by_name.get(name)?)
    }

    /// The addresses of the interface `index`, in no order that means anything.
    pub(super) fn addresses(&self, index: u32) -> impl Iterator<Item = &HostAddress> {
        self.entries(index).map(|entry| &entry.known.address)
    }

    fn entries(&self, index: u32) -> impl Iterator<Item = &Entry> {
        self.addresses.range(before(index)..before(index.saturating_add(1))).map(|(_, entry)| entry)
    }

    pub(super) fn snapshot(
        &self,
        name: &str,
        without: &BTreeSet<IpAddr>,
    ) -> Option<InterfaceSnapshot> {
        let KnownLink { link, incarnation } = self.known(name)?;
        let own =
            self.entries(link.index).filter(|entry| !without.contains(&entry.known.address.ip()));
        let mut own: Vec<&Entry> = own.filter(|entry| !entry.known.address.is_ours()).collect();
        own.sort_by_key(|entry| entry.order);
        let own = own.into_iter().map(|entry| &entry.known.address);
        Some(InterfaceSnapshot::new(link, *incarnation, own))
    }

    /// The interfaces of which something was heard since this was last asked.
    pub(super) fn take_changed(&mut self) -> BTreeSet<u32> {
        mem::take(&mut self.changed)
    }

    fn enter_link(&mut self, link: HostLink) {
        self.forget_name(link.index);
        self.by_name.insert(link.name.clone(), link.index);
        let interface = self.gone;
        match self.links.entry(link.index) {
            btree_map::Entry::Occupied(known) => known.into_mut().link = link,
            btree_map::Entry::Vacant(place) => {
                let incarnation = Incarnation { interface, ..Incarnation::default() };
                place.insert(KnownLink { link, incarnation });
            }
        }
    }

    /// Goes on where tables ended that these were read in place of. Whatever is not in those has
    /// come since.
    pub(super) fn succeed(&mut self, old: &mut Self) {
        self.losses = mem::take(&mut old.losses);
        self.gone = old.gone + 1;
        self.last_order = self.last_order.max(old.last_order);
        for (index, KnownLink { incarnation, .. }) in &mut self.links {
            let fresh = Incarnation { interface: self.gone, ..Incarnation::default() };
            *incarnation = old.links.get(index).map_or(fresh, |known| known.incarnation);
        }
    }

    /// Another interface may have the name by now.
    fn forget_name(&mut self, index: u32) {
        let name = self.links.get(&index).map(|known| known.link.name.as_str());
        if let Some(name) = name.filter(|name| self.by_name.get(*name) == Some(&index)) {
            self.by_name.remove(name);
        }
    }

    /// Enters an address of this age, and returns what was there before.
    fn enter_address(&mut self, address: HostAddress, age: u32) -> Option<HostAddress> {
        let place = place(&address);
        let known = Known { address, age };
        match self.addresses.entry(place) {
            btree_map::Entry::Occupied(entry) => {
                Some(mem::replace(&mut entry.into_mut().known, known).address)
            }
            btree_map::Entry::Vacant(place) => {
                self.last_order += 1;
                place.insert(Entry { order: self.last_order, known });
                None
            }
        }
    }

    /// Follows the notifications of one datagram.
    pub(super) fn apply(
        &mut self,
        datagram: &[u8],
        watched: &Watched,
        events: &mut VecDeque<MonitorEvent>,
    ) {
        for (header, payload) in Messages(datagram) {
            if let Some(change) = links::decode(&header, payload) {
                self.follow_link(change, watched, events);
            } else if let Some(change) = addresses::decode(&header, payload) {
                self.follow_address(change, watched, events);
            } else {
                let is_told = match routes::decode(&header, payload) {
                    Some(Change::Gone(route)) => self.tell_route_removed(&route, watched, events),
                    Some(Change::New(_)) | None => false,
                };
                let ours = routes::decode_ours(&header, payload);
                if let Some(Change::Gone(route)) = ours.filter(|_| !is_told) {
                    tell_virtual_route_removed(&route.entry, events);
                }
            }
        }
    }

    fn follow_link(
        &mut self,
        change: Change<HostLink>,
        watched: &Watched,
        events: &mut VecDeque<MonitorEvent>,
    ) {
        let index = match change {
            Change::New(link) => {
                self.changed.insert(link.index);
                self.enter_link(link);
                return;
            }
            Change::Gone(link) => link.index,
        };
        self.changed.insert(index);
        let gone: Vec<Place> = self.addresses(index).map(place).collect();
        for place in gone {
            if let Some(entry) = self.addresses.remove(&place) {
                self.tell_removed(&entry.known.address, Loss::Lapsed, watched, events);
            }
        }
        self.forget_name(index);
        self.links.remove(&index);
        self.gone += 1;
    }

    pub(super) fn follow_address(
        &mut self,
        change: Change<HostAddress>,
        watched: &Watched,
        events: &mut VecDeque<MonitorEvent>,
    ) {
        match change {
            Change::New(address) => self.address_came(address, watched, events),
            Change::Gone(address) => self.address_went(&address, watched, events),
        }
    }

    /// An address was put, or put again. Who makes one of ours the host's own has taken it away.
    fn address_came(
        &mut self,
        address: HostAddress,
        watched: &Watched,
        events: &mut VecDeque<MonitorEvent>,
    ) {
        self.changed.insert(address.index);
        let (age, is_ours) = (address.age(), address.is_ours());
        self.losses.learn(age);
        if let Some(old) = self.enter_address(address, age)
            && old.is_ours()
            && !is_ours
        {
            self.tell_removed(&old, Loss::Deleted, watched, events);
        }
    }

    fn address_went(
        &mut self,
        address: &HostAddress,
        watched: &Watched,
        events: &mut VecDeque<MonitorEvent>,
    ) {
        self.changed.insert(address.index);
        let age = address.age();
        let known = self.addresses.remove(&place(address)).map(|entry| entry.known);
        if known.is_some() {
            note_primary(address, events);
            self.note_last(address);
        }
        // The filter may have taken what told of one of ours for a renewal.
        if known.is_some() || address.is_ours() {
            let loss = self.losses.judge(address, age, known.as_ref());
            self.tell_removed(address, loss, watched, events);
        }
    }

    /// With its last address an interface may have lost all that the kernel has of a family, and
    /// listens to no group any more: IPv6 goes when the MTU is below 1280 for a moment.
    fn note_last(&mut self, removed: &HostAddress) {
        let is_last = |index| {
            let mut left = self.addresses(index);
            !left.any(|left| left.ip().is_ipv4() == removed.ip().is_ipv4())
        };
        let is_last = is_last(removed.index);
        if let Some(KnownLink { incarnation, .. }) =
            self.links.get_mut(&removed.index).filter(|_| is_last)
        {
            let count =
                if removed.ip().is_ipv4() { &mut incarnation.ipv4 } else { &mut incarnation.ipv6 };
            *count += 1;
        }
    }

    pub(super) fn tell_removed_since(
        &self,
        old: &Self,
        watched: &Watched,
        events: &mut VecDeque<MonitorEvent>,
    ) {
        for (place, Entry { known: Known { address, .. }, .. }) in &old.addresses {
            let new = self.addresses.get(place).map(|entry| &entry.known.address);
            if !new.is_some_and(|new| new.is_ours() || !address.is_ours()) {
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
        let Some(KnownLink { link, .. }) = self.links.get(&address.index) else { return };
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

    /// The kernel says first that a link is down or an address is gone, and then that its routes
    /// are. Returns whether there was something to tell.
    fn tell_route_removed(
        &self,
        route: &OnLink,
        watched: &Watched,
        events: &mut VecDeque<MonitorEvent>,
    ) -> bool {
        let OnLink { index, table, prefix, ours, .. } = *route;
        let known = self.links.get(&index).filter(|known| known.link.is_up());
        let Some(KnownLink { link, .. }) = known else { return false };
        let here = || self.addresses(index);
        let is_needed =
            here().any(|address| address.is_ours() && prefix.covers(address.ip().into()));
        // We take ours away ourselves when the host has a subnet of its own.
        let is_given_up = ours && here().any(|own| !own.is_ours() && own.cidr.covers(prefix));
        if let Some((name, _)) = watched.get_key_value(link.name.as_str())
            && is_needed
            && !is_given_up
            && table == self.routing_table(link)
        {
            let loss = if ours { Loss::Deleted } else { Loss::Lapsed };
            events.push_back(MonitorEvent::RouteRemoved {
                name: name.clone(),
                index,
                prefix,
                loss,
            });
            return true;
        }
        false
    }

    fn routing_table(&self, link: &HostLink) -> u32 {
        let master = link.master.and_then(|index| self.links.get(&index));
        master.and_then(|master| master.link.vrf_table).unwrap_or(routes::MAIN_TABLE)
    }
}

/// A route beside an IPv4 address cannot be told from a virtual one, and whoever hears of it knows
/// what it holds.
fn tell_virtual_route_removed(entry: &RouteEntry, events: &mut VecDeque<MonitorEvent>) {
    if !entry.is_beside_ipv6() {
        let RouteEntry { destination, table, metric, .. } = *entry;
        events.push_back(MonitorEvent::VirtualRouteRemoved { destination, table, metric });
    }
}

/// When the primary IPv4 address of a subnet goes, the kernel takes the others along, and tells of
/// them first.
fn note_primary(removed: &HostAddress, events: &mut VecDeque<MonitorEvent>) {
    if removed.is_ours()
        || removed.flags.contains(AddressFlags::Secondary)
        || removed.ip().is_ipv6()
    {
        return;
    }
    for event in events {
        if let MonitorEvent::AddressRemoved { index, address, ours: true, loss, .. } = event
            && *index == removed.index
            && removed.cidr.covers(Cidr::from(*address))
        {
            *loss = Loss::Lapsed;
        }
    }
}
