//! Listening to VRRP without taking part: who speaks on the interfaces of this host, and what.
//!
//! A [`Listener`] sends nothing, and a [`Node`](crate::Node) beside it notices nothing. It hears what
//! arrives on its interfaces, by multicast and by unicast to this host, what this host itself sends
//! there, and separately what the kernel hands on to programs: so a firewall of this host is told from
//! a network that is silent. [`Speakers`] sums it up, with a bound on what is kept.
//!
//! Everything is of the network namespace of the calling thread. It needs `CAP_NET_RAW`.
//!
//! ```no_run
//! use std::time::{Duration, Instant};
//! use vrrp_net::listen::{Listener, Speakers};
//!
//! let mut listener = Listener::open(["eth0"])?;
//! let mut speakers = Speakers::new();
//! let end = Instant::now() + Duration::from_secs(3);
//! while let Some(heard) = listener.next(end)? {
//!     speakers.hear(&heard);
//! }
//! for speaker in speakers.iter() {
//!     let message = &speaker.message;
//!     println!("{}: {} has VRID {}", speaker.interface, speaker.source, message.vrid);
//! }
//! # Ok::<(), vrrp_net::listen::ListenError>(())
//! ```

mod ear;
mod message;
mod speakers;
mod tap;

use std::{
    collections::BTreeMap,
    io,
    os::fd::AsFd,
    sync::Arc,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    net::if_::if_nametoindex,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};

use ear::Ear;
pub use message::{Authenticated, Heard, Message, Way};
pub use speakers::{MOST, Speaker, Speakers};
use tap::Tap;

/// Why an interface cannot be listened to.
#[derive(Debug, thiserror::Error)]
#[error("{interface} cannot be listened to: {source}")]
#[non_exhaustive]
pub struct ListenError {
    /// The interface's name.
    pub interface: String,
    /// What the operating system says.
    pub source: io::Error,
}

/// Hears VRRP on some interfaces.
#[derive(Debug)]
pub struct Listener {
    tap: Tap,
    ears: Vec<Ear>,
    /// The socket that is looked at first: they take turns, so that no flood hides the others.
    turn: usize,
}

impl Listener {
    /// Begins to listen on these interfaces. It joins the groups 224.0.0.18 and ff02::12 there, and
    /// leaves them when it is dropped. A family that an interface has not is not listened to.
    ///
    /// # Errors
    /// The first interface that is not there or may not be listened to.
    pub fn open<'a>(interfaces: impl IntoIterator<Item = &'a str>) -> Result<Self, ListenError> {
        let mut names: BTreeMap<u32, Arc<str>> = BTreeMap::new();
        let mut ears = Vec::new();
        for interface in interfaces {
            let failed = |source| ListenError { interface: interface.to_owned(), source };
            let index = if_nametoindex(interface).map_err(|errno| failed(errno.into()))?;
            let name: Arc<str> = interface.into();
            if names.insert(index, Arc::clone(&name)).is_none() {
                ears.extend(Ear::both(&name, index).map_err(failed)?);
            }
        }
        let first = names.values().next().map(|name| (**name).to_owned()).unwrap_or_default();
        let tap = Tap::open(names).map_err(|source| ListenError { interface: first, source })?;
        Ok(Self { tap, ears, turn: 0 })
    }

    /// The next message, or `None` when it is `until` and none has come. What cannot be a message of
    /// VRRP at all, being shorter than its header, is passed over.
    ///
    /// # Errors
    /// What the operating system says; the listener is of no use any more.
    pub fn next(&mut self, until: Instant) -> Result<Option<Heard>, ListenError> {
        let failed = |source| ListenError { interface: "the network".to_owned(), source };
        loop {
            // Also while there is always something to read.
            if Instant::now() >= until {
                return Ok(None);
            }
            match self.look().map_err(failed)? {
                Look::Heard(heard) => return Ok(Some(*heard)),
                Look::Unreadable => {}
                Look::Nothing => self.wait(until).map_err(failed)?,
            }
        }
    }

    /// Looks once at each socket, beginning with the one whose turn it is. After a silence that is the
    /// one for frames, which are there before what is handed on of them.
    fn look(&mut self) -> io::Result<Look> {
        let count = self.ears.len() + 1;
        for step in 0..count {
            let at = (self.turn + step) % count;
            let ear = at.checked_sub(1).and_then(|at| self.ears.get_mut(at));
            let look = match ear {
                Some(ear) => ear.look()?,
                None => self.tap.look()?,
            };
            if !matches!(look, Look::Nothing) {
                self.turn = at + 1;
                return Ok(look);
            }
        }
        self.turn = 0;
        Ok(Look::Nothing)
    }

    /// Waits until something can be read, or it is `until`.
    fn wait(&self, until: Instant) -> io::Result<()> {
        let left = until.saturating_duration_since(Instant::now());
        // A millisecond more, so that nobody looks again just before the end.
        let timeout = PollTimeout::try_from(left + Duration::from_millis(1));
        let ears = self.ears.iter().map(AsFd::as_fd);
        let watched = ears.chain([self.tap.as_fd()]);
        let mut watched: Vec<PollFd<'_>> =
            watched.map(|socket| PollFd::new(socket, PollFlags::POLLIN)).collect();
        match poll(&mut watched, timeout.unwrap_or(PollTimeout::MAX)) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// What a look at a socket brought.
#[derive(Debug)]
enum Look {
    Heard(Box<Heard>),
    /// Something that is no message.
    Unreadable,
    Nothing,
}

impl Look {
    /// What is to be made of an attempt to read.
    fn of(read: io::Result<Option<Heard>>) -> io::Result<Self> {
        match read {
            Ok(Some(heard)) => Ok(Self::Heard(Box::new(heard))),
            Ok(None) => Ok(Self::Unreadable),
            Err(error) => match error.raw_os_error().map(Errno::from_raw) {
                // An interface that goes down tells its sockets so, once.
                Some(Errno::EAGAIN | Errno::ENETDOWN | Errno::ENODEV) => Ok(Self::Nothing),
                Some(Errno::EINTR) => Ok(Self::Unreadable),
                _ => Err(error),
            },
        }
    }
}
