//! A file as lines: what it includes stands in its place, conditions have been decided, variables
//! have their values, and what repeats is repeated.
//!
//! A file says what its lines are: it may say so a million times with a few words. All of it is
//! bounded, and a file that goes beyond is refused.

mod include;
mod repeat;
mod variables;

use std::{path::Path, sync::Arc};

use super::{line::Line, report::Report, words::comment};
use crate::config::{Place, ReadFile};
use include::{Include, Required};
use variables::Variables;

/// How many lines there are at most, after everything.
const MOST: usize = 200_000;
/// How much may be looked at in octets, of lines that come to nothing too.
const MOST_OCTETS: usize = 32 * 1024 * 1024;
/// What a line counts for beside its octets.
const LINE: usize = 64;
/// How many files are included in each other at most, and how often lines come of lines.
const DEEPEST: usize = 32;
/// How long a line may become.
const LONGEST: usize = 64 * 1024;

/// What lines depend on beside the file.
#[derive(Clone, Copy)]
pub(super) struct Setting<'a> {
    /// What a line that begins with `@` is compared with.
    pub(super) id: &'a str,
    /// What reads files.
    pub(super) read_file: ReadFile,
    /// The value of a variable of the environment.
    pub(super) environment: fn(&str) -> Option<String>,
    /// Whether every file that is included has to be there.
    pub(super) needs_all: bool,
    /// Variables of the file that have a value from the start.
    pub(super) defined: &'a [(String, String)],
}

/// The lines of `text`, which is the content of the file at `path`.
pub(super) fn read(
    path: &Path,
    text: &str,
    setting: Setting<'_>,
    report: &mut Report,
) -> Vec<Line> {
    let mut variables = Variables::default();
    for (name, value) in setting.defined {
        variables.set(name, value.clone());
    }
    let mut reader = Reader {
        setting,
        report,
        variables,
        lines: Vec::new(),
        octets: 0,
        depth: 0,
        is_full: false,
    };
    reader.file(path, text);
    reader.lines
}

struct Reader<'a> {
    setting: Setting<'a>,
    report: &'a mut Report,
    variables: Variables,
    lines: Vec<Line>,
    octets: usize,
    depth: usize,
    is_full: bool,
}

