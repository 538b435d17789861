//! Where a configuration says something: [`Place`], and [`Located`] for the value that stands
//! there.

use std::{borrow::Cow, fmt, path::Path, sync::Arc};

/// A place in a file. Lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Position {
    /// The line.
    pub(crate) line: usize,
    /// The column.
    pub(crate) column: usize,
}

/// What a sentence is about, and how it starts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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

impl Place {
    /// The variable `name`.
    pub(crate) fn variable(name: &str) -> Self {
        Self::Variable(name.into())
    }

    /// The position in a file, if it is one.
    pub(crate) const fn position(&self) -> Option<Position> {
        match self {
            Self::File(_, position) => *position,
            Self::Variable(_) | Self::Environment | Self::CommandLine => None,
        }
    }

    /// How a sentence at another place of the same configuration names this one.
    pub(crate) fn reference(&self) -> String {
        match self.position() {
            Some(position) => format!("line {}", position.line),
            None => self.to_string(),
        }
    }
}

impl fmt::Display for Place {
    /// `FILE`, `FILE:LINE:COLUMN`, `NAME`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, None) => f.write_str(&one_line(path.to_string_lossy())),
            Self::File(path, Some(Position { line, column })) => {
                write!(f, "{}:{line}:{column}", one_line(path.to_string_lossy()))
            }
            Self::Variable(name) => f.write_str(&one_line(name.as_ref())),
            Self::Environment => f.write_str("the environment"),
            Self::CommandLine => f.write_str("the command line"),
        }
    }
}

/// `text` with the control characters in it escaped: whoever chooses a name or a value must not
/// write lines of a log, or to a terminal.
pub(crate) fn one_line<'t>(text: impl Into<Cow<'t, str>>) -> Cow<'t, str> {
    let text = text.into();
    if !text.contains(char::is_control) {
        return text;
    }
    let escaped = text.chars().fold(String::new(), |mut line, c| {
        if c.is_control() {
            line.extend(c.escape_debug());
        } else {
            line.push(c);
        }
        line
    });
    Cow::Owned(escaped)
}

/// A value, and where the configuration says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Located<T> {
    /// The place.
    pub(crate) place: Place,
    /// The value.
    pub(crate) value: T,
}

impl<T> Located<T> {
    /// `value` at `place`.
    pub(crate) const fn new(place: Place, value: T) -> Self {
        Self { place, value }
    }

    /// What `change` makes of the value, at the same place.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Located<U> {
        Located { place: self.place, value: change(self.value) }
    }
}

/// A text, and where its lines start.
pub(crate) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    /// Finds the lines of `text`.
    pub(crate) fn new(text: &'t str) -> Self {
        let newlines = text.match_indices('\n').map(|(at, _)| at.saturating_add(1));
        Self { text, starts: std::iter::once(0).chain(newlines).collect() }
    }

    /// The position of the octet at `offset`.
    pub(crate) fn position(&self, offset: usize) -> Position {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let before = self.text.get(start..offset).unwrap_or_default();
        Position { line, column: before.chars().count().saturating_add(1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_one_line() {
        let variable = |name: &str| Place::variable(name).to_string();
        assert_eq!(variable("VRRP_\u{e9}"), "VRRP_\u{e9}");
        assert_eq!(variable("VRRP_\n\u{1b}[31m\u{7f}"), "VRRP_\\n\\u{1b}[31m\\u{7f}");
        let file = Place::File(Path::new("/a\nb.yaml").into(), None);
        assert_eq!(file.to_string(), "/a\\nb.yaml");
    }

    #[test]
    fn positions_count_lines_and_characters() {
        let lines = Lines::new("a\n\u{e9}b\n\nc");
        let position = |offset| {
            let Position { line, column } = lines.position(offset);
            (line, column)
        };
        let expected = [(1, 1), (1, 2), (2, 1), (2, 1), (2, 2), (2, 3), (3, 1), (4, 1), (4, 2)];
        // The second octet of a character is nowhere, and counts as its line's start.
        assert_eq!((0..=8).map(position).collect::<Vec<_>>(), expected);
        assert_eq!(Lines::new("").position(0), Position { line: 1, column: 1 });
    }
}
