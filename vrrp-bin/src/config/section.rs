//! Typed reading of a TOML table: every wrong type is a sentence with an example of the right one.

use std::time::Duration;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    duration,
    keys::{Keys, nearest},
    problem::{At, Problems},
};

/// A value that may be left out: `None` is wrong, `Some(None)` absent.
pub(super) type Optional<T> = Option<Option<T>>;

/// A table of the file.
pub(super) struct Section<'a> {
    /// Where its header or its opening brace stands.
    pub(super) at: usize,
    table: &'a DeTable<'a>,
    /// What the unknown keys were probably meant to be.
    meant: Vec<&'static str>,
}

/// A value of the file, with the name that sentences call it by.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    pub(super) name: &'a str,
    pub(super) at: usize,
    value: &'a DeValue<'a>,
}

impl<'a> Section<'a> {
    /// Reads `table`, whose keys must be among `keys`.
    pub(super) fn new(
        at: usize,
        table: &'a DeTable<'a>,
        keys: &Keys,
        problems: &mut Problems,
    ) -> Self {
        let mut meant = Vec::new();
        for key in table.keys() {
            if let Err(message) = keys.judge(key.get_ref()) {
                problems.add(key.span().start, message);
                meant.extend(keys.meant(key.get_ref()));
            }
        }
        Self { at, table, meant }
    }

    /// What `read` makes of the value of `key`, or `default` if it is not there. `None`: it is
    /// wrong.
    pub(super) fn or<T>(
        &self,
        key: &'a str,
        default: T,
        read: impl FnOnce(Item<'a>) -> Option<T>,
    ) -> Option<T> {
        self.get(key).map_or(Some(default), read)
    }

    /// The value of `key`. Reports that it is missing, unless a misspelt key was reported that must
    /// be it.
    pub(super) fn required(
        &self,
        key: &'a str,
        missing: impl FnOnce() -> String,
        problems: &mut Problems,
    ) -> Option<Item<'a>> {
        let item = self.get(key);
        if item.is_none() && !self.meant.contains(&key) {
            problems.add(self.at, missing());
        }
        item
    }

    /// The value of `key`, if it is there.
    pub(super) fn get(&self, key: &'a str) -> Option<Item<'a>> {
        let value = self.table.get(key)?;
        Some(Item::new(key, value))
    }
}

impl<'a> Item<'a> {
    pub(super) fn new(name: &'a str, value: &'a Spanned<DeValue<'a>>) -> Self {
        Self { name, at: value.span().start, value: value.get_ref() }
    }

    fn kind(&self) -> &'static str {
        match self.value {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        }
    }

    /// Reports that this is not `wanted`; `example` is what could stand after the `=`.
    pub(super) fn wrong_type(&self, problems: &mut Problems, wanted: &str, example: &str) {
        let message = format!(
            "`{}` must be {wanted}, not {}; for example {} = {example}",
            self.name,
            self.kind(),
            self.name
        );
        problems.add(self.at, message);
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
                Some(values.iter().map(|value| Self::new(self.name, value)).collect())
            }
            _ => None,
        }
    }

    /// The table, if it is one.
    pub(super) fn as_section(&self, keys: &Keys, problems: &mut Problems) -> Option<Section<'a>> {
        match self.value {
            DeValue::Table(table) => Some(Section::new(self.at, table, keys, problems)),
            _ => None,
        }
    }

    /// A text.
    pub(super) fn text(&self, problems: &mut Problems, example: &str) -> Option<At<&'a str>> {
        let text = self.as_text();
        if text.is_none() {
            self.wrong_type(problems, "a text", &format!("{example:?}"));
        }
        Some(At { at: self.at, value: text? })
    }

    /// A truth value.
    pub(super) fn bool(&self, problems: &mut Problems) -> Option<bool> {
        let value = self.as_bool();
        if value.is_none() {
            self.wrong_type(problems, "true or false", "true");
        }
        value
    }

    /// A whole number that `T` can be made of; `rule` says which those are.
    pub(super) fn number<T: TryFrom<u8>>(
        &self,
        problems: &mut Problems,
        rule: &str,
        example: u8,
    ) -> Option<At<T>> {
        let DeValue::Integer(number) = self.value else {
            self.wrong_type(problems, "a whole number", &example.to_string());
            return None;
        };
        let octet = u8::from_str_radix(number.as_str(), number.radix()).ok();
        let value = octet.and_then(|octet| T::try_from(octet).ok());
        if value.is_none() {
            problems.add(self.at, format!("`{}` is {number}; {rule}", self.name));
        }
        Some(At { at: self.at, value: value? })
    }

    /// A duration such as "250ms".
    pub(super) fn duration(&self, problems: &mut Problems, example: &str) -> Option<At<Duration>> {
        let Some(text) = self.as_text() else {
            self.wrong_type(problems, "a duration in quotes", &format!("{example:?}"));
            return None;
        };
        let value = duration::parse(text);
        if value.is_none() {
            let message = format!(
                "`{}` is {text:?}, which is not a duration; write a number and ms, s, m or h, such \
                 as {example:?}",
                self.name
            );
            problems.add(self.at, message);
        }
        Some(At { at: self.at, value: value? })
    }

    /// A list.
    pub(super) fn list(&self, problems: &mut Problems, example: &str) -> Option<Vec<Self>> {
        let list = self.as_list();
        if list.is_none() {
            self.wrong_type(problems, "a list", example);
        }
        list
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(
        &self,
        problems: &mut Problems,
        choices: &[(&str, T)],
    ) -> Option<At<T>> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let list = words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" or ");
        let Some(text) = self.as_text() else {
            self.wrong_type(
                problems,
                &list,
                &format!("{:?}", words.first().copied().unwrap_or_default()),
            );
            return None;
        };
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
            return Some(At { at: self.at, value: *value });
        }
        let advice = match nearest(text, &words) {
            Some(word) => format!("did you mean {word:?}?"),
            None => format!("write {list}"),
        };
        problems.add(self.at, format!("`{}` is {text:?}; {advice}", self.name));
        None
    }
}
