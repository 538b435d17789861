//! [`Variables`]: `$NAME` and `${NAME}`.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    path::Path,
};

use super::Setting;

/// The variables that a file has set.
#[derive(Default)]
pub(super) struct Variables(BTreeMap<String, String>);

/// Whether this may be the name of a variable.
pub(super) fn is_name(text: &str) -> bool {
    text.chars().all(is_part) && text.starts_with(|c: char| !c.is_ascii_digit())
}

const fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

impl Variables {
    /// Gives a variable a value, of one line or of several.
    pub(super) fn set(&mut self, name: &str, value: String) {
        self.0.insert(name.to_owned(), value);
    }

    /// `text` of a line of `file` with values in place of variables, and how many of its octets are
    /// as they were. What stands for no variable stays: it may be one of a script.
    pub(super) fn replace(
        &self,
        text: &str,
        file: &Path,
        setting: &Setting<'_>,
    ) -> (String, usize) {
        let (mut replaced, mut as_written, mut rest) = (String::new(), None, text);
        while let Some((before, after)) = rest.split_once('$') {
            replaced.push_str(before);
            let value = reference(after)
                .and_then(|(name, length)| Some((self.value(name, file, setting)?, length)));
            if let Some((value, length)) = value {
                as_written.get_or_insert(replaced.len());
                replaced.push_str(&value);
                rest = after.get(length..).unwrap_or_default();
            } else {
                replaced.push('$');
                rest = after;
            }
        }
        replaced.push_str(rest);
        let as_written = as_written.unwrap_or(replaced.len());
        (replaced, as_written)
    }

    fn value(&self, name: &str, file: &Path, setting: &Setting<'_>) -> Option<String> {
        if let Some(value) = self.0.get(name) {
            return Some(value.clone());
        }
        let mut words = name.split_whitespace();
        match (words.next()?, words.next()) {
            ("_PWD", None) => {
                Some(file.parent().unwrap_or_else(|| Path::new(".")).display().to_string())
            }
            ("_INSTANCE", None) => Some(setting.id.to_owned()),
            ("_HASH", None) => Some("#".to_owned()),
            ("_BANG", None) => Some("!".to_owned()),
            ("_ENV", Some(name)) => (setting.environment)(name),
            ("_RANDOM", least) => random(least, words.next()),
            _ => None,
        }
    }
}

/// How far the end of a name in braces is looked for: a line may have a `$` everywhere.
const LONGEST: usize = 256;

/// What stands behind a `$`: the name, and how long it is with its braces. Without braces it ends
/// with the line, or with space.
fn reference(after: &str) -> Option<(&str, usize)> {
    if let Some(inner) = after.strip_prefix('{') {
        let (end, _) = inner.char_indices().take(LONGEST).find(|(_, c)| *c == '}')?;
        return Some((inner.get(..end)?, end.saturating_add(2)));
    }
    let end = after.find(|c: char| !is_part(c)).unwrap_or(after.len());
    let (name, rest) = after.split_at_checked(end)?;
    let is_whole = rest.is_empty() || rest.starts_with(char::is_whitespace);
    (is_whole && is_name(name)).then_some((name, name.len()))
}

/// A number between these, 0 and 32767 unless they are given.
fn random(least: Option<&str>, most: Option<&str>) -> Option<String> {
    const MOST: u64 = 32_767;
    let least: u64 = least.map_or(Ok(0), str::parse).ok()?;
    let most: u64 = most.map_or(Ok(MOST), str::parse).ok()?;
    let numbers = most.checked_sub(least)?.checked_add(1)?;
    // The keys of a hasher are random.
    let random = RandomState::new().hash_one(0).checked_rem(numbers)?;
    least.checked_add(random).map(|number| number.to_string())
}
