//! [`Mailbox`]: where programs put what they ask of a driver.

use std::sync::Arc;

use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot, watch,
};
use vrrp_core::Key;

use super::seat::Seat;
use crate::{Drained, Error, Member, NodeStatus};

/// How many commands wait for the driver at most. It takes one in each turn, so that they are few
/// unless it does not get to run; then whoever has one more waits for room.
const COMMANDS: usize = 256;

/// The programs' end. Clones are the same mailbox.
#[derive(Clone)]
pub(crate) struct Mailbox {
    commands: mpsc::Sender<Command>,
    over: watch::Receiver<bool>,
}

/// The driver's end.
pub(crate) struct Inbox {
    pub(super) commands: mpsc::Receiver<Command>,
    /// Whether a shutdown has come to its end.
    pub(super) over: watch::Sender<bool>,
}

/// A request of a [`Node`](crate::Node) or [`Handle`](crate::Handle).
pub(crate) enum Command {
    Add { member: Member, reply: Reply<Result<Seat, Error>> },
    Configure { members: Vec<Member>, reply: Reply<Result<Vec<Seat>, Error>> },
    Find { name: String, reply: Reply<Result<Seat, Error>> },
    Status { reply: Reply<NodeStatus> },
    Drain { key: Key, name: Arc<str>, force: bool, reply: Reply<Result<Drained, Error>> },
    Resume { key: Key, name: Arc<str>, reply: Reply<Result<(), Error>> },
    Shutdown,
}

pub(crate) type Reply<T> = oneshot::Sender<T>;

impl Mailbox {
    pub(crate) fn new() -> (Self, Inbox) {
        let (sender, commands) = mpsc::channel(COMMANDS);
        let (ended, over) = watch::channel(false);
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

    /// Asks the driver to shut down, and waits until it has.
    pub(crate) async fn shut_down(&self) -> Result<(), Error> {
        let mut over = self.over.clone();
        if self.send(Command::Shutdown).await.is_err() {
            return Ok(());
        }
        over.wait_for(|over| *over).await.map(drop).map_err(|_| Error::Stopped)
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

/// A drain that has not ended.
pub(super) struct Drain {
    pub(super) key: Key,
    pub(super) name: Arc<str>,
    pub(super) reply: Reply<Result<Drained, Error>>,
}
