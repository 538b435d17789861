//! A short file that means what a configuration means: a key that has its default is not in it.

use std::{io, path::Path};

use toml::{Table, Value};

use super::{
    effective::{Effective, Secrets},
    plan::Config,
    script::NOTIFY,
};

/// What is written whatever its value is.
const ALWAYS: &[&str] = &[
    "name",
    "interface",
    "vrid",
    "addresses",
    "extra_addresses",
    "routes",
    "version",
    "password",
    "track",
    "members",
    "http",
    "tcp",
    "dns",
    "command",
    "user",
    "file",
    "process",
    "route",
];

/// Writes `config` as a short file, with its passwords.
///
/// # Errors
/// The format cannot express it.
pub(crate) fn brief(config: &Config) -> Result<String, toml::ser::Error> {
    let full = table(config)?;
    let least = least(&full);
    // Which defaults there are depends on the rest, and only the reader knows all of it.
    let text = toml::to_string(&least)?;
    let Ok(again) = Config::parse_with(Path::new("vrrp.toml"), &text, no_file) else {
        return toml::to_string(&full);
    };
    toml::to_string(&between(&full, &least, &table(&again)?))
}

fn table(config: &Config) -> Result<Table, toml::ser::Error> {
    Table::try_from(Effective::new(config, Secrets::Written))
}

/// An effective configuration names no file that would be read.
fn no_file(_: &Path) -> io::Result<Vec<u8>> {
    Err(io::ErrorKind::NotFound.into())
}

/// The least that can be said of every virtual router, check and group.
fn least(full: &Table) -> Table {
    let things = full.iter().filter_map(|(kind, value)| Some((kind, value.as_array()?)));
    let least = |thing: &Table| {
        let said = thing.iter().filter_map(|(key, value)| Some((key.clone(), plain(key, value)?)));
        Value::Table(said.collect())
    };
    things
        .map(|(kind, things)| {
            let things = things.iter().filter_map(Value::as_table).map(least);
            (kind.clone(), Value::Array(things.collect()))
        })
        .collect()
}

/// The shortest form of what is said; `None` where nothing need be.
fn plain(key: &str, value: &Value) -> Option<Value> {
    let of_table = |value: &Value, part: &str| value.get(part).cloned();
    match key {
        "peers" => {
            let peers = value.as_array()?.iter().filter_map(|peer| of_table(peer, "address"));
            Some(Value::Array(peers.collect()))
        }
        "before_active" => of_table(value, "command"),
        key if NOTIFY.iter().any(|(notify, _)| *notify == key) => of_table(value, "command"),
        key if ALWAYS.contains(&key) => Some(value.clone()),
        _ => None,
    }
}

/// What of `full` is not in force anyway. `meant` is what `least` means.
fn between(full: &Table, least: &Table, meant: &Table) -> Table {
    let mut left = Table::new();
    for (kind, value) in full {
        match value {
            Value::Array(things) => {
                let each = things.iter().enumerate().map(|(number, thing)| {
                    let of = |table: &Table| table.get(kind)?.get(number)?.as_table().cloned();
                    match (thing.as_table(), of(least), of(meant)) {
                        (Some(thing), Some(least), Some(meant)) => {
                            Value::Table(keys(thing, &least, &meant))
                        }
                        _ => thing.clone(),
                    }
                });
                left.insert(kind.clone(), Value::Array(each.collect()));
            }
            Value::Table(keys_of) => {
                let meant = meant.get(kind).and_then(Value::as_table).cloned().unwrap_or_default();
                let keys = keys(keys_of, &Table::new(), &meant);
                if !keys.is_empty() {
                    left.insert(kind.clone(), Value::Table(keys));
                }
            }
            other => drop(left.insert(kind.clone(), other.clone())),
        }
    }
    left
}

/// The keys of a thing that are not what they are anyway, in their shortest form.
fn keys(full: &Table, least: &Table, meant: &Table) -> Table {
    let key = |(key, value): (&String, &Value)| {
        let short = meant.get(key).is_some_and(|meant| meant == value);
        let value = if short { least.get(key)? } else { value };
        Some((key.clone(), value.clone()))
    };
    full.iter().filter_map(key).collect()
}
