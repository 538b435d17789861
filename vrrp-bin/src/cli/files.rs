//! The arguments of the commands that read a configuration.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use super::wire::listening;

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
