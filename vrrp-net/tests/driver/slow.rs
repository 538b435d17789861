//! A host on which what is done takes time: by its clock alone, so that a test goes the same way on
//! any machine.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use vrrp_core::{Family, Instant, InterfaceId};
use vrrp_net::{
    clock::{Clock, Reader, TokioClock},
    link::{
        Announcement, Interest, Link, Outgoing, Port, Received,
        memory::{Hub, Memory as Wire},
    },
};

use crate::world::Host;

/// What takes how long. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace {
    /// How far the clock is ahead of tokio's, in nanoseconds.
    ahead: Arc<AtomicU64>,
    reading: Arc<AtomicU64>,
    sending: Arc<AtomicU64>,
}

impl Pace {
    /// To read the clock takes so long from now on.
    pub(crate) fn reading_takes(&self, duration: Duration) {
        self.reading.store(nanos(duration), Ordering::Relaxed);
    }

    /// To send a packet takes so long from now on.
    pub(crate) fn sending_takes(&self, duration: Duration) {
        self.sending.store(nanos(duration), Ordering::Relaxed);
    }

    fn pass(&self, nanos: u64) {
        self.ahead.fetch_add(nanos, Ordering::Relaxed);
    }

    /// How long everything has taken.
    pub(crate) fn ahead(&self) -> Duration {
        Duration::from_nanos(self.ahead.load(Ordering::Relaxed))
    }
}

fn nanos(duration: Duration) -> u64 {
    duration.as_nanos().try_into().unwrap()
}

/// The host 192.0.2.1, its interface up, on which nothing takes any time yet.
pub(crate) fn host(hub: &Hub) -> (Host, Pace) {
    let pace = Pace::default();
    let clock = SlowClock { clock: TokioClock::new(), pace: pace.clone() };
    let link = |wire| SlowLink { wire, pace: pace.clone() };
    (Host::with_clock(hub, 1, link, clock), pace.clone())
}

struct SlowClock {
    clock: TokioClock,
    pace: Pace,
}

impl Clock for SlowClock {
    fn now(&self) -> Instant {
        self.pace.pass(self.pace.reading.load(Ordering::Relaxed));
        self.clock.now() + self.pace.ahead()
    }

    fn reader(&self) -> Reader {
        let (clock, pace) = (self.clock.reader(), self.pace.clone());
        Reader::new(move || clock.now() + pace.ahead())
    }

    fn poll_until(&mut self, deadline: Option<Instant>, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = deadline.map(|deadline| deadline - self.pace.ahead());
        self.clock.poll_until(deadline, cx)
    }
}

struct SlowLink {
    wire: Wire,
    pace: Pace,
}

impl Link for SlowLink {
    fn open(&mut self, port: &Port, interest: &Interest) -> io::Result<()> {
        self.wire.open(port, interest)
    }

    fn close(&mut self, interface: InterfaceId, family: Family) {
        self.wire.close(interface, family);
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.wire.poll_readable(cx)
    }

    fn try_recv(&mut self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        self.wire.try_recv(buffer)
    }

    fn send(&mut self, outgoing: &Outgoing<'_>) -> io::Result<()> {
        self.pace.pass(self.pace.sending.load(Ordering::Relaxed));
        self.wire.send(outgoing)
    }

    fn announce(&mut self, announcement: &Announcement<'_>) -> io::Result<()> {
        self.wire.announce(announcement)
    }
}
