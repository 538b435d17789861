//! [`Builder`]: how a node is to run.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
    time::Duration,
};

use tokio::runtime;

use super::{Node, linux};
use crate::{
    Error, Realtime,
    clock::Reader,
    driver::{Driver, Guard},
};

/// How a [`Node`] is to run.
///
/// ```no_run
/// use vrrp_net::{Node, Realtime};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = Node::builder().realtime(Realtime::try_from(50)?).linux()?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Builder {
    realtime: Option<Realtime>,
    runtime: Option<runtime::Handle>,
}

impl Builder {
    /// Sets the real-time priority of the driver's thread; none unless set. One that is refused is
    /// no error: it is logged, with the event `realtime-refused`, and the node runs without.
    #[must_use]
    pub fn realtime(mut self, priority: impl Into<Option<Realtime>>) -> Self {
        self.realtime = priority.into();
        self
    }

    /// Sets the tokio runtime that backends run on; the one that the node is started in unless set.
    /// It needs timers, and I/O if a backend needs it. A program on another executor keeps one for
    /// the backends alone.
    #[must_use]
    pub fn runtime(mut self, runtime: runtime::Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// A node on raw sockets and netlink in the network namespace of the calling thread.
    ///
    /// The driver runs on a thread of its own, so that a busy program does not delay
    /// advertisements. The futures of backends run on the tokio runtime that this is called in:
    /// they may use its resources, and a program whose runtime hangs does not keep the address.
    ///
    /// It blocks for the millisecond or two that the thread takes to start.
    ///
    /// Nodes of a network namespace, in one process or several, run different virtual routers:
    /// [`Error::Taken`].
    ///
    /// # Errors
    /// [`Error::Io`] when the kernel refuses a socket, a timer or a thread, or outside of a tokio
    /// runtime; [`Error::NoTimers`].
    pub fn linux(self) -> Result<Node, Error> {
        let Self { realtime, runtime } = self;
        let backends = runtime.map_or_else(runtime::Handle::try_current, Ok);
        let backends = backends.map_err(|error| Error::Io {
            what: "a node has to be started inside a tokio runtime".to_owned(),
            source: io::Error::other(error),
        })?;
        check_timers(&backends)?;
        let clock = Reader::new(crate::clock::boottime_now);
        let (node, inbox, events) = Node::channels(clock, backends.clone());
        let (report, ready) = std::sync::mpsc::channel();
        let drive = move || {
            if let Some(Err(refused)) = realtime.map(Realtime::apply) {
                tracing::warn!(event = "realtime-refused", "{refused}");
            }
            let linux::Parts { runtime, link, clock, monitor } = match linux::open() {
                Ok(parts) => parts,
                Err(error) => return drop(report.send(Err(error))),
            };
            drop(report.send(Ok(())));
            let guard = Guard::new();
            runtime
                .block_on(Driver::new(link, clock, monitor, guard, inbox, events, backends).run());
        };
        let failed =
            |source| Error::Io { what: "cannot start the driver's thread".to_owned(), source };
        thread::Builder::new().name("vrrp-driver".to_owned()).spawn(drive).map_err(failed)?;
        ready.recv().map_err(|_| Error::Stopped)??;
        Ok(Node { has_thread: true, ..node })
    }
}

/// A runtime does not say whether it has timers, but a timer of one that has none panics.
fn check_timers(runtime: &runtime::Handle) -> Result<(), Error> {
    let _entered = runtime.enter();
    let make = AssertUnwindSafe(|| drop(tokio::time::sleep(Duration::ZERO)));
    catch_unwind(make).map_err(|_| Error::NoTimers)
}
