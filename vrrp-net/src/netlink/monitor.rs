//! [`Monitor`]: what happens to interfaces and their addresses, by name.

mod filter;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    future::poll_fn,
    io, mem,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    thread,
    time::Duration,
};

use netlink_packet_route::address::AddressFlags;
use netlink_sys::{SocketAddr, protocols::NETLINK_ROUTE};
use tokio::{
    io::{Interest, unix::AsyncFd},
    task::{JoinHandle, spawn_blocking},
};
use vrrp_core::{Cidr, Loss};

use super::{
    Error, Socket,
    addresses::{self, HostAddress},
    links::{self, HostLink},
    message::Messages,
    routes,
    snapshot::InterfaceSnapshot,
};

/// `RTNLGRP_LINK`, and `IFADDR` and `ROUTE` of both families, of `linux/rtnetlink.h`.
const GROUPS: [u32; 5] = [1, 5, 9, 7, 11];
/// Octets of unread notifications, as far as the host allows.
const RECEIVE_BUFFER: usize = 1 << 20;
/// Larger than any notification.
const DATAGRAM: usize = 64 * 1024;
/// How many notifications are read before what they changed is told, so that a flood of them cannot keep
/// the caller from its other work.
const AT_ONCE: usize = 64;
/// The pause before tables that could not be read are read again.
const PAUSE: Duration = Duration::from_millis(200);

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
    /// An address is gone from it, whoever took it away; or it was a virtual address that we had put there,
    /// and somebody made it the host's own (`ip address replace`).
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
    /// The route to a subnet is gone from it, that a virtual address brought: none of the host's own
    /// addresses is in that subnet, and the virtual one is still there.
    RouteRemoved {
        /// The interface's name.
        name: Arc<str>,
        /// The kernel's index of the interface.
        index: u32,
        /// The subnet.
        prefix: Cidr,
    },
}

/// Watches interfaces by name: they may be missing, vanish, come back with another index, or be renamed.
///
/// Notifications about virtual addresses that we put or renew cause no event. When the kernel had to drop
/// notifications, the tables are read again, and all that differs is told.
#[derive(Debug)]
pub struct Monitor {
    notifications: AsyncFd<netlink_sys::Socket>,
    reader: Reader,
    tables: Tables,
    watched: BTreeMap<Arc<str>, Option<InterfaceSnapshot>>,
    virtual_addresses: BTreeSet<IpAddr>,
    events: VecDeque<MonitorEvent>,
    buffer: Vec<u8>,
}

/// Who reads whole tables: that can block, so a thread of the runtime's pool does it.
#[derive(Debug)]
enum Reader {
    Idle(Socket),
    Reading(JoinHandle<(Socket, Result<Tables, Error>)>),
    /// Only while it is replaced.
    Gone,
}

impl Monitor {
    /// A monitor of the network namespace of the calling thread, inside a tokio runtime. It reads the tables
    /// once before it returns.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn new() -> io::Result<Self> {
        Self::with_receive_buffer(RECEIVE_BUFFER)
    }

    /// As [`new`](Self::new), with room for `octets` of unread notifications.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn with_receive_buffer(octets: usize) -> io::Result<Self> {
        let mut socket = netlink_sys::Socket::new(NETLINK_ROUTE)?;
        socket.bind(&SocketAddr::new(0, 0))?;
        socket.set_non_blocking(true)?;
        socket.set_rx_buf_sz(i32::try_from(octets).unwrap_or(i32::MAX))?;
        filter::attach(&socket)?;
        for group in GROUPS {
            socket.add_membership(group)?;
        }
        let mut reader = Socket::new()?;
        let tables = Tables::read(&mut reader).map_err(io::Error::other)?;
        // SAFETY: the socket owns its descriptor, always returns the same one, and closes it only when it
        // is dropped, which the AsyncFd does; nothing here clones it or takes it out.
        let notifications = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) }?;
        Ok(Self {
            notifications,
            reader: Reader::Idle(reader),
            tables,
            watched: BTreeMap::new(),
            virtual_addresses: BTreeSet::new(),
            events: VecDeque::new(),
            buffer: Vec::with_capacity(DATAGRAM),
        })
    }

    /// Begins to watch the interface `name`, which need not exist. How it is now is the first event.
    pub fn watch(&mut self, name: &str) {
        if self.watched.contains_key(name) {
            return;
        }
        let (name, snapshot) = (Arc::<str>::from(name), self.tables.snapshot(name, &self.virtual_addresses));
        self.watched.insert(name.clone(), snapshot.clone());
        self.events.push_back(MonitorEvent::Interface { name, snapshot });
    }

    /// Leaves these out of the host's own addresses, whatever tag they bear.
    pub fn set_virtual(&mut self, addresses: BTreeSet<IpAddr>) {
        self.virtual_addresses = addresses;
        self.report();
    }

    /// Ends the watch of the interface `name`.
    pub fn unwatch(&mut self, name: &str) {
        self.watched.remove(name);
        self.events.retain(|event| match event {
            MonitorEvent::Interface { name: other, .. }
            | MonitorEvent::AddressRemoved { name: other, .. }
            | MonitorEvent::RouteRemoved { name: other, .. } => **other != *name,
        });
    }

    /// All addresses of the interface `name`, virtual ones too: see [`HostAddress::is_adoptable`].
    pub fn addresses(&self, name: &str) -> impl Iterator<Item = &HostAddress> {
        let index = self.tables.link(name).map(|link| link.index);
        self.tables.addresses.iter().filter(move |address| Some(address.index) == index)
    }

    /// The next event. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> MonitorEvent {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// Ready with the next event.
    pub fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<MonitorEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Poll::Ready(event);
            }
            ready!(self.poll_reader(cx));
            let Ok(mut guard) = ready!(self.notifications.poll_read_ready_mut(cx)) else {
                // The runtime is shutting down.
                return Poll::Pending;
            };
            let mut overrun = false;
            for _ in 0..AT_ONCE {
                self.buffer.clear();
                match guard.get_inner().recv(&mut self.buffer, 0) {
                    Ok(_) => self.tables.apply(&self.buffer, &self.watched, &mut self.events),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        guard.clear_ready();
                        break;
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => {
                        tracing::warn!(%error, "netlink notifications were lost; reading the tables again");
                        overrun = true;
                        break;
                    }
                }
            }
            if overrun {
                self.read_again();
            } else {
                self.report();
            }
        }
    }

    fn read_again(&mut self) {
        if let Reader::Idle(mut socket) = mem::replace(&mut self.reader, Reader::Gone) {
            self.reader = Reader::Reading(spawn_blocking(move || {
                let tables = Tables::read(&mut socket);
                if tables.is_err() {
                    thread::sleep(PAUSE);
                }
                (socket, tables)
            }));
        }
    }

    /// Ready when no tables are being read. Until then notifications wait in the socket: they are newer than
    /// the tables, or say the same.
    fn poll_reader(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Reader::Reading(handle) = &mut self.reader else { return Poll::Ready(()) };
        let Ok((socket, tables)) = ready!(Pin::new(handle).poll(cx)) else {
            // The runtime is shutting down.
            return Poll::Pending;
        };
        self.reader = Reader::Idle(socket);
        match tables {
            Ok(tables) => {
                let old = mem::replace(&mut self.tables, tables);
                self.tables.tell_removed_since(&old, &self.watched, &mut self.events);
                self.report();
            }
            Err(error) => {
                tracing::warn!(%error, "the tables of interfaces and addresses could not be read; trying again");
                self.read_again();
                return self.poll_reader(cx);
            }
        }
        Poll::Ready(())
    }

    /// Tells of every watched interface that is not as it was last told.
    fn report(&mut self) {
        for (name, told) in &mut self.watched {
            let snapshot = self.tables.snapshot(name, &self.virtual_addresses);
            if *told != snapshot {
                told.clone_from(&snapshot);
                self.events.push_back(MonitorEvent::Interface { name: name.clone(), snapshot });
            }
        }
    }
}

