//! [`Unprivileged`]: a program that may do nothing of what this process may.

use std::{
    io,
    process::{Command, Stdio},
};

use tokio::sync::OwnedMutexGuard;

use super::{
    Ended, Heard, Leftovers, Running,
    account::{Account, restrict},
    crowd::Start,
};

/// A program that runs without capabilities, and can gain none. Dropped, its process group is
/// killed.
pub(crate) struct Unprivileged {
    running: Running,
    start: Start,
}

impl Unprivileged {
    /// Starts it with nothing on its standard input, when the turn of its `start` has come. `turn`
    /// is held until its process group is gone, or is left.
    pub(crate) fn start(
        command: Command,
        account: Option<Account>,
        start: Start,
        heard: Heard,
        leftovers: Leftovers,
        turn: OwnedMutexGuard<()>,
    ) -> io::Result<Self> {
        let end = start.end();
        let spawn = move |command: &mut Command| {
            restrict(command, account);
            let spawned = command.spawn();
            end();
            spawned
        };
        let running = Running::start(command, Stdio::null(), heard, leftovers, turn, spawn)?;
        Ok(Self { running, start })
    }

    /// Waits until it has ended.
    pub(crate) async fn end(self) -> io::Result<Ended> {
        self.start.watch(self.running.end()).await
    }
}
