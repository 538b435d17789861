//! The values of a `[[virtual_router]]` that need more than a type: `None` if one is wrong.

use std::{path::Path, time::Duration};

use vrrp_core::{Announcements, ConfigError, Password, Preempt, Priority, Role};

use super::{
    addresses::Addresses,
    keys,
    problem::{At, Problems, describe},
    section::{Item, Optional, Section},
};

/// An interface name as the kernel allows it.
pub(super) fn interface<'a>(item: Item<'a>, problems: &mut Problems) -> Option<At<&'a str>> {
    let name = item.text(problems, "eth0")?;
    if name.value == "auto" {
        problems.add(
            item.at,
            "interface = \"auto\" is not supported in this version; name the interface",
        );
        return None;
    }
    if !is_interface_name(name.value) {
        let message = format!(
            "`interface` is {:?}, which cannot be an interface; write its name as `ip link` shows \
             it",
            name.value
        );
        problems.add(item.at, message);
        return None;
    }
    Some(name)
}

/// Whether the kernel could have an interface of this name.
pub(crate) fn is_interface_name(name: &str) -> bool {
    let wrong = |c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control();
    !name.is_empty() && name.len() <= 15 && !name.contains(wrong) && ![".", ".."].contains(&name)
}

/// Whether `name` fits into a line of a log and into the path of a URL.
pub(crate) fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-:@".contains(c);
    !name.is_empty() && name.len() <= 64 && name.chars().all(fits)
}

/// The name of a virtual router.
pub(super) fn name<'a>(
    item: Item<'a>,
    addresses: Option<&Addresses>,
    problems: &mut Problems,
) -> Option<At<&'a str>> {
    let name = item.text(problems, "web")?;
    let only_ipv6 = addresses.is_some_and(|addresses| addresses.ipv4.is_empty());
    let stem =
        if only_ipv6 { name.value.strip_suffix("/v6").unwrap_or(name.value) } else { name.value };
    if !is_name(stem) {
        let message = format!(
            "`name` is {:?}; write 1 to 64 letters, digits and any of . _ - : @, such as \"web\"",
            name.value
        );
        problems.add(item.at, message);
        return None;
    }
    Some(name)
}

/// 2 or 3.
pub(super) fn version(item: Item<'_>, problems: &mut Problems) -> Option<u8> {
    if item.as_text() == Some("2+3") {
        problems.add(item.at, "version = \"2+3\" is not supported in this version; write 2 or 3");
        return None;
    }
    let version: At<u8> = item.number(problems, "write 2 or 3", 3)?;
    if !matches!(version.value, 2 | 3) {
        problems.add(item.at, format!("`version` is {}; write 2 or 3", version.value));
        return None;
    }
    Some(version.value)
}

/// `priority` and `preempt`, which do not go together for the owner.
pub(super) fn role(section: &Section<'_>, problems: &mut Problems) -> Option<Role> {
    let preempt = section.or("preempt", Preempt::Always, |item| preempt(item, problems));
    let Some(item) = section.get("priority") else {
        return Some(Role::Contender { priority: Priority::DEFAULT, preempt: preempt? });
    };
    match item.as_text() {
        Some("owner") => {
            if preempt? != Preempt::Always {
                let at = section.get("preempt").map_or(item.at, |item| item.at);
                problems.add(
                    at,
                    "the owner of the addresses always preempts (RFC 9568 6.1); remove `preempt`",
                );
                return None;
            }
            Some(Role::Owner)
        }
        Some(text) => {
            problems.add(
                item.at,
                format!("`priority` is {text:?}; write a number from 1 to 254, or \"owner\""),
            );
            None
        }
        None if item.is_integer() => {
            let rule =
                "write a number from 1 to 254, or \"owner\" (255) if this host owns the addresses";
            let priority: At<Priority> = item.number(problems, rule, 100)?;
            Some(Role::Contender { priority: priority.value, preempt: preempt? })
        }
        None => {
            item.wrong_type(problems, "a number from 1 to 254, or \"owner\"", "100");
            None
        }
    }
}

