//! The environment as a configuration: what the images of osixia and arcts read, and a short form
//! of our own.
//!
//! The same variables make the same virtual router on the wire, so that one node of a pair can be
//! replaced at a time. Where the images start in another mode than the one that was asked for, this
//! is an error instead: unusable peers never become multicast. `docs/containers.md` lists both.

mod addresses;
mod arcts;
mod arguments;
mod checks;
mod common;
mod files;
mod osixia;
mod own;
mod reader;
mod scripts;
mod style;
#[cfg(test)]
mod tests;
mod unknown;
mod values;

use std::{ffi::OsString, path::Path};

use super::Note;
use crate::config::{
    Config, ConfigErrors, Notation, Place, Plan, Prepare, ReadFile, anywhere, read_file,
};

pub(crate) use arguments::read as arguments;
use reader::Reader;
use style::Style;
use values::Variables;

/// What was found in the environment.
pub(crate) struct Reading {
    /// What to tell whoever wrote it.
    pub(crate) notes: Vec<Note>,
    /// The configuration, or every mistake in it.
    pub(crate) config: Result<Config, ConfigErrors>,
    /// Whether it was written for another image.
    pub(crate) foreign: bool,
}

/// Reads the environment of this process, and the files that stand for variables in a container,
/// and has it prepared for this host.
pub(crate) fn read(prepare: Prepare) -> Reading {
    let mut reader = Reader::default();
    let variables = files::collect(std::env::vars_os(), Path::new("/"), read_file, &mut reader);
    read_variables(variables, reader, prepare)
}

/// The variables of this process that hold a password of VRRP's, which is nobody else's affair.
pub(crate) fn secrets() -> Vec<OsString> {
    secrets_among(std::env::vars_os().map(|(name, _)| name))
}

fn secrets_among(names: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let is_secret = |name: &OsString| {
        let name = name.to_string_lossy();
        (name.starts_with("VRRP_") || name.starts_with("KEEPALIVED_")) && name.contains("PASS")
    };
    names.into_iter().filter(is_secret).collect()
}

/// Reads `process` and the files below `root`. What `NAME_FILE` names is read by `read_file`.
pub(crate) fn read_from(
    process: impl IntoIterator<Item = (OsString, OsString)>,
    root: &Path,
    read_file: ReadFile,
) -> Reading {
    let mut reader = Reader::default();
    let variables = files::collect(process, root, read_file, &mut reader);
    read_variables(variables, reader, anywhere)
}

/// Reads `text` as a YAML file of variables, and nothing else.
pub(crate) fn read_yaml(text: &str, read_file: ReadFile) -> Reading {
    let mut reader = Reader::default();
    let variables = files::collect_yaml(text, read_file, &mut reader);
    read_variables(variables, reader, anywhere)
}

fn read_variables(variables: Variables, mut reader: Reader, prepare: Prepare) -> Reading {
    reader.set_variables(variables);
    let style = style::detect(&mut reader);
    let mut plan = Plan::new(Notation::Variables, Place::Environment);
    plan.drafts = match style {
        Some(Style::Osixia) => vec![osixia::read(&mut reader)],
        Some(Style::Arcts) => vec![arcts::read(&mut reader)],
        Some(Style::Own) => own::read(&mut reader),
        None => Vec::new(),
    };
    if style == Some(Style::Arcts) {
        arcts::track_interfaces(&mut plan, &mut reader);
    }
    checks::fill(&mut plan, &mut reader);
    scripts::fill(&mut plan, &mut reader);
    unknown::report(style, &mut reader);
    plan.control = reader.path("VRRP_CONTROL");
    plan.state = reader.path("VRRP_STATE");
    let (mut notes, mut problems) = reader.finish();
    prepare(&mut plan, &mut problems);
    let config = plan.finish(problems);
    if config.is_err() {
        notes.retain(|note| note.warning);
    }
    Reading { notes, config, foreign: matches!(style, Some(Style::Osixia | Style::Arcts)) }
}
