//! `backend`: who holds the addresses.

use std::{path::PathBuf, time::Duration};

use vrrp_core::Reach;

use super::{
    keys,
    section::{Item, Section},
};
use crate::config::{
    backend::{Backend, Command, REACHES},
    found::Wrong,
    names::nearest,
    place::Located,
};

/// What a command looks like, for sentences.
const EXAMPLE: &str = "[\"/usr/local/bin/move-ip\"]";
/// How long a command may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The kernel, or a command.
pub(super) fn read(item: Item<'_>) -> Result<Located<Backend>, Wrong> {
    let backend = match item.as_text() {
        Some("kernel") => Backend::Kernel { lease: true },
        Some(other) => return item.wrong(unknown(other)),
        None => match item.as_section(&keys::BACKEND) {
            Some(section) => Backend::Command(command(&section)?),
            None => {
                let example = format!("{{ command = {EXAMPLE} }}");
                return item.wrong_type("\"kernel\" or a table", &example);
            }
        },
    };
    Ok(item.locate(backend))
}

fn unknown(text: &str) -> String {
    let advice = match nearest(text, &["kernel"]) {
        Some(word) => format!("did you mean {word:?}?"),
        None => format!("write \"kernel\", or {{ command = {EXAMPLE} }}"),
    };
    format!("`backend` is {text:?}; {advice}")
}

fn command(section: &Section<'_>) -> Result<Command, Wrong> {
    let missing = || format!("this backend has no `command`; add for example command = {EXAMPLE}");
    let command = section.required("command", missing).and_then(|item| words(item, EXAMPLE));
    let timeout = section.read("timeout", timeout).unwrap_or(TIMEOUT);
    let reach = section.read("reach", |item| Ok(item.choice(REACHES)?.value));
    let (program, arguments) = command?;
    let reach = reach.unwrap_or(Reach::Routed)?;
    Ok(Command { program, arguments, timeout: timeout?, reach })
}

/// The program and its arguments; `example` is a list of them.
pub(super) fn words(item: Item<'_>, example: &str) -> Result<(PathBuf, Vec<String>), Wrong> {
    let (name, list) = (item.name, item.list(example)?);
    let words: Vec<Result<String, Wrong>> = list.iter().map(|item| word(*item, example)).collect();
    let mut words = words.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter();
    let (Some(program), Some(first)) = (words.next(), list.first()) else {
        return item
            .wrong(format!("`{name}` names no program; write for example {name} = {example}"));
    };
    if !program.starts_with('/') {
        return first.wrong(format!(
            "`{name}` begins with {program:?}; write the absolute path of a program, as in \
             {name} = {example}"
        ));
    }
    Ok((PathBuf::from(program), words.collect()))
}

fn word(item: Item<'_>, example: &str) -> Result<String, Wrong> {
    let Some(text) = item.as_text() else { return item.wrong_type("a list of strings", example) };
    if text.contains('\0') {
        return item.wrong(format!(
            "`{}` holds a NUL character, which no argument can have; remove it",
            item.name
        ));
    }
    Ok(text.to_owned())
}

/// How long a program may take.
pub(super) fn timeout(item: Item<'_>) -> Result<Duration, Wrong> {
    let timeout = item.duration("30s")?.value;
    if timeout.is_zero() {
        return item
            .wrong("`timeout` is zero; write how long the program may take, such as \"30s\"");
    }
    Ok(timeout)
}
