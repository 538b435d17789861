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
    child: u32,
    log: PathBuf,
}

impl Keepalived {
    /// What it is called and its version, such as `keepalived 2.2.7`; `None` where it is not installed.
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

    /// Starts it with this configuration. What it needs and its log go into `folder`, which may serve several hosts
    /// when their names differ.
    ///
    /// # Errors
    /// [`Error`] when it cannot be started, or does not come up: the message tells its log.
    pub fn start(host: &Host, folder: &Path, config: &str) -> Result<Self, Error> {
        let name = host.name();
        let file = |what: &str| folder.join(format!("{name}-keepalived.{what}"));
        let config = write(folder, &format!("{name}-keepalived.conf"), config)?;
        let (log, pid) = (file("log"), file("vrrp.pid"));
        let _ = fs::remove_file(&pid);
        let mut command = Command::new("keepalived");
        command.args(["--dont-fork", "--vrrp", "--log-console", "--no-syslog", "--log-detail"]);
        command.arg("--use-file").arg(config).arg("--pid").arg(file("pid")).arg("--vrrp_pid").arg(&pid);
        log_to(&mut command, &log)?;
        let mut parent = host.spawn(command)?;
        let mut child = None;
        wait_until(START, || {
            child = fs::read_to_string(&pid).ok().and_then(|text| text.trim().parse().ok());
            child.is_some() || !matches!(parent.try_wait(), Ok(None))
        });
        match child {
            Some(child) => Ok(Self { parent, child, log }),
            None => Err(Error::Invalid(format!(
                "keepalived does not come up on {name}; its log: {}",
                fs::read_to_string(log).unwrap_or_default()
            ))),
        }
    }

    /// The process that speaks VRRP.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child
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

    /// Kills both processes at once, as a crash of the host would: it cannot resign, and its addresses stay.
    ///
    /// # Errors
    /// [`Error`] when it had ended before.
    pub fn kill(&mut self) -> Result<(), Error> {
        // A parent that runs would start another child; a child whose parent is gone would resign.
        self.parent.signal(Signal::SIGSTOP)?;
        self.signal(Signal::SIGKILL);
        self.parent.kill()?;
        Ok(())
    }

    /// What it has said so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Signals the child, if it is still there.
    fn signal(&self, what: Signal) {
        if let Ok(pid) = i32::try_from(self.child) {
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
