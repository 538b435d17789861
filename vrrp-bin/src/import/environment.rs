//! The environment as a configuration: what the images of osixia, arcts, shawly and ednxzu read,
//! and a short form of our own. A file of keepalived's that the image would read is read.
//!
//! The same variables make the same virtual router on the wire, so that one node of a pair can be
//! replaced at a time. Where the images start in another mode than the one that was asked for, this
//! is an error instead: unusable peers never become multicast. `docs/containers.md` lists both.

mod addresses;
mod apiserver;
mod arcts;
mod arguments;
mod checks;
mod common;
mod ednxzu;
mod files;
mod mounted;
mod osixia;
mod own;
mod reader;
mod scripts;
mod shawly;
mod style;
#[cfg(test)]
mod tests;
mod unknown;
mod values;

use std::{ffi::OsString, path::Path};

use super::{Note, keepalived};
use crate::config::{
    Config, ConfigErrors, Found, Located, Notation, Place, Plan, Prepare, ReadFile, WatchDraft,
    anywhere, read_file,
};

pub(crate) use arguments::read as arguments;
use mounted::Files;
use reader::{Empty, Reader};
use style::Style;
use values::Variables;

/// Where a program that makes room says what it did. It is no part of the configuration.
pub(crate) const PREDECESSOR: &str = "VRRP_PREDECESSOR";

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
    let files = Files { root: Path::new("/"), read_file };
    let process = std::env::vars_os().filter(|(name, _)| name != PREDECESSOR);
    let variables = files::collect(process, files.root, read_file, &mut reader);
    let mut reading = read_variables(variables, files, reader, prepare);
    if let Ok(config) = &mut reading.config
        && matches!(config.origin, Place::File(..))
    {
        reading.notes.extend(keepalived::without_useless_programs(config));
    }
    reading
}

/// The variables of this process that are nobody else's affair: those that hold a password of
/// VRRP's, and what a predecessor said.
pub(crate) fn secrets() -> Vec<OsString> {
    let mut names = secrets_among(std::env::vars_os().map(|(name, _)| name));
    names.extend(std::env::var_os(PREDECESSOR).map(|_| PREDECESSOR.into()));
    names
}

fn secrets_among(names: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let names: Vec<OsString> = names.into_iter().collect();
    let is_ednxzu = names.iter().any(|name| name == "VIRTUAL_IPS");
    let is_secret = |name: &OsString| {
        let name = name.to_string_lossy();
        let is_ours = name.starts_with("VRRP_") || name.starts_with("KEEPALIVED_");
        is_ours && name.contains("PASS") || is_ednxzu && name == "PASSWORD"
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
    read_variables(variables, Files { root, read_file }, reader, anywhere)
}

/// Reads `text` as a YAML file of variables, and nothing else.
pub(crate) fn read_yaml(text: &str, read_file: ReadFile) -> Reading {
    let mut reader = Reader::default();
    let variables = files::collect_yaml(text, read_file, &mut reader);
    read_variables(variables, Files { root: Path::new("/"), read_file }, reader, anywhere)
}

fn read_variables(
    variables: Variables,
    files: Files<'_>,
    mut reader: Reader,
    prepare: Prepare,
) -> Reading {
    reader.set_variables(variables);
    let style = style::detect(&mut reader, || mounted::is_there(files));
    let mut plan = match style {
        Some(style) => plan(style, files, &mut reader),
        None => Plan::new(Notation::Variables, Place::Environment),
    };
    checks::fill(&mut plan, &mut reader);
    scripts::fill(&mut plan, &mut reader);
    unknown::report(style, &mut reader);
    // A file of keepalived's has another one where it names an instance.
    match reader.path("VRRP_CONTROL") {
        Found::Absent => {}
        control => plan.control = control,
    }
    plan.state = reader.path("VRRP_STATE");
    plan.watch = watch(&mut reader);
    let (mut notes, mut problems) = reader.finish();
    prepare(&mut plan, &mut problems);
    let config = plan.finish(problems);
    if config.is_err() {
        notes.retain(|note| note.warning);
    }
    Reading { notes, config, foreign: style.is_some_and(|style| style != Style::Own) }
}

/// Where the daemon is watched over TCP.
fn watch(reader: &mut Reader) -> WatchDraft {
    let name = "VRRP_KEEPALIVED_METRICS";
    let switch = reader.choice(name, Empty::Wrong, &[("true", true), ("false", false)]);
    WatchDraft {
        metrics: reader.path("VRRP_METRICS"),
        probe: reader.path("VRRP_PROBE"),
        keepalived: switch.map(|switch| Located::new(Place::variable(name), switch)),
    }
}

/// What an image of this style would run, by the file that it reads or by its variables.
fn plan(style: Style, files: Files<'_>, reader: &mut Reader) -> Plan {
    let file = mounted::find(style, files, reader);
    match style {
        Style::Osixia => osixia::leave_out(reader),
        Style::Arcts => arcts::leave_out(reader),
        Style::Ednxzu => ednxzu::leave_out(reader),
        Style::Shawly | Style::Own => {}
    }
    let mut plan = Plan::new(Notation::Variables, Place::Environment);
    match (file, style) {
        (Found::Value(file), _) => return mounted::read(style, file, files, reader),
        (Found::Wrong, _) => {}
        (Found::Absent, Style::Osixia) => plan.drafts = vec![osixia::read(reader)],
        (Found::Absent, Style::Arcts) => arcts::read(&mut plan, reader),
        (Found::Absent, Style::Shawly) => shawly::read(&mut plan, reader),
        (Found::Absent, Style::Ednxzu) => plan.drafts = vec![ednxzu::read(reader)],
        (Found::Absent, Style::Own) => plan.drafts = own::read(reader),
    }
    plan
}