impl Reader<'_> {
    fn file(&mut self, path: &Path, text: &str) {
        let file: Arc<Path> = path.into();
        let mut lines = text.lines().enumerate();
        while let Some((number, text)) = lines.next() {
            let line = Line::new(file.clone(), number.saturating_add(1), text);
            let text = self.before_nul(text, &line);
            let line = line.up_to(text.len());
            let line = match comment(text) {
                Some(end) => line.up_to(end),
                None => line,
            };
            if let Some((name, first)) = definition(&line) {
                let more = || lines.next().map(|(_, text)| text);
                let value = whole_value(&first, more);
                self.variables.set(&name, value);
            } else if let Some(include) = Include::of(&line) {
                self.include(&include);
            } else {
                self.line(line);
            }
            if self.is_full {
                return;
            }
        }
    }

    /// What stands before a NUL, with which a text of keepalived's ends.
    fn before_nul<'t>(&mut self, text: &'t str, line: &Line) -> &'t str {
        let Some((before, _)) = text.split_once('\0') else { return text };
        let message = "what follows a NUL character on its line is left out; remove it";
        self.report.warn(&line.place(before.len()), message);
        before
    }

    /// Reads what a line names.
    fn include(&mut self, include: &Include) {
        let Some(()) = self.deeper(&include.place) else { return };
        let found = include.files();
        if found.is_empty() {
            let message = format!("no file matches {:?}", include.pattern);
            match include.required {
                Required::Match => self.report.warn(&include.place, message),
                Required::Nothing if self.setting.needs_all => {
                    self.report.refuse(&include.place, message);
                }
                Required::Nothing => self.report.info(&include.place, message),
            }
        }
        for path in found {
            match (self.setting.read_file)(&path) {
                Ok(octets) => self.file(&path, &String::from_utf8_lossy(&octets)),
                Err(error) => {
                    let message = format!(
                        "{} cannot be read: {}; it is left out",
                        path.display(),
                        crate::config::describe(&error)
                    );
                    self.report.warn(&include.place, message);
                }
            }
        }
        self.depth = self.depth.saturating_sub(1);
    }

    /// Reads a line that is left of the file, or has come of another one.
    fn line(&mut self, line: Line) {
        self.octets = self.octets.saturating_add(line.text().len()).saturating_add(LINE);
        if self.octets > MOST_OCTETS {
            return self
                .refuse(&line.start(), "variables and repetitions make too many lines here");
        }
        let text = line.text().trim_start();
        if text.is_empty() || self.is_full {
            return;
        }
        let Some(()) = self.deeper(&line.start()) else { return };
        let start = line.text().len().saturating_sub(text.len());
        if text.starts_with('@') {
            self.condition(&line.after(start));
        } else if let Some((name, value)) = definition(&line) {
            self.variables.set(&name, value.trim_end_matches('\\').to_owned());
        } else if let Some(length) = repeat::length(text) {
            self.repetition(&line.after(start), length);
        } else {
            self.substitute(&line);
        }
        self.depth = self.depth.saturating_sub(1);
    }

    /// `@ID rest` is for the node of this identity, `@^ID rest` for every other one.
    fn condition(&mut self, line: &Line) {
        let text = line.text();
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        let id = text.get(1..end).unwrap_or_default();
        let (id, is_wanted) = id.strip_prefix('^').map_or((id, true), |id| (id, false));
        if (id == self.setting.id) == is_wanted {
            let rest = line.after(end);
            // A condition may be on a definition.
            self.line(rest);
        }
    }

    /// Reads what is left of a line behind its first octets, for each of the values in those.
    fn repetition(&mut self, line: &Line, length: usize) {
        let header = line.text().get(..length).unwrap_or_default();
        let (header, _) = self.variables.replace(header, line.file(), &self.setting);
        let rest = line.after(length);
        match repeat::read(&header) {
            Err(message) => self.report.warn(&line.start(), message),
            Ok(repetition) => {
                for values in repetition {
                    for (name, value) in values {
                        self.variables.set(&name, value);
                    }
                    self.line(rest.clone());
                    if self.is_full {
                        return;
                    }
                }
            }
        }
    }

    /// Puts values in place of variables. A value may have several lines.
    fn substitute(&mut self, line: &Line) {
        let (text, as_written) = self.variables.replace(line.text(), line.file(), &self.setting);
        if text.len() > LONGEST {
            self.refuse(&line.start(), "variables make a line of more than 64 KiB here");
            return;
        }
        if text == line.text() {
            return self.add(line.clone());
        }
        let mut is_first = true;
        for part in text.split('\n') {
            let as_written = if is_first { as_written } else { 0 };
            is_first = false;
            self.line(line.with(part.to_owned(), as_written));
        }
    }

    fn add(&mut self, line: Line) {
        if self.lines.len() >= MOST {
            return self.refuse(&line.start(), "this file has more than 200,000 lines here");
        }
        self.lines.push(line);
    }

    /// Goes one step deeper, where that is allowed.
    fn deeper(&mut self, place: &Place) -> Option<()> {
        if self.depth >= DEEPEST {
            self.refuse(place, "files or variables contain each other without end here");
            return None;
        }
        self.depth = self.depth.saturating_add(1);
        Some(())
    }

    fn refuse(&mut self, place: &Place, message: &str) {
        if !self.is_full {
            self.report.refuse(place, format!("{message}; correct it"));
        }
        self.is_full = true;
    }
}

/// The name and the value in `$NAME=VALUE`.
fn definition(line: &Line) -> Option<(String, String)> {
    let rest = line.text().trim_start().strip_prefix('$')?;
    let (name, value) = rest.split_once('=')?;
    variables::is_name(name).then(|| (name.to_owned(), unquoted(value.trim()).to_owned()))
}

/// A text without the quotes around the whole of it.
fn unquoted(text: &str) -> &str {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inner.filter(|inner| !inner.contains('"')).unwrap_or(text)
}

/// The value that begins with `first`: a line that ends with a backslash goes on in the next.
fn whole_value<'t>(first: &str, mut more: impl FnMut() -> Option<&'t str>) -> String {
    let mut value = String::new();
    let mut part = first.to_owned();
    while let Some(begun) = part.strip_suffix('\\') {
        value.push_str(begun.trim_end());
        value.push('\n');
        let Some(next) = more() else { return value };
        let end = comment(next).unwrap_or(next.len());
        part = next.get(..end).unwrap_or_default().trim().to_owned();
    }
    value.push_str(&part);
    value.trim_start_matches('\n').to_owned()
}

#[cfg(test)]
mod tests;
