//! `keepalived -t`: is this a good file, with the exit statuses that scripts know from there?

use std::{fmt::Write as _, fs, io::Write as _, path::Path};

use super::{fit, look_at};
use crate::{
    cli,
    config::{describe, programs},
    import::{
        Beside,
        keepalived::{self, Reading},
    },
};

/// Something is left out.
const LEFT_OUT: u8 = 5;
/// Programs are run, and nobody asked that they be looked at before they are trusted.
const INSECURE: u8 = 6;

/// Checks the file at `path` and returns keepalived's exit status. What there is to say goes to
/// stderr, or to the end of the file `log`.
pub(crate) fn as_keepalived(path: &Path, beside: &Beside, log: Option<&Path>) -> u8 {
    let Reading { config, notes } = keepalived::file(path, beside, look_at);
    let mut said = String::new();
    for note in &notes {
        // Writing into a string cannot fail.
        let _ = writeln!(said, "{note}");
    }
    let status = match config.and_then(fit) {
        Err(errors) => {
            let _ = writeln!(said, "{errors}");
            cli::BAD_CONFIGURATION
        }
        Ok(config) if !config.is_secure && programs(&config).next().is_some() => {
            let message = "programs are run, and nobody looks whether others than root may change \
                them; write `enable_script_security` into global_defs";
            let _ = writeln!(said, "{}: warning: {message}", config.origin);
            INSECURE
        }
        Ok(_) if notes.iter().any(|note| note.warning) => LEFT_OUT,
        Ok(_) => cli::OK,
    };
    tell(&said, log);
    status
}

fn tell(said: &str, log: Option<&Path>) {
    let Some(path) = log else { return eprint!("{said}") };
    let file = fs::File::options().append(true).create(true).open(path);
    if let Err(error) = file.and_then(|mut file| file.write_all(said.as_bytes())) {
        eprintln!("{said}{} cannot be written: {}", path.display(), describe(&error));
    }
}
