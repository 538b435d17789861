//! [`Node`] and [`Handle`]: what a program holds.

#[cfg(target_os = "linux")]
mod builder;
mod events;
mod handle;
#[cfg(target_os = "linux")]
mod linux;

use std::{fmt, sync::Arc, time::Duration};

use tokio::{runtime, sync::broadcast};
use vrrp_core::VirtualRouter;
#[cfg(target_os = "linux")]
use vrrp_core::{Family, Vrid};

#[cfg(target_os = "linux")]
pub use builder::Builder;
pub use events::{Events, Lagged};
pub use handle::{ActiveUntil, Handle, Inactive};

#[cfg(target_os = "linux")]
use crate::realtime::{Realtime, RealtimeError};
use crate::{
    Error, Member, NodeEvent, NodeStatus, Released, VipBackend,
    clock::{Clock, Reader},
    driver::{Command, Driver, Guard, Inbox, Mailbox, Whose},
    link::Link,
    monitor::Monitor,
};
use events::EVENTS;
use handle::Time;

/// VRRP on this host: one driver for any number of virtual routers.
///
/// Clones are handles to the same node. Dropping the last one, with every [`Handle`], is a shutdown
/// that nobody waits for; a program that is about to end awaits [`shutdown`](Self::shutdown)
/// instead.
#[derive(Clone)]
pub struct Node {
    mailbox: Mailbox,
    time: Time,
    /// Whether the driver runs on a thread of its own.
    has_thread: bool,
    events: broadcast::WeakSender<NodeEvent>,
}

impl Node {
    /// A node on raw sockets and netlink in the network namespace of the calling thread, as
    /// [`Builder::linux`] makes it.
    ///
    /// # Errors
    /// As for [`Builder::linux`].
    #[cfg(target_os = "linux")]
    pub fn linux() -> Result<Self, Error> {
        Self::builder().linux()
    }

