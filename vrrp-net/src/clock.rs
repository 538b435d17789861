//! The one clock of a driver.

#[cfg(target_os = "linux")]
mod boot;

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::Sleep;
use vrrp_core::Instant;

#[cfg(target_os = "linux")]
pub use boot::BootClock;
#[cfg(target_os = "linux")]
pub(crate) use boot::boottime_now;

/// A monotonic clock, and a way to wait for a deadline on it.
///
/// Expiry is decided by [`now`](Self::now), never by a wake-up.
pub trait Clock: Send + 'static {
    /// Now.
    fn now(&self) -> Instant;

    /// The same clock for other threads: [`Handle::active`](crate::Handle::active) compares with
    /// it.
    fn reader(&self) -> Reader;

    /// Ready when `deadline` has come; `None` never comes. A later call replaces the deadline.
    fn poll_until(&mut self, deadline: Option<Instant>, cx: &mut Context<'_>) -> Poll<()>;

    /// Lets this time pass on this thread, if nothing but the driver runs on it; otherwise does
    /// nothing.
    ///
    /// The driver asks for it when packets come thick and fast: to be woken for each costs more
    /// than to read it.
    fn rest(&self, _duration: Duration) {}
}

/// Reads a [`Clock`] from any thread.
#[derive(Clone)]
pub struct Reader(Arc<dyn Fn() -> Instant + Send + Sync>);

impl Reader {
    /// A reader that asks `read`. It has to return what [`Clock::now`] would.
    pub fn new(read: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Instant {
        (self.0)()
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reader").field(&self.now()).finish()
    }
}

/// The time of the current tokio runtime since the clock was made: for tests, where it can be
/// paused.
#[derive(Debug)]
pub struct TokioClock {
    start: tokio::time::Instant,
    sleep: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl TokioClock {
    /// A clock that stands at [`Instant::EPOCH`] now.
    #[must_use]
    pub fn new() -> Self {
        Self { start: tokio::time::Instant::now(), sleep: None }
    }
}

impl Default for TokioClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Instant {
        Instant::EPOCH + self.start.elapsed()
    }

    /// Outside of the runtime it reads the host's time, as tokio does.
    fn reader(&self) -> Reader {
        let start = self.start;
        Reader::new(move || Instant::EPOCH + start.elapsed())
    }

    fn poll_until(&mut self, deadline: Option<Instant>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = deadline else { return Poll::Pending };
        let now = self.now();
        if now >= deadline {
            return Poll::Ready(());
        }
        if self.sleep.as_ref().is_none_or(|(at, _)| *at != deadline) {
            self.sleep = Some((deadline, Box::pin(tokio::time::sleep(deadline - now))));
        }
        match &mut self.sleep {
            Some((_, sleep)) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    async fn until(clock: &mut impl Clock, deadline: Instant) {
        poll_fn(|cx| clock.poll_until(Some(deadline), cx)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn tokio_clock_follows_paused_time() {
        let mut clock = TokioClock::new();
        assert_eq!(clock.now(), Instant::EPOCH);
        let deadline = Instant::EPOCH + Duration::from_secs(90);
        until(&mut clock, deadline).await;
        assert!(clock.now() - deadline < Duration::from_millis(2));
    }
}
