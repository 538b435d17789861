//! [`Handle`]: one virtual router, as a program holds it.

mod requests;

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use tokio::{runtime, sync::watch, time::Sleep};
use vrrp_core::{Instant, Key, Phase};

use crate::{
    Error,
    clock::Reader,
    driver::{Bound, Mailbox, Seat},
};

/// How often a bound is looked at that ought to be renewed.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// What handles need to know the time, and to wait.
#[derive(Clone)]
pub(super) struct Time {
    /// The node's clock.
    pub(super) clock: Reader,
    /// Whose timers end a wait: whoever holds a handle may be on another executor.
    pub(super) runtime: runtime::Handle,
}

/// One virtual router of a [`Node`](crate::Node).
#[derive(Clone)]
pub struct Handle {
    mailbox: Mailbox,
    time: Time,
    name: Arc<str>,
    key: Key,
    phase: watch::Receiver<Phase>,
    bound: Arc<Bound>,
}

impl Handle {
    pub(super) fn new(mailbox: Mailbox, time: Time, seat: Seat) -> Self {
        let Seat { name, key, phase, bound } = seat;
        Self { mailbox, time, name, key, phase, bound }
    }

    /// The name of the virtual router.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What identifies it among the virtual routers of its node.
    #[must_use]
    pub const fn key(&self) -> Key {
        self.key
    }

    /// What it does at the moment.
    ///
    /// To decide whether this program may act, ask [`active`](Self::active): a driver that does not
    /// get to run cannot change the phase.
    #[must_use]
    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Waits for a change since the phase was last returned by this method, and returns the phase
    /// then. Phases that pass quickly may be left out; [`Node::events`](crate::Node::events) leaves none out.
    ///
    /// Dropping the future loses nothing: the next call returns what was missed.
    ///
    /// # Errors
    /// [`Error::Unknown`] once the virtual router was removed, [`Error::Stopped`] once the node has
    /// stopped.
    pub async fn changed(&mut self) -> Result<Phase, Error> {
        match self.phase.changed().await {
            Ok(()) => Ok(*self.phase.borrow_and_update()),
            Err(_) => Err(self.gone()),
        }
    }

    /// Waits until the phase is one that `wanted` returns `true` for, and returns it: at once if it
    /// is that now. A phase that passes quickly may be missed. Dropping the future loses nothing.
    ///
    /// ```no_run
    /// # use vrrp_core::Phase;
    /// # use vrrp_net::{Error, Handle};
    /// # async fn serve(web: Handle) -> Result<(), Error> {
    /// web.wait_for(Phase::holds_addresses).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As for [`changed`](Self::changed).
    pub async fn wait_for(&self, mut wanted: impl FnMut(Phase) -> bool) -> Result<Phase, Error> {
        let mut phase = self.phase.clone();
        let reached = phase.wait_for(|phase| wanted(*phase)).await.map(|phase| *phase);
        reached.map_err(|_| self.gone())
    }

    fn gone(&self) -> Error {
        if self.mailbox.is_closed() {
            Error::Stopped
        } else {
            Error::Unknown(self.name.to_string())
        }
    }

    /// `Some` while this node may act as the active one.
    ///
    /// The bound of the lease, three intervals after the last advertisement that was sent, is
    /// compared with the clock at each call: no thread of a program whose driver is starved
    /// believes that it is active. The clock is the node's: `CLOCK_BOOTTIME` of a node on Linux,
    /// and the test's under paused time.
    ///
    /// A peer that hears nothing of this node takes over after it is `None`. One that preempts is
    /// active as soon as its backend is, and this node yields when it reads that: at the end of the
    /// bound at the latest. Where the network is parted, each side has an active node, and this is
    /// `Some` on both: what must be written by one node alone needs a store that can tell them
    /// apart (`docs/embedding.md`).
    #[must_use]
    pub fn active(&self) -> Option<ActiveUntil> {
        let until = self.bound.get();
        let active = ActiveUntil { until, clock: self.time.clock.clone() };
        (until > active.clock.now()).then_some(active)
    }

