//! Names, and what can be tracked by them.

use std::collections::BTreeMap;

use super::{meaning::Meaning, report::Report, words::Word};
use crate::config::{CheckDraft, Located, is_name};

/// What names are made of that have odd characters, and how long they are at most.
const FILLER: char = '_';
const LONGEST: usize = 64;

/// The checks of a file by what tracks them and by their names, as far as it has been read.
#[derive(Default)]
pub(super) struct Names(BTreeMap<(&'static str, String), Checked>);

/// A check that can be tracked.
pub(super) struct Checked {
    /// What it is called here.
    pub(super) name: String,
    /// What it means unless whoever tracks it says something else.
    pub(super) meaning: Meaning,
    pub(super) draft: CheckDraft,
}

impl Names {
    /// Adds a check that the keyword `tracked_by` tracks. One of that name is there already: told,
    /// and left out.
    pub(super) fn add(
        &mut self,
        tracked_by: &'static str,
        name: &Word,
        meaning: Meaning,
        draft: CheckDraft,
        report: &mut Report,
    ) {
        let mut own = usable(name, report).value;
        if self.0.contains_key(&(tracked_by, name.text.clone())) {
            let message = format!("{:?} is there already, this one is left out", name.text);
            return report.warn(&name.place, message);
        }
        while self.0.values().any(|checked| checked.name == own) {
            own.truncate(LONGEST.saturating_sub(1));
            own.push(FILLER);
        }
        let checked = Checked { name: own, meaning, draft };
        self.0.insert((tracked_by, name.text.clone()), checked);
    }

    /// The check of this name.
    pub(super) fn get(&self, tracked_by: &'static str, name: &str) -> Option<&Checked> {
        self.0.get(&(tracked_by, name.to_owned()))
    }

    /// All of them, in the order of their names.
    pub(super) fn into_checks(self) -> impl Iterator<Item = Checked> {
        self.0.into_values()
    }
}

/// A name without characters that names do not have here.
pub(super) fn usable(word: &Word, report: &mut Report) -> Located<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-:@".contains(c);
    let name: String =
        word.text.chars().map(|c| if fits(c) { c } else { FILLER }).take(LONGEST).collect();
    let name = if is_name(&name) { name } else { "unnamed".to_owned() };
    if name != word.text {
        let message =
            format!("{:?} is called {name:?} here: names have other characters", word.text);
        report.warn(&word.place, message);
    }
    Located::new(word.place.clone(), name)
}
