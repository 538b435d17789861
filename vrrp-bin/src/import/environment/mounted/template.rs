//! Variables in a file of keepalived's, as the images fill them in. Here they become variables of
//! the file itself, so that its lines stay where they are.

use vrrp_core::Cidr;

use super::Marks;
use crate::{
    config::{Place, Wrong},
    import::{
        address::{OPTIONS, UNSUPPORTED},
        environment::{
            common::first_word,
            reader::{Empty, Reader},
            scripts,
            style::Style,
        },
    },
};

/// What the images put in where nothing is set.
const DEFAULTS: &[(Style, &str, &str)] = &[
    (Style::Osixia, "KEEPALIVED_INTERFACE", "eth0"),
    (Style::Osixia, "KEEPALIVED_STATE", "BACKUP"),
    (Style::Osixia, "KEEPALIVED_ROUTER_ID", "51"),
    (Style::Osixia, "KEEPALIVED_PRIORITY", "150"),
    (Style::Osixia, "KEEPALIVED_PASSWORD", "d0cker"),
    (Style::Ednxzu, "INTERFACE", "eth0"),
    (Style::Ednxzu, "STATE", "BACKUP"),
    (Style::Ednxzu, "ROUTER_ID", "50"),
    (Style::Ednxzu, "PRIORITY", "100"),
    (Style::Ednxzu, "ADVERTISE_INTERVAL", "1"),
    (Style::Ednxzu, "PASSWORD", "password"),
    (Style::Ednxzu, "NOTIFY", "/notify.sh"),
];

/// A line of ednxzu's for which the image has an address of the host, which is our default, too.
const SOURCE: (&str, &str) = ("unicast_src_ip", "UNICAST_SRC_IP");
/// Without peers the image takes that line out.
const PEERS: &str = "UNICAST_PEERS";

/// A file, and the values of the variables in it.
pub(super) struct Filled {
    pub(super) text: String,
    pub(super) defined: Vec<(String, String)>,
}

/// Finds the variables that stand in `text`, which is the content of `file`.
///
/// # Errors
/// One of them has no value that can stand there, which was reported.
pub(super) fn fill(
    style: Style,
    marks: Marks,
    file: &Place,
    text: String,
    reader: &mut Reader,
) -> Result<Filled, Wrong> {
    let text = match marks {
        Marks::Nowhere => return Ok(Filled { text, defined: Vec::new() }),
        Marks::Braces => unbraced(&text),
        Marks::Shell if style == Style::Ednxzu => without_source(&text, reader),
        Marks::Shell => text,
    };
    let mut names: Vec<String> =
        style.names().fixed.iter().map(|name| (*name).to_owned()).collect();
    if marks == Marks::Shell {
        // Whatever is set may stand there, and what is not set leaves nothing.
        names.extend(reader.names());
        names.extend(references(&text));
    }
    names.sort();
    names.dedup();
    names.retain(|name| mentions(&text, name));
    // Each is looked at before the first that is wrong ends it.
    let values: Vec<_> =
        names.into_iter().map(|name| Ok((value(style, &name, file, reader)?, name))).collect();
    let defined = values.into_iter().map(|found| found.map(|(value, name)| (name, value)));
    Ok(Filled { text, defined: defined.collect::<Result<_, Wrong>>()? })
}

/// Whether the value of `name` is in what stands for `other`.
pub(super) fn is_in(name: &str, other: &str) -> bool {
    (name, other) == ("KEEPALIVED_NOTIFY_SCRIPT", "KEEPALIVED_NOTIFY")
}

