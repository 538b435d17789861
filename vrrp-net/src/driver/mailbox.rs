//! [`Mailbox`]: where programs put what they ask of a driver.

use std::{sync::Arc, time::Duration};

use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot, watch,
};
use vrrp_core::{Health, Key, Loss, Priority, VirtualRouter};

use super::seat::Seat;
use crate::{Drained, Error, Member, NodeStatus, Released, RouterStatus};
#[cfg(target_os = "linux")]
use crate::{Realtime, RealtimeError};

/// How many commands wait for the driver at most. It takes one in each turn, so that they are few
/// unless it does not get to run; then whoever has one more waits for room.
const COMMANDS: usize = 256;

/// The programs' end. Clones are the same mailbox.
#[derive(Clone)]
pub(crate) struct Mailbox {
    commands: mpsc::Sender<Command>,
    over: watch::Receiver<Option<Released>>,
}

/// The driver's end.
pub(crate) struct Inbox {
    pub(super) commands: mpsc::Receiver<Command>,
    /// What came of the end, once it has come.
    pub(super) over: watch::Sender<Option<Released>>,
}

/// A request of a [`Node`](crate::Node) or [`Handle`](crate::Handle).
pub(crate) enum Command {
    Add {
        member: Box<Member>,
        reply: Reply<Result<Seat, Error>>,
    },
    Configure {
        members: Vec<Member>,
        reply: Reply<Result<Vec<Seat>, Error>>,
    },
    Find {
        name: String,
        reply: Reply<Result<Seat, Error>>,
    },
    Change {
        key: Key,
        name: Arc<str>,
        change: Change,
        reply: Reply<Result<(), Error>>,
    },
    Remove {
        key: Key,
        name: Arc<str>,
        reply: Reply<Result<(), Error>>,
    },
    Lost {
        key: Key,
        name: Arc<str>,
        loss: Loss,
        reply: Reply<Result<(), Error>>,
    },
    Health {
        key: Key,
        name: Arc<str>,
        health: Health,
        reply: Reply<Result<(), Error>>,
    },
    /// Announce the addresses.
    Announce {
        key: Key,
        name: Arc<str>,
        reply: Reply<Result<(), Error>>,
    },
    Status {
        /// Several who ask share it.
        reply: Reply<Arc<NodeStatus>>,
    },
    StatusOf {
        key: Key,
        name: Arc<str>,
        reply: Reply<Result<RouterStatus, Error>>,
    },
    Drain {
        key: Key,
        name: Arc<str>,
        force: bool,
        /// How long it lasts; until it is resumed if that is not said.
        lasts: Option<Duration>,
        reply: Reply<Result<Drained, Error>>,
    },
    Resume {
        key: Key,
        name: Arc<str>,
        reply: Reply<Result<(), Error>>,
    },
    /// Wait until the backends of these have done what they were asked.
    LetGo {
        whose: Whose,
        reply: Reply<()>,
    },
    /// Say that the driver has come round to it.
    Turn {
        reply: Reply<()>,
    },
    /// Give the driver's thread this priority, or none.
    #[cfg(target_os = "linux")]
    Realtime {
        priority: Option<Realtime>,
        reply: Reply<Result<(), RealtimeError>>,
    },
    /// Hand over and release; what is not done after `within` is left as it is.
    Shutdown {
        within: Option<Duration>,
    },
    /// End without a word, and leave everything as it is.
    Abandon,
}

/// What is changed of one virtual router.
pub(crate) enum Change {
    Priority(Priority),
    Router(Box<VirtualRouter>),
}

/// Whose backends are waited for.
pub(crate) enum Whose {
    /// That of the virtual router of this name.
    Router(Arc<str>),
    /// Those of the members of the group of this name.
    Group(Arc<str>),
}

pub(crate) type Reply<T> = oneshot::Sender<T>;

impl Mailbox {
    pub(crate) fn new() -> (Self, Inbox) {
        let (sender, commands) = mpsc::channel(COMMANDS);
        let (ended, over) = watch::channel(None);
        (Self { commands: sender, over }, Inbox { commands, over: ended })
    }

    /// Asks the driver something and waits for its reply.
    pub(crate) async fn ask<T>(
        &self,
        command: impl FnOnce(Reply<T>) -> Command,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        self.send(command(reply)).await?;
        answer.await.map_err(|_| Error::Stopped)
    }

    /// Asks the driver to end, and waits until it has.
    pub(crate) async fn end(&self, command: Command) -> Result<Released, Error> {
        let mut over = self.over.clone();
        // One that has ended already said so.
        drop(self.send(command).await);
        let released = over.wait_for(Option::is_some).await.map_err(|_| Error::Stopped)?;
        Ok(released.clone().unwrap_or_default())
    }

    async fn send(&self, command: Command) -> Result<(), Error> {
        // A command is sent at once where there is room: a future that is polled only once has
        // asked.
        match self.commands.try_send(command) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(Error::Stopped),
            Err(TrySendError::Full(command)) => {
                self.commands.send(command).await.map_err(|_| Error::Stopped)
            }
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.commands.is_closed()
    }
}

/// Whoever waits for the backends of these.
pub(super) struct Waiter {
    pub(super) keys: Vec<Key>,
    pub(super) reply: Reply<()>,
}

/// A removal that has not ended.
pub(super) struct Removal {
    pub(super) key: Key,
    pub(super) name: Arc<str>,
    pub(super) reply: Reply<Result<(), Error>>,
}

/// A drain that has not ended.
pub(super) struct Drain {
    pub(super) key: Key,
    pub(super) name: Arc<str>,
    pub(super) reply: Reply<Result<Drained, Error>>,
}
