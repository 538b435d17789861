//! [`Injector`]: frames as nobody sane would send them.

use std::{
    io, thread,
    time::{Duration, Instant},
};

use nix::net::if_::if_nametoindex;
use socket2::Socket;

use super::{Error, Host, error::Doing, raw};

/// How long it sleeps between two bursts.
const SLICE: Duration = Duration::from_millis(1);
/// How long past the end it may go on sending what is left.
const OVERTIME: Duration = Duration::from_secs(1);

/// Sends frames of any content from a host's interface, at a given rate.
#[derive(Debug)]
pub struct Injector {
    socket: Socket,
    interface: String,
}

/// What an [`Injector`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Injected {
    /// How many frames were sent. Fewer than asked for when the machine could not keep up.
    pub sent: u64,
    /// How long it took.
    pub took: Duration,
}

impl Injector {
    /// An injector at an interface of `host`.
    ///
    /// # Errors
    /// [`Error`] when there is no such interface, or with what the operating system says.
    pub fn new(host: &Host, interface: &str) -> Result<Self, Error> {
        let opening =
            || format!("opening a socket for frames on {interface} of the host {}", host.name());
        let open = || raw::packet_socket(if_nametoindex(interface)?, 0);
        Ok(Self { socket: host.run(open)?.doing(opening)?, interface: interface.to_owned() })
    }

    /// Sends one frame.
    ///
    /// # Errors
    /// [`Error`] with what the operating system says.
    pub fn send(&self, frame: &[u8]) -> Result<(), Error> {
        self.transmit(frame)
            .doing(|| format!("sending a frame of {} bytes on {}", frame.len(), self.interface))
    }

    /// Sends `rate` frames a second for `duration`, evenly (in bursts a millisecond apart), and
    /// returns when that is done. `frame` makes the frame of each number from 0 on.
    ///
    /// # Errors
    /// [`Error`] with what the operating system says about the first frame that cannot be sent.
    pub fn inject(
        &self,
        rate: u32,
        duration: Duration,
        mut frame: impl FnMut(u64) -> Vec<u8>,
    ) -> Result<Injected, Error> {
        let begun = Instant::now();
        let mut sent = 0;
        loop {
            let elapsed = begun.elapsed();
            let due = frames_due(rate, elapsed.min(duration));
            while sent < due && begun.elapsed() < duration + OVERTIME {
                self.send(&frame(sent))?;
                sent += 1;
            }
            if elapsed >= duration {
                return Ok(Injected { sent, took: begun.elapsed() });
            }
            thread::sleep(SLICE.min(duration.saturating_sub(begun.elapsed())));
        }
    }

    fn transmit(&self, frame: &[u8]) -> io::Result<()> {
        loop {
            match self.socket.send(frame) {
                Ok(_) => return Ok(()),
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => thread::yield_now(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn frames_due(rate: u32, elapsed: Duration) -> u64 {
    let due = u128::from(rate) * elapsed.as_nanos() / 1_000_000_000;
    u64::try_from(due).unwrap_or(u64::MAX)
}
