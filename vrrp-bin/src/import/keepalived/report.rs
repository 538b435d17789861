//! [`Report`]: what there is to say about a configuration.

use std::collections::HashSet;

use crate::{
    config::{ConfigError, Place, Problems, Wrong},
    import::Note,
};

/// The most sentences of a kind that are kept: a file of noise has one for each word.
const MOST: usize = 500;

/// Warnings and errors. A warning is about something that is left out, or done in another way.
#[derive(Default)]
pub(super) struct Report {
    notes: Vec<Note>,
    /// What of them was said.
    said: HashSet<Note>,
    /// Words that somebody has looked for a meaning of, and where they stand: lines repeat.
    looked_up: HashSet<(Place, String)>,
    /// Whether there are warnings that are not kept.
    has_more: bool,
    /// The first sign that the file is half written.
    cut_short: Option<ConfigError>,
    errors: Vec<ConfigError>,
    /// Words that mean nothing here, and the place of the first.
    skipped: Vec<String>,
    first_skipped: Option<Place>,
}

impl Report {
    /// Says what is left out, or done otherwise, and what to do.
    pub(super) fn warn(&mut self, place: &Place, message: impl AsRef<str>) {
        self.note(Note::new(true, place.clone(), message.as_ref()));
    }

    /// Says it as a warning, and that the file may be half written.
    pub(super) fn warn_of_half(&mut self, place: &Place, message: impl AsRef<str>) {
        let why = || ConfigError::new(place.clone(), message.as_ref());
        self.cut_short.get_or_insert_with(why);
        self.warn(place, &message);
    }

    /// Takes what says that the file is half written, if anything does.
    pub(super) fn take_cut_short(&mut self) -> Option<ConfigError> {
        self.cut_short.take()
    }

    /// Says what is worth knowing.
    pub(super) fn info(&mut self, place: &Place, message: impl AsRef<str>) {
        self.note(Note::new(false, place.clone(), message.as_ref()));
    }

    /// Says it as a warning. What was to be read is left out.
    pub(super) fn skip<T>(&mut self, place: &Place, message: impl AsRef<str>) -> Result<T, Wrong> {
        self.warn(place, message);
        Err(Wrong)
    }

    /// Says why nothing is started.
    pub(super) fn refuse(&mut self, place: &Place, message: impl Into<String>) {
        let error = ConfigError::new(place.clone(), message);
        if self.errors.len() < MOST && !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    /// Notes a word that means nothing here: one line names all of them.
    pub(super) fn skip_word(&mut self, place: &Place, word: &str) {
        self.first_skipped.get_or_insert_with(|| place.clone());
        if !self.skipped.iter().any(|skipped| skipped == word) {
            self.skipped.push(word.to_owned());
        }
    }

    /// Whether nobody has looked for the meaning of this word at this place.
    pub(super) fn is_new(&mut self, place: &Place, word: &str) -> bool {
        if self.looked_up.len() > 2 * MOST {
            self.has_more = true;
            return false;
        }
        self.looked_up.insert((place.clone(), word.to_owned()))
    }

    fn note(&mut self, note: Note) {
        if self.said.contains(&note) {
            return;
        }
        if self.notes.len() < MOST {
            self.said.insert(note.clone());
            self.notes.push(note);
        } else {
            self.has_more = true;
        }
    }

    /// The warnings, and the errors.
    pub(super) fn finish(mut self, origin: &Place) -> (Vec<Note>, Problems) {
        if let Some(place) = self.first_skipped.take() {
            let words = self.skipped.join(", ");
            let message = format!("these words mean nothing here and are skipped: {words}");
            self.info(&place, message);
        }
        if self.has_more {
            let message = format!("these are the first {MOST} warnings, and there are more");
            self.notes.push(Note::new(true, origin.clone(), &message));
        }
        let mut problems = Problems::default();
        for error in &self.errors {
            problems.add(error.place(), error.message());
        }
        (self.notes, problems)
    }

    /// All of it, in the order of reading.
    #[cfg(test)]
    pub(super) fn sentences(self) -> Vec<String> {
        let (notes, problems) = self.finish(&Place::CommandLine);
        let errors = problems.finish().err();
        let errors = errors.iter().flat_map(|errors| errors.iter());
        notes.iter().map(ToString::to_string).chain(errors.map(ToString::to_string)).collect()
    }
}
