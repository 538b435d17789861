//! `vrrp demo`.

use crate::cli;

/// Runs the demo and returns the exit status.
pub(crate) fn run() -> u8 {
    eprintln!("the demo is not part of this build");
    cli::FAILED
}
