//! The network of a Linux host: raw sockets, per interface and family.
//!
//! A port has a socket for what can be ours and a small one for the rest of protocol 112. The
//! second is read at most 64 times a second, so that refusals get their names and a flood of them
//! costs nothing. A third one sees what other hosts say of the addresses, and is read as seldom. One
//! packet socket announces on all of them.

mod filter;
mod holders;
mod overhearing;
mod rx;
mod sys;
mod tx;

use std::{
    fs,
    future::Future,
    io,
    net::IpAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep};
use vrrp_core::{Cidr, Family, InterfaceId, Key, NOBODYS, Probe};

use super::{Announcement, Interest, Link, Outgoing, Overflow, Port, Received, Seen};
use crate::remedy::{Explained, without_ipv6};
use filter::NETWORK_HEADER;
use holders::Holders;
use overhearing::Overhearing;
use rx::{Rx, Traffic};
use tx::Announcer;

/// The interfaces of this host, or of the network namespace of the thread that opens the ports.
///
/// Needs `CAP_NET_RAW`, and a tokio runtime with I/O and time when a port is opened.
#[derive(Debug, Default)]
pub struct Linux {
    /// Sorted by interface and family.
    ports: Vec<Sockets>,
    /// Where the next look for a datagram begins, so that no port starves another.
    next: usize,
    refusals: Pace,
    /// What announces on every port; opened with the first one.
    announcer: Option<Announcer>,
    /// What sees the advertisements for a virtual router ahead of any firewall.
    overhearing: Vec<Overhearing>,
}

/// An open port.
#[derive(Debug)]
struct Sockets {
    port: Port,
    heard: Rx,
    refused: Rx,
    holders: Holders,
}

impl Linux {
    /// A link without ports.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn position(&self, interface: InterfaceId, family: Family) -> Result<usize, usize> {
        self.ports.binary_search_by_key(&(interface, family), |sockets| {
            (sockets.port.interface, sockets.port.family)
        })
    }

    fn port(&mut self, interface: InterfaceId, family: Family) -> io::Result<&mut Sockets> {
        let position = self.position(interface, family).ok();
        position
            .and_then(|at| self.ports.get_mut(at))
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Asks every port once, in turns.
    fn first(
        &mut self,
        mut ask: impl FnMut(&mut Sockets) -> io::Result<Option<Received>>,
    ) -> io::Result<Option<Received>> {
        let count = self.ports.len();
        for at in (self.next..count).chain(0..self.next.min(count)) {
            let Some(sockets) = self.ports.get_mut(at) else { continue };
            let found =
                ask(sockets).map_err(|error| sockets.port.error("cannot receive on", &error))?;
            if found.is_some() {
                self.next = at + 1;
                return Ok(found);
            }
        }
        Ok(None)
    }
}

impl Link for Linux {
    fn open(&mut self, port: &Port, interest: &Interest) -> io::Result<()> {
        let explain = |error: io::Error| port.error("cannot open raw sockets on", &error);
        match self.position(port.interface, port.family) {
            Ok(at)
                if self.ports.get(at).is_some_and(|sockets| sockets.port.index == port.index) =>
            {
                let Some(sockets) = self.ports.get_mut(at) else { return Ok(()) };
                sockets.port = port.clone();
                sockets.heard.change(interest).map_err(explain)?;
                sockets.refused.change(interest).map_err(explain)?;
                sockets.holders.change(port, interest).map_err(explain)
            }
            Ok(at) => {
                self.ports.remove(at);
                self.open(port, interest)
            }
            Err(at) => {
                if self.announcer.is_none() {
                    self.announcer = Some(Announcer::new().map_err(explain)?);
                }
                self.ports.insert(at, Sockets::open(port, interest).map_err(explain)?);
                Ok(())
            }
        }
    }

