//! The signals that the daemon listens to, those of keepalived's too.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

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
    /// Something that this program does in another way, or not at all.
    Other {
        /// The word of the log line.
        event: &'static str,
        /// How it is done here.
        sentence: &'static str,
    },
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

    /// Waits for the next one.
    pub(super) async fn next(&mut self) -> Wish {
        let sentence = tokio::select! {
            _ = self.terminate.recv() => return Wish::Leave,
            _ = self.interrupt.recv() => return Wish::Leave,
            _ = self.hangup.recv() => return Wish::Other {
                event: "reload-refused",
                sentence: "HUP: a configuration is not read again while the daemon runs; restart \
                    it: it adopts what it held, and nobody notices",
            },
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
        Wish::Other { event: "signal", sentence }
    }
}
