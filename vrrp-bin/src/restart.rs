//! `vrrp restart`: has the program on disk run in the place of the daemon.

use std::{
    thread,
    time::{Duration, Instant},
};

use hyper::body::Bytes;

use crate::{
    cli,
    control::client::{Error, ask, post},
    output::say,
    report::Status,
};

/// How long the new program may take until it answers.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is asked.
const PAUSE: Duration = Duration::from_millis(20);

/// Runs `vrrp restart` and returns the exit status.
pub(crate) fn main(arguments: &cli::Restart) -> u8 {
    match restart(arguments) {
        Ok((old, new)) => {
            let count = new.virtual_routers.len();
            let count = if count == 1 {
                "1 virtual router goes on".to_owned()
            } else {
                format!("{count} virtual routers go on")
            };
            say(&format!("vrrp {} runs in the place of {}; {count}", new.version, old.version));
            cli::OK
        }
        Err(error) => {
            eprintln!("{error}");
            error.exit_status()
        }
    }
}

/// Returns what the daemon said before, and what its successor says.
fn restart(arguments: &cli::Restart) -> Result<(Status, Status), Error> {
    let control = arguments.daemon.control()?;
    let old = ask(&control)?;
    match post(&control, "/restart", Bytes::new()) {
        // Whoever does as it is asked has no time to say so.
        Ok(_) | Err(Error::NoDaemon { .. }) => {}
        Err(error) => return Err(error),
    }
    let end = Instant::now() + PATIENCE;
    loop {
        match ask(&control) {
            Ok(new) => return Ok((old, new)),
            Err(error) if Instant::now() >= end => return Err(error),
            Err(_) => thread::sleep(PAUSE),
        }
    }
}
