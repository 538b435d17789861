//! `notify` and its companions, and `before_active`: programs that are told what happens.

use std::time::Duration;

use super::{
    backend::{timeout, words},
    keys::{self, Keys},
    section::{Item, Section},
};
use crate::config::{
    found::{Found, Wrong},
    look::Program,
    names::user_name,
    place::Located,
    script::{BEFORE_LIMIT, NOTIFY, NOTIFY_LIMIT, Script, Scripts},
};

/// What a command looks like, for sentences.
const EXAMPLE: &str = "[\"/usr/local/bin/notify\"]";

/// The programs that `section` has told states.
pub(super) fn notify(section: &Section<'_>) -> Found<Scripts> {
    let mut scripts = Scripts::default();
    let mut wrong = false;
    for (key, told) in NOTIFY {
        match section.read(key, |item| script(item, &keys::NOTIFY, NOTIFY_LIMIT)) {
            Found::Value(script) => scripts.set(*told, script),
            Found::Wrong => wrong = true,
            Found::Absent => {}
        }
    }
    if wrong { Found::Wrong } else { Found::Value(scripts) }
}

/// The program that runs before the addresses are put.
pub(super) fn before(item: Item<'_>) -> Result<Located<Script>, Wrong> {
    script(item, &keys::BEFORE, BEFORE_LIMIT)
}

/// A list of words, or a table of it.
fn script(item: Item<'_>, keys: &Keys, limit: Duration) -> Result<Located<Script>, Wrong> {
    let script = match item.as_section(keys) {
        Some(section) => table(&section, limit)?,
        None if item.as_list().is_some() => of_words(item, limit)?,
        None => return item.wrong_type("a list of strings, or a table", EXAMPLE),
    };
    Ok(item.locate(script))
}

fn table(section: &Section<'_>, limit: Duration) -> Result<Script, Wrong> {
    let missing = || format!("there is no `command` here; add for example command = {EXAMPLE}");
    let command = section.required("command", missing);
    let command = command.and_then(|item| of_words(item, limit));
    let timeout = section.read("timeout", timeout).unwrap_or(limit);
    let user = section.read("user", user).optional();
    let (Script { program, .. }, timeout, user) = (command?, timeout?, user?);
    Ok(Script { program: Program { user, ..program }, timeout })
}

fn of_words(item: Item<'_>, timeout: Duration) -> Result<Script, Wrong> {
    let (program, arguments) = words(item, EXAMPLE)?;
    Ok(Script { program: Program { program, arguments, user: None }, timeout })
}

/// Whom a program runs as.
fn user(item: Item<'_>) -> Result<String, Wrong> {
    let name = item.text("nobody")?;
    item.check(user_name(name), |message| message)?;
    Ok(name.to_owned())
}
