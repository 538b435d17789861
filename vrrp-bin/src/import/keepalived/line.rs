//! [`Line`]: a line of a configuration, and where it stands.

use std::{path::Path, sync::Arc};

use crate::config::{Place, Position};

/// A line, as far as it has been read: without a comment, with variables in place of their names.
#[derive(Clone, Debug)]
pub(super) struct Line {
    file: Arc<Path>,
    number: usize,
    /// The column of its first character.
    column: usize,
    /// How many of its octets stand in the file as they are here. What follows came of a variable,
    /// whose place is the end of those.
    as_written: usize,
    text: String,
}

impl Line {
    /// The line of this number of a file, from 1 on, as it is written.
    pub(super) fn new(file: Arc<Path>, number: usize, text: &str) -> Self {
        Self { file, number, column: 1, as_written: text.len(), text: text.to_owned() }
    }

    /// What it says.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The file that it is in.
    pub(super) const fn file(&self) -> &Arc<Path> {
        &self.file
    }

    /// Where its octet `at` stands.
    pub(super) fn place(&self, at: usize) -> Place {
        let before = self.text.get(..at.min(self.as_written)).unwrap_or_default();
        let column = self.column.saturating_add(before.chars().count());
        Place::File(self.file.clone(), Some(Position { line: self.number, column }))
    }

    /// Where it begins, but for space.
    pub(super) fn start(&self) -> Place {
        self.place(self.text.len().saturating_sub(self.text.trim_start().len()))
    }

    /// What is left of it from octet `from` on.
    pub(super) fn after(&self, from: usize) -> Self {
        let before = self.text.get(..from.min(self.as_written)).unwrap_or_default();
        Self {
            file: self.file.clone(),
            number: self.number,
            column: self.column.saturating_add(before.chars().count()),
            as_written: self.as_written.saturating_sub(from),
            text: self.text.get(from..).unwrap_or_default().to_owned(),
        }
    }

    /// What is left of it up to octet `to`.
    pub(super) fn up_to(mut self, to: usize) -> Self {
        self.text.truncate(to);
        self.as_written = self.as_written.min(to);
        self
    }

    /// `text` in its place, of which the first `as_written` octets are the same.
    pub(super) fn with(&self, text: String, as_written: usize) -> Self {
        Self { as_written: self.as_written.min(as_written), text, ..self.clone() }
    }
}