type Watched = BTreeMap<Arc<str>, Option<InterfaceSnapshot>>;

/// A copy of the kernel's tables.
#[derive(Debug)]
struct Tables {
    links: BTreeMap<u32, HostLink>,
    /// In the kernel's order, which makes the first one of a subnet the primary one.
    addresses: Vec<HostAddress>,
}

impl Tables {
    fn read(socket: &mut Socket) -> Result<Self, Error> {
        let links = links::list(socket)?.into_iter().map(|link| (link.index, link)).collect();
        Ok(Self { links, addresses: addresses::list(socket)? })
    }

    fn link(&self, name: &str) -> Option<&HostLink> {
        self.links.values().find(|link| link.name == name)
    }

    fn snapshot(&self, name: &str, without: &BTreeSet<IpAddr>) -> Option<InterfaceSnapshot> {
        let own = self.addresses.iter().filter(|address| !without.contains(&address.ip()));
        self.link(name).map(|link| InterfaceSnapshot::new(link, own))
    }

    /// Follows the notifications of one datagram.
    fn apply(&mut self, datagram: &[u8], watched: &Watched, events: &mut VecDeque<MonitorEvent>) {
        for (header, payload) in Messages(datagram) {
            if let Some((is_new, link)) = links::decode(&header, payload) {
                self.follow_link(is_new, link, watched, events);
            } else if let Some((is_new, Some(address))) = addresses::decode(&header, payload) {
                self.follow_address(is_new, address, watched, events);
            } else if let Some((index, prefix)) = routes::decode_removed(&header, payload) {
                self.tell_route_removed(index, prefix, watched, events);
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
            self.links.insert(link.index, link);
            return;
        }
        let (gone, rest) = mem::take(&mut self.addresses).into_iter().partition(|a| a.index == link.index);
        self.addresses = rest;
        let gone: Vec<HostAddress> = gone;
        for address in &gone {
            self.tell_removed(address, Loss::Lapsed, watched, events);
        }
        self.links.remove(&link.index);
    }

    fn follow_address(
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

    fn tell_removed_since(&self, old: &Self, watched: &Watched, events: &mut VecDeque<MonitorEvent>) {
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
    fn tell_route_removed(
        &self,
        index: u32,
        prefix: Cidr,
        watched: &Watched,
        events: &mut VecDeque<MonitorEvent>,
    ) {
        let Some(link) = self.links.get(&index).filter(|link| link.is_up()) else { return };
        let here = || self.addresses.iter().filter(|address| address.index == index);
        let brought = here().any(|address| address.is_ours() && routes::covers(prefix, address.ip().into()));
        let hosts = here().any(|address| !address.is_ours() && routes::covers(address.cidr, prefix));
        if let Some((name, _)) = watched.get_key_value(link.name.as_str())
            && brought
            && !hosts
        {
            events.push_back(MonitorEvent::RouteRemoved { name: name.clone(), index, prefix });
        }
    }
}

/// What runs out is reported with nothing left of its lifetime.
fn how_lost(removed: &HostAddress) -> Loss {
    if removed.valid == Some(0) { Loss::Lapsed } else { Loss::Deleted }
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
