//! Environments become the virtual routers that `tests/good.txt` says, or the sentences of `tests/bad.txt`.

use std::{ffi::OsString, fs};

use tempfile::TempDir;
use vrrp_core::{Hear, Preempt, Protocol, Role, Transport};

use super::*;
use crate::config::RouterConfig;

const GOOD: &str = include_str!("tests/good.txt");
const BAD: &str = include_str!("tests/bad.txt");

/// Reads lines of `NAME=VALUE`, where `@` is the directory `root`.
fn read(lines: &str, root: &TempDir) -> Reading {
    let at = root.path().to_str().unwrap();
    let variable = |line: &str| {
        let (name, value) = line.split_once('=').unwrap();
        (name.into(), value.replace("\\n", "\n").replace('@', at).into())
    };
    let process: Vec<(OsString, OsString)> =
        lines.lines().filter(|line| !line.is_empty()).map(variable).collect();
    read_from(process, root.path())
}

/// What the lines mean, in words; `@` is the directory again.
fn told(lines: &str, root: &TempDir) -> String {
    let reading = read(lines, root);
    let notes = reading.notes.iter().map(ToString::to_string);
    let said: Vec<String> = match &reading.config {
        Ok(config) => config.routers.iter().map(describe).chain(notes).collect(),
        Err(errors) => notes.chain([errors.to_string()]).collect(),
    };
    said.join("\n").replace(root.path().to_str().unwrap(), "@")
}

fn describe(config: &RouterConfig) -> String {
    let router = &config.router;
    let role = match router.configured_role() {
        Role::Owner => "owner".to_owned(),
        Role::Contender { priority, preempt: Preempt::Always } => format!("{} preempting", priority.get()),
        Role::Contender { priority, preempt: Preempt::Never } => format!("{} nopreempt", priority.get()),
        Role::Contender { priority, preempt: Preempt::After(delay) } => {
            format!("{} preempting after {delay:?}", priority.get())
        }
    };
    let password = match router.protocol() {
        Protocol::V2 { password: Some(password), .. } => {
            format!(" password {:?}", String::from_utf8_lossy(&password.octets()).trim_end_matches('\0'))
        }
        _ => String::new(),
    };
    let transport = match router.transport() {
        Transport::Multicast => "multicast".to_owned(),
        Transport::Unicast { peers, hear } => {
            let peer = |peer: &vrrp_core::Peer| match peer.min_ttl {
                255 => peer.address.to_string(),
                ttl => format!("{} (hop limit {ttl})", peer.address),
            };
            let peers: Vec<String> = peers.iter().map(peer).collect();
            let hear = if *hear == Hear::Any { " and any" } else { "" };
            format!("peers {}{hear}", peers.join(" "))
        }
    };
    let source = router.pinned_source().map(|source| format!(" from {source}")).unwrap_or_default();
    let addresses: Vec<String> = router.addresses().map(|address| address.to_string()).collect();
    format!(
        "{} on {}: v{} vrid {} every {:?} {role}{password}, {}, {transport}{source}",
        config.name,
        config.interface,
        router.version(),
        router.vrid(),
        router.interval().duration(),
        addresses.join(" "),
    )
}

/// `## NAME`, the variables, `-- says`, what is said.
fn check_table(table: &str, least: usize, good: bool) {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("password"), "fr0m file\n\n").unwrap();
    fs::write(root.path().join("peers"), "192.0.2.2\n192.0.2.3\n").unwrap();
    let cases: Vec<&str> = table.split("## ").skip(1).collect();
    assert!(cases.len() >= least, "the table is cut short: {}", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let (name, rest) = case.split_once('\n').unwrap();
        let (lines, expected) = rest.split_once("-- says\n").unwrap();
        assert_eq!(read(lines, &root).config.is_ok(), good, "{name}: {}", told(lines, &root));
        let found = told(lines, &root);
        if found != expected.trim_end() {
            wrong.push(format!("## {name}\n{lines}-- says\n{found}\n"));
        }
    }
    assert!(wrong.is_empty(), "these say something else:\n\n{}", wrong.join("\n"));
}

#[test]
fn good_environments_make_the_virtual_routers_of_the_table() {
    check_table(GOOD, 40, true);
}

#[test]
fn bad_environments_are_told_what_is_wrong() {
    check_table(BAD, 55, false);
}
