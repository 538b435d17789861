//! [`BootClock`]: the clock of Linux that counts suspended time.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, RawFd},
    task::{Context, Poll},
    thread,
    time::Duration,
};

use nix::{
    sys::{
        time::TimeSpec,
        timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
    },
    time::{self as posix},
};
use tokio::io::{Interest, unix::AsyncFd};
use vrrp_core::Instant;

use super::{Clock, Reader};

/// The time since the machine was booted, suspended time included: the clock of [`BootClock`].
#[must_use]
pub(crate) fn boottime_now() -> Instant {
    // Available since Linux 2.6.39; an unknown clock is the only way this call can fail.
    let now = posix::clock_gettime(posix::ClockId::CLOCK_BOOTTIME).unwrap_or(TimeSpec::new(0, 0));
    Instant::EPOCH + Duration::from(now)
}

/// `CLOCK_BOOTTIME`: it counts suspended time, so that a lease does not outlive a nap of its
/// holder.
///
/// The wait is a timerfd: tokio's own timers are a millisecond coarse.
#[derive(Debug)]
pub struct BootClock {
    timer: AsyncFd<Timer>,
    armed: Option<Instant>,
    own_thread: bool,
}

impl BootClock {
    /// A clock of the current tokio runtime.
    ///
    /// # Errors
    /// The kernel gives no timer: out of file descriptors or memory.
    ///
    /// # Panics
    /// Outside of a tokio runtime whose I/O driver is enabled.
    pub fn new() -> io::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = Timer(TimerFd::new(ClockId::CLOCK_BOOTTIME, flags)?);
        // SAFETY: `Timer` owns its descriptor and always returns the same one; it is never taken
        // out.
        let timer = unsafe { AsyncFd::register_with_interest(timer, Interest::READABLE) }?;
        Ok(Self { timer, armed: None, own_thread: false })
    }

    /// The same for a driver that has its thread to itself, so that it may [`rest`](Clock::rest).
    #[must_use]
    pub fn own_thread(mut self) -> Self {
        self.own_thread = true;
        self
    }

    fn arm(&mut self, deadline: Instant) -> nix::Result<()> {
        let at = TimeSpec::from(Duration::from_nanos(deadline.as_nanos()));
        self.timer
            .get_ref()
            .0
            .set(Expiration::OneShot(at), TimerSetTimeFlags::TFD_TIMER_ABSTIME)?;
        self.armed = Some(deadline);
        Ok(())
    }
}

impl Clock for BootClock {
    fn now(&self) -> Instant {
        boottime_now()
    }

    fn reader(&self) -> Reader {
        Reader::new(boottime_now)
    }

    fn poll_until(&mut self, deadline: Option<Instant>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = deadline else { return Poll::Pending };
        loop {
            if self.now() >= deadline {
                return Poll::Ready(());
            }
            // A timer that cannot be armed would sleep for ever: an early wake-up is the lesser
            // evil.
            if self.armed != Some(deadline) && self.arm(deadline).is_err() {
                return Poll::Ready(());
            }
            match self.timer.poll_read_ready(cx) {
                Poll::Pending => return Poll::Pending,
                // An expiry of an earlier deadline. Arming again resets the timer's count of
                // expiries.
                Poll::Ready(Ok(mut guard)) => {
                    guard.clear_ready();
                    self.armed = None;
                }
                // The runtime is shutting down.
                Poll::Ready(Err(_)) => return Poll::Pending,
            }
        }
    }

    fn rest(&self, duration: Duration) {
        if self.own_thread {
            thread::sleep(duration);
        }
    }
}

/// Lends tokio the descriptor of a timer.
#[derive(Debug)]
struct Timer(TimerFd);

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    async fn until(clock: &mut impl Clock, deadline: Instant) {
        poll_fn(|cx| clock.poll_until(Some(deadline), cx)).await;
    }

    #[tokio::test]
    async fn boot_clock_waits_for_each_deadline_and_not_much_longer() {
        let mut clock = BootClock::new().unwrap();
        for wait in [3, 40, 1, 0] {
            let deadline = clock.now() + Duration::from_millis(wait);
            until(&mut clock, deadline).await;
            let late = clock.now() - deadline;
            assert!(clock.now() >= deadline, "early");
            assert!(late < Duration::from_millis(500), "{late:?} late");
        }
    }

    #[tokio::test]
    async fn boot_clock_takes_an_earlier_and_a_later_deadline() {
        let mut clock = BootClock::new().unwrap();
        let start = clock.now();
        let far = start + Duration::from_secs(3600);
        let poll_far = poll_fn(|cx| Poll::Ready(clock.poll_until(Some(far), cx))).await;
        assert_eq!(poll_far, Poll::Pending);
        until(&mut clock, start + Duration::from_millis(5)).await;
        // The expiry of a replaced deadline must not end the wait for the next.
        let near = clock.now() + Duration::from_millis(2);
        let _ = poll_fn(|cx| Poll::Ready(clock.poll_until(Some(near), cx))).await;
        thread::sleep(Duration::from_millis(4));
        let later = clock.now() + Duration::from_millis(20);
        until(&mut clock, later).await;
        assert!(clock.now() >= later);
    }

    #[tokio::test]
    async fn no_deadline_never_comes() {
        let mut clock = BootClock::new().unwrap();
        let waited = tokio::time::timeout(
            Duration::from_millis(20),
            poll_fn(|cx| clock.poll_until(None, cx)),
        )
        .await;
        assert!(waited.is_err());
    }

    #[test]
    fn both_ways_to_ask_the_time_share_an_epoch() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let clock = runtime.block_on(async { BootClock::new().unwrap() });
        let (before, between, after) = (boottime_now(), clock.now(), boottime_now());
        assert!(before > Instant::EPOCH && before <= between && between <= after);
    }
}
