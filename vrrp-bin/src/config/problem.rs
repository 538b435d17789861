//! What is wrong with a configuration, and where: [`Problems`] while a file is read,
//! [`ConfigErrors`] for people.

use std::{fmt, io, path::Path, sync::Arc};

/// A place in a file. Lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    /// The line.
    pub(crate) line: usize,
    /// The column.
    pub(crate) column: usize,
}

impl Position {
    /// The position of the octet at `offset` of `text`.
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline.saturating_add(1));
        let column = before.get(line_start..).unwrap_or_default().chars().count();
        Self {
            line: before.matches('\n').count().saturating_add(1),
            column: column.saturating_add(1),
        }
    }
}

/// What a sentence is about, and how it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A file, or a position in it.
    File(Arc<Path>, Option<Position>),
    /// A variable of the environment.
    Variable(Arc<str>),
    /// The environment as a whole.
    Environment,
    /// The arguments of the program.
    CommandLine,
}

impl fmt::Display for Place {
    /// `FILE`, `FILE:LINE:COLUMN`, `NAME`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, None) => write!(f, "{}", path.display()),
            Self::File(path, Some(Position { line, column })) => {
                write!(f, "{}:{line}:{column}", path.display())
            }
            Self::Variable(name) => f.write_str(name),
            Self::Environment => f.write_str("the environment"),
            Self::CommandLine => f.write_str("the command line"),
        }
    }
}

/// A value and the octet of the text where it starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<T> {
    pub(super) at: usize,
    pub(super) value: T,
}

/// The problems found so far in one text.
#[derive(Default)]
pub(super) struct Problems(Vec<At<String>>);

impl Problems {
    pub(super) fn add(&mut self, at: usize, message: impl Into<String>) {
        self.0.push(At { at, value: message.into() });
    }

    /// Adds the error of `result` in the sentence that `message` makes of it.
    pub(super) fn check<T, E>(
        &mut self,
        at: usize,
        result: Result<T, E>,
        message: impl FnOnce(E) -> String,
    ) -> Option<T> {
        result.map_err(|error| self.add(at, message(error))).ok()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every problem, in the order of the text.
    pub(super) fn into_errors(mut self, path: &Path, text: &str) -> ConfigErrors {
        self.0.sort_by_key(|problem| problem.at);
        let path: Arc<Path> = path.into();
        let error = |problem: At<String>| {
            let position = Position::of(text, problem.at);
            ConfigError::new(Place::File(Arc::clone(&path), Some(position)), problem.value)
        };
        ConfigErrors(self.0.into_iter().map(error).collect())
    }
}

/// One sentence about one place: `FILE:LINE:COLUMN: what is wrong; what to do`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub(crate) struct ConfigError {
    place: Place,
    message: String,
}

impl ConfigError {
    /// What is wrong there, and what to do.
    pub(crate) fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into() }
    }
}

/// Everything that is wrong with a configuration, one sentence a line, in its order. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) struct ConfigErrors(Vec<ConfigError>);

impl From<Vec<ConfigError>> for ConfigErrors {
    fn from(errors: Vec<ConfigError>) -> Self {
        Self(errors)
    }
}

impl ConfigErrors {
    /// Something about the whole file.
    pub(super) fn of_file(path: &Path, message: impl Into<String>) -> Self {
        Self(vec![ConfigError::new(Place::File(path.into(), None), message)])
    }

    /// The file could not be read.
    pub(super) fn unreadable(path: &Path, error: &io::Error) -> Self {
        let advice = match error.kind() {
            io::ErrorKind::NotFound => "name the file with -c FILE",
            io::ErrorKind::PermissionDenied => "let this user read it, or run vrrp as one who may",
            _ => "name a readable file with -c FILE",
        };
        Self::of_file(
            path,
            format!("the configuration cannot be read: {}; {advice}", describe(error)),
        )
    }

    /// The file is not text: everything from octet `valid` on.
    pub(super) fn not_text(path: &Path, bytes: &[u8], valid: usize) -> Self {
        let before = String::from_utf8_lossy(bytes.get(..valid).unwrap_or_default());
        let place = Place::File(path.into(), Some(Position::of(&before, before.len())));
        Self(vec![ConfigError::new(place, "this is not UTF-8 text; save the file as UTF-8")])
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

/// What the system said, in lower case and without its number.
pub(crate) fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
