//! Typed reading of a TOML table: every wrong type is a sentence with an example of the right one.

use std::{
    cell::RefCell,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::keys::Keys;
use crate::config::{
    duration,
    files::ReadFile,
    found::{Found, Wrong},
    names::nearest,
    place::{Lines, Located, Place},
    problem::Problems,
};

/// The text that is read, and what is wrong with it.
pub(super) struct Source<'a> {
    path: Arc<Path>,
    lines: Lines<'a>,
    // In a cell, so that every value of the document can report without being handed the list.
    problems: RefCell<Problems>,
    read_file: ReadFile,
}

impl<'a> Source<'a> {
    pub(super) fn new(path: &Path, text: &'a str, read_file: ReadFile) -> Self {
        let problems = RefCell::default();
        Self { path: path.into(), lines: Lines::new(text), problems, read_file }
    }

    /// Reads another file, whose path may be relative to the directory of this one.
    pub(super) fn read_beside(&self, path: &str) -> (PathBuf, io::Result<Vec<u8>>) {
        let directory = self.path.parent().unwrap_or_else(|| Path::new("."));
        let path = directory.join(path);
        let content = (self.read_file)(&path);
        (path, content)
    }

    /// Reports what is wrong at the octet `at`, and what to do.
    pub(super) fn report(&self, at: usize, message: impl Into<String>) {
        self.problems.borrow_mut().add(&self.place(at), message);
    }

    pub(super) fn into_problems(self) -> Problems {
        self.problems.into_inner()
    }

    fn place(&self, at: usize) -> Place {
        Place::File(Arc::clone(&self.path), Some(self.lines.position(at)))
    }
}

/// A table of the file.
pub(super) struct Section<'a> {
    /// Where its header or its opening brace stands.
    at: usize,
    table: &'a DeTable<'a>,
    source: &'a Source<'a>,
    /// What the unknown keys were probably meant to be.
    meant: Vec<&'static str>,
}

/// A value of the file, with the name that sentences call it by.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    pub(super) name: &'a str,
    at: usize,
    value: &'a DeValue<'a>,
    pub(super) source: &'a Source<'a>,
}

impl<'a> Section<'a> {
    /// Reads `table`, whose keys must be among `keys`.
    pub(super) fn new(
        at: usize,
        table: &'a DeTable<'a>,
        keys: &Keys,
        source: &'a Source<'a>,
    ) -> Self {
        let mut meant = Vec::new();
        for key in table.keys() {
            if let Err(message) = keys.judge(key.get_ref()) {
                source.report(key.span().start, message);
                meant.extend(keys.meant(key.get_ref()));
            }
        }
        Self { at, table, source, meant }
    }

    /// Where it starts.
    pub(super) fn place(&self) -> Place {
        self.source.place(self.at)
    }

    /// What `read` makes of the value of `key`. A key that was probably misspelt is wrong and not
    /// absent: that it is unknown was reported.
    pub(super) fn read<T>(
        &self,
        key: &'a str,
        read: impl FnOnce(Item<'a>) -> Result<T, Wrong>,
    ) -> Found<T> {
        match self.get(key) {
            Some(item) => read(item).into(),
            None if self.meant.contains(&key) => Found::Wrong,
            None => Found::Absent,
        }
    }

    /// The value of `key`, which must be there; `missing` is reported unless it was misspelt.
    pub(super) fn required(
        &self,
        key: &'a str,
        missing: impl FnOnce() -> String,
    ) -> Result<Item<'a>, Wrong> {
        match self.read(key, Ok) {
            Found::Value(item) => Ok(item),
            Found::Wrong => Err(Wrong),
            Found::Absent => {
                self.source.report(self.at, missing());
                Err(Wrong)
            }
        }
    }

    /// The value of `key`, if it is there.
    pub(super) fn get(&self, key: &'a str) -> Option<Item<'a>> {
        Some(Item::new(key, self.table.get(key)?, self.source))
    }
}

impl<'a> Item<'a> {
    fn new(name: &'a str, value: &'a Spanned<DeValue<'a>>, source: &'a Source<'a>) -> Self {
        Self { name, at: value.span().start, value: value.get_ref(), source }
    }

    /// Where it stands.
    pub(super) fn place(&self) -> Place {
        self.source.place(self.at)
    }

    /// `value`, where this stands.
    pub(super) fn locate<T>(&self, value: T) -> Located<T> {
        Located::new(self.place(), value)
    }

    /// Reports what is wrong with it, and what to do.
    pub(super) fn wrong<T>(&self, message: impl Into<String>) -> Result<T, Wrong> {
        self.source.report(self.at, message);
        Err(Wrong)
    }

