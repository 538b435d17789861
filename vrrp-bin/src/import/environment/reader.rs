//! Reading variables: every value with the name it came by, every mistake as a sentence about that
//! name.

use std::{collections::BTreeSet, net::IpAddr};

use super::values::{self, Decoded, Literal, Raw, Variables};
use crate::{
    config::{ConfigError, Found, List, Located, Place, Problems, Wrong, nearest},
    import::Note,
};

/// The quotes that a list in a compose file leaves in a value.
const QUOTES: &[char] = &['"', '\''];

/// The variables, and what was found to say about them.
#[derive(Default)]
pub(super) struct Reader {
    variables: Variables,
    notes: Vec<Note>,
    problems: Problems,
    /// Variables whose absence was explained already.
    excused: BTreeSet<String>,
}

impl Reader {
    pub(super) fn set_variables(&mut self, variables: Variables) {
        self.variables = variables;
    }

    pub(super) fn finish(self) -> (Vec<Note>, Problems) {
        (self.notes, self.problems)
    }

    pub(super) fn error(&mut self, name: &str, message: impl Into<String>) {
        self.error_at(&Place::variable(name), message);
    }

    /// What is wrong is reported in the order in which places are visited, which for a variable is
    /// the order in which they are read.
    pub(super) fn error_at(&mut self, place: &Place, message: impl Into<String>) {
        self.problems.visit(place);
        self.problems.add(place, message);
    }

    /// Reports it, and is itself the answer of whoever reads `name`.
    pub(super) fn wrong<T>(&mut self, name: &str, message: impl Into<String>) -> Result<T, Wrong> {
        self.error(name, message);
        Err(Wrong)
    }

    pub(super) fn warn(&mut self, name: &str, message: impl Into<String>) {
        self.note(true, name, &message.into());
    }

    pub(super) fn info(&mut self, name: &str, message: impl Into<String>) {
        self.note(false, name, &message.into());
    }

    /// Says what is worth knowing about something other than a variable.
    pub(super) fn info_at(&mut self, place: &Place, message: impl AsRef<str>) {
        self.add(Note::new(false, place.clone(), message.as_ref()));
    }

