//! `vrrp reload`: has the running daemon read its configuration again.

use hyper::body::Bytes;

use crate::{
    cli,
    control::client::{Error, parse, post},
    output::say,
    report::Reloaded,
};

/// Runs `vrrp reload` and returns the exit status.
pub(crate) fn main(arguments: &cli::Reload) -> u8 {
    match reload(arguments) {
        Ok(Reloaded { changes, sentence, .. }) => {
            say(&sentence);
            for change in changes {
                say(&format!("  {change}"));
            }
            cli::OK
        }
        Err(error) => {
            eprintln!("{error}");
            error.exit_status()
        }
    }
}

fn reload(arguments: &cli::Reload) -> Result<Reloaded, Error> {
    let control = arguments.daemon.control()?;
    parse(&control, &post(&control, "/reload", Bytes::new())?)
}
