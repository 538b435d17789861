//! The command line, and the exit statuses that scripts hold on to.

pub(crate) mod keepalived;

use std::{ops::RangeInclusive, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    config::{self, ConfigErrors},
    import,
    request::Term,
};

/// Everything went well.
pub(crate) const OK: u8 = 0;
/// Anything that none of the others means.
pub(crate) const FAILED: u8 = 1;
/// The configuration cannot be used; nothing was started.
pub(crate) const BAD_CONFIGURATION: u8 = 2;
/// The configuration can be used, with warnings.
pub(crate) const WARNINGS: u8 = 3;
/// No daemon answers on the control socket.
pub(crate) const NO_DAEMON: u8 = 4;

/// Has `vrrp run` only say whether it would start.
pub(crate) const TRY_OUT: &str = "--try-out";

/// A virtual IP address that is always on exactly one healthy node (VRRP, RFC 9568).
#[derive(Debug, Parser)]
#[command(name = "vrrp", version, propagate_version = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the daemon in the foreground.
    #[command(
        after_help = "Exit status: 0 after a clean stop, 2 bad configuration, 1 anything else.\n\
                            Signals: TERM and INT hand over and leave; a second one leaves at once. \
                            HUP reads the configuration again."
    )]
    Run(Run),
    /// Check a configuration, and compare it with this host.
    #[command(after_help = "Exit status: 0 good, 2 unusable, 3 usable with warnings.")]
    Check(Check),
    /// Write a file of keepalived's as one of ours, with its passwords.
    #[command(after_help = "Exit status: 0 good, 2 unusable, 3 something was left out.")]
    Convert(Convert),
    /// Show every virtual router of the running daemon.
    #[command(after_help = "Exit status: 0 shown, 1 no such virtual router, 4 no daemon answers.")]
    Status(Status),
    /// Follow what happens to the virtual routers and checks of the running daemon.
    #[command(
        after_help = "Exit status: 0 after INT or TERM, or when the daemon has stopped; 1 no such \
            name, or the stream broke off; 4 no daemon answers."
    )]
    Events(Events),
    /// Ask whether the running daemon is well, for HEALTHCHECK and the like.
    #[command(
        after_help = "Exit status: 0 the daemon answers and no virtual router has a fault, 1 \
            anything else."
    )]
    Health(Health),
    /// Hand over, and stay out of the election until it is resumed.
    #[command(
        after_help = "Exit status: 0 drained, 1 refused or not possible, 2 usage, 4 no daemon \
            answers."
    )]
    Drain(Drain),
    /// End a drain: take part in the election again.
    #[command(after_help = "Exit status: 0 done, 1 not possible, 2 usage, 4 no daemon answers.")]
    Resume(Resume),
    /// Have the running daemon read its configuration again; what is the same goes on untouched.
    #[command(
        after_help = "Exit status: 0 done, 1 refused, and nothing has changed, 2 usage, 4 no \
            daemon answers."
    )]
    Reload(Reload),
    /// Put the program that is on disk by now in the place of the running daemon: it keeps what that
    /// one holds, and no other node notices.
    #[command(
        after_help = "Exit status: 0 done, 1 refused, and the daemon goes on, 2 usage, 4 no daemon \
            answers."
    )]
    Restart(Restart),
    /// Show an election, a crash and a handover between two nodes in namespaces of this machine.
    #[cfg(feature = "demo")]
    Demo,
}

/// Where the configuration is.
#[derive(Debug, Args)]
pub(crate) struct File {
    /// The configuration file: one of keepalived's if its name ends with .conf.
    #[arg(
        short = 'c',
        long = "config",
        value_name = "FILE",
        default_value = "/etc/vrrp/vrrp.toml"
    )]
    pub(crate) file: PathBuf,
    /// Read the environment instead of a file: VRRP_ADDRESSES and its companions, or the variables
    /// of the container images of osixia, arcts, shawly and ednxzu.
    #[arg(long, conflicts_with = "file")]
    pub(crate) from_env: bool,
}

/// The arguments of `vrrp run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The configuration.
    #[command(flatten)]
    pub(crate) config: File,
    /// How log lines look on stderr.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) log: Log,
    /// Take warnings for errors.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Only read the configuration, as a start does.
    #[arg(long, hide = true)]
    pub(crate) try_out: bool,
    /// Options of keepalived's: -f FILE, -n, -l, -D and the others. Behind --from-env: options of
    /// other images, which are left out where that is harmless.
    #[arg(value_name = "OPTIONS", trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) others: Vec<String>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Log {
    /// Key=value for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The arguments of `vrrp check`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The configuration.
    #[command(flatten)]
    pub(crate) config: File,
    /// Read a file of keepalived's as the node of this name, for lines that begin with @NAME.
    #[arg(short = 'i', long, value_name = "NAME", conflicts_with = "from_env")]
    pub(crate) config_id: Option<String>,
    /// Print the effective configuration: every key with its value, passwords masked.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,
    /// Print what was found as one object of JSON.
    #[arg(long, conflicts_with = "format")]
    pub(crate) json: bool,
    /// Also listen for this time, such as 3s: who else speaks on these interfaces, and what of that
    /// does not go with this configuration. Nothing is sent.
    #[arg(long, value_name = "TIME", value_parser = listening)]
    pub(crate) listen: Option<Duration>,
    /// Take warnings for errors.
    #[arg(long)]
    pub(crate) strict: bool,
}

/// How long `vrrp check` may listen.
const LISTENING: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(3600);

fn listening(text: &str) -> Result<Duration, String> {
    let time = config::duration::parse(text).filter(|time| LISTENING.contains(time));
    time.ok_or_else(|| "write a time from 100ms to 1h, such as 3s".to_owned())
}

/// The arguments of `vrrp convert`.
#[derive(Debug, Args)]
pub(crate) struct Convert {
    /// The file of keepalived's.
    pub(crate) file: PathBuf,
    /// Read it as the node of this name, for lines that begin with @NAME.
    #[arg(short = 'i', long, value_name = "NAME")]
    pub(crate) config_id: Option<String>,
    /// Take warnings for errors.
    #[arg(long)]
    pub(crate) strict: bool,
}

/// How the effective configuration is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A configuration file.
    Toml,
    /// JSON.
    Json,
}

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
