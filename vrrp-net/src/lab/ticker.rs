//! [`Ticker`]: how long this machine lets a thread wait.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{Error, error::Doing};

/// How often it ticks.
const TICK: Duration = Duration::from_millis(1);

/// A thread that wakes up each millisecond and remembers the longest time between two wake-ups. When a
/// protocol was late by less than that, it may have been the machine that was late. It ends when it is
/// dropped.
#[derive(Debug)]
pub struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    ended: AtomicBool,
    /// In nanoseconds.
    worst: AtomicU64,
}

impl Ticker {
    /// Starts ticking.
    ///
    /// # Errors
    /// [`Error`] when the thread cannot be started.
    pub fn start() -> Result<Self, Error> {
        let shared = Arc::<Shared>::default();
        let ticking = Arc::clone(&shared);
        let thread = thread::Builder::new().name("ticker".to_owned()).spawn(move || ticking.tick());
        Ok(Self { shared, thread: Some(thread.doing(|| "starting the ticker".to_owned())?) })
    }

    /// The longest time between two wake-ups so far: one millisecond and a little on an idle machine.
    #[must_use]
    pub fn worst_gap(&self) -> Duration {
        Duration::from_nanos(self.shared.worst.load(Ordering::Relaxed))
    }

    /// Ends it: the longest time between two wake-ups.
    #[must_use]
    pub fn stop(mut self) -> Duration {
        self.end();
        self.worst_gap()
    }

    fn end(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    fn tick(&self) {
        let mut last = Instant::now();
        while !self.ended.load(Ordering::Relaxed) {
            thread::sleep(TICK);
            let now = Instant::now();
            let gap = u64::try_from(now.duration_since(last).as_nanos()).unwrap_or(u64::MAX);
            self.worst.fetch_max(gap, Ordering::Relaxed);
            last = now;
        }
    }
}
