//! `vrrp completions`: what a shell needs to complete the arguments, made from their definitions.

use std::io::{self, Write};

use clap::CommandFactory;

use crate::cli::{self, Cli};

/// Runs `vrrp completions` and returns the exit status.
pub(crate) fn main(arguments: &cli::Completions) -> u8 {
    // Into memory first: the generator would panic where the output cannot be written.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "vrrp", &mut script);
    print(&script)
}

/// Prints a document, and returns the exit status.
pub(crate) fn print(document: &[u8]) -> u8 {
    let mut out = io::stdout().lock();
    match out.write_all(document).and_then(|()| out.flush()) {
        Ok(()) => cli::OK,
        // Whoever reads the output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => cli::OK,
        Err(error) => {
            eprintln!("this cannot be printed: {error}");
            cli::FAILED
        }
    }
}
