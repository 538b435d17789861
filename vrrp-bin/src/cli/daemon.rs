//! The arguments of the commands that ask a running daemon.

use std::path::PathBuf;

use clap::Args;

use crate::{
    config::{self, ConfigErrors},
    import,
    request::Term,
};

/// The arguments of `vrrp status`.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Only the virtual router of this name.
    pub(crate) name: Option<String>,
    /// Print the daemon's JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// The daemon.
    #[command(flatten)]
    pub(crate) daemon: Daemon,
}

/// The arguments of `vrrp events`.
#[derive(Debug, Args)]
pub(crate) struct Events {
    /// Only what happens to the virtual router or the check of this name.
    pub(crate) name: Option<String>,
    /// Print the daemon's JSON, one object a line.
    #[arg(long)]
    pub(crate) json: bool,
    /// The daemon.
    #[command(flatten)]
    pub(crate) daemon: Daemon,
}

/// Which daemon is asked.
#[derive(Debug, Args)]
pub(crate) struct Daemon {
    /// The control socket of the daemon.
    #[arg(long, value_name = "PATH", env = "VRRP_CONTROL", default_value = config::CONTROL)]
    control: PathBuf,
    /// Take the path of the control socket from this configuration file.
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Daemon {
    /// Returns the path of the control socket.
    ///
    /// # Errors
    /// What is wrong with the configuration file that would name it.
    pub(crate) fn control(&self) -> Result<PathBuf, ConfigErrors> {
        match &self.file {
            Some(file) => Ok(import::file(file, config::anywhere).0?.control),
            None => Ok(self.control.clone()),
        }
    }
}

/// The arguments of `vrrp drain`.
#[derive(Debug, Args)]
pub(crate) struct Drain {
    /// Only the virtual router of this name; otherwise every one of the daemon, at the same time.
    pub(crate) name: Option<String>,
    /// End the drain after this time, such as 10m.
    #[arg(long = "for", value_name = "TIME")]
    pub(crate) term: Option<Term>,
    /// Let the addresses go even if no other node takes over.
    #[arg(long)]
    pub(crate) force: bool,
    /// Stay drained over restarts of the daemon and of the host, until it is resumed or its time is
    /// over.
    #[arg(long)]
    pub(crate) keep: bool,
    /// The daemon.
    #[command(flatten)]
    pub(crate) daemon: Daemon,
}

/// The arguments of `vrrp resume`.
#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// Only the virtual router of this name; otherwise every one of the daemon.
    pub(crate) name: Option<String>,
    /// The daemon.
    #[command(flatten)]
    pub(crate) daemon: Daemon,
}

/// The arguments of `vrrp announce`.
#[derive(Debug, Args)]
pub(crate) struct Announce {
    /// Only the virtual router of this name; otherwise every one of the daemon that is active.
    pub(crate) name: Option<String>,
    /// The daemon.
    #[command(flatten)]
    pub(crate) daemon: Daemon,
}

/// The arguments of `vrrp watch`.
#[cfg(feature = "watch")]
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// Begin with all of the virtual router of this name.
    pub(crate) name: Option<String>,
    /// The daemon.
    #[command(flatten)]
    pub(crate) daemon: Daemon,
}

/// The arguments of `vrrp reload`.
#[derive(Debug, Args)]
pub(crate) struct Reload {
    /// The daemon.
    #[command(flatten)]
    pub(crate) daemon: Daemon,
}

/// The arguments of `vrrp restart`.
#[derive(Debug, Args)]
pub(crate) struct Restart {
    /// The daemon.
    #[command(flatten)]
    pub(crate) daemon: Daemon,
}

/// The arguments of `vrrp health`.
#[derive(Debug, Args)]
pub(crate) struct Health {
    /// Exit with 1 also while a node is heard that disagrees with this one.
    #[arg(long)]
    pub(crate) strict: bool,
    /// The control socket of the daemon.
    #[arg(long, value_name = "PATH", env = "VRRP_CONTROL", default_value = config::CONTROL)]
    pub(crate) control: PathBuf,
}
