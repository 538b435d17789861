//! Reading variables: every value with the name it came by, every mistake as a sentence about that
//! name.

use std::{collections::BTreeSet, net::IpAddr, sync::Arc};

use vrrp_core::{Cidr, ConfigError as Unfit};

use super::{
    Note, Variables,
    values::{self, Decoded, Literal, Raw},
};
use crate::config::{ConfigError, Place, nearest, unfit};

/// A value, and the variable that it is the value of.
#[derive(Clone, Debug)]
pub(super) struct Named<T> {
    pub(super) name: Arc<str>,
    pub(super) value: T,
}

impl<T> Named<T> {
    pub(super) fn new(name: &str, value: T) -> Self {
        Self { name: name.into(), value }
    }

    pub(super) fn place(&self) -> Place {
        Place::Variable(Arc::clone(&self.name))
    }
}

/// A value that may be left out: `None` is wrong, `Some(None)` absent.
pub(super) type Optional<T> = Option<Option<T>>;

/// The quotes that a list in a compose file leaves in a value.
const QUOTES: &[char] = &['"', '\''];

/// The variables, and what was found to say about them.
#[derive(Default)]
pub(super) struct Reader {
    variables: Variables,
    notes: Vec<Note>,
    errors: Vec<ConfigError>,
    /// Variables whose absence was explained already.
    excused: BTreeSet<String>,
}

impl Reader {
    pub(super) fn set_variables(&mut self, variables: Variables) {
        self.variables = variables;
    }

    pub(super) fn finish(self) -> (Vec<Note>, Vec<ConfigError>) {
        (self.notes, self.errors)
    }

    pub(super) fn error(&mut self, name: &str, message: impl Into<String>) {
        self.error_at(Place::Variable(name.into()), message);
    }

    pub(super) fn error_at(&mut self, place: Place, message: impl Into<String>) {
        self.errors.push(ConfigError::new(place, message));
    }

    pub(super) fn warn(&mut self, name: &str, message: impl Into<String>) {
        self.note(true, name, message.into());
    }

    pub(super) fn info(&mut self, name: &str, message: impl Into<String>) {
        self.note(false, name, message.into());
    }

