//! keepalived's own command line, under the name `keepalived` and behind `vrrp run`.

use std::{ffi::OsStr, path::PathBuf};

use clap::{ArgAction, Args, Parser, ValueEnum};

use super::Log;

/// Where keepalived looks for its file.
const FILE: &str = "/etc/keepalived/keepalived.conf";

/// The command line of a program that is called `keepalived`.
#[derive(Debug, Parser)]
#[command(name = "keepalived", version, disable_version_flag = true)]
pub(crate) struct Keepalived {
    /// What both understand.
    #[command(flatten)]
    pub(crate) options: Options,
    /// There is no process for load balancing.
    #[arg(short = 'c', long = "checkers_pid", value_name = "FILE")]
    checkers_pid: Option<PathBuf>,
    /// Print the version.
    #[arg(short = 'v', long, action = ArgAction::Version)]
    version: Option<bool>,
    /// Only read the configuration, as a start does.
    #[arg(long, hide = true)]
    pub(crate) try_out: bool,
}

/// What may stand behind `vrrp run`: its own options, and those of keepalived's.
#[derive(Debug, Parser)]
#[command(name = "vrrp run", disable_version_flag = true)]
pub(crate) struct Behind {
    /// What both understand.
    #[command(flatten)]
    pub(crate) options: Options,
    /// The configuration file.
    #[arg(short = 'c', long = "config", value_name = "FILE", conflicts_with = "use_file")]
    pub(crate) config: Option<PathBuf>,
    /// How log lines look on stderr.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log: Option<Log>,
    /// Take warnings for errors.
    #[arg(long)]
    pub(crate) strict: bool,
}

/// The options that keepalived 2.2.7 knows.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The configuration file, in keepalived's format.
    #[arg(short = 'f', long, value_name = "FILE")]
    pub(crate) use_file: Option<PathBuf>,
    /// Only check the configuration. Exit status: 0 good, 2 unusable, 5 something is left out, 6
    /// scripts run without enable_script_security.
    #[arg(short = 't', long, value_name = "LOG_FILE", num_args = 0..=1)]
    pub(crate) config_test: Option<Option<PathBuf>>,
    /// Lines that begin with @ID are for this node.
    #[arg(short = 'i', long, value_name = "ID")]
    pub(crate) config_id: Option<String>,
    /// The network namespace to work in, whatever the file says.
    #[arg(short = 's', long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// A file that is to be included and is not there is an error.
    #[arg(short = 'e', long)]
    pub(crate) all_config: bool,
    /// Write the number of the process into this file.
    #[arg(short = 'p', long, value_name = "FILE")]
    pub(crate) pid: Option<PathBuf>,
    /// Write the number of the process into this file, too.
    #[arg(short = 'r', long = "vrrp_pid", value_name = "FILE")]
    pub(crate) vrrp_pid: Option<PathBuf>,
    /// Print the number of a signal, and leave.
    #[arg(long, value_name = "NAME")]
    pub(crate) signum: Option<Signal>,
    /// Load balancing alone, which is not done here.
    #[arg(short = 'C', long)]
    pub(crate) check: bool,
    /// A mode of keepalived's that is not here.
    #[arg(short = 'T', long)]
    pub(crate) genhash: bool,
    /// What goes without saying here, or means nothing.
    #[command(flatten)]
    pub(crate) ignored: Ignored,
}

/// Options that change nothing here.
#[derive(Debug, Args)]
pub(crate) struct Ignored {
    /// The program always stays in the foreground.
    #[arg(short = 'n', long)]
    pub(crate) dont_fork: bool,
    /// Log lines always go to stderr.
    #[arg(short = 'l', long)]
    log_console: bool,
    /// Log lines have all details.
    #[arg(short = 'D', long)]
    log_detail: bool,
    /// `vrrp check --format toml` prints what is in force.
    #[arg(short = 'd', long)]
    dump_conf: bool,
    /// There is nothing but VRRP.
    #[arg(short = 'P', long)]
    vrrp: bool,
    /// There is no BFD.
    #[arg(short = 'B', long = "no_bfd")]
    no_bfd: bool,
    /// There is one process.
    #[arg(long)]
    all: bool,
    /// The service manager knows where log lines go.
    #[arg(short = 'S', long, value_name = "FACILITY")]
    log_facility: Option<String>,
    /// Log lines are not sent to syslog.
    #[arg(short = 'G', long)]
    no_syslog: bool,
    /// Files are made with the rights that they need.
    #[arg(short = 'u', long, value_name = "MASK")]
    umask: Option<String>,
    /// Addresses are always released.
    #[arg(short = 'X', long)]
    release_vips: bool,
    /// Addresses are always released.
    #[arg(short = 'V', long)]
    pub(crate) dont_release_vrrp: bool,
    /// There is no load balancing.
    #[arg(short = 'I', long)]
    dont_release_ipvs: bool,
    /// There is one process.
    #[arg(short = 'R', long)]
    dont_respawn: bool,
    /// `vrrp events` shows addresses that come and go.
    #[arg(short = 'a', long)]
    address_monitoring: bool,
    /// There is no process for BFD.
    #[arg(short = 'b', long = "bfd_pid", value_name = "FILE")]
    bfd_pid: Option<PathBuf>,
    /// There is no SNMP.
    #[arg(short = 'x', long)]
    snmp: bool,
    /// There is no SNMP.
    #[arg(short = 'A', long, value_name = "FILE")]
    snmp_agent_socket: Option<PathBuf>,
    /// The service manager decides about core dumps.
    #[arg(short = 'm', long)]
    core_dump: bool,
    /// The service manager decides about core dumps.
    #[arg(short = 'M', long, value_name = "PATTERN", num_args = 0..=1, require_equals = true)]
    core_dump_pattern: Option<Option<String>>,
}

/// What keepalived does on a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Signal {
    /// It leaves.
    Stop,
    /// It reads its file again.
    Reload,
    /// It writes what it does into a file.
    Data,
    /// It writes its counters into a file.
    Stats,
    /// The same, and they begin at nothing.
    StatsClear,
    /// It writes what it does into a file, as JSON.
    Json,
}

impl Signal {
    /// Its number on Linux.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Stop => 15,
            Self::Reload => 1,
            Self::Data => 10,
            Self::Stats => 12,
            Self::StatsClear => 63,
            Self::Json => 36,
        }
    }
}

impl Options {
    /// The file that is named, or keepalived's own.
    pub(crate) fn file(&self) -> PathBuf {
        self.use_file.clone().unwrap_or_else(|| FILE.into())
    }
}

/// Whether a program of this name is meant to be keepalived.
pub(crate) fn is_meant(program: &OsStr) -> bool {
    std::path::Path::new(program).file_name() == Some(OsStr::new("keepalived"))
}