    /// The value of `result`, or its error reported in the sentence that `message` makes of it.
    pub(super) fn check<T, E>(
        &self,
        result: Result<T, E>,
        message: impl FnOnce(E) -> String,
    ) -> Result<T, Wrong> {
        result.or_else(|error| self.wrong(message(error)))
    }

    /// Reports that this is not `wanted`; `example` is what could stand after the `=`.
    pub(super) fn wrong_type<T>(&self, wanted: &str, example: &str) -> Result<T, Wrong> {
        let (name, kind) = (self.name, self.kind());
        self.wrong(format!("`{name}` must be {wanted}, not {kind}; for example {name} = {example}"))
    }

    fn kind(&self) -> &'static str {
        match self.value {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        }
    }

    /// The text, if it is one.
    pub(super) fn as_text(&self) -> Option<&'a str> {
        match self.value {
            DeValue::String(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    pub(super) fn as_bool(&self) -> Option<bool> {
        match self.value {
            DeValue::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    /// Whether it is a whole number.
    pub(super) fn is_integer(&self) -> bool {
        matches!(self.value, DeValue::Integer(_))
    }

    /// The entries of the list, if it is one.
    pub(super) fn as_list(&self) -> Option<Vec<Self>> {
        match self.value {
            DeValue::Array(values) => {
                let entry = |value| Self::new(self.name, value, self.source);
                Some(values.iter().map(entry).collect())
            }
            _ => None,
        }
    }

    /// The whole number in decimal digits, if it is one.
    pub(super) fn as_integer(&self) -> Option<String> {
        match self.value {
            DeValue::Integer(number) => {
                let decimal = i64::from_str_radix(number.as_str(), number.radix());
                Some(decimal.map_or_else(|_| number.to_string(), |number| number.to_string()))
            }
            _ => None,
        }
    }

    /// The tables of a list that is written as `[[name]]`; `example` is one.
    pub(super) fn tables(&self, name: &str, example: &str) -> Result<Vec<Self>, Wrong> {
        let message = || {
            self.wrong(format!(
                "`{name}` is a list of tables; write {example}, in two pairs of brackets"
            ))
        };
        self.as_list().map_or_else(message, Ok)
    }

    /// The table, if it is one.
    pub(super) fn as_section(&self, keys: &Keys) -> Option<Section<'a>> {
        match self.value {
            DeValue::Table(table) => Some(Section::new(self.at, table, keys, self.source)),
            _ => None,
        }
    }

    /// A text.
    pub(super) fn text(&self, example: &str) -> Result<&'a str, Wrong> {
        self.as_text().map_or_else(|| self.wrong_type("a string", &format!("{example:?}")), Ok)
    }

    /// A text of its own, with its place.
    pub(super) fn string(&self, example: &str) -> Result<Located<String>, Wrong> {
        Ok(self.locate(self.text(example)?.to_owned()))
    }

    /// A truth value.
    pub(super) fn bool(self) -> Result<Located<bool>, Wrong> {
        let value = self.as_bool();
        let value = value.map_or_else(|| self.wrong_type("true or false", "true"), Ok)?;
        Ok(self.locate(value))
    }

    /// A whole number that `T` can be made of; `rule` says which those are.
    pub(super) fn number<T: TryFrom<u8>>(&self, rule: &str, example: u8) -> Result<T, Wrong> {
        let DeValue::Integer(number) = self.value else {
            return self.wrong_type("a whole number", &example.to_string());
        };
        let octet = u8::from_str_radix(number.as_str(), number.radix()).ok();
        let value = octet.and_then(|octet| T::try_from(octet).ok());
        let message = || self.wrong(format!("`{}` is {number}; {rule}", self.name));
        value.map_or_else(message, Ok)
    }

    /// A duration such as "250ms".
    pub(super) fn duration(&self, example: &str) -> Result<Located<Duration>, Wrong> {
        let Some(text) = self.as_text() else {
            return self.wrong_type("a duration in quotes", &format!("{example:?}"));
        };
        let Some(value) = duration::parse(text) else {
            return self.wrong(format!(
                "`{}` is {text:?}, which is not a duration; write a number and ms, s, m or h, such \
                 as {example:?}",
                self.name
            ));
        };
        Ok(self.locate(value))
    }

    /// A list.
    pub(super) fn list(&self, example: &str) -> Result<Vec<Self>, Wrong> {
        self.as_list().map_or_else(|| self.wrong_type("a list", example), Ok)
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Result<Located<T>, Wrong> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let list = words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" or ");
        let Some(text) = self.as_text() else {
            let first = words.first().copied().unwrap_or_default();
            return self.wrong_type(&list, &format!("{first:?}"));
        };
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
            return Ok(self.locate(*value));
        }
        let advice = match nearest(text, &words) {
            Some(word) => format!("did you mean {word:?}?"),
            None => format!("write {list}"),
        };
        self.wrong(format!("`{}` is {text:?}; {advice}", self.name))
    }
}
