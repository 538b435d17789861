//! `vrrp drain` and `vrrp resume`: ask the running daemon, and wait for the handover.

use hyper::body::Bytes;

use crate::{
    cli,
    control::client::{self, escape, parse, post},
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

/// Asks for `verb`, and prints a sentence for each virtual router.
fn ask(daemon: &cli::Daemon, name: Option<&str>, verb: &str, body: Bytes) -> u8 {
    match outcomes(daemon, name, verb, body) {
        Ok(outcomes) => tell(&outcomes),
        Err(error) => {
            eprintln!("{error}");
            error.exit_status()
        }
    }
}

fn outcomes(
    daemon: &cli::Daemon,
    name: Option<&str>,
    verb: &str,
    body: Bytes,
) -> Result<Vec<Outcome>, client::Error> {
    let control = daemon.control()?;
    match name {
        Some(name) => {
            let target = format!("/virtual-routers/{}/{verb}", escape(name));
            Ok(vec![parse(&control, &post(&control, &target, body)?)?])
        }
        None => {
            let answer = post(&control, &format!("/{verb}"), body)?;
            Ok(parse::<Outcomes>(&control, &answer)?.outcomes)
        }
    }
}

fn tell(outcomes: &[Outcome]) -> u8 {
    for Outcome { done, sentence, .. } in outcomes {
        if *done {
            println!("{sentence}");
        } else {
            eprintln!("{sentence}");
        }
    }
    if outcomes.iter().all(|outcome| outcome.done) { cli::OK } else { cli::FAILED }
}