/// `text` with `${NAME}` for each `{{ NAME }}`.
fn unbraced(text: &str) -> String {
    let (mut done, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("{{") {
        done.push_str(before);
        let name = after.split_once("}}").map(|(name, rest)| (name.trim(), rest));
        match name.filter(|(name, _)| is_name(name)) {
            Some((name, behind)) => {
                done.push_str(&format!("${{{name}}}"));
                rest = behind;
            }
            None => {
                done.push_str("{{");
                rest = after;
            }
        }
    }
    done + rest
}

/// `text` with an empty line in place of the source, where there is none or nobody to send to.
fn without_source(text: &str, reader: &Reader) -> String {
    if !reader.is_empty(SOURCE.1) && !reader.is_empty(PEERS) {
        return text.to_owned();
    }
    let is_source = |line: &str| line.contains(SOURCE.0) && mentions(line, SOURCE.1);
    let lines = text.split('\n').map(|line| if is_source(line) { "" } else { line });
    lines.collect::<Vec<_>>().join("\n")
}

/// The names in `${NAME}`, but for those that the file sets itself, and keepalived's own.
fn references(text: &str) -> Vec<String> {
    let inner = text.split("${").skip(1).filter_map(|after| after.split_once('}'));
    let is_set = |name: &str| {
        let definition = format!("${name}=");
        text.lines().any(|line| line.trim_start().starts_with(&definition))
    };
    let names = inner.map(|(name, _)| name).filter(|name| is_name(name) && !is_set(name));
    names.filter(|name| !name.starts_with('_')).map(str::to_owned).collect()
}

/// Whether `$NAME` or `${NAME}` occurs in `text`.
fn mentions(text: &str, name: &str) -> bool {
    text.split('$').skip(1).any(|after| {
        let (inner, end) = match after.strip_prefix('{') {
            Some(inner) => (inner, Some('}')),
            None => (after, None),
        };
        let Some(behind) = inner.strip_prefix(name) else { return false };
        match end {
            Some(end) => behind.starts_with(end),
            None => !behind.starts_with(is_of_name),
        }
    })
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_of_name)
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// What stands for `name`.
fn value(style: Style, name: &str, file: &Place, reader: &mut Reader) -> Result<String, Wrong> {
    match (style, name) {
        (_, "KEEPALIVED_UNICAST_PEERS" | PEERS) => hosts(style, name, file, reader),
        (_, "KEEPALIVED_VIRTUAL_IPS" | "VIRTUAL_IPS") => addresses(name, file, reader),
        (Style::Osixia, "KEEPALIVED_NOTIFY") => {
            let script = scripts::named_by_osixia(reader);
            Ok(script.map_or_else(String::new, |path| format!("notify \"{path}\"")))
        }
        _ => single(style, name, file, reader),
    }
}

/// One peer a line.
fn hosts(style: Style, name: &str, file: &Place, reader: &mut Reader) -> Result<String, Wrong> {
    if style == Style::Ednxzu && reader.is_empty(name) {
        return Ok(String::new());
    }
    let words = entries(name, "192.0.2.2 192.0.2.3", file, reader)?;
    Ok(words.concat().join("\n"))
}

/// One address a line, with what follows it.
fn addresses(name: &str, file: &Place, reader: &mut Reader) -> Result<String, Wrong> {
    let mut text = String::new();
    for words in entries(name, "192.0.2.10/24", file, reader)? {
        let mut is_value = false;
        for (number, word) in words.iter().enumerate() {
            let begins = number == 0 || !is_value && word.parse::<Cidr>().is_ok();
            text.push(if begins { '\n' } else { ' ' });
            text.push_str(word);
            is_value = OPTIONS.contains(&word.as_str())
                || UNSUPPORTED.iter().any(|(known, has_value)| *has_value && known == word);
        }
    }
    Ok(text.trim_start().to_owned())
}

/// The entries of a list that the file asks for.
fn entries(
    name: &str,
    example: &str,
    file: &Place,
    reader: &mut Reader,
) -> Result<Vec<Vec<String>>, Wrong> {
    let Some(entries) = reader.entries(name, example)? else {
        let message =
            format!("{file} asks for this, and it is not set; write for example {example}");
        reader.missing(name, message);
        return Err(Wrong);
    };
    Ok(entries)
}

fn single(style: Style, name: &str, file: &Place, reader: &mut Reader) -> Result<String, Wrong> {
    let found = reader.text(name, Empty::Absent).optional()?;
    match found.map(|found| found.value) {
        Some(text) if text.contains(['\n', '\r']) => {
            reader.wrong(name, "this has more than one line; write one")
        }
        // Of a password, what follows it is never repeated.
        Some(text) if name.contains("PASS") => Ok(first_word(reader, name, &text).to_owned()),
        Some(text) => Ok(text),
        None if name == "VRRP_INSTANCE" => {
            Ok(reader.plain("HOSTNAME").unwrap_or("main").to_owned())
        }
        None if !style.knows(name) && !reader.is_set(name) => {
            let message = format!("this stands in {file} and is not set; nothing is put there");
            reader.warn(name, message);
            Ok(String::new())
        }
        None => {
            let default = DEFAULTS.iter().find(|(of, known, _)| *of == style && *known == name);
            Ok(default.map_or_else(String::new, |(_, _, value)| (*value).to_owned()))
        }
    }
}
