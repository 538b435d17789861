//! [`Handle`]: one virtual router, as a program holds it.

use std::{fmt, sync::Arc, time::Duration};

use tokio::sync::watch;
use vrrp_core::{Instant, Key, Phase};

use crate::{
    Drained, Error,
    clock::boottime_now,
    driver::{Bound, Command, Mailbox, Seat},
};

/// One virtual router of a [`Node`](crate::Node).
#[derive(Clone)]
pub struct Handle {
    mailbox: Mailbox,
    name: Arc<str>,
    key: Key,
    phase: watch::Receiver<Phase>,
    bound: Arc<Bound>,
}

impl Handle {
    pub(super) fn new(mailbox: Mailbox, seat: Seat) -> Self {
        let Seat { name, key, phase, bound } = seat;
        Self { mailbox, name, key, phase, bound }
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
    /// # Errors
    /// [`Error::Unknown`] once the virtual router was removed, [`Error::Stopped`] once the node has
    /// stopped.
    pub async fn changed(&mut self) -> Result<Phase, Error> {
        match self.phase.changed().await {
            Ok(()) => Ok(*self.phase.borrow_and_update()),
            Err(_) if self.mailbox.is_closed() => Err(Error::Stopped),
            Err(_) => Err(Error::Unknown(self.name.to_string())),
        }
    }

    /// `Some` while this node may act as the active one.
    ///
    /// The bound of the lease, three intervals after the last advertisement that was sent, is
    /// compared with the clock at each call: no thread of a program whose driver is starved
    /// believes that it is active.
    #[must_use]
    pub fn active(&self) -> Option<ActiveUntil> {
        let until = self.bound.get();
        (until > boottime_now()).then_some(ActiveUntil { until })
    }

    /// Hands over to another node and stays out of the election until [`resume`](Self::resume).
    /// Returns once the addresses are released.
    ///
    /// [`Drained::Refused`]: nobody took over, and this node remains the active one. With `force`
    /// it releases the addresses nevertheless. Either is known after an interval and 100 ms at the
    /// latest, and the time that the backend takes.
    ///
    /// The drain counts from now on, whatever comes of the handover: it survives other addresses, a
    /// shutdown that is taken back, and a link that goes meanwhile. Dropping the future changes
    /// nothing.
    ///
    /// # Errors
    /// [`Error::Unknown`] if the virtual router was removed, [`Error::Stopped`] if the node has
    /// stopped.
    pub async fn drain(&self, force: bool) -> Result<Drained, Error> {
        let (key, name) = (self.key, self.name.clone());
        self.mailbox.ask(|reply| Command::Drain { key, name, force, reply }).await?
    }

    /// Ends a [`drain`](Self::drain).
    ///
    /// # Errors
    /// [`Error::Unknown`] if the virtual router was removed, [`Error::Stopped`] if the node has
    /// stopped.
    pub async fn resume(&self) -> Result<(), Error> {
        let (key, name) = (self.key, self.name.clone());
        self.mailbox.ask(|reply| Command::Resume { key, name, reply }).await?
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActiveUntil {
    until: Instant,
}

impl ActiveUntil {
    /// How long that is from now; zero once it has passed.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.until - boottime_now()
    }
}
