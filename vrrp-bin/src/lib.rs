//! The `vrrp` program: a virtual IP address on exactly one healthy node.
//!
//! It reads a configuration, builds the types of [`vrrp_core`] from it, and runs a
//! [`vrrp_net::Node`].
//!
//! This library is for the program itself, its tests and the fuzz targets. It promises nothing, and
//! nobody else should depend on it.

mod backends;
mod check;
mod checks;
mod cli;
mod completions;
mod config;
mod connections;
mod control;
mod convert;
#[cfg(feature = "demo")]
mod demo;
mod descriptors;
mod drain;
mod events;
mod health;
mod import;
mod kept;
mod leftovers;
mod lock;
mod log;
mod manual;
mod netns;
mod notify;
mod orphans;
mod output;
mod pieces;
pub mod readers;
mod reload;
mod report;
mod request;
mod restart;
mod run;
mod scan;
mod snapshot;
mod status;
mod text;
#[cfg(feature = "watch")]
mod watch;
mod watched;
mod wire;

use std::process::ExitCode;

use clap::Parser;

/// Runs the program with the arguments of this process. It must be called before any thread is
/// started.
#[must_use]
pub fn main() -> ExitCode {
    if std::env::args_os().next().is_some_and(|name| cli::keepalived::is_meant(&name)) {
        return ExitCode::from(run::keepalived(cli::keepalived::Keepalived::parse()));
    }
    let status = match cli::Cli::parse().command {
        cli::Command::Announce(arguments) => drain::announce(&arguments),
        cli::Command::Check(arguments) => check::main(&arguments),
        cli::Command::Completions(arguments) => completions::main(&arguments),
        cli::Command::Convert(arguments) => convert::main(&arguments),
        #[cfg(feature = "demo")]
        cli::Command::Demo => demo::run(),
        cli::Command::Drain(arguments) => drain::drain(&arguments),
        cli::Command::Events(arguments) => events::main(&arguments),
        cli::Command::Health(arguments) => health::main(&arguments),
        cli::Command::Man(arguments) => manual::main(&arguments),
        cli::Command::Reload(arguments) => reload::main(&arguments),
        cli::Command::Restart(arguments) => restart::main(&arguments),
        cli::Command::Resume(arguments) => drain::resume(&arguments),
        cli::Command::Run(arguments) => run::main(&arguments),
        cli::Command::Scan(arguments) => scan::main(&arguments),
        cli::Command::Status(arguments) => status::main(&arguments),
        #[cfg(feature = "watch")]
        cli::Command::Watch(arguments) => watch::main(&arguments),
    };
    ExitCode::from(status)
}
