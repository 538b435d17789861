//! Programs that run on a host.

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus},
    time::Duration,
};

use nix::{sys::prctl, sys::signal, unistd::Pid};

use super::{Error, Signal, error::Doing, wait_until};

/// A program that runs on a [`Host`](super::Host). It is killed when this is dropped, when the host
/// is dropped, and when this process dies; programs that it started in turn are its own affair.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// Known once it has been waited for.
    exit: Option<ExitStatus>,
}

impl Process {
    /// Starts `command` in the namespace of the calling thread. The process dies with that thread.
    pub(super) fn start(mut command: Command) -> io::Result<Self> {
        let die_with_this_thread = || Ok(prctl::set_pdeathsig(Signal::SIGKILL)?);
        // SAFETY: between fork and exec only prctl(2) is called, which is a bare system call.
        unsafe { command.pre_exec(die_with_this_thread) };
        Ok(Self { child: command.spawn()?, exit: None })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// [`Error`] when it has ended already.
    pub fn signal(&self, signal: Signal) -> Result<(), Error> {
        let sent = match (self.exit, i32::try_from(self.pid())) {
            (None, Ok(pid)) => signal::kill(Pid::from_raw(pid), signal).map_err(io::Error::from),
            _ => Err(io::Error::other("it has ended already")),
        };
        sent.doing(|| format!("sending {signal} to process {}", self.pid()))
    }

    /// Kills it and waits until it is gone.
    ///
    /// # Errors
    /// [`Error`] when it cannot be waited for.
    pub fn kill(&mut self) -> Result<ExitStatus, Error> {
        if let Some(exit) = self.exit {
            return Ok(exit);
        }
        let exit = self.child.kill().and_then(|()| self.child.wait());
        let exit = exit.doing(|| format!("killing process {}", self.pid()))?;
        self.exit = Some(exit);
        Ok(exit)
    }

    /// How it ended, or `None` while it runs.
    ///
    /// # Errors
    /// [`Error`] when it cannot be waited for.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>, Error> {
        if self.exit.is_none() {
            let pid = self.pid();
            self.exit = self.child.try_wait().doing(|| format!("waiting for process {pid}"))?;
        }
        Ok(self.exit)
    }

    /// Waits until it ends, at most `within`: how it ended, or `None` when it still runs.
    ///
    /// # Errors
    /// [`Error`] when it cannot be waited for.
    pub fn wait_timeout(&mut self, within: Duration) -> Result<Option<ExitStatus>, Error> {
        let mut outcome = Ok(None);
        wait_until(within, || {
            outcome = self.try_wait();
            !matches!(outcome, Ok(None))
        });
        outcome
    }

    /// Its standard input, when the command asked for a pipe; once.
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Its standard output, when the command asked for a pipe; once.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Its standard error, when the command asked for a pipe; once.
    pub fn stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // There is nobody left to tell.
        let _ = self.kill();
    }
}
