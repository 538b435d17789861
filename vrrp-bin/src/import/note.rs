//! [`Note`]: a sentence about a configuration that keeps nothing from starting.

use std::fmt;

use crate::config::{Place, one_line};

/// A sentence about a place of a configuration that keeps nothing from starting.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Note {
    /// Whether somebody should do something about it.
    pub(crate) warning: bool,
    /// What it is about.
    pub(crate) place: Place,
    /// What is the case, and what to do.
    pub(crate) message: String,
}

impl Note {
    /// A sentence about `place`.
    pub(crate) fn new(warning: bool, place: Place, message: &str) -> Self {
        Self { warning, place, message: one_line(message).into_owned() }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.warning { "warning" } else { "note" };
        write!(f, "{}: {word}: {}", self.place, self.message)
    }
}