    fn close(&mut self, interface: InterfaceId, family: Family) {
        if let Ok(at) = self.position(interface, family) {
            self.ports.remove(at);
        }
        self.overhearing.retain(|one| (one.key.interface, one.key.family) != (interface, family));
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let refusals = self.refusals.poll(cx).is_ready();
        let ready = self.ports.iter_mut().any(|sockets| {
            sockets.heard.poll_readable(cx).is_ready()
                || refusals && sockets.refused.poll_readable(cx).is_ready()
                || sockets.holders.poll_readable(cx).is_ready()
        });
        let ready =
            ready || self.overhearing.iter_mut().any(|one| one.poll_readable(cx).is_ready());
        if ready { Poll::Ready(()) } else { Poll::Pending }
    }

    fn try_recv(&mut self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        if let Some(received) = self.first(|sockets| sockets.heard.recv_known(buffer))? {
            return Ok(Some(received));
        }
        // A deadline is acted on only after this: also what tokio does not know of yet must be
        // found.
        if let Some(received) = self.first(|sockets| sockets.heard.recv_now(buffer))? {
            return Ok(Some(received));
        }
        if !self.refusals.is_due() {
            return Ok(None);
        }
        let refused = self.first(|sockets| sockets.refused.recv_known(buffer))?;
        if refused.is_some() {
            self.refusals.take();
        }
        Ok(refused)
    }

    fn send(&mut self, outgoing: &Outgoing<'_>) -> io::Result<()> {
        let Sockets { port, heard, .. } = self.port(outgoing.interface, outgoing.family())?;
        tx::send(heard.socket(), port.index, outgoing).map_err(|error| {
            port.lacks_ipv6(&error)
                .map_or(error, |why| io::Error::new(io::ErrorKind::InvalidInput, why))
        })
    }

    fn has_source(&self, interface: InterfaceId, source: IpAddr) -> bool {
        let sockets =
            self.position(interface, Family::of(source)).ok().and_then(|at| self.ports.get(at));
        sockets.is_some_and(|sockets| tx::is_local(sockets.port.index, source).unwrap_or(false))
    }

    fn send_from_former(&mut self, outgoing: &Outgoing<'_>) -> io::Result<()> {
        let Sockets { port, heard, .. } = self.port(outgoing.interface, outgoing.family())?;
        let socket = heard.socket();
        tx::with_any_source(socket, outgoing.source, || tx::send(socket, port.index, outgoing))
    }

    fn announce(&mut self, announcement: &Announcement<'_>) -> io::Result<()> {
        let Announcement { interface, family, addresses } = *announcement;
        let port = self.port(interface, family)?.port.clone();
        self.announce_on(&port, addresses)
    }

    fn announce_on(&mut self, port: &Port, addresses: &[Cidr]) -> io::Result<()> {
        let Port { family, index, mac, .. } = *port;
        let router = family == Family::Ipv6 && forwards_ipv6(&port.name);
        let announcer = match &mut self.announcer {
            Some(announcer) => announcer,
            none => none.insert(Announcer::new()?),
        };
        announcer.announce(index, mac, router, family, addresses)
    }

    fn try_seen(&mut self) -> Option<Seen> {
        let sighting = self.ports.iter_mut().find_map(|sockets| sockets.holders.next());
        sighting.map(Seen::Sighting).or_else(|| {
            let mut all = self.overhearing.iter_mut();
            all.find_map(|one| Some(Seen::Overheard { key: one.key, source: one.next()? }))
        })
    }

    fn probe(&mut self, probe: &Probe) -> io::Result<()> {
        let Probe { key, address, source, is_proxy_asked } = *probe;
        let Port { index, mac, .. } = self.port(key.interface, key.family)?.port;
        let announcer = match &mut self.announcer {
            Some(announcer) => announcer,
            none => none.insert(Announcer::new()?),
        };
        // Its answer comes first, so that a proxy is known as one.
        if is_proxy_asked {
            announcer.ask(index, mac, NOBODYS.into(), source)?;
        }
        announcer.ask(index, mac, address, source)
    }

