//! What differs between two configurations, as sentences.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    effective::{Effective, Secrets},
    plan::Config,
    router::RouterKey,
};

/// What stands where a key has no value.
const NOTHING: &str = "none";
/// The key whose value nobody is shown.
const SECRET: &str = "password";

/// What makes `new` another configuration than `old`: one line for each key of a virtual router, a
/// check, a group or the daemon. Passwords are compared, and not shown.
///
/// A virtual router is the same one as long as its interface, VRID and family are, whatever its name
/// is; a check and a group are known by their names.
pub(crate) fn differences(old: &Config, new: &Config) -> Vec<String> {
    let (old, new) = (Sections::of(old), Sections::of(new));
    let mut lines = old.routers.compare(&new.routers);
    lines.extend(old.checks.compare(&new.checks));
    lines.extend(old.groups.compare(&new.groups));
    lines.extend(keys("[daemon]", &old.daemon, &new.daemon));
    lines
}

/// A configuration, by what it speaks of.
struct Sections<'a> {
    routers: List<RouterKey<'a>>,
    checks: List<String>,
    groups: List<String>,
    daemon: Map<String, Value>,
}

/// What a configuration has several of.
struct List<K>(Vec<Section<K>>);

/// One of them.
struct Section<K> {
    /// What it is known by.
    known_by: K,
    /// How people call it.
    title: String,
    keys: Map<String, Value>,
}

impl<'a> Sections<'a> {
    fn of(config: &'a Config) -> Self {
        // What cannot be written differs from nothing.
        let effective = serde_json::to_value(Effective::new(config, Secrets::Written));
        let mut sections = object(effective.unwrap_or_default());
        let mut list = |name: &str| match sections.remove(name) {
            Some(Value::Array(items)) => items.into_iter().map(object).collect(),
            Some(_) | None => Vec::new(),
        };
        let named = |kind: &str, items: Vec<Map<String, Value>>| {
            let section = |keys: Map<String, Value>| {
                let name = keys.get("name").map(shown).unwrap_or_default();
                Section { title: format!("{kind} {name}"), known_by: name, keys }
            };
            List(items.into_iter().map(section).collect())
        };
        let routers = config.routers.iter().zip(list("virtual_router"));
        let routers = routers.map(|(router, mut keys)| {
            keys.insert("name".to_owned(), router.name.clone().into());
            Section { known_by: router.key(), title: router.name.clone(), keys }
        });
        Self {
            routers: List(routers.collect()),
            checks: named("check", list("check")),
            groups: named("group", list("group")),
            daemon: sections.remove("daemon").map(object).unwrap_or_default(),
        }
    }
}

impl<K: PartialEq> List<K> {
    fn compare(&self, new: &Self) -> Vec<String> {
        let of = |list: &Self, key: &K| list.0.iter().position(|section| section.known_by == *key);
        let is_gone = |section: &&Section<K>| of(new, &section.known_by).is_none();
        let gone = self.0.iter().filter(is_gone);
        let mut lines: Vec<String> =
            gone.map(|Section { title, .. }| format!("{title}: removed")).collect();
        for Section { known_by, title, keys: after } in &new.0 {
            match of(self, known_by).and_then(|at| self.0.get(at)) {
                Some(before) => lines.extend(keys(title, &before.keys, after)),
                None => lines.push(format!("{title}: added")),
            }
        }
        lines
    }
}

/// A line for each key that has another value.
fn keys(title: &str, old: &Map<String, Value>, new: &Map<String, Value>) -> Vec<String> {
    let all: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differs = |key: &&String| old.get(*key) != new.get(*key);
    let line = |key: &String| {
        if key == SECRET {
            return format!("{title}: {key} is another");
        }
        let value = |of: &Map<String, Value>| of.get(key).map_or_else(|| NOTHING.to_owned(), shown);
        format!("{title}: {key} {} -> {}", value(old), value(new))
    };
    all.into_iter().filter(differs).map(line).collect()
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn config(text: &str) -> Config {
        Config::parse(Path::new("f.toml"), text).unwrap()
    }

    fn router(name: &str, vrid: u8, more: &str) -> String {
        format!(
            "[[virtual_router]]\nname = \"{name}\"\ninterface = \"eth0\"\nvrid = {vrid}\n\
             addresses = [\"192.0.2.{vrid}/24\"]\n{more}\n"
        )
    }

    #[test]
    fn the_same_differs_in_nothing() {
        let text = router("web", 51, "priority = 200");
        // Neither comments nor the order of keys are anything.
        let other = format!("# The same.\n{}", router("web", 51, "preempt = true\npriority = 200"));
        assert_eq!(differences(&config(&text), &config(&other)), [""; 0]);
    }

    #[test]
    fn each_key_that_differs_is_a_line() {
        let old = router("web", 51, "priority = 200\nversion = 2\npassword = \"one\"")
            + &router("db", 52, "track = [\"up\"]")
            + "[[check]]\nname = \"up\"\nfile = \"/run/up\"\n";
        let new = router("www", 51, "priority = 100\nversion = 2\npassword = \"two\"")
            + &router("mail", 53, "track = [\"up\"]")
            + "[[check]]\nname = \"up\"\nfile = \"/run/up\"\nrise = 5\n"
            + "[daemon]\ncontrol = \"/run/other.sock\"\n";
        let expected = [
            "db: removed",
            "www: name web -> www",
            "www: password is another",
            "www: priority 200 -> 100",
            "mail: added",
            "check up: rise 2 -> 5",
            "[daemon]: control /run/vrrp/control.sock -> /run/other.sock",
        ];
        assert_eq!(differences(&config(&old), &config(&new)), expected);
    }
}
