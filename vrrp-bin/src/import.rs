//! Where a configuration comes from, and those that were written for other programs.

mod address;
pub(crate) mod environment;
mod heard;
pub(crate) mod keepalived;
mod note;

use std::path::Path;

use crate::config::{Config, ConfigErrors, Place, Prepare};

pub(crate) use note::Note;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// As a file of ours.
    Toml,
    /// As keepalived's.
    Keepalived,
}

impl Format {
    /// The format that the name of a file says.
    pub(crate) fn of(path: &Path) -> Self {
        match path.extension() {
            Some(extension) if extension == "conf" => Self::Keepalived,
            Some(_) | None => Self::Toml,
        }
    }
}

/// What is said beside a file, by options of keepalived's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Beside {
    /// What lines that begin with `@` are compared with, instead of the host's name.
    pub(crate) id: Option<String>,
    /// The network namespace to work in, whatever the file says.
    pub(crate) netns: Option<String>,
    /// Whether every file that is included has to be there.
    pub(crate) needs_all: bool,
}

/// Reads the file at `path` in the format that its name says, and has it prepared for this host:
/// keepalived's in a file `*.conf`, TOML in any other. What there is to say about it comes with it.
pub(crate) fn file(path: &Path, prepare: Prepare) -> (Result<Config, ConfigErrors>, Vec<Note>) {
    read(path, Format::of(path), &Beside::default(), prepare)
}

/// Reads the file at `path` in this format, and has it prepared for this host. What there is to say
/// about it comes with it.
pub(crate) fn read(
    path: &Path,
    format: Format,
    beside: &Beside,
    prepare: Prepare,
) -> (Result<Config, ConfigErrors>, Vec<Note>) {
    match format {
        Format::Keepalived => {
            let keepalived::Reading { config, notes } = keepalived::file(path, beside, prepare);
            (config, notes)
        }
        Format::Toml => {
            let message = "-i, -s and -e are for files of keepalived's, and are left out";
            let note = Note::new(true, Place::CommandLine, message);
            let notes = Some(note).filter(|_| *beside != Beside::default());
            (Config::load_for(path, prepare), notes.into_iter().collect())
        }
    }
}
