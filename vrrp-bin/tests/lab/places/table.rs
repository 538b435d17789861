//! The addresses and routes of a host's kernel, each as a line of words, without what differs by
//! chance.

use std::process::Command;

use libtest_mimic::Failed;
use serde_json::Value;
use vrrp_net::lab::Host;

use crate::support::check;

/// `INFINITY_LIFE_TIME` of the kernel.
const FOREVER: u64 = 0xffff_ffff;
/// What both programs ask for, and says nothing of an IPv4 address.
const UNTOLD: &str = "nodad";

/// All lines of a host, in order.
///
/// ```text
/// address eth1 10.0.1.100/24 scope global label eth1:web | deprecated metric=1987211888
/// route unicast 198.51.100.0/24 via 10.0.1.254 dev eth1 | proto=112 scope=global
/// ```
///
/// After the bar is what a program says of it besides what its user asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Table(Vec<String>);

impl Table {
    /// Reads it. What comes from one of `own` comes from "own".
    pub(crate) fn of(host: &Host, own: &[&str]) -> Result<Self, Failed> {
        host.run(|| {
            let mut lines = Vec::new();
            for link in entries("-d -j address show")? {
                let name = link["ifname"].as_str().unwrap_or_default();
                let addresses = link["addr_info"].as_array().cloned().unwrap_or_default();
                lines.extend(addresses.iter().map(|entry| address(name, entry)));
            }
            for family in ["-4", "-6"] {
                let routes = entries(&format!("{family} -d -j route show table all"))?;
                lines.extend(routes.iter().filter_map(|entry| route(entry, own)));
            }
            lines.sort();
            Ok(Self(lines))
        })?
    }

    /// What is there and was not before, and what is not and was.
    pub(crate) fn since(&self, before: &Self) -> Vec<String> {
        let new = without(&self.0, &before.0);
        let gone = without(&before.0, &self.0).into_iter().map(|line| format!("gone: {line}"));
        new.into_iter().chain(gone).collect()
    }
}

/// The lines of `these` without as many of the same in `those`.
pub(crate) fn without(these: &[String], those: &[String]) -> Vec<String> {
    let mut those = those.to_vec();
    let mut left = these.to_vec();
    left.retain(|line| match those.iter().position(|other| other == line) {
        Some(index) => {
            those.swap_remove(index);
            false
        }
        None => true,
    });
    left
}

/// What `ip` lists in the calling thread's host.
fn entries(arguments: &str) -> Result<Vec<Value>, Failed> {
    let output = Command::new("ip").args(arguments.split_whitespace()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    check(output.status.success(), format!("ip {arguments}: {said}"))?;
    if output.stdout.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    let list: Value = serde_json::from_slice(&output.stdout)?;
    Ok(list.as_array().cloned().unwrap_or_default())
}

fn address(interface: &str, entry: &Value) -> String {
    let text = |key: &str| entry[key].as_str();
    let local = text("local").unwrap_or_default();
    let mut line = format!("address {interface} {local}/{}", entry["prefixlen"]);
    if let Some(broadcast) = text("broadcast") {
        line += &format!(" brd {broadcast}");
    }
    line += &format!(" scope {}", text("scope").unwrap_or_default());
    // The kernel names each that has none of its own by its interface.
    if let Some(label) = text("label").filter(|label| *label != interface) {
        line += &format!(" label {label}");
    }
    let flags = entry.as_object().into_iter().flatten().filter(|(_, is)| **is == Value::Bool(true));
    let mut marks: Vec<String> = flags.map(|(flag, _)| flag.clone()).collect();
    marks.retain(|flag| flag != UNTOLD);
    if let Some(metric) = entry["metric"].as_u64() {
        marks.push(format!("metric={metric}"));
    }
    if entry["valid_life_time"].as_u64().is_some_and(|seconds| seconds < FOREVER) {
        marks.push("expires".to_owned());
    }
    marked(line, marks)
}

/// `None` of a route that has expired: the kernel does not use it, and shows it for some time.
fn route(entry: &Value, own: &[&str]) -> Option<String> {
    let text = |key: &str| entry[key].as_str();
    let expires = entry["expires"].as_i64();
    if expires.is_some_and(|seconds| seconds <= 0) {
        return None;
    }
    let kind = text("type").unwrap_or("unicast");
    let mut line = format!("route {kind} {}", text("dst").unwrap_or_default());
    for (key, word) in [("gateway", "via"), ("dev", "dev"), ("table", "table")] {
        if let Some(value) = text(key).filter(|value| *value != "main") {
            line += &format!(" {word} {value}");
        }
    }
    if let Some(metric) = entry["metric"].as_u64() {
        line += &format!(" metric {metric}");
    }
    let mut marks = Vec::new();
    for (key, word) in [("protocol", "proto"), ("scope", "scope"), ("prefsrc", "src")] {
        if let Some(value) = text(key) {
            let value = if key == "prefsrc" && own.contains(&value) { "own" } else { value };
            marks.push(format!("{word}={value}"));
        }
    }
    if expires.is_some() {
        marks.push("expires".to_owned());
    }
    if !entry["nexthops"].is_null() {
        marks.push(format!("nexthops={}", entry["nexthops"]));
    }
    Some(marked(line, marks))
}

/// A line with its marks, in order.
pub(crate) fn marked(line: String, mut marks: Vec<String>) -> String {
    marks.sort();
    if marks.is_empty() { line } else { format!("{line} | {}", marks.join(" ")) }
}