    fn overhear(&mut self, key: Key, on: bool) -> io::Result<()> {
        self.overhearing.retain(|one| one.key != key);
        if on {
            let port = self.port(key.interface, key.family)?.port.clone();
            let opened = Overhearing::open(&port, key);
            self.overhearing.push(opened.map_err(|error| port.error("cannot look at", &error))?);
        }
        Ok(())
    }

    fn overflow(&self, interface: InterfaceId, family: Family) -> Overflow {
        let sockets = self.position(interface, family).ok().and_then(|at| self.ports.get(at));
        sockets.map_or_else(Overflow::default, |sockets| Overflow {
            heard: sockets.heard.drops(),
            refused: sockets.refused.drops(),
        })
    }
}

impl Sockets {
    fn open(port: &Port, interest: &Interest) -> io::Result<Self> {
        Ok(Self {
            port: port.clone(),
            heard: Rx::open(port, interest, Traffic::Heard)?,
            refused: Rx::open(port, interest, Traffic::Refused)?,
            holders: Holders::open(port, interest)?,
        })
    }
}

impl Port {
    fn error(&self, what: &str, error: &io::Error) -> io::Error {
        let hint = match error.kind() {
            io::ErrorKind::PermissionDenied => " (the capability CAP_NET_RAW is needed)",
            _ => "",
        };
        let why = self.lacks_ipv6(error).unwrap_or_else(|| format!("{}{hint}", Explained(error)));
        io::Error::new(error.kind(), format!("{what} {} ({}): {why}", self.name, self.family))
    }

    /// Why `error` came, if it is that the interface has no IPv6.
    fn lacks_ipv6(&self, error: &io::Error) -> Option<String> {
        let invalid = error.raw_os_error() == Some(libc::EINVAL);
        if invalid && self.family == Family::Ipv6 { without_ipv6(&self.name) } else { None }
    }
}

/// Whether the host is an IPv6 router on this interface, as its Neighbor Advertisements have to
/// say.
fn forwards_ipv6(interface: &str) -> bool {
    fs::read_to_string(format!("/proc/sys/net/ipv6/conf/{interface}/forwarding"))
        .is_ok_and(|value| value.trim() != "0")
}

/// How often refusals are read, and what is seen of other holders.
#[derive(Debug, Default)]
struct Pace {
    /// When reading would be exactly on schedule; it may run ahead by [`Self::BURST`].
    schedule: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    const EVERY: Duration = Duration::from_nanos(1_000_000_000 / 64);
    const BURST: u32 = 8;

    fn due(&self) -> Option<Instant> {
        self.schedule.map(|schedule| schedule - Self::EVERY * (Self::BURST - 1))
    }

    fn is_due(&self) -> bool {
        self.due().is_none_or(|due| Instant::now() >= due)
    }

    /// Counts one that was read.
    fn take(&mut self) {
        let now = Instant::now();
        self.schedule = Some(self.schedule.map_or(now, |schedule| schedule.max(now)) + Self::EVERY);
    }

    /// The same, if one was read.
    fn take_if(&mut self, was_read: bool) {
        if was_read {
            self.take();
        }
    }

    /// Ready when the next may be read.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(due) = self.due() else { return Poll::Ready(()) };
        if Instant::now() >= due {
            return Poll::Ready(());
        }
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        if sleep.deadline() != due {
            sleep.as_mut().reset(due);
        }
        sleep.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn refusals_are_read_64_times_a_second() {
        let mut pace = Pace::default();
        let start = Instant::now();
        let mut read = 0;
        while start.elapsed() < Duration::from_secs(10) {
            poll_fn(|cx| pace.poll(cx)).await;
            assert!(pace.is_due());
            pace.take();
            read += 1;
        }
        // Sleeps end on whole milliseconds.
        assert!((600..=640 + Pace::BURST).contains(&read), "{read} in 10 s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_quiet_time_allows_a_burst_and_no_more() {
        let mut pace = Pace::default();
        for _ in 0..2 {
            tokio::time::advance(Duration::from_secs(60)).await;
            let mut burst = 0;
            while pace.is_due() {
                pace.take();
                burst += 1;
            }
            assert_eq!(burst, Pace::BURST);
        }
    }
}