    fn note(&mut self, warning: bool, name: &str, message: String) {
        let note = Note { warning, place: Place::Variable(name.into()), message };
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

    pub(super) fn is_set(&self, name: &str) -> bool {
        self.variables.contains_key(name)
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

    /// One text, without spaces around it. One that is left empty is as good as absent where
    /// `or_empty` says so.
    pub(super) fn text(&mut self, name: &str, or_empty: Empty) -> Optional<Named<String>> {
        let Some(literal) = self.literal(name)? else { return Some(None) };
        let text = match literal {
            Literal::Text(text) => text.trim().to_owned(),
            Literal::Nothing => String::new(),
            Literal::List(_) | Literal::Map => {
                self.error(name, "this is a list, and one value is needed; write the value alone");
                return None;
            }
        };
        match (text.is_empty(), or_empty) {
            (false, _) => Some(Some(Named::new(name, text))),
            (true, Empty::Absent) => Some(None),
            (true, Empty::Wrong) => {
                self.error(
                    name,
                    "this is empty; give it a value, or remove the variable for its default",
                );
                None
            }
        }
    }

    /// What `parse` makes of one text, or `default`. `rule` says what can be written.
    pub(super) fn value<T>(
        &mut self,
        name: &str,
        empty: Empty,
        default: T,
        rule: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<Named<T>> {
        let Some(text) = self.text(name, empty)? else { return Some(Named::new(name, default)) };
        let value = parse(&text.value);
        if value.is_none() {
            self.error(name, format!("this is {:?}; {rule}", text.value));
        }
        Some(Named::new(name, value?))
    }

    /// One of a few words, in capitals or not.
    pub(super) fn choice<T: Copy>(
        &mut self,
        name: &str,
        empty: Empty,
        default: T,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let Some(text) = self.text(name, empty)? else { return Some(default) };
        let chosen = choices.iter().find(|(word, _)| word.eq_ignore_ascii_case(&text.value));
        if chosen.is_none() {
            let advice = match nearest(&text.value, &words) {
                Some(word) if word.len() > 1 => format!("did you mean {word}?"),
                _ => format!("write {}", words.join(" or ")),
            };
            self.error(name, format!("this is {:?}; {advice}", text.value));
        }
        chosen.map(|(_, value)| *value)
    }

    /// The entries of a list, each in its words. `None`: it is wrong, or it is there and has none.
    pub(super) fn entries(&mut self, name: &str, example: &str) -> Optional<Vec<Vec<String>>> {
        let Some(literal) = self.literal(name)? else { return Some(None) };
        let items = match literal {
            Literal::List(items) => items,
            single => vec![single],
        };
        let mut entries = Vec::new();
        for item in items {
            match item {
                Literal::Text(text) => entries.push(values::words(self.unquoted(name, &text))),
                Literal::Nothing => {}
                Literal::List(_) | Literal::Map => {
                    self.error(
                        name,
                        format!(
                            "there is more in this list than texts; write for example {example}"
                        ),
                    );
                    return None;
                }
            }
        }
        entries.retain(|words| !words.is_empty());
        if entries.is_empty() {
            self.error(name, format!("this is empty; write for example {example}"));
            return None;
        }
        Some(Some(entries))
    }

    /// A list of addresses of hosts.
    pub(super) fn hosts(&mut self, name: &str, example: &str) -> Optional<Vec<Named<IpAddr>>> {
        let Some(entries) = self.entries(name, example)? else { return Some(None) };
        let mut hosts: Vec<Named<IpAddr>> = Vec::new();
        let mut complete = true;
        for word in entries.into_iter().flatten() {
            match word.parse::<IpAddr>() {
                Ok(address) if hosts.iter().any(|host| host.value == address) => {
                    self.warn(name, format!("{address} stands here twice, and counts once"));
                }
                Ok(address) => hosts.push(Named::new(name, address)),
                Err(_) => {
                    self.error(
                        name,
                        format!("{word:?} is not an IP address; write for example {example}"),
                    );
                    complete = false;
                }
            }
        }
        complete.then_some(Some(hosts))
    }

    /// A list of virtual addresses in keepalived's notation: `IP[/LENGTH] [dev IF] [brd IP] [scope
    /// S] [label L]`, on `interface`.
    pub(super) fn virtual_addresses(
        &mut self,
        name: &str,
        interface: &str,
        example: &str,
    ) -> Optional<Vec<Named<Cidr>>> {
        let Some(entries) = self.entries(name, example)? else { return Some(None) };
        let mut addresses = Vec::new();
        let mut complete = true;
        for entry in entries {
            let mut words = entry.iter().map(String::as_str).peekable();
            while let Some(word) = words.next() {
                match word {
                    "dev" | "brd" | "broadcast" | "scope" | "label" => {
                        complete &= self.option(name, word, words.next(), interface).is_some();
                    }
                    _ => match word.parse::<Cidr>() {
                        Ok(cidr) => addresses.push(Named::new(name, cidr)),
                        Err(error) => {
                            self.error(name, unfit_address(word, error, example));
                            complete = false;
                        }
                    },
                }
            }
        }
        complete.then_some(Some(addresses))
    }

    /// An option of a virtual address. Those that only change how the address is shown are left
    /// out.
    fn option(
        &mut self,
        name: &str,
        option: &str,
        value: Option<&str>,
        interface: &str,
    ) -> Option<()> {
        let Some(value) = value else {
            self.error(name, format!("`{option}` has no value; write one, or remove `{option}`"));
            return None;
        };
        match (option, value) {
            ("dev", dev) if dev == interface => {}
            ("dev", dev) => {
                self.error(
                    name,
                    format!(
                        "`dev {dev}` is not {interface}, and addresses on another interface than \
                         the one that advertises are not supported in this version; write `dev \
                         {interface}` or name {dev} as the interface"
                    ),
                );
                return None;
            }
            ("scope", "global") => {}
            _ => self.warn(
                name,
                format!("`{option} {value}` is left out: this version does not set it"),
            ),
        }
        Some(())
    }

    /// The value of `name` in the notation it is written in.
    fn literal(&mut self, name: &str) -> Optional<Literal> {
        let text = match self.variables.get(name) {
            None => return Some(None),
            Some(Raw::Literal(literal)) => return Some(Some(literal.clone())),
            Some(Raw::Text(text)) => text.clone(),
        };
        let text = self.unquoted(name, &text);
        match values::decode(text) {
            Ok(Decoded::Literal(literal)) => Some(Some(literal)),
            Ok(Decoded::Names(names)) => {
                let items: Option<Vec<Literal>> =
                    names.iter().map(|row| self.row(name, row)).collect();
                Some(Some(Literal::List(items?)))
            }
            // A password is never repeated.
            Err(_) if name.contains("PASS") => {
                self.error(
                    name,
                    "this cannot be read in the notation that it starts with; write the password \
                     alone",
                );
                None
            }
            Err(message) => {
                self.error(name, message);
                None
            }
        }
    }

    /// A variable that the list in `name` names.
    fn row(&mut self, name: &str, row: &str) -> Option<Literal> {
        let value = self.plain(row).map(|text| Literal::Text(text.to_owned()));
        if value.is_none() {
            self.error(
                name,
                format!(
                    "it names the variable {row}, which is not set; set it, or write the value here"
                ),
            );
        }
        value
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
                    "the quotes around the value are a part of it, and are left out; remove them",
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

fn unfit_address(word: &str, error: Unfit, example: &str) -> String {
    match error {
        Unfit::Address => {
            let options = ["dev", "brd", "broadcast", "scope", "label"];
            let advice = match nearest(word, &options) {
                Some(option) => format!("did you mean `{option}`?"),
                None => format!("write for example {example}"),
            };
            format!("{word:?} is not an IP address; {advice}")
        }
        other => unfit(word, other),
    }
}
