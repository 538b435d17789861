//! Where a configuration comes from, and those that were written for other programs.

mod address;
pub(crate) mod environment;
pub(crate) mod keepalived;
mod note;

use std::path::Path;

use crate::config::{Config, ConfigErrors, Prepare, read_config, read_file};

pub(crate) use note::Note;

/// Reads the file at `path` in the format that its name says, and has it prepared for this host:
/// keepalived's in a file `*.conf`, TOML in any other. What there is to say about it comes with it.
pub(crate) fn file(path: &Path, prepare: Prepare) -> (Result<Config, ConfigErrors>, Vec<Note>) {
    if path.extension().is_none_or(|extension| extension != "conf") {
        return (Config::load_for(path, prepare), Vec::new());
    }
    match read_config(path) {
        Ok(octets) => {
            // Comments are in any encoding.
            let text = String::from_utf8_lossy(&octets);
            let keepalived::Reading { config, notes } =
                keepalived::read(path, &text, read_file, prepare);
            (config, notes)
        }
        Err(errors) => (Err(errors), Vec::new()),
    }
}
