//! The signals that the daemon listens to, those of keepalived's too.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::control::asking::TOO_LATE;

/// keepalived writes what it does as JSON on this one: SIGRTMIN + 2 of its C library.
const JSON: i32 = 36;
/// keepalived writes its counters on this one, and they begin at nothing: SIGRTMAX - 1.
const STATS_CLEAR: i32 = 63;
/// keepalived writes what its threads do on this one: SIGRTMAX.
const THREADS: i32 = 64;

/// What a signal asks for.
pub(super) enum Wish {
    /// To hand over and leave.
    Leave,
    /// To read the configuration again.
    Reload,
    /// Something that this program does in another way, or not at all: how, as a sentence.
    Other(&'static str),
}

/// The signals that the daemon listens to.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    data: Signal,
    stats: Signal,
    json: Signal,
    stats_clear: Signal,
    threads: Signal,
}

impl Signals {
    /// Listens from now on.
    ///
    /// # Errors
    /// The operating system refuses.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            data: signal(SignalKind::user_defined1())?,
            stats: signal(SignalKind::user_defined2())?,
            json: signal(SignalKind::from_raw(JSON))?,
            stats_clear: signal(SignalKind::from_raw(STATS_CLEAR))?,
            threads: signal(SignalKind::from_raw(THREADS))?,
        })
    }

    /// Waits for one that tells the daemon to leave. The others stay where they are, for
    /// [`next`](Self::next).
    pub(super) async fn leave(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Waits for another one that tells the daemon to leave, which does so already, and says of the
    /// others meanwhile that they come too late.
    pub(super) async fn hurry(&mut self) {
        loop {
            match self.next().await {
                Wish::Leave => return,
                Wish::Reload => tracing::warn!(event = "reload-refused", "{TOO_LATE}"),
                Wish::Other(sentence) => tell(sentence),
            }
        }
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) -> Wish {
        let sentence = tokio::select! {
            _ = self.terminate.recv() => return Wish::Leave,
            _ = self.interrupt.recv() => return Wish::Leave,
            _ = self.hangup.recv() => return Wish::Reload,
            _ = self.data.recv() => {
                "USR1: nothing is written into a file; `vrrp status` shows what this node does"
            }
            _ = self.stats.recv() => {
                "USR2: nothing is written into a file; `vrrp status --json` has the counters"
            }
            _ = self.json.recv() => {
                "SIGRTMIN+2: nothing is written into a file; `vrrp status --json` prints JSON"
            }
            _ = self.stats_clear.recv() => {
                "SIGRTMAX-1: nothing is written into a file; `vrrp status --json` has the \
                 counters, which go on"
            }
            _ = self.threads.recv() => "SIGRTMAX: there are no threads of keepalived's to show",
        };
        Wish::Other(sentence)
    }
}

/// Says how something is done here that a signal asked for.
pub(super) fn tell(sentence: &str) {
    tracing::warn!(event = "signal", "{sentence}");
}
