//! `vrrp man`: the manual pages, made from the definitions of the arguments.

mod page;

use std::{fs, io, path::Path};

use clap::{Command, CommandFactory};

use crate::{
    cli::{self, Cli},
    config::describe,
    output,
};

/// Runs `vrrp man` and returns the exit status.
pub(crate) fn main(arguments: &cli::Man) -> u8 {
    let mut command = Cli::command();
    command.build();
    let Some(directory) = &arguments.out else {
        return match page::whole(&command) {
            Ok(page) => output::document(&page),
            Err(error) => failed(&format!("the manual page cannot be made: {error}")),
        };
    };
    match write_all(&command, directory) {
        Ok(()) => cli::OK,
        Err(error) => {
            let directory = directory.display();
            let why = describe(&error);
            failed(&format!(
                "the manual pages cannot be written to {directory}: {why}; name a directory that is \
                 there and that you may write to"
            ))
        }
    }
}

fn failed(sentence: &str) -> u8 {
    eprintln!("{sentence}");
    cli::FAILED
}

/// Writes `vrrp.1`, and a page for each command, such as `vrrp-status.1`.
fn write_all(command: &Command, directory: &Path) -> io::Result<()> {
    fs::write(directory.join("vrrp.1"), page::whole(command)?)?;
    for subcommand in page::commands(command) {
        let name = format!("{}-{}.1", command.get_name(), subcommand.get_name());
        fs::write(directory.join(name), page::single(subcommand)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
