//! What is wrong with a configuration, and where: [`Problems`] while it is read, [`ConfigErrors`]
//! for people.

use std::{collections::HashMap, fmt};

use super::{
    found::Wrong,
    place::{Place, one_line},
};

/// The problems found so far.
#[derive(Default)]
pub(crate) struct Problems {
    errors: Vec<ConfigError>,
    /// The places that have no position, in the order in which they were visited.
    visited: HashMap<Place, usize>,
}

impl Problems {
    /// Adds what is wrong at `place`, and what to do.
    pub(crate) fn add(&mut self, place: &Place, message: impl Into<String>) {
        self.errors.push(ConfigError::new(place.clone(), message));
    }

    /// Adds it, and is itself the answer of whoever had to read something there.
    pub(crate) fn wrong<T>(
        &mut self,
        place: &Place,
        message: impl Into<String>,
    ) -> Result<T, Wrong> {
        self.add(place, message);
        Err(Wrong)
    }

    /// Adds the error of `result` in the sentence that `message` makes of it.
    pub(crate) fn check<T, E>(
        &mut self,
        place: &Place,
        result: Result<T, E>,
        message: impl FnOnce(E) -> String,
    ) -> Result<T, Wrong> {
        result.or_else(|error| self.wrong(place, message(error)))
    }

    /// Gives `place` the next rank: what is wrong there comes before what is wrong at places that
    /// are visited later.
    pub(crate) fn visit(&mut self, place: &Place) {
        let rank = self.visited.len();
        self.visited.entry(place.clone()).or_insert(rank);
    }

    /// Every problem, in the order of visits or else of the text.
    ///
    /// # Errors
    /// The problems, if there are any.
    pub(crate) fn finish(self) -> Result<(), ConfigErrors> {
        let Self { mut errors, visited } = self;
        let rank = |place: &Place| visited.get(place).copied().unwrap_or(usize::MAX);
        errors.sort_by_key(|error| (rank(&error.place), error.place.position()));
        if errors.is_empty() { Ok(()) } else { Err(ConfigErrors(errors)) }
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
        Self { place, message: one_line(message.into()).into_owned() }
    }

    /// Where it is.
    pub(crate) const fn place(&self) -> &Place {
        &self.place
    }

    /// What is wrong there, and what to do.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

/// Everything that is wrong with a configuration, one sentence a line, in its order. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// Each of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &ConfigError> {
        self.0.iter()
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}

impl From<Vec<ConfigError>> for ConfigErrors {
    fn from(errors: Vec<ConfigError>) -> Self {
        Self(errors)
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
