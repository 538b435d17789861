//! `vrrp drain`, `vrrp resume` and `vrrp announce`: ask the running daemon, and wait for what comes of
//! it.

use std::path::Path;

use hyper::body::Bytes;

use crate::{
    cli,
    control::client::{self, escape, parse, post},
    output::say,
    report::{Outcome, Outcomes},
    request,
};

/// Runs `vrrp drain` and returns the exit status.
pub(crate) fn drain(arguments: &cli::Drain) -> u8 {
    let cli::Drain { name, term, force, keep, daemon } = arguments;
    let request = request::Drain { term: *term, force: *force, keep: *keep };
    match serde_json::to_vec(&request) {
        Ok(body) => ask(daemon, name.as_deref(), "drain", body.into()),
        Err(error) => {
            eprintln!("the request cannot be written: {error}");
            cli::FAILED
        }
    }
}

/// Runs `vrrp resume` and returns the exit status.
pub(crate) fn resume(arguments: &cli::Resume) -> u8 {
    ask(&arguments.daemon, arguments.name.as_deref(), "resume", Bytes::new())
}

/// Runs `vrrp announce` and returns the exit status.
pub(crate) fn announce(arguments: &cli::Announce) -> u8 {
    ask(&arguments.daemon, arguments.name.as_deref(), "announce", Bytes::new())
}

/// Asks for `verb`, and prints a sentence for each virtual router.
fn ask(daemon: &cli::Daemon, name: Option<&str>, verb: &str, body: Bytes) -> u8 {
    let control = daemon.control().map_err(client::Error::from);
    match control.and_then(|control| outcomes(&control, name, verb, body)) {
        Ok(outcomes) => tell(&outcomes),
        Err(error) => {
            eprintln!("{error}");
            error.exit_status()
        }
    }
}

/// Asks the daemon that listens on `control` for `verb`, and returns what came of it.
///
/// # Errors
/// As for [`post`].
pub(crate) fn outcomes(
    control: &Path,
    name: Option<&str>,
    verb: &str,
    body: Bytes,
) -> Result<Vec<Outcome>, client::Error> {
    match name {
        Some(name) => {
            let target = format!("/virtual-routers/{}/{verb}", escape(name));
            Ok(vec![parse(control, &post(control, &target, body)?)?])
        }
        None => {
            let answer = post(control, &format!("/{verb}"), body)?;
            Ok(parse::<Outcomes>(control, &answer)?.outcomes)
        }
    }
}

fn tell(outcomes: &[Outcome]) -> u8 {
    for Outcome { done, sentence, .. } in outcomes {
        if *done {
            say(sentence);
        } else {
            eprintln!("{sentence}");
        }
    }
    if outcomes.iter().all(|outcome| outcome.done) { cli::OK } else { cli::FAILED }
}
