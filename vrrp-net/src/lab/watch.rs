//! [`Watch`]: when a host had an address.

use std::{
    io,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use netlink_sys::{SocketAddr, protocols::NETLINK_ROUTE};
use socket2::SockRef;

use super::{Error, Host, error::Doing, now};
use crate::netlink::{
    Socket, addresses,
    message::{Change, Messages},
};

/// `RTNLGRP_IPV4_IFADDR` and `RTNLGRP_IPV6_IFADDR` of `linux/rtnetlink.h`.
const GROUPS: [u32; 2] = [5, 9];
/// How long a read waits at most: the thread notices within this time that it is to end.
const PATIENCE: Duration = Duration::from_millis(50);
/// Larger than any notification.
const DATAGRAM: usize = 64 * 1024;

/// A time in which a host had an address, by the clock of [`now`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a time has a beginning and an end")]
pub struct Held {
    /// When the kernel got it.
    pub from: Duration,
    /// When it was gone; `None`: it is still there.
    pub until: Option<Duration>,
}

/// Remembers when a host had an address, as its kernel tells. It ends when it is dropped.
#[derive(Debug)]
pub struct Watch {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    address: IpAddr,
    held: Mutex<Vec<Held>>,
    ended: AtomicBool,
}

impl Watch {
    /// Starts watching. The address must not be on two interfaces of the host.
    ///
    /// # Errors
    /// [`Error`] with what the operating system says.
    pub fn start(host: &Host, address: IpAddr) -> Result<Self, Error> {
        let starting = || format!("watching the address {address} on the host {}", host.name());
        let notifications = host.run(subscribe)?.doing(starting)?;
        let mut table = host.run(Socket::new)?.doing(starting)?;
        let shared =
            Arc::new(Shared { address, held: Mutex::default(), ended: AtomicBool::new(false) });
        if addresses::list(&mut table).doing(starting)?.iter().any(|entry| entry.ip() == address) {
            shared.note(Change::New(address), now());
        }
        let reader = Arc::clone(&shared);
        let thread = host.thread("watch", move || reader.read(&notifications))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// When the host had the address so far, in order.
    #[must_use]
    pub fn held(&self) -> Vec<Held> {
        self.shared.lock().clone()
    }

    /// The last of these times.
    pub(super) fn last(&self) -> Option<Held> {
        self.shared.lock().last().copied()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn read(&self, notifications: &netlink_sys::Socket) {
        let mut buffer = Vec::with_capacity(DATAGRAM);
        while !self.ended.load(Ordering::Relaxed) {
            buffer.clear();
            // Nothing came in time, or notifications were lost: there is nothing else to do than to
            // read on.
            if notifications.recv(&mut buffer, 0).is_err() {
                continue;
            }
            let at = now();
            for (header, payload) in Messages(&buffer) {
                let change =
                    addresses::decode(&header, payload).map(|change| change.map(|it| it.ip()));
                if let Some(change) = change {
                    self.note(change, at);
                }
            }
        }
    }

    /// The kernel reports a renewal as it reports the address itself.
    fn note(&self, change: Change<IpAddr>, at: Duration) {
        let mut held = self.lock();
        match (change, held.last_mut().filter(|last| last.until.is_none())) {
            (Change::New(address), None) if address == self.address => {
                held.push(Held { from: at, until: None });
            }
            (Change::Gone(address), Some(last)) if address == self.address => last.until = Some(at),
            _ => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn subscribe() -> io::Result<netlink_sys::Socket> {
    let mut socket = netlink_sys::Socket::new(NETLINK_ROUTE)?;
    socket.bind(&SocketAddr::new(0, 0))?;
    SockRef::from(&socket).set_read_timeout(Some(PATIENCE))?;
    for group in GROUPS {
        socket.add_membership(group)?;
    }
    Ok(socket)
}
