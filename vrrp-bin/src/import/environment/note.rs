//! [`Note`]: a sentence about a variable that keeps nothing from starting.

use std::fmt;

use crate::config::Place;

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