    /// Takes over what another reader has found.
    pub(super) fn adopt<'e>(
        &mut self,
        notes: Vec<Note>,
        errors: impl Iterator<Item = &'e ConfigError>,
    ) {
        self.notes.extend(notes);
        for error in errors {
            self.error_at(error.place(), error.message());
        }
    }

    fn note(&mut self, warning: bool, name: &str, message: &str) {
        self.add(Note::new(warning, Place::variable(name), message));
    }

    fn add(&mut self, note: Note) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Keeps `name` from being reported as missing.
    pub(super) fn excuse(&mut self, name: &str) {
        self.excused.insert(name.to_owned());
    }

    /// Reports that `name` is missing, unless that was explained already.
    pub(super) fn missing(&mut self, name: &str, message: impl Into<String>) {
        if !self.excused.contains(name) {
            self.error(name, message);
        }
    }

    /// What was found of `name`, which may not be absent. `message` is the sentence if it is.
    pub(super) fn required<T>(
        &mut self,
        name: &str,
        found: Found<T>,
        message: impl FnOnce() -> String,
    ) -> Found<T> {
        if matches!(found, Found::Absent) {
            self.missing(name, message());
            return Found::Wrong;
        }
        found
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        self.variables.contains_key(name)
    }

    /// Whether it is not set, or has no text.
    pub(super) fn is_empty(&self, name: &str) -> bool {
        match self.variables.get(name) {
            None => true,
            Some(Raw::Text(text)) => text.trim().is_empty(),
            Some(Raw::Literal(literal)) => matches!(literal, Literal::Nothing),
        }
    }

    /// The names of all variables, in their order.
    pub(super) fn names(&self) -> Vec<String> {
        self.variables.keys().cloned().collect()
    }

    /// The variables that are `prefix` and a number, in the order of their names: 1, 10, 2.
    pub(super) fn numbered(&self, prefix: &str) -> Vec<String> {
        let is_numbered = |name: &&String| name.strip_prefix(prefix).is_some_and(is_number);
        self.variables.keys().filter(is_numbered).cloned().collect()
    }

    /// Whether the value stands in double quotes.
    pub(super) fn is_quoted(&self, name: &str) -> bool {
        self.plain(name).is_some_and(|text| values::unquote(text, &['"']).is_some())
    }

    /// The value as it stands, if it is a text.
    pub(super) fn plain(&self, name: &str) -> Option<&str> {
        match self.variables.get(name)? {
            Raw::Text(text) => Some(text),
            Raw::Literal(_) => None,
        }
    }

    /// A path, as it stands.
    pub(super) fn path(&self, name: &str) -> Found<Located<String>> {
        let path =
            self.plain(name).map(|path| Located::new(Place::variable(name), path.to_owned()));
        Found::of(Ok(path))
    }

    /// One text, without spaces around it. One that is left empty is as good as absent where
    /// `or_empty` says so.
    pub(super) fn text(&mut self, name: &str, or_empty: Empty) -> Found<Located<String>> {
        let literal = self.literal(name);
        literal.map_or(Found::Wrong, |literal| Found::of(self.text_of(name, literal, or_empty)))
    }

    fn text_of(
        &mut self,
        name: &str,
        literal: Option<Literal>,
        or_empty: Empty,
    ) -> Result<Option<Located<String>>, Wrong> {
        let text = match literal {
            None => return Ok(None),
            Some(Literal::Text(text)) => text.trim().to_owned(),
            Some(Literal::Nothing) => String::new(),
            Some(Literal::List(_) | Literal::Map) => {
                let message = "this is a list, but a single value is needed; write the value alone";
                return self.wrong(name, message);
            }
        };
        // A variable of a process has none, one of a file may.
        if text.contains('\0') {
            return self.wrong(name, "this holds a NUL character; remove it");
        }
        match (text.is_empty(), or_empty) {
            (false, _) => Ok(Some(Located::new(Place::variable(name), text))),
            (true, Empty::Absent) => Ok(None),
            (true, Empty::Wrong) => self.wrong(
                name,
                "this is empty; give it a value, or remove the variable for its default",
            ),
        }
    }

    /// What `parse` makes of one text. `rule` says what can be written.
    pub(super) fn value<T>(
        &mut self,
        name: &str,
        empty: Empty,
        rule: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Found<Located<T>> {
        self.text(name, empty).and_then(|Located { place, value: text }| match parse(&text) {
            Some(value) => Ok(Located::new(place, value)),
            None => self.wrong(name, format!("this is {text:?}; {rule}")),
        })
    }

    /// One of a few words, in capitals or not.
    pub(super) fn choice<T: Copy>(
        &mut self,
        name: &str,
        empty: Empty,
        choices: &[(&str, T)],
    ) -> Found<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        self.text(name, empty).and_then(|Located { value: text, .. }| {
            let chosen = choices.iter().find(|(word, _)| word.eq_ignore_ascii_case(&text));
            if let Some((_, value)) = chosen {
                return Ok(*value);
            }
            let advice = match nearest(&text, &words) {
                Some(word) if word.len() > 1 => format!("did you mean {word}?"),
                _ => format!("write {}", words.join(" or ")),
            };
            self.wrong(name, format!("this is {text:?}; {advice}"))
        })
    }

    /// The entries of a list, each in its words. One that has none is wrong.
    pub(super) fn entries(
        &mut self,
        name: &str,
        example: &str,
    ) -> Result<Option<Vec<Vec<String>>>, Wrong> {
        let items = match self.literal(name)? {
            None => return Ok(None),
            Some(Literal::List(items)) => items,
            Some(single) => vec![single],
        };
        let mut entries = Vec::new();
        for item in items {
            match item {
                Literal::Text(text) => entries.push(values::words(self.unquoted(name, &text))),
                Literal::Nothing => {}
                Literal::List(_) | Literal::Map => {
                    let message = format!(
                        "this list holds something other than strings; write for example {example}"
                    );
                    return self.wrong(name, message);
                }
            }
        }
        entries.retain(|words| !words.is_empty());
        if entries.is_empty() {
            return self.wrong(name, format!("this is empty; write for example {example}"));
        }
        Ok(Some(entries))
    }

    /// A list of addresses of hosts.
    pub(super) fn hosts(&mut self, name: &str, example: &str) -> Found<List<IpAddr>> {
        Found::of(self.entries(name, example)).map(|entries| {
            let mut hosts = List::new(Place::variable(name));
            for word in entries.into_iter().flatten() {
                hosts.entries.push(match word.parse::<IpAddr>() {
                    Ok(address) => Ok(Located::new(hosts.place.clone(), address)),
                    Err(_) => self.wrong(
                        name,
                        format!("{word:?} is not an IP address; write for example {example}"),
                    ),
                });
            }
            hosts
        })
    }

    /// The value of `name` in the notation it is written in.
    fn literal(&mut self, name: &str) -> Result<Option<Literal>, Wrong> {
        self.problems.visit(&Place::variable(name));
        let text = match self.variables.get(name) {
            None => return Ok(None),
            Some(Raw::Literal(literal)) => return Ok(Some(literal.clone())),
            Some(Raw::Text(text)) => text.clone(),
        };
        let text = self.unquoted(name, &text);
        match values::decode(text) {
            Ok(Decoded::Literal(literal)) => Ok(Some(literal)),
            Ok(Decoded::Names(names)) => {
                let items: Result<Vec<Literal>, Wrong> =
                    names.iter().map(|row| self.row(name, row)).collect();
                Ok(Some(Literal::List(items?)))
            }
            // A password is never repeated.
            Err(_) if name.contains("PASS") => self.wrong(
                name,
                "this is not valid in the notation that it starts with; write just the password",
            ),
            Err(message) => self.wrong(name, message),
        }
    }

    /// A variable that the list in `name` names.
    fn row(&mut self, name: &str, row: &str) -> Result<Literal, Wrong> {
        let value = self.plain(row).map(|text| Literal::Text(text.to_owned()));
        value.map_or_else(
            || {
                let message = format!(
                    "it names the variable {row}, which is not set; set it, or write the value here"
                );
                self.wrong(name, message)
            },
            Ok,
        )
    }

    /// Takes off a pair of quotes around the whole, which a shell would have taken off.
    fn unquoted<'t>(&mut self, name: &str, text: &'t str) -> &'t str {
        // In keepalived's own file, single quotes are a part of a password.
        let quotes = if name.contains("PASS") { &['"'] } else { QUOTES };
        match values::unquote(text, quotes) {
            // They belong to two of several texts.
            Some(inner) if inner.contains(QUOTES) && !inner.starts_with('#') => text,
            Some(inner) => {
                self.warn(
                    name,
                    "the quotes around the value are part of it and are ignored; remove them",
                );
                inner
            }
            None => text,
        }
    }
}

/// What an empty value means.
#[derive(Clone, Copy)]
pub(super) enum Empty {
    /// The default.
    Absent,
    /// A mistake.
    Wrong,
}

/// Whether `text` is a number in digits.
pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit())
}
