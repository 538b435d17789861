//! The command line, and the exit statuses that scripts hold on to.

mod daemon;
mod files;
pub(crate) mod keepalived;
mod manual;
mod wire;

use clap::{Parser, Subcommand};

#[cfg(feature = "watch")]
pub(crate) use daemon::Watch;
pub(crate) use daemon::{Announce, Daemon, Drain, Events, Health, Reload, Restart, Resume, Status};
pub(crate) use files::{Check, Convert, File, Format, Log, Run};
pub(crate) use manual::{Completions, Man};
pub(crate) use wire::Scan;

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
    /// Tell the neighbours of the active node again where its addresses are.
    #[command(
        after_help = "Exit status: 0 announced, 1 not active or not possible, 2 usage, 4 no daemon \
            answers."
    )]
    Announce(Announce),
    /// Watch every virtual router of the running daemon live, and act with a key.
    #[cfg(feature = "watch")]
    #[command(
        after_help = "Exit status: 0 after q, INT or TERM, 1 the terminal cannot be used, 2 usage, 4 \
            no daemon answers at the start.\n\
            Keys: up and down choose, enter shows all of one, d drains, r resumes, a announces, ? \
            lists the keys, q quits."
    )]
    Watch(Watch),
    /// Listen only: who speaks VRRP on the networks of this host, and what of that is in conflict.
    #[command(
        after_help = "Exit status: 0 nothing is in conflict, 1 not possible, 2 usage, 3 something is \
            in conflict."
    )]
    Scan(Scan),
    /// Print what a shell needs to complete this program's arguments.
    Completions(Completions),
    /// Print the manual page of this program.
    Man(Man),
    /// Show an election, a crash and a handover between two nodes in namespaces of this machine.
    #[cfg(feature = "demo")]
    Demo,
}