    /// How a node is to run: see [`Builder`].
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The process that runs this virtual router already in the network namespace of the calling
    /// thread, in words such as `process 7 (vrrp)`; `None` if none does. No second one can be started
    /// beside it ([`Error::Taken`]). It asks the kernel, and can block for a moment.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn who_runs(interface: &str, family: Family, vrid: Vrid) -> Option<String> {
        Guard::who_runs(interface, family, vrid)
    }

    /// A node on a link, a clock and a monitor of the caller's: for tests, simulations and other
    /// platforms. Driver and backends run as tasks of the current tokio runtime.
    ///
    /// [`Handle::active`] compares with this clock, so that a test under paused time can ask it.
    /// [`testing`](crate::testing) has all the parts at hand.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn with_parts(link: impl Link, clock: impl Clock, monitor: impl Monitor) -> Self {
        let runtime = runtime::Handle::current();
        let (node, inbox, events) = Self::channels(clock.reader(), runtime.clone());
        let driver = Driver::new(link, clock, monitor, Guard::Off, inbox, events, runtime);
        drop(tokio::spawn(driver.run()));
        node
    }

    /// Adds an event to those of the node. One that has stopped has none any more.
    pub(crate) fn publish(&self, event: NodeEvent) {
        if let Some(events) = self.events.upgrade() {
            // Nobody may be listening.
            drop(events.send(event));
        }
    }

    fn channels(
        clock: Reader,
        runtime: runtime::Handle,
    ) -> (Self, Inbox, broadcast::Sender<NodeEvent>) {
        let (mailbox, inbox) = Mailbox::new();
        let events = broadcast::Sender::new(EVENTS);
        let time = Time { clock, runtime };
        let node = Self { mailbox, time, has_thread: false, events: events.downgrade() };
        (node, inbox, events)
    }

    /// Adds one virtual router and starts it.
    ///
    /// An interface that is missing is no error: it may come later. What keeps a virtual router out
    /// is told by [`RouterStatus::obstacle`](crate::RouterStatus::obstacle), as a sentence.
    ///
    /// A future that is dropped after it was polled has asked all the same: the virtual router runs,
    /// and [`handle`](Self::handle) returns it.
    ///
    /// # Errors
    /// [`Error::Denied`] when this process lacks a right, [`Error::Duplicate`],
    /// [`Error::DuplicateName`], [`Error::Taken`], or [`Error::Stopped`].
    pub async fn add(
        &self,
        interface: &str,
        router: VirtualRouter,
        backend: impl VipBackend,
    ) -> Result<Handle, Error> {
        self.add_member(Member::new(interface, router, Arc::new(backend))).await
    }

    /// Adds one virtual router, with a name or a shared backend, and starts it, as
    /// [`add`](Self::add) does.
    ///
    /// # Errors
    /// As for [`add`](Self::add).
    pub async fn add_member(&self, member: Member) -> Result<Handle, Error> {
        let member = Box::new(member);
        let seat = self.mailbox.ask(|reply| Command::Add { member, reply }).await??;
        Ok(Handle::new(self.mailbox.clone(), self.time.clone(), seat))
    }

    /// The whole desired world at once, in place of what was there. What stays keeps its state,
    /// what is gone hands over and releases. Either all of it is taken or, with an error, none.
    ///
    /// Everything changes in place, without a transition, the version too: addresses that stay are
    /// served all the while, whatever their order, new ones are put and announced, and the others
    /// are released. A smaller claim or another Preempt_Mode counts at once. A virtual router that
    /// is handing over because it was removed, and is named again, stays.
    ///
    /// All of it is made when the future is dropped after it was polled, too.
    ///
    /// # Errors
    /// [`Error::Duplicate`], [`Error::DuplicateName`], [`Error::Taken`], or [`Error::Stopped`].
    pub async fn configure(&self, members: Vec<Member>) -> Result<Vec<Handle>, Error> {
        let seats = self.mailbox.ask(|reply| Command::Configure { members, reply }).await??;
        let handle = |seat| Handle::new(self.mailbox.clone(), self.time.clone(), seat);
        Ok(seats.into_iter().map(handle).collect())
    }

    /// The virtual router named `name`. Dropping the future changes nothing.
    ///
    /// # Errors
    /// [`Error::Unknown`], or [`Error::Stopped`].
    pub async fn handle(&self, name: &str) -> Result<Handle, Error> {
        let name = name.to_owned();
        let seat = self.mailbox.ask(|reply| Command::Find { name, reply }).await??;
        Ok(Handle::new(self.mailbox.clone(), self.time.clone(), seat))
    }

    /// Subscribes to everything that happens from now on, in order.
    #[must_use]
    pub fn events(&self) -> Events {
        Events::new(&self.events)
    }

    /// How everything is, at the moment or a little later: nothing in it is older than the question.
    ///
    /// Each virtual router is as it was at one moment, and so is each port, but not the node: the
    /// driver looks at 64 of them in a turn, so that a node of a thousand goes on with its
    /// advertisements meanwhile. Each is there at most once and under the name that it has at the
    /// end. One that is added meanwhile may be missing, and one that is removed may be there.
    ///
    /// Several who ask at the same time share the answer. Dropping the future changes nothing.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub async fn status(&self) -> Result<NodeStatus, Error> {
        let shared = self.mailbox.ask(|reply| Command::Status { reply }).await?;
        // Here and not in the driver, which has other things to do.
        let mut status = Arc::unwrap_or_clone(shared);
        status.routers.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(status)
    }

    /// Waits until the driver has taken a turn. It takes them at all times, so that an answer that does
    /// not come soon means that it hangs: for the watchdog of a service manager. Dropping the future
    /// changes nothing.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub async fn turn(&self) -> Result<(), Error> {
        self.mailbox.ask(|reply| Command::Turn { reply }).await
    }

    /// Gives the driver's thread another real-time priority, or none, while it runs; see
    /// [`Builder::realtime`]. One that is refused leaves the thread as it was.
    ///
    /// It is given when the future is dropped after it was polled, too.
    ///
    /// # Errors
    /// [`RealtimeError::Refused`]; [`RealtimeError::NoThread`] of a node
    /// [with parts](Self::with_parts) and of one that has stopped.
    #[cfg(target_os = "linux")]
    pub async fn set_realtime(
        &self,
        priority: impl Into<Option<Realtime>>,
    ) -> Result<(), RealtimeError> {
        if !self.has_thread {
            return Err(RealtimeError::NoThread);
        }
        let priority = priority.into();
        let done = self.mailbox.ask(|reply| Command::Realtime { priority, reply }).await;
        done.unwrap_or(Err(RealtimeError::NoThread))
    }

    /// Waits until the backends of a virtual router, or of a group, have done what they were asked:
    /// where nobody is active any more, until the addresses are gone.
    pub(crate) async fn let_go(&self, whose: Whose) {
        // Of one that has stopped there is nothing to wait for.
        let _ = self.mailbox.ask(|reply| Command::LetGo { whose, reply }).await;
    }

    /// Hands over, releases, and returns once everything is released. A second call, from a clone,
    /// releases at once; it waits, too, for backends that do not answer, each for as long as it may
    /// take. Shutting down what has stopped succeeds.
    ///
    /// The shutdown goes on when the future is dropped after it was polled.
    ///
    /// # Errors
    /// [`Error::Stopped`] if the driver ended otherwise than by shutting down.
    pub async fn shutdown(&self) -> Result<(), Error> {
        self.mailbox.end(Command::Shutdown { within: None }).await.map(drop)
    }

    /// The same within `limit`: for whoever has to be gone by then. When three quarters of it have
    /// passed, nobody waits for a successor any longer; at its end it returns the names of those
    /// whose backends have not released the addresses. Those go on for as long as their runtime
    /// does.
    ///
    /// The shutdown goes on when the future is dropped after it was polled.
    ///
    /// # Errors
    /// As for [`shutdown`](Self::shutdown).
    pub async fn shutdown_within(&self, limit: Duration) -> Result<Released, Error> {
        self.mailbox.end(Command::Shutdown { within: Some(limit) }).await
    }

    /// Ends at once and without a word, and leaves every address where it is, for the next process
    /// of this host to adopt ([`Phase::Adopted`](vrrp_core::Phase::Adopted)): an upgrade that
    /// nobody notices. Returns once the sockets are closed and another process may start; from then
    /// on the addresses last for as long as the lease does, and a peer takes over after its
    /// Active_Down_Interval.
    ///
    /// A backend that cannot adopt (a program, most clouds) releases when the next process starts.
    /// What is being handed over is not adopted.
    ///
    /// The node ends when the future is dropped after it was polled, too.
    ///
    /// # Errors
    /// [`Error::Stopped`] if the driver ended otherwise.
    pub async fn abandon(&self) -> Result<(), Error> {
        self.mailbox.end(Command::Abandon).await.map(drop)
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("stopped", &self.mailbox.is_closed()).finish_non_exhaustive()
    }
}
