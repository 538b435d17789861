//! What a command prints on its standard output, which may be a pipe that nobody reads any more.

use std::io::{self, ErrorKind, Write};

use crate::cli;

/// Prints a whole text. Whoever closes the output before its end, as `head` does, has read enough.
///
/// # Errors
/// It cannot be written, because a disk is full for example.
pub(crate) fn print(text: impl AsRef<[u8]>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_ref()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}

/// Prints what a command is for, and returns the exit status.
pub(crate) fn document(text: &[u8]) -> u8 {
    match print(text) {
        Ok(()) => cli::OK,
        Err(error) => {
            eprintln!("this cannot be printed: {error}");
            cli::FAILED
        }
    }
}

/// Prints a line about what is done already, or found. The exit status tells of that, even if the
/// line cannot be written.
pub(crate) fn say(line: &str) {
    if let Err(error) = print(format!("{line}\n")) {
        eprintln!("{line}\n(standard output cannot be written: {error})");
    }
}
