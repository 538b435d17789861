//! The arguments of the commands that print what this program knows of itself.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// The arguments of `vrrp completions`.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell that is to complete.
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}

/// The arguments of `vrrp man`.
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Write the page into this directory, and one more for each command.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}
