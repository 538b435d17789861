//! The values of a `[[virtual_router]]` that need more than a type.

use std::time::Duration;

use vrrp_core::{Announcements, Checksum, ConfigError, Look, Password, Preempt, Vrid};

use super::{
    keys,
    section::{Item, Section},
};
use crate::config::{
    draft::{Rank, Version},
    found::{Found, Wrong},
    place::Located,
    rules::{self, preempt_after},
    sentence::{Notation, describe},
};

/// The checksums of VRRPv3 for IPv4.
pub(super) const CHECKSUMS: &[(&str, Checksum)] =
    &[("auto", Checksum::Auto), ("rfc9568", Checksum::Rfc9568), ("rfc5798", Checksum::Rfc5798)];

pub(super) const LOOKS: &[(&str, Look)] =
    &[("warn", Look::Warn), ("hold", Look::Hold), ("off", Look::Off)];

/// 1 to 255.
pub(super) fn vrid(item: Item<'_>) -> Result<Located<Vrid>, Wrong> {
    Ok(item.locate(item.number(&ConfigError::Vrid.to_string(), 51)?))
}

/// 2 or 3.
pub(super) fn version(item: Item<'_>) -> Result<Version, Wrong> {
    if item.as_text() == Some("2+3") {
        return item.wrong("version = \"2+3\" is not supported in this version; write 2 or 3");
    }
    match item.number("write 2 or 3", 3)? {
        2_u8 => Ok(Version::V2),
        3 => Ok(Version::V3),
        other => item.wrong(format!("`version` is {other}; write 2 or 3")),
    }
}

/// 1 to 254, or "owner".
pub(super) fn priority(item: Item<'_>) -> Result<Located<Rank>, Wrong> {
    let rank = match item.as_text() {
        Some("owner") => Rank::Owner,
        Some(text) => {
            return item.wrong(format!(
                "`priority` is {text:?}; write a number from 1 to 254, or \"owner\""
            ));
        }
        None if item.is_integer() => {
            let rule =
                "write a number from 1 to 254, or \"owner\" (255) if this host owns the addresses";
            Rank::Contender(item.number(rule, 100)?)
        }
        None => return item.wrong_type("a number from 1 to 254, or \"owner\"", "100"),
    };
    Ok(item.locate(rank))
}

/// A switch or a delay.
pub(super) fn preempt(item: Item<'_>) -> Result<Located<Preempt>, Wrong> {
    let preempt = match (item.as_bool(), item.as_text()) {
        (Some(true), _) => Preempt::Always,
        (Some(false), _) => Preempt::Never,
        (None, Some(_)) => preempt_after(item.duration("30s")?.value),
        (None, None) => return item.wrong_type("true, false or a delay", "\"30s\""),
    };
    Ok(item.locate(preempt))
}

/// `password` or the content of `password_file`. Neither is ever repeated in a message.
pub(super) fn password(section: &Section<'_>) -> Found<Located<Password>> {
    let inline =
        section.read("password", |item| Ok((item, item.text("secret")?.as_bytes().to_vec())));
    let file = section.read("password_file", |item| {
        if section.get("password").is_some() {
            return item.wrong("`password` and `password_file` are both set; remove one of them");
        }
        Ok((item, password_file(item)?))
    });
    let found = if matches!(file, Found::Absent) { inline } else { file };
    found.and_then(|(item, octets)| {
        let subject = Notation::Toml.subject(item.name);
        let password = item.check(rules::password(&subject, &octets), |message| message)?;
        Ok(item.locate(password))
    })
}

fn password_file(item: Item<'_>) -> Result<Vec<u8>, Wrong> {
    let path = item.text("/etc/vrrp/password")?;
    let (path, content) = item.source.read_beside(path);
    let message = |error: std::io::Error| {
        format!(
            "`password_file` {} cannot be read: {}; create it or correct the path",
            path.display(),
            describe(&error)
        )
    };
    let mut octets = item.check(content, message)?;
    while octets.last().is_some_and(|octet| matches!(octet, b'\n' | b'\r')) {
        octets.pop();
    }
    Ok(octets)
}

/// `announce = { repeat = [...], refresh = "..." }`; a refresh of "0s" is none.
pub(super) fn announcements(item: Item<'_>) -> Result<Announcements, Wrong> {
    let defaults = Announcements::default();
    let Some(announce) = item.as_section(&keys::ANNOUNCE) else {
        let example = "{ repeat = [\"0s\", \"1s\", \"5s\"], refresh = \"60s\" }";
        return item.wrong_type("a table", example);
    };
    let refresh = announce.read("refresh", refresh).unwrap_or(defaults.refresh());
    let repeat = announce.read("repeat", repeat).optional()?;
    let at = announce.get("repeat").unwrap_or(item);
    let repeat =
        repeat.unwrap_or_else(|| (0..).map_while(|step| defaults.delay(step)).collect::<Vec<_>>());
    at.check(Announcements::new(&repeat, refresh?), |error| {
        format!("`repeat` cannot be used; {error}")
    })
}

/// The delays of the burst.
fn repeat(item: Item<'_>) -> Result<Vec<Duration>, Wrong> {
    let delays = item.list("[\"0s\", \"1s\", \"5s\"]")?.into_iter();
    let delays: Vec<_> = delays.map(|delay| Ok(delay.duration("1s")?.value)).collect();
    delays.into_iter().collect()
}

/// How often after the burst; `None` is never.
fn refresh(item: Item<'_>) -> Result<Option<Duration>, Wrong> {
    let every = item.duration("60s")?.value;
    if every > Duration::ZERO && every < Duration::from_secs(1) {
        return item.wrong(
            "`refresh` is shorter than a second; write \"1s\" or more, or \"0s\" for never",
        );
    }
    Ok((every > Duration::ZERO).then_some(every))
}
