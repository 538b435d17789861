//! `vrrp completions`: what a shell needs to complete the arguments, made from their definitions.

use clap::{Command, CommandFactory};

use crate::{
    cli::{self, Cli},
    output,
};

/// Runs `vrrp completions` and returns the exit status.
pub(crate) fn main(arguments: &cli::Completions) -> u8 {
    // Into memory first: the generator would panic where the output cannot be written.
    let mut script = Vec::new();
    let mut command = shown(&Cli::command());
    clap_complete::generate(arguments.shell, &mut command, "vrrp", &mut script);
    output::document(&script)
}

/// The same command without what is hidden, which the generators would offer.
fn shown(command: &Command) -> Command {
    let arguments = command.get_arguments().filter(|argument| !argument.is_hide_set());
    let commands = command.get_subcommands().filter(|command| !command.is_hide_set());
    let about = command.get_about().cloned().unwrap_or_default();
    Command::new(command.get_name().to_owned())
        .about(about)
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .args(arguments.cloned())
        .subcommands(commands.map(shown))
}