    /// Waits until this node may act as the active one for more than `margin`, and returns the
    /// bound: at once if it may now. A margin that no bound exceeds (three intervals) waits for ever.
    /// Dropping the future changes nothing.
    ///
    /// # Errors
    /// As for [`changed`](Self::changed).
    pub async fn wait_active(&self, margin: Duration) -> Result<ActiveUntil, Error> {
        let mut phase = self.phase.clone();
        loop {
            phase.wait_for(|phase| phase.is_active()).await.map_err(|_| self.gone())?;
            if let Some(until) = self.active().filter(|until| until.remaining() > margin) {
                return Ok(until);
            }
            // The driver has not sent for a while. Either it renews the bound, which nobody is told
            // of, or it leaves the phase.
            tokio::select! {
                changed = phase.changed() => changed.map_err(|_| self.gone())?,
                () = self.sleep(LOOK_AGAIN) => {}
            }
        }
    }

    /// Waits until this node may not act as the active one any more, and returns at once if it may
    /// not. The end of the bound is noticed without the driver, too.
    ///
    /// Dropping the future changes nothing. While the host is suspended nothing is noticed; the
    /// first look at [`active`](Self::active) after that tells.
    pub async fn active_ended(&self) {
        let mut phase = self.phase.clone();
        while let Some(until) = self.active() {
            let mut over = pin!(self.sleep(until.remaining()));
            tokio::select! {
                biased;
                () = &mut over => {}
                changed = phase.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Runs `work` while this node may act as the active one for at least `margin` more, and
    /// returns what it returns.
    ///
    /// `work` is polled only while that holds, and dropped as soon as it does not: at the end of
    /// the bound, with the phase, when the virtual router is removed. `margin` is for what goes on
    /// after a poll, such as a write on its way to a disk. Dropping the future drops `work`.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use vrrp_net::{Handle, Inactive};
    /// # async fn write() {}
    /// # async fn serve(db: Handle) -> Result<(), vrrp_net::Error> {
    /// let margin = Duration::from_millis(100);
    /// loop {
    ///     db.wait_active(margin).await?;
    ///     let writer = async { loop { write().await } };
    ///     let _ended: Result<(), Inactive> = db.while_active(margin, writer).await;
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Inactive`]: this node was not the active one, or is not any more.
    pub async fn while_active<F: Future>(
        &self,
        margin: Duration,
        work: F,
    ) -> Result<F::Output, Inactive> {
        let mut work = pin!(work);
        let mut phase = self.phase.clone();
        loop {
            let left = self.active().map(|until| until.remaining().saturating_sub(margin));
            let left = left.filter(|left| !left.is_zero()).ok_or(Inactive)?;
            let mut over = pin!(self.sleep(left));
            // The clock may have gone on while the host slept, which the timer does not know.
            let guarded = poll_fn(|cx| match self.active() {
                Some(until) if until.remaining() > margin => work.as_mut().poll(cx).map(Some),
                _ => Poll::Ready(None),
            });
            tokio::select! {
                biased;
                changed = phase.changed() => if changed.is_err() { return Err(Inactive) },
                () = &mut over => {}
                output = guarded => return output.ok_or(Inactive),
            }
        }
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let _entered = self.time.runtime.enter();
        tokio::time::sleep(duration)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("name", &self.name)
            .field("phase", &self.phase())
            .finish_non_exhaustive()
    }
}

/// Until when this node is the active one, unless it is renewed: see [`Handle::active`].
#[derive(Clone)]
pub struct ActiveUntil {
    until: Instant,
    clock: Reader,
}

impl ActiveUntil {
    /// How long that is from now; zero once it has passed.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.until - self.clock.now()
    }
}

impl fmt::Debug for ActiveUntil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActiveUntil").field("remaining", &self.remaining()).finish()
    }
}

/// This node is not the active one: see [`Handle::while_active`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this node is not the active one, or not any more")]
#[expect(clippy::exhaustive_structs, reason = "it has nothing to say beside its name")]
pub struct Inactive;
