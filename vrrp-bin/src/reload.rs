//! `vrrp reload`: has the running daemon read its configuration again.

use hyper::body::Bytes;

use crate::{
    cli,
    control::client::{parse, post},
    report::Reloaded,
};

/// Runs `vrrp reload` and returns the exit status.
pub(crate) fn main(arguments: &cli::Reload) -> u8 {
    let control = match arguments.daemon.control() {
        Ok(control) => control,
        Err(errors) => {
            eprintln!("{errors}");
            return cli::BAD_CONFIGURATION;
        }
    };
    let reloaded =
        post(&control, "/reload", Bytes::new()).and_then(|answer| parse(&control, &answer));
    match reloaded {
        Ok(Reloaded { changes, sentence, .. }) => {
            println!("{sentence}");
            for change in changes {
                println!("  {change}");
            }
            cli::OK
        }
        Err(error) => {
            eprintln!("{error}");
            error.exit_status()
        }
    }
}
