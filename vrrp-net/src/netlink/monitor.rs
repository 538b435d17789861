//! [`Monitor`]: what happens to interfaces and their addresses, by name.

mod event;
mod losses;
mod tables;
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
    time::{Duration, Instant},
};

use netlink_sys::{SocketAddr, protocols::NETLINK_ROUTE};
use nix::sys::socket::{setsockopt, sockopt};
use socket2::SockRef;
use tokio::{
    io::{Interest, unix::AsyncFd},
    task::{JoinHandle, spawn_blocking},
};
use vrrp_core::Cidr;

use super::{Error, Socket, addresses::HostAddress, filter};
use crate::monitor;
pub use event::MonitorEvent;
use tables::{Tables, Watched};

/// `RTNLGRP_LINK`, and `IFADDR` and `ROUTE` of both families, of `linux/rtnetlink.h`.
const GROUPS: [u32; 5] = [1, 5, 9, 7, 11];
/// Octets of unread notifications.
const RECEIVE_BUFFER: usize = 1 << 20;
/// Larger than any notification.
const DATAGRAM: usize = 64 * 1024;
/// How many notifications are read before what they changed is told, or the caller has his turn: a
/// flood of them cannot keep him from his other work.
const AT_ONCE: usize = 64;
/// The pause before tables that could not be read are read again.
const PAUSE: Duration = Duration::from_millis(200);
/// For how long that is done at the start, before it is given up.
const START: Duration = Duration::from_secs(5);

