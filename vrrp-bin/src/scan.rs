//! `vrrp scan`: who speaks VRRP on the networks of this host, and what of that is in conflict. It
//! listens only.

mod conflict;
mod text;

use std::{collections::BTreeSet, io};

use serde::Serialize;
use vrrp_net::{
    host::{self, Interface, Master},
    listen::{ListenError, Speakers},
};

use crate::{
    cli,
    config::describe,
    descriptors, output,
    wire::{self, Heard},
};
use conflict::Conflict;

/// The version of the JSON: it grows when a field is renamed, removed or means something else.
const SCHEMA: u32 = 1;
/// What goes by no network.
const LOOPBACK: &str = "lo";

/// What was heard: what `schema/scan.json` describes.
#[derive(Debug, Serialize)]
struct Scan {
    schema: u32,
    #[serde(flatten)]
    heard: Heard,
    /// What of it does not go together.
    conflicts: Vec<Conflict>,
}

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(
        "the interfaces of this host cannot be listed: {}; name those to listen on with -i IFACE",
        describe(.0)
    )]
    Interfaces(io::Error),
    #[error(
        "no interface but the loopback is up, so that there is nothing to listen to; name one with \
         -i IFACE"
    )]
    NoInterface,
    /// Those that cannot be listened to were told of already.
    #[error("there is nowhere to listen")]
    Nowhere,
    #[error("it cannot go on: {0}")]
    Listen(#[from] ListenError),
    #[error("what was heard cannot be printed: {0}")]
    Print(#[from] io::Error),
}

/// Runs `vrrp scan` and returns the exit status.
pub(crate) fn main(arguments: &cli::Scan) -> u8 {
    // Two sockets for each interface.
    descriptors::raise();
    match scan(arguments) {
        Ok((scan, is_whole)) => match (is_whole, scan.conflicts.is_empty()) {
            (false, _) => cli::FAILED,
            (true, false) => cli::WARNINGS,
            (true, true) => cli::OK,
        },
        Err(error) => {
            eprintln!("{error}");
            cli::FAILED
        }
    }
}

/// Listens, and prints what it heard. Returns whether it listened wherever that was asked for.
fn scan(arguments: &cli::Scan) -> Result<(Scan, bool), Error> {
    let names = if arguments.interfaces.is_empty() {
        all().map_err(Error::Interfaces)?
    } else {
        arguments.interfaces.iter().cloned().collect()
    };
    if names.is_empty() {
        return Err(Error::NoInterface);
    }
    let (listener, heard_on, errors) = wire::open(names.iter().map(String::as_str).collect());
    for error in &errors {
        eprintln!("{}", wire::sentence(error, "nothing is heard there"));
    }
    let mut speakers = Speakers::new();
    let listener = listener.ok_or(Error::Nowhere)?;
    wire::hear(listener, arguments.time, |heard| speakers.hear(heard))?;
    let scan = Scan {
        schema: SCHEMA,
        heard: Heard::new(arguments.time, heard_on, &[&speakers]),
        conflicts: conflict::all(&speakers),
    };
    scan.print(arguments.json)?;
    Ok((scan, errors.is_empty()))
}

/// The interfaces that are up and where packets end. What arrives at the port of a bridge is heard on
/// the bridge.
fn all() -> io::Result<BTreeSet<String>> {
    let is_meant = |interface: &Interface| {
        let is_port = interface.master.as_ref().is_some_and(Master::takes_packets);
        interface.is_up && interface.name != LOOPBACK && !is_port
    };
    let interfaces = host::interfaces()?.into_iter();
    Ok(interfaces.filter(is_meant).map(|interface| interface.name).collect())
}

impl Scan {
    fn print(&self, json: bool) -> io::Result<()> {
        output::print(if json {
            serde_json::to_string_pretty(self)? + "\n"
        } else {
            text::text(self)
        })
    }
}
