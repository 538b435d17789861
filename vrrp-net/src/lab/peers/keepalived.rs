//! keepalived: a parent, and the child that speaks VRRP.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use nix::{sys::signal, unistd::Pid};

use super::{first_line, log_to, write};
use crate::lab::{Error, Host, Process, Signal, wait_until};

/// How long its child may take to exist.
const START: Duration = Duration::from_secs(5);

/// keepalived on a host, with VRRP alone. It ends when this is dropped.
#[derive(Debug)]
pub struct Keepalived {
    parent: Process,
    /// Where the child writes its number.
    child: PathBuf,
    log: PathBuf,
}

impl Keepalived {
    /// What it is called and its version, such as `keepalived 2.2.7`; `None` where it is not
    /// installed.
    #[must_use]
    pub fn version() -> Option<String> {
        let line = first_line("keepalived", "--version")?;
        let version = line.split_whitespace().nth(1)?.trim_start_matches('v');
        Some(format!("keepalived {version}"))
    }

    /// Why it cannot be had here; `None` when it can.
    #[must_use]
    pub fn missing() -> Option<String> {
        Self::version().is_none().then(|| "keepalived is not installed".to_owned())
    }

    /// Starts it with this configuration. What it needs and its log go into `folder`, which may
    /// serve several hosts when their names differ.
    ///
    /// # Errors
    /// [`Error`] when it cannot be started, or does not come up: the message tells its log.
    pub fn start(host: &Host, folder: &Path, config: &str) -> Result<Self, Error> {
        Self::start_command(host, folder, config, Command::new("keepalived"))
    }

    /// The same, where `command` is the program or a wrapper that ends in it.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_command(
        host: &Host,
        folder: &Path,
        config: &str,
        mut command: Command,
    ) -> Result<Self, Error> {
        let name = host.name();
        let file = |what: &str| folder.join(format!("{name}-keepalived.{what}"));
        let config = write(folder, &format!("{name}-keepalived.conf"), config)?;
        let (log, child) = (file("log"), file("vrrp.pid"));
        let _ = fs::remove_file(&child);
        command.args(["--dont-fork", "--vrrp", "--log-console", "--no-syslog", "--log-detail"]);
        command
            .arg("--use-file")
            .arg(config)
            .arg("--pid")
            .arg(file("pid"))
            .arg("--vrrp_pid")
            .arg(&child);
        log_to(&mut command, &log)?;
        let mut started = Self { parent: host.spawn(command)?, child, log };
        wait_until(START, || {
            started.pid().is_some() || !matches!(started.parent.try_wait(), Ok(None))
        });
        if started.pid().is_some() {
            return Ok(started);
        }
        Err(Error::Invalid(format!(
            "keepalived does not come up on {name}; its log: {}",
            started.log()
        )))
    }

    /// The process that speaks VRRP; `None` while there is none.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        fs::read_to_string(&self.child).ok()?.trim().parse().ok()
    }

    /// Gives it another configuration, in the folder that it was started with, and has it read
    /// that. It does not wait.
    ///
    /// # Errors
    /// [`Error`] when the file cannot be written, or it had ended before.
    pub fn reload(&self, host: &Host, folder: &Path, config: &str) -> Result<(), Error> {
        write(folder, &format!("{}-keepalived.conf", host.name()), config)?;
        self.parent.signal(Signal::SIGHUP)
    }

    /// Asks it to resign and leave, and does not wait.
    ///
    /// # Errors
    /// [`Error`] when it had ended before.
    pub fn terminate(&self) -> Result<(), Error> {
        self.parent.signal(Signal::SIGTERM)
    }

    /// Waits until it has ended; `false` when it still runs after `within`.
    ///
    /// # Errors
    /// [`Error`] when it cannot be waited for.
    pub fn wait(&mut self, within: Duration) -> Result<bool, Error> {
        Ok(self.parent.wait_timeout(within)?.is_some())
    }

    /// Kills both processes at once, as a crash of the host would: it cannot resign, and its
    /// addresses stay.
    ///
    /// # Errors
    /// [`Error`] when it had ended before.
    pub fn kill(&mut self) -> Result<(), Error> {
        // A parent that runs would start another child; a child whose parent is gone would resign.
        self.parent.signal(Signal::SIGSTOP)?;
        self.signal_child(Signal::SIGKILL);
        self.parent.kill()?;
        Ok(())
    }

    /// Kills the process that speaks VRRP; the parent starts another one.
    pub fn crash(&self) {
        self.signal_child(Signal::SIGKILL);
    }

    /// Stops both processes where they are.
    ///
    /// # Errors
    /// [`Error`] when it had ended before.
    pub fn suspend(&self) -> Result<(), Error> {
        self.parent.signal(Signal::SIGSTOP)?;
        self.signal_child(Signal::SIGSTOP);
        Ok(())
    }

    /// Lets them go on.
    ///
    /// # Errors
    /// As [`suspend`](Self::suspend).
    pub fn resume(&self) -> Result<(), Error> {
        self.signal_child(Signal::SIGCONT);
        self.parent.signal(Signal::SIGCONT)
    }

    /// What it has said so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Signals the child, if it is still there.
    fn signal_child(&self, what: Signal) {
        if let Some(pid) = self.pid().and_then(|pid| i32::try_from(pid).ok()) {
            let _ = signal::kill(Pid::from_raw(pid), what);
        }
    }
}

impl Drop for Keepalived {
    fn drop(&mut self) {
        // Only while its parent is there is the number certainly the child's.
        if matches!(self.parent.try_wait(), Ok(None)) {
            let _ = self.kill();
        }
    }
}
