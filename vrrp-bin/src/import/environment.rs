//! The environment as a configuration: what the images of osixia and arcts read, and a short form
//! of our own.
//!
//! The same variables make the same virtual router on the wire, so that one node of a pair can be
//! replaced at a time. Where the images start in another mode than the one that was asked for, this
//! is an error instead: unusable peers never become multicast. `docs/containers.md` lists both.

mod arcts;
mod arguments;
mod draft;
mod files;
mod osixia;
mod own;
mod reader;
mod style;
#[cfg(test)]
mod tests;
mod unknown;
mod values;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use crate::config::{CONTROL, Config, ConfigErrors, Place};

pub(crate) use arguments::{Arguments, read as arguments};

use reader::Reader;
use style::Style;

/// What was found in the environment.
pub(crate) struct Reading {
    /// What to tell whoever wrote it.
    pub(crate) notes: Vec<Note>,
    /// The configuration, or every mistake in it.
    pub(crate) config: Result<Config, ConfigErrors>,
    /// Whether it was written for another image.
    pub(crate) foreign: bool,
}

/// A sentence about a variable that keeps nothing from starting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    /// Whether somebody should do something about it.
    pub(crate) warning: bool,
    /// What it is about.
    pub(crate) place: Place,
    /// What is the case, and what to do.
    pub(crate) message: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.warning { "warning" } else { "info" };
        write!(f, "{}: {word}: {}", self.place, self.message)
    }
}

/// Reads the environment of this process, and the files that stand for variables in a container.
pub(crate) fn read() -> Reading {
    read_from(std::env::vars_os(), Path::new("/"))
}

/// The variables among `names` that hold a password of VRRP's, which is nobody else's affair.
pub(crate) fn secrets(names: impl IntoIterator<Item = OsString>) -> impl Iterator<Item = OsString> {
    names.into_iter().filter(|name| {
        let name = name.to_string_lossy();
        (name.starts_with("VRRP_") || name.starts_with("KEEPALIVED_")) && name.contains("PASS")
    })
}

/// Reads `process` and the files below `root`.
pub(crate) fn read_from(
    process: impl IntoIterator<Item = (OsString, OsString)>,
    root: &Path,
) -> Reading {
    let mut reader = Reader::default();
    let variables = files::collect(process, root, &mut reader);
    reader.set_variables(variables);
    let style = style::detect(&mut reader);
    let routers = match style {
        Some(Style::Osixia) => osixia::read(&mut reader),
        Some(Style::Arcts) => arcts::read(&mut reader),
        Some(Style::Own) => own::read(&mut reader),
        None => Vec::new(),
    };
    unknown::report(style, &mut reader);
    let control =
        reader.plain("VRRP_CONTROL").map_or_else(|| PathBuf::from(CONTROL), PathBuf::from);
    let (mut notes, errors) = reader.finish();
    let config = if errors.is_empty() {
        Ok(Config { origin: Place::Environment, routers, control, realtime: None })
    } else {
        notes.retain(|note| note.warning);
        Err(ConfigErrors::from(errors))
    };
    Reading { notes, config, foreign: matches!(style, Some(Style::Osixia | Style::Arcts)) }
}

/// The variables by their names: sorted, because the images take numbered ones in this order.
type Variables = BTreeMap<String, values::Raw>;