fn preempt(item: Item<'_>, problems: &mut Problems) -> Option<Preempt> {
    match (item.as_bool(), item.as_text()) {
        (Some(true), _) => Some(Preempt::Always),
        (Some(false), _) => Some(Preempt::Never),
        (None, Some(_)) => match item.duration(problems, "30s")?.value {
            Duration::ZERO => Some(Preempt::Always),
            delay => Some(Preempt::After(delay)),
        },
        (None, None) => {
            item.wrong_type(problems, "true, false or a delay", "\"30s\"");
            None
        }
    }
}

/// `password` or the content of `password_file`. Neither is ever repeated in a message.
pub(super) fn password(
    section: &Section<'_>,
    directory: &Path,
    problems: &mut Problems,
) -> Optional<At<Password>> {
    let (inline, file) = (section.get("password"), section.get("password_file"));
    let (item, octets) = match (inline, file) {
        (None, None) => return Some(None),
        (Some(_), Some(file)) => {
            problems
                .add(file.at, "there is a `password` and a `password_file`; remove one of them");
            return None;
        }
        (Some(item), None) => {
            (item, item.text(problems, "secret").map(|text| text.value.as_bytes().to_vec()))
        }
        (None, Some(item)) => (item, password_file(item, directory, problems)),
    };
    let octets = octets?;
    let message =
        |error: ConfigError| format!("`{}` holds {} octets; {error}", item.name, octets.len());
    let value = problems.check(item.at, Password::try_from(octets.as_slice()), message)?;
    Some(Some(At { at: item.at, value }))
}

fn password_file(item: Item<'_>, directory: &Path, problems: &mut Problems) -> Option<Vec<u8>> {
    let path = directory.join(item.text(problems, "/etc/vrrp/password")?.value);
    let message = |error: std::io::Error| {
        format!(
            "`password_file` {} cannot be read: {}; create it or correct the path",
            path.display(),
            describe(&error)
        )
    };
    let mut octets = problems.check(item.at, std::fs::read(&path), message)?;
    while octets.last().is_some_and(|octet| matches!(octet, b'\n' | b'\r')) {
        octets.pop();
    }
    Some(octets)
}

/// `announce = { repeat = [...], refresh = "..." }`; a refresh of "0s" is none.
pub(super) fn announcements(
    section: &Section<'_>,
    problems: &mut Problems,
) -> Option<Announcements> {
    let defaults = Announcements::default();
    let Some(item) = section.get("announce") else { return Some(defaults) };
    let Some(announce) = item.as_section(&keys::ANNOUNCE, problems) else {
        item.wrong_type(
            problems,
            "a table",
            "{ repeat = [\"0s\", \"1s\", \"5s\"], refresh = \"60s\" }",
        );
        return None;
    };
    let refresh = announce.or("refresh", defaults.refresh(), |item| refresh(item, problems));
    let Some(item) = announce.get("repeat") else {
        let repeat: Vec<Duration> = (0..).map_while(|step| defaults.delay(step)).collect();
        return Announcements::new(&repeat, refresh?).ok();
    };
    let delays = item.list(problems, "[\"0s\", \"1s\", \"5s\"]")?;
    let repeat: Option<Vec<Duration>> =
        delays.iter().map(|delay| Some(delay.duration(problems, "1s")?.value)).collect();
    problems.check(item.at, Announcements::new(&repeat?, refresh?), |error| {
        format!("`repeat` cannot be used; {error}")
    })
}

/// How often after the burst; absent is never.
fn refresh(item: Item<'_>, problems: &mut Problems) -> Optional<Duration> {
    let every = item.duration(problems, "60s")?.value;
    if every > Duration::ZERO && every < Duration::from_secs(1) {
        problems.add(
            item.at,
            "`refresh` is shorter than a second; write \"1s\" or more, or \"0s\" for never",
        );
        return None;
    }
    Some((every > Duration::ZERO).then_some(every))
}
