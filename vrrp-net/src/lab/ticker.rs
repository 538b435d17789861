//! [`Ticker`]: how long this machine lets a thread wait, and how long its kernel a change of an address.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use vrrp_core::Cidr;

use super::{Error, error::Doing};
use crate::netlink::{Socket, addresses};

/// How often it ticks.
const TICK: Duration = Duration::from_millis(1);
/// How often it asks the kernel for a change.
const ASK: Duration = Duration::from_millis(20);

/// A thread that wakes up each millisecond and remembers the longest time between two wake-ups.
/// When a protocol was late by less than that, it may have been the machine that was late. It ends
/// when it is dropped.
///
/// Another one asks the kernel for a change of an address, which cannot be made, and remembers how
/// long the answer took: all namespaces share one lock, and labs that come and go keep it busy.
#[derive(Debug)]
pub struct Ticker {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    ended: AtomicBool,
    /// In nanoseconds.
    worst: AtomicU64,
    /// The same of the kernel's answers.
    worst_answer: AtomicU64,
}

impl Ticker {
    /// Starts ticking.
    ///
    /// # Errors
    /// [`Error`] when the thread cannot be started.
    pub fn start() -> Result<Self, Error> {
        let mut ticker = Self { shared: Arc::default(), threads: Vec::new() };
        for work in [Shared::tick, Shared::ask] {
            let shared = Arc::clone(&ticker.shared);
            let thread =
                thread::Builder::new().name("ticker".to_owned()).spawn(move || work(&shared));
            ticker.threads.push(thread.doing(|| "starting the ticker".to_owned())?);
        }
        Ok(ticker)
    }

    /// The longest time between two wake-ups so far: one millisecond and a little on an idle
    /// machine.
    #[must_use]
    pub fn worst_gap(&self) -> Duration {
        Duration::from_nanos(self.shared.worst.load(Ordering::Relaxed))
    }

    /// The longest that the kernel took so far to answer a request that it refuses. Nothing without
    /// the right to change addresses.
    #[must_use]
    pub fn worst_answer(&self) -> Duration {
        Duration::from_nanos(self.shared.worst_answer.load(Ordering::Relaxed))
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn tick(&self) {
        let mut last = Instant::now();
        while !self.ended.load(Ordering::Relaxed) {
            thread::sleep(TICK);
            let now = Instant::now();
            remember(&self.worst, now.duration_since(last));
            last = now;
        }
    }

    fn ask(&self) {
        let Ok(mut socket) = Socket::new() else { return };
        while !self.ended.load(Ordering::Relaxed) {
            let begun = Instant::now();
            // There is no interface 0, and the kernel takes its lock before it looks.
            let nothing = addresses::delete(0, Cidr::from(IpAddr::V4(Ipv4Addr::LOCALHOST)));
            let _ = socket.request(nothing, 0);
            remember(&self.worst_answer, begun.elapsed());
            thread::sleep(ASK);
        }
    }
}

fn remember(worst: &AtomicU64, time: Duration) {
    worst.fetch_max(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
}
