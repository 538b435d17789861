//! [`Program`]: what to run; and [`Running`]: a program in a process group of its own, which is
//! gone when nobody wants it any more.

mod account;
mod crowd;
mod group;
mod program;
mod tail;
mod unprivileged;
#[cfg(test)]
pub(crate) mod watching;

use std::{
    io::{self, ErrorKind, PipeReader},
    os::{
        fd::OwnedFd,
        unix::process::{CommandExt, ExitStatusExt},
    },
    process::{Command, ExitStatus, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use tokio::{
    net::unix::pipe,
    sync::{OwnedMutexGuard, Semaphore, oneshot},
};

use nix::sys::signal::Signal;

pub(crate) use account::User;
pub(crate) use crowd::Start;
pub(crate) use group::Leftovers;
use group::{Group, Spawn};
pub use program::Program;
use tail::Tail;
pub(crate) use unprivileged::Unprivileged;

/// How long the standard error of a program that has ended is read on, when a process that left its
/// group still has it.
const AFTERWARDS: Duration = Duration::from_millis(100);

/// How much is read of a program before it has to wait for a moment: one that floods its output
/// takes little of the time of others.
const AT_ONCE: usize = 64 * 1024;
const PAUSE: Duration = Duration::from_millis(1);

/// Of how many processes that stay the standard error is read on. A write of a further one fails.
static READ_ON: Semaphore = Semaphore::const_new(64);

/// How a program ended, and the last thing it said.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) last_line: Option<String>,
}

impl Ended {
    /// How it ended, as the rest of a sentence that begins with its name.
    pub(crate) fn how(&self) -> String {
        match (self.status.code(), self.status.signal()) {
            (Some(code), _) => format!("ended with exit status {code}"),
            (None, Some(signal)) => {
                let name = Signal::try_from(signal).map_or("unknown", Signal::as_str);
                format!("was ended by signal {signal} ({name})")
            }
            (None, None) => format!("ended with {}", self.status),
        }
    }
}

/// What of a program is listened to. The rest is thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Its standard error.
    Errors,
    /// Its standard output, too.
    All,
}

/// A program that runs. Dropped, its process group is killed.
pub(crate) struct Running {
    _unwanted: Unwanted,
    exit: oneshot::Receiver<io::Result<ExitStatus>>,
    errors: Errors,
    leftovers: Leftovers,
}

impl Running {
    /// Starts a program on a thread of its own, which neither blocks a runtime nor needs one.
    /// `turn` is held until the whole group is gone, or is left. `spawn` starts it, and may change
    /// what that thread is allowed to do.
    pub(crate) fn start(
        mut command: Command,
        input: impl Into<Stdio>,
        heard: Heard,
        leftovers: Leftovers,
        turn: OwnedMutexGuard<()>,
        spawn: impl Spawn,
    ) -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        let output = match heard {
            Heard::Errors => Stdio::null(),
            Heard::All => writer.try_clone()?.into(),
        };
        command.stdin(input).stdout(output).stderr(writer).process_group(0);
        let errors = Errors::new(reader)?;
        let (told, exit) = oneshot::channel();
        let group = Arc::new(Group::default());
        let run = {
            let group = Arc::clone(&group);
            move || {
                let exit = group.run(command, spawn, leftovers);
                drop(turn);
                // Nobody waits for a program that was cut off.
                drop(told.send(exit));
            }
        };
        thread::Builder::new().name("vrrp-command".to_owned()).spawn(run)?;
        Ok(Self { _unwanted: Unwanted(group), exit, errors, leftovers })
    }

    /// Waits until it has ended.
    pub(crate) async fn end(mut self) -> io::Result<Ended> {
        let exit = tokio::select! {
            exit = &mut self.exit => exit,
            never = self.errors.read_for_ever() => match never {},
        };
        // What is still to be read is there, or comes from a process that left the group.
        let rest = self.errors.read_to_end();
        let rest = tokio::time::timeout(AFTERWARDS, rest).await;
        let gone = || io::Error::other("the thread that waited for it has ended");
        let status = exit.map_err(|_| gone())??;
        let last_line = self.errors.tail.last_line();
        if rest.is_err() && self.leftovers == Leftovers::Stay {
            self.errors.read_on();
        }
        Ok(Ended { status, last_line })
    }
}

/// Dropped, the group is killed, unless its leader has ended.
struct Unwanted(Arc<Group>);

impl Drop for Unwanted {
    fn drop(&mut self) {
        self.0.kill();
    }
}

/// The standard error of a program.
struct Errors {
    pipe: pipe::Receiver,
    tail: Tail,
}

enum Never {}

impl Errors {
    fn new(reader: PipeReader) -> io::Result<Self> {
        let pipe = pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?;
        Ok(Self { pipe, tail: Tail::default() })
    }

    /// Reads until nobody can write any more.
    async fn read_to_end(&mut self) {
        let mut buffer = [0; 4096];
        let mut read = 0;
        while self.pipe.readable().await.is_ok() {
            match self.pipe.try_read(&mut buffer) {
                Ok(0) => return,
                Ok(length) => {
                    self.tail.push(buffer.get(..length).unwrap_or_default());
                    read += length;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
            // Reading costs nothing of the budget: a program that floods it would keep the limit
            // from being looked at.
            tokio::task::coop::consume_budget().await;
            if read >= AT_ONCE {
                tokio::time::sleep(PAUSE).await;
                read = 0;
            }
        }
    }

    /// Whoever stays in the background may go on to write: without a reader that would end it.
    fn read_on(mut self) {
        let Ok(place) = READ_ON.try_acquire() else { return };
        drop(tokio::spawn(async move {
            self.read_to_end().await;
            drop(place);
        }));
    }

    /// A program may close its standard error and go on.
    async fn read_for_ever(&mut self) -> Never {
        self.read_to_end().await;
        std::future::pending().await
    }
}
