//! [`Ticker`]: how long this machine lets a thread wait, and how long its kernel a change of an address.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use vrrp_core::Cidr;

use super::{Error, Host, Watch, error::Doing, now, wait_until};
use crate::netlink::{Socket, addresses};

/// How often it ticks.
const TICK: Duration = Duration::from_millis(1);
/// How often it asks the kernel for a change.
const ASK: Duration = Duration::from_millis(20);
/// With which of these it asks for an address, too: the kernel's threads are not to be kept busy.
const ADDRESS: u64 = 5;
/// How long it waits at most until the kernel uses an address: it then measures this.
const PATIENCE: Duration = Duration::from_secs(1);
/// The kernel's index of the interface `lo`.
const LOOPBACK: u32 = 1;

/// A host on which nothing runs: there the kernel is asked for addresses. One for all tickers of
/// the process, as a network that comes and goes keeps the kernel busy.
static EMPTY: LazyLock<Option<Host>> = LazyLock::new(|| Host::new("ticker").ok());
/// What makes the tickers' addresses differ.
static TICKERS: AtomicU16 = AtomicU16::new(1);

/// A thread that wakes up each millisecond and remembers the longest time between two wake-ups.
/// When a protocol was late by less than that, it may have been the machine that was late. It ends
/// when it is dropped.
///
/// Another one asks the kernel for changes, and remembers the longest that one took. It deletes an
/// address that is not there: all namespaces share one lock, and labs that come and go keep it busy.
/// And it adds an IPv6 address: the request ends at once, but a thread of the kernel takes the
/// address into use, and such a thread has to wait for the processor like any other.
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

    /// The longest that the kernel took so far to answer a request that it refuses, or to use an
    /// IPv6 address. Nothing without the right to make a [`Host`].
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
        let Some(host) = &*EMPTY else { return };
        let Ok(Ok(mut socket)) = host.run(Socket::new) else { return };
        let number = TICKERS.fetch_add(1, Ordering::Relaxed);
        let address = IpAddr::from(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, number));
        let Ok(watch) = Watch::start(host, address) else { return };
        for turn in 0_u64.. {
            if self.ended.load(Ordering::Relaxed) {
                break;
            }
            remember(&self.worst_answer, refuse(&mut socket));
            if turn.is_multiple_of(ADDRESS) {
                remember(&self.worst_answer, take_into_use(&mut socket, address, &watch));
            }
            thread::sleep(ASK);
        }
    }
}

/// How long the kernel takes to refuse a change.
fn refuse(socket: &mut Socket) -> Duration {
    let begun = Instant::now();
    // There is no interface 0, and the kernel takes its lock before it looks.
    let nothing = addresses::delete(0, Cidr::from(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    let _ = socket.request(nothing, 0);
    begun.elapsed()
}

/// How long the kernel takes until it uses a new IPv6 address, which it reports then.
fn take_into_use(socket: &mut Socket, address: IpAddr, watch: &Watch) -> Duration {
    let begun = now();
    if socket.request(addresses::add_own(LOOPBACK, Cidr::from(address)), 0).is_err() {
        return Duration::ZERO;
    }
    let used = || watch.last().map(|held| held.from).filter(|from| *from >= begun);
    wait_until(PATIENCE, || used().is_some());
    let took = used().unwrap_or_else(now).saturating_sub(begun);
    let _ = socket.request(addresses::delete(LOOPBACK, Cidr::from(address)), 0);
    took
}

fn remember(worst: &AtomicU64, time: Duration) {
    worst.fetch_max(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
}