/// Watches interfaces by name: they may be missing, vanish, come back with another index, or be
/// renamed.
///
/// Notifications about virtual addresses that we put or renew cause no event. When the kernel had
/// to drop notifications, the tables are read again, and all that differs is told.
#[derive(Debug)]
pub struct Monitor {
    notifications: AsyncFd<netlink_sys::Socket>,
    reader: Reader,
    tables: Tables,
    watched: Watched,
    virtual_addresses: BTreeSet<IpAddr>,
    events: VecDeque<MonitorEvent>,
    buffer: Vec<u8>,
    /// Whether the kernel has dropped notifications. It says so before it gives those that it has
    /// kept: these are older than what was dropped, and what they say may have been undone by it.
    overrun: bool,
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
    /// A monitor of the network namespace of the calling thread, inside a tokio runtime. It reads
    /// the tables once before it returns.
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
        set_receive_buffer(&socket, octets)?;
        filter::attach_for_monitor(&socket)?;
        for group in GROUPS {
            socket.add_membership(group)?;
        }
        let mut reader = Socket::new()?;
        let tables = read_patiently(&mut reader).map_err(io::Error::other)?;
        // SAFETY: the socket owns its descriptor, always returns the same one, and closes it only
        // when it is dropped, which the AsyncFd does; nothing here clones it or takes it out.
        let notifications = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) }?;
        Ok(Self {
            notifications,
            reader: Reader::Idle(reader),
            tables,
            watched: BTreeMap::new(),
            virtual_addresses: BTreeSet::new(),
            events: VecDeque::new(),
            buffer: Vec::with_capacity(DATAGRAM),
            overrun: false,
        })
    }

    /// Begins to watch the interface `name`, which need not exist. How it is now is the first
    /// event.
    pub fn watch(&mut self, name: &str) {
        if self.watched.contains_key(name) {
            return;
        }
        let (name, snapshot) =
            (Arc::<str>::from(name), self.tables.snapshot(name, &self.virtual_addresses));
        self.watched.insert(name.clone(), snapshot.clone());
        self.events.push_back(MonitorEvent::Interface { name, snapshot });
    }

    /// Leaves these out of the host's own addresses, marked or not.
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
            MonitorEvent::VirtualRouteRemoved { .. } | MonitorEvent::Missed => true,
        });
    }

    /// All addresses of the interface `name`, virtual ones too: see [`HostAddress::is_adoptable`].
    pub fn addresses(&self, name: &str) -> impl Iterator<Item = &HostAddress> {
        let index = self.tables.link(name).map(|link| link.index);
        index.into_iter().flat_map(|index| self.tables.addresses(index))
    }

    /// The networks of the host's own addresses of the interface `name`.
    pub fn networks(&self, name: &str) -> Vec<Cidr> {
        let snapshot = self.tables.snapshot(name, &self.virtual_addresses);
        snapshot.map(|own| own.addresses.iter().map(|own| own.cidr).collect()).unwrap_or_default()
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
            if !self.events.is_empty() {
                continue;
            }
            let read = ready!(self.poll_notifications(cx));
            if self.overrun && read.is_all {
                self.overrun = false;
                self.read_again();
            } else if !self.overrun {
                self.report_changed();
            }
            if !read.is_all && self.events.is_empty() {
                // There may be more without end, none of it about what is watched.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    }

    /// Reads some notifications. Until all are read after an overrun they are not looked at.
    fn poll_notifications(&mut self, cx: &mut Context<'_>) -> Poll<Progress> {
        let Ok(mut guard) = ready!(self.notifications.poll_read_ready_mut(cx)) else {
            // The runtime is shutting down.
            return Poll::Pending;
        };
        for _ in 0..AT_ONCE {
            self.buffer.clear();
            match guard.get_inner().recv(&mut self.buffer, 0) {
                Ok(_) if self.overrun => {}
                Ok(_) => self.tables.apply(&self.buffer, &self.watched, &mut self.events),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    guard.clear_ready();
                    return Poll::Ready(Progress { is_all: true });
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    if !self.overrun {
                        tracing::warn!(%error, "netlink notifications were lost; reading the \
                            tables again");
                    }
                    self.overrun = true;
                }
            }
        }
        Poll::Ready(Progress { is_all: false })
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

    /// Ready when no tables are being read. Until then notifications wait in the socket, which was
    /// empty before: all that happens from then on is among them, and they are newer than the
    /// tables, or say the same.
    fn poll_reader(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Reader::Reading(handle) = &mut self.reader else { return Poll::Ready(()) };
        let Ok((socket, tables)) = ready!(Pin::new(handle).poll(cx)) else {
            // The runtime is shutting down.
            return Poll::Pending;
        };
        self.reader = Reader::Idle(socket);
        match tables {
            Ok(tables) => {
                let mut old = mem::replace(&mut self.tables, tables);
                self.tables.succeed(&mut old);
                self.tables.tell_removed_since(&old, &self.watched, &mut self.events);
                self.report();
                self.events.push_back(MonitorEvent::Missed);
            }
            Err(error) => {
                tracing::warn!(%error, "the tables of interfaces and addresses could not be read; \
                    trying again");
                self.read_again();
                return self.poll_reader(cx);
            }
        }
        Poll::Ready(())
    }

    /// Tells of every watched interface that is not as it was last told.
    fn report(&mut self) {
        self.tables.take_changed();
        self.report_if(|_, _| true);
    }

    /// The same, of those that something was heard of.
    fn report_changed(&mut self) {
        let changed = self.tables.take_changed();
        self.report_if(|now, told| {
            [now, told].into_iter().flatten().any(|index| changed.contains(&index))
        });
    }

    /// The same, where `is_it` is given the index that the interface has now, and the one that was
    /// last told.
    fn report_if(&mut self, is_it: impl Fn(Option<u32>, Option<u32>) -> bool) {
        for (name, told) in &mut self.watched {
            let index = self.tables.link(name).map(|link| link.index);
            if !is_it(index, told.as_ref().map(|told| told.index)) {
                continue;
            }
            let snapshot = self.tables.snapshot(name, &self.virtual_addresses);
            if *told != snapshot {
                told.clone_from(&snapshot);
                self.events.push_back(MonitorEvent::Interface { name: name.clone(), snapshot });
            }
        }
    }
}

impl monitor::Monitor for Monitor {
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

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<monitor::HostEvent> {
        Self::poll_event(self, cx).map(Into::into)
    }
}

/// What came of reading notifications.
struct Progress {
    /// There are no more at the moment.
    is_all: bool,
}

fn read_patiently(socket: &mut Socket) -> Result<Tables, Error> {
    let begun = Instant::now();
    loop {
        match Tables::read(socket) {
            Err(error) if begun.elapsed() < START => {
                tracing::warn!(%error, "the tables of interfaces and addresses could not be read; \
                    trying again");
                thread::sleep(PAUSE);
            }
            tables => return tables,
        }
    }
}

/// Makes room for unread notifications, beyond the host's limit, or up to it where that needs a
/// privilege.
fn set_receive_buffer(socket: &netlink_sys::Socket, octets: usize) -> io::Result<()> {
    match setsockopt(&*SockRef::from(socket), sockopt::RcvBufForce, &octets) {
        Ok(()) => Ok(()),
        Err(_) => socket.set_rx_buf_sz(i32::try_from(octets).unwrap_or(i32::MAX)),
    }
}
