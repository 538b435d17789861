//! [`Realtime`]: a driver that busy processes cannot keep from its deadlines.

use std::{fmt, io, num::NonZeroU8, thread};

use nix::errno::Errno;

const GREATEST: u8 = 99;

/// A real-time priority of the driver's thread (`SCHED_RR`, see `sched(7)`): 1 to 99, the greater
/// before the less, and all of them before every ordinary process.
///
/// A driver wakes for a moment at each deadline and sleeps, so it takes no processor away from
/// others; what it gains is that others cannot take it from the driver. It is the driver's thread
/// alone: the threads that it starts, backends, and what renews the leases of the kernel's
/// addresses run as before. A host that is too busy for those loses its lease while it advertises;
/// then the node notices, and resigns if the address cannot be put back in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Realtime(NonZeroU8);

/// What is wrong with a [`Realtime`] priority.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RealtimeError {
    /// There is no such priority.
    #[error("a real-time priority is a number from 1 to 99")]
    OutOfRange,
    /// The kernel does not grant it.
    #[error(
        "the real-time priority {priority} was refused ({source}), so that busy processes may \
         delay advertisements; grant CAP_SYS_NICE, or an RLIMIT_RTPRIO of {priority} (LimitRTPRIO= \
         of systemd), or ask for none"
    )]
    Refused {
        /// The priority.
        priority: Realtime,
        /// What the kernel said.
        source: io::Error,
    },
    /// The driver runs as a task of the program's runtime, whose threads are the program's.
    #[error("this node's driver has no thread of its own, so it has no real-time priority")]
    NoThread,
    /// The kernel does not take it back.
    #[error("the driver's thread keeps its real-time priority: {0}; restart the program")]
    Kept(io::Error),
}

impl Realtime {
    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0.get()
    }

    /// Whether this process may have this priority: asks the kernel for it, on a thread that ends
    /// at once.
    ///
    /// # Errors
    /// [`RealtimeError::Refused`].
    pub fn try_out(self) -> Result<(), RealtimeError> {
        let refused = |source| RealtimeError::Refused { priority: self, source };
        let thread = thread::Builder::new().spawn(move || self.apply()).map_err(refused)?;
        thread.join().unwrap_or_else(|_| {
            Err(refused(io::Error::other("the thread that asked for it panicked")))
        })
    }

    /// Gives this priority to the calling thread. Threads and processes that it starts are ordinary
    /// ones.
    pub(crate) fn apply(self) -> Result<(), RealtimeError> {
        let policy = libc::SCHED_RR | libc::SCHED_RESET_ON_FORK;
        schedule(policy, self.get().into())
            .map_err(|source| RealtimeError::Refused { priority: self, source })
    }
}

/// Makes the calling thread an ordinary one again.
pub(crate) fn end() -> Result<(), RealtimeError> {
    // A thread that is reset on fork stays so without a right of its own (sched(7)).
    schedule(libc::SCHED_OTHER | libc::SCHED_RESET_ON_FORK, 0).map_err(RealtimeError::Kept)
}

fn schedule(policy: libc::c_int, priority: libc::c_int) -> io::Result<()> {
    // SAFETY: the kernel reads its `struct sched_param`, which is one int, and `priority` lives
    // until the call returns; 0 is the calling thread. Not by `libc::sched_setscheduler`, which
    // musl has as a stub that fails.
    let result =
        unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, policy, &raw const priority) };
    Errno::result(result).map(drop).map_err(Into::into)
}

impl TryFrom<u8> for Realtime {
    type Error = RealtimeError;

    fn try_from(number: u8) -> Result<Self, RealtimeError> {
        let number = NonZeroU8::new(number).filter(|number| number.get() <= GREATEST);
        number.map(Self).ok_or(RealtimeError::OutOfRange)
    }
}

impl fmt::Display for Realtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The priority and the policy of this thread, as the kernel tells them (proc_pid_stat(5),
    /// fields 40 and 41).
    fn scheduling() -> (String, String) {
        let stat = fs::read_to_string("/proc/thread-self/stat").unwrap();
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        (fields[37].to_owned(), fields[38].to_owned())
    }

    #[test]
    fn it_is_a_number_from_1_to_99() {
        assert!(Realtime::try_from(0).is_err() && Realtime::try_from(100).is_err());
        assert_eq!(Realtime::try_from(1).unwrap().get(), 1);
        assert_eq!(Realtime::try_from(99).unwrap().to_string(), "99");
    }

    #[test]
    fn it_is_the_threads_own_and_a_refusal_says_what_is_missing() {
        let priority = Realtime::try_from(7).unwrap();
        let ordinary = ("0".to_owned(), "0".to_owned());
        if let Err(refused) = priority.try_out() {
            println!("not tried: {refused}");
            assert!(refused.to_string().contains("CAP_SYS_NICE"), "{refused}");
            return;
        }
        assert_eq!(scheduling(), ordinary);
        let both = thread::spawn(move || {
            priority.apply().unwrap();
            let both = (scheduling(), thread::spawn(scheduling).join().unwrap());
            end().unwrap();
            (both, scheduling())
        });
        let real_time = ("7".to_owned(), libc::SCHED_RR.to_string());
        assert_eq!(both.join().unwrap(), ((real_time, ordinary.clone()), ordinary));
    }
}
