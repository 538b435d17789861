//! `vrrp status`: asks the running daemon over its control socket.

pub(crate) mod overview;
pub(crate) mod whole;
pub(crate) mod wrong;

use std::io;

use crate::{
    cli,
    control::client::{self, escape, fetch, parse},
    output::print,
};

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Client(#[from] client::Error),
    #[error("the answer cannot be printed: {0}")]
    Print(#[from] io::Error),
}

impl Error {
    const fn exit_status(&self) -> u8 {
        match self {
            Self::Client(error) => error.exit_status(),
            Self::Print(_) => cli::FAILED,
        }
    }
}

/// Runs `vrrp status` and returns the exit status.
pub(crate) fn main(arguments: &cli::Status) -> u8 {
    match show(arguments) {
        Ok(()) => cli::OK,
        Err(error) => {
            eprintln!("{error}");
            error.exit_status()
        }
    }
}

fn show(arguments: &cli::Status) -> Result<(), Error> {
    let control = arguments.daemon.control().map_err(client::Error::from)?;
    let target = match &arguments.name {
        Some(name) => format!("/virtual-routers/{}", escape(name)),
        None => "/status".to_owned(),
    };
    let body = fetch(&control, &target)?;
    if arguments.json {
        return Ok(print([&body, b"\n".as_slice()].concat())?);
    }
    let text = match arguments.name {
        Some(_) => whole::text(&parse(&control, &body)?),
        None => overview::text(&parse(&control, &body)?),
    };
    Ok(print(text)?)
}

#[cfg(test)]
mod tests;
