//! [`Node`] and [`Handle`]: what a program holds.

mod handle;
mod linux;
mod realtime;

use std::{fmt, io, sync::Arc, thread};

use tokio::{runtime, sync::broadcast};
use vrrp_core::VirtualRouter;

pub use handle::{ActiveUntil, Handle};
pub use realtime::{Realtime, RealtimeError};

use crate::{
    Error, Member, NodeEvent, NodeStatus, VipBackend,
    clock::Clock,
    driver::{Command, Driver, Guard, Inbox, Mailbox},
    link::Link,
    monitor::Monitor,
};

/// How many events a slow receiver of [`Node::events`] may be behind before it loses the oldest.
const EVENTS: usize = 1024;

/// How a [`Node::linux_with`] runs.
///
/// ```no_run
/// use vrrp_net::{Node, Options, Realtime};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = Node::linux_with(Options::default().realtime(Realtime::try_from(50)?))?;
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    realtime: Option<Realtime>,
}

impl Options {
    /// Sets the real-time priority of the driver's thread; none unless set.
    #[must_use]
    pub fn realtime(mut self, priority: impl Into<Option<Realtime>>) -> Self {
        self.realtime = priority.into();
        self
    }
}

/// VRRP on this host: one driver for any number of virtual routers.
///
/// Clones are handles to the same node. Dropping the last one, with every [`Handle`], is a shutdown
/// that nobody waits for; a program that is about to end awaits [`shutdown`](Self::shutdown)
/// instead.
#[derive(Clone)]
pub struct Node {
    mailbox: Mailbox,
    events: broadcast::WeakSender<NodeEvent>,
}

impl Node {
    /// A node on raw sockets and netlink in the network namespace of the calling thread.
    ///
    /// The driver runs on a thread of its own, so that a busy program does not delay
    /// advertisements. The futures of backends run on the tokio runtime that this is called in:
    /// they may use its resources, and a program whose runtime hangs does not keep the address.
    ///
    /// Nodes of a network namespace, in one process or several, run different virtual routers:
    /// [`Error::Taken`].
    ///
    /// # Errors
    /// [`Error::Io`] when the kernel refuses a socket, a timer or a thread, or outside of a tokio
    /// runtime.
    pub fn linux() -> Result<Self, Error> {
        Self::linux_with(Options::default())
    }

    /// A node as of [`linux`](Self::linux), with options.
    ///
    /// # Errors
    /// As for [`linux`](Self::linux). A [`Realtime`] priority that is refused is no error: it is
    /// logged, with the event `realtime-refused`, and the node runs without.
    pub fn linux_with(options: Options) -> Result<Self, Error> {
        let backends = runtime::Handle::try_current().map_err(|error| Error::Io {
            what: "a node has to be started inside a tokio runtime".to_owned(),
            source: io::Error::other(error),
        })?;
        let (node, inbox, events) = Self::channels();
        let (report, ready) = std::sync::mpsc::channel();
        let drive = move || {
            if let Some(Err(refused)) = options.realtime.map(Realtime::apply) {
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
        Ok(node)
    }

    /// A node on a link, a clock and a monitor of the caller's: for tests, simulations and other
    /// platforms. Driver and backends run as tasks of the current tokio runtime.
    ///
    /// [`Handle::active`] compares with `CLOCK_BOOTTIME` whatever the clock is: the driver
    /// translates the bound each time that it renews it. Under a paused or simulated clock, ask
    /// [`Handle::phase`].
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn with_parts(link: impl Link, clock: impl Clock, monitor: impl Monitor) -> Self {
        let (node, inbox, events) = Self::channels();
        let driver = Driver::new(
            link,
            clock,
            monitor,
            Guard::Off,
            inbox,
            events,
            runtime::Handle::current(),
        );
        drop(tokio::spawn(driver.run()));
        node
    }

    fn channels() -> (Self, Inbox, broadcast::Sender<NodeEvent>) {
        let (mailbox, inbox) = Mailbox::new();
        let events = broadcast::Sender::new(EVENTS);
        (Self { mailbox, events: events.downgrade() }, inbox, events)
    }

    /// Adds one virtual router and starts it.
    ///
    /// # Errors
    /// [`Error::Duplicate`], [`Error::DuplicateName`], [`Error::Taken`], or [`Error::Stopped`].
    pub async fn add(
        &self,
        interface: &str,
        router: VirtualRouter,
        backend: impl VipBackend,
    ) -> Result<Handle, Error> {
        self.add_member(Member::new(interface, router, Arc::new(backend))).await
    }

    /// Adds one virtual router, with a name or a shared backend, and starts it.
    ///
    /// # Errors
    /// [`Error::Duplicate`], [`Error::DuplicateName`], [`Error::Taken`], or [`Error::Stopped`].
    pub async fn add_member(&self, member: Member) -> Result<Handle, Error> {
        let seat = self.mailbox.ask(|reply| Command::Add { member, reply }).await??;
        Ok(Handle::new(self.mailbox.clone(), seat))
    }

    /// The whole desired world at once, in place of what was there. What stays keeps its state,
    /// what is gone hands over and releases. Either all of it is taken or, with an error, none.
    ///
    /// Everything changes in place, without a transition, the version too: addresses that stay are
    /// served all the while, whatever their order, new ones are put and announced, and the others
    /// are released. A smaller claim or another Preempt_Mode counts at once. A virtual router that
    /// is handing over because it was removed, and is named again, stays.
    ///
    /// # Errors
    /// [`Error::Duplicate`], [`Error::DuplicateName`], [`Error::Taken`], or [`Error::Stopped`].
    pub async fn configure(&self, members: Vec<Member>) -> Result<Vec<Handle>, Error> {
        let seats = self.mailbox.ask(|reply| Command::Configure { members, reply }).await??;
        Ok(seats.into_iter().map(|seat| Handle::new(self.mailbox.clone(), seat)).collect())
    }

    /// The virtual router named `name`.
    ///
    /// # Errors
    /// [`Error::Unknown`], or [`Error::Stopped`].
    pub async fn handle(&self, name: &str) -> Result<Handle, Error> {
        let name = name.to_owned();
        let seat = self.mailbox.ask(|reply| Command::Find { name, reply }).await??;
        Ok(Handle::new(self.mailbox.clone(), seat))
    }

    /// Subscribes to everything that happens from now on, in order. A receiver that is more than
    /// 1,024 events behind loses the oldest, and its next `recv` says how many. All receivers end
    /// when the node has stopped.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<NodeEvent> {
        match self.events.upgrade() {
            Some(events) => events.subscribe(),
            None => broadcast::Sender::new(1).subscribe(),
        }
    }

    /// How everything is at the moment.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub async fn status(&self) -> Result<NodeStatus, Error> {
        self.mailbox.ask(|reply| Command::Status { reply }).await
    }

    /// Hands over, releases, and returns once everything is released. A second call, from a clone,
    /// releases at once. Shutting down what has stopped succeeds.
    ///
    /// # Errors
    /// [`Error::Stopped`] if the driver ended otherwise than by shutting down.
    pub async fn shutdown(&self) -> Result<(), Error> {
        self.mailbox.shut_down().await
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("stopped", &self.mailbox.is_closed()).finish_non_exhaustive()
    }
}
