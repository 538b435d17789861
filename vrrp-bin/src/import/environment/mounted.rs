//! keepalived.conf where an image looks for it: the image reads it in place of its variables, or
//! fills its variables in.

mod paths;
mod template;

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{reader::Reader, style::Style};
use crate::{
    config::{ConfigErrors, Found, Notation, Place, Plan, ReadFile, describe},
    import::{
        Beside,
        keepalived::{self, Planned},
    },
};
use paths::{Candidate, Marks, candidates};

/// Where files are, and what reads them.
#[derive(Clone, Copy)]
pub(super) struct Files<'a> {
    pub(super) root: &'a Path,
    pub(super) read_file: ReadFile,
}

impl Files<'_> {
    /// Where a path of an image is.
    fn below(self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// What is in a file. `None`: there is no such file.
    fn read(self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        use io::ErrorKind::{NotADirectory, NotFound};
        match (self.read_file)(path) {
            Ok(octets) => Ok(Some(octets)),
            Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A file that an image reads.
pub(super) struct Mounted {
    path: PathBuf,
    text: String,
    marks: Marks,
}

/// Whether there is a file where the images keep theirs. It can be used without any variable.
pub(super) fn is_there(files: Files<'_>) -> bool {
    // What cannot be read is there, and is told when it is read.
    paths::KNOWN.iter().any(|path| !matches!(files.read(&files.below(path)), Ok(None)))
}

/// The file that an image of this style would read.
pub(super) fn find(style: Style, files: Files<'_>, reader: &mut Reader) -> Found<Mounted> {
    let mut missing = Vec::new();
    for Candidate { path, marks, named, is_needed } in candidates(style, files, reader) {
        match files.read(&path) {
            Ok(Some(octets)) => {
                warn_of(&missing, &format!("{} is read", path.display()), reader);
                // Comments are in any encoding.
                let text = String::from_utf8_lossy(&octets).into_owned();
                return Found::Value(Mounted { path, text, marks });
            }
            Ok(None) if is_needed => {
                let message = format!(
                    "the image reads {path:?}, and there is no such file; mount it there, or \
                     remove this"
                );
                reader.error_at(&named.map_or(Place::Environment, Place::variable), message);
                return Found::Wrong;
            }
            Ok(None) => missing.extend(named.map(|variable| (variable, path))),
            Err(error) => {
                refuse(&path, &error, reader);
                return Found::Wrong;
            }
        }
    }
    warn_of(&missing, "the variables are read", reader);
    Found::Absent
}

/// Says what is read in place of files that variables name.
fn warn_of(missing: &[(&str, PathBuf)], read: &str, reader: &mut Reader) {
    for (variable, path) in missing {
        let message = format!(
            "there is no {path:?}, and {read} in its place; mount it there, or remove this"
        );
        reader.warn(variable, message);
    }
}

/// Says why a file that is there cannot be used.
fn refuse(path: &Path, error: &io::Error, reader: &mut Reader) {
    let advice = match error.kind() {
        io::ErrorKind::IsADirectory => {
            "mount a file there: container engines make a directory where there is none"
        }
        _ => "let this user read it, or remove it",
    };
    let why = describe(error);
    let message = format!("the configuration cannot be read: {why}; {advice}");
    reader.error_at(&Place::File(path.into(), None), message);
}

/// Reads the file as the image would have keepalived read it.
pub(super) fn read(style: Style, file: Mounted, files: Files<'_>, reader: &mut Reader) -> Plan {
    let Mounted { path, text, marks } = file;
    let origin = Place::File(path.as_path().into(), None);
    let Ok(filled) = template::fill(style, marks, &origin, text, reader) else {
        return Plan::new(Notation::Keepalived, origin);
    };
    let how = if filled.defined.is_empty() {
        "this is read in place of the variables"
    } else {
        "this is read, and variables stand in it"
    };
    reader.info_at(&origin, format!("{how}, as {} does", style.image()));
    leave_out(style, &origin, &filled.defined, reader);
    let Planned { notes, plan, problems } =
        keepalived::plan(&path, &filled.text, &Beside::default(), &filled.defined, files.read_file);
    let errors = problems.finish().err();
    reader.adopt(notes, errors.iter().flat_map(ConfigErrors::iter));
    plan
}

/// Variables of the image that the file does without.
fn leave_out(style: Style, file: &Place, used: &[(String, String)], reader: &mut Reader) {
    for name in reader.names() {
        let says_how = paths::ABOUT_FILES.contains(&name.as_str());
        let is_used = used.iter().any(|(used, _)| *used == name || template::is_in(&name, used));
        if !style.knows(&name) || says_how || is_used {
            continue;
        }
        let message = format!("this does nothing, because {file} is read in its place; remove it");
        reader.warn(&name, message);
    }
}
