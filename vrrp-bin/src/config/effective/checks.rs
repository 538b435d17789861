//! Checks, what they mean to virtual routers, and groups, as a file says them.

use std::{borrow::Cow, iter, net::SocketAddr, ops::RangeInclusive, path::Path};

use serde::Serialize;
use vrrp_net::check::{Effect, Track};

use super::scripts::Notify;
use crate::config::{
    check::{self, CheckConfig},
    duration,
    group::{self, GroupConfig},
    look::{Look, ONE_OR_MORE, Wants},
};

#[derive(Default, Serialize)]
pub(super) struct Check<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    http: Option<Http<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dns: Option<Dns<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<Vec<Cow<'a, str>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<File<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<Process<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interface: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<String>,
    interval: String,
    timeout: String,
    rise: u8,
    fall: u8,
    /// Absent of one that counts while a virtual router is active: it begins good.
    #[serde(skip_serializing_if = "Option::is_none")]
    initial: Option<&'static str>,
    #[serde(rename = "while", skip_serializing_if = "Option::is_none")]
    while_active: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grace: Option<String>,
    not_run: &'static str,
}

#[derive(Serialize)]
struct Http<'a> {
    url: &'a str,
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca: Option<&'a Path>,
}

#[derive(Serialize)]
struct Dns<'a> {
    server: SocketAddr,
    name: &'a str,
    r#type: String,
}

/// The name of a process, or a table of it.
#[derive(Serialize)]
#[serde(untagged)]
enum Process<'a> {
    Name(&'a str),
    Table {
        name: &'a str,
        at_least: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        at_most: Option<u32>,
    },
}

#[derive(Serialize)]
struct File<'a> {
    path: &'a Path,
    #[serde(skip_serializing_if = "Option::is_none")]
    exists: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<bool>,
}

/// An entry of `track`.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Tracked<'a> {
    Hold(&'a str),
    Table {
        check: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        weight: Option<i16>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        reverse: bool,
    },
}

#[derive(Serialize)]
pub(super) struct Group<'a> {
    name: &'a str,
    members: &'a [String],
    policy: &'static str,
    #[serde(flatten)]
    notify: Notify<'a>,
}

impl<'a> From<&'a CheckConfig> for Check<'a> {
    fn from(config: &'a CheckConfig) -> Self {
        let schedule = &config.schedule;
        let grace = check::grace(schedule);
        let initial = check::word(check::INITIALS, schedule.initial);
        let check = Self {
            name: &config.name,
            interval: duration::format(schedule.interval),
            timeout: duration::format(schedule.timeout),
            rise: schedule.rise.get(),
            fall: schedule.fall.get(),
            initial: Some(initial).filter(|_| grace.is_none()),
            while_active: grace.map(|_| "active"),
            grace: grace.map(duration::format),
            not_run: check::word(check::NOT_RUNS, schedule.not_run),
            ..Self::default()
        };
        check.of(&config.look)
    }
}

impl<'a> Check<'a> {
    /// The same with what it looks at.
    fn of(self, look: &'a Look) -> Self {
        match look {
            Look::Http(http) => {
                let status = format!("{}-{}", http.status.start(), http.status.end());
                let (body, ca) = (http.body.as_deref(), http.ca.as_deref());
                Self { http: Some(Http { url: &http.url, status, body, ca }), ..self }
            }
            Look::Tcp(tcp) => Self { tcp: Some(&tcp.target), ..self },
            Look::Dns(dns) => {
                let r#type = dns.record.to_string();
                Self { dns: Some(Dns { server: dns.server, name: &dns.name, r#type }), ..self }
            }
            Look::Command(program) => {
                let arguments = program.arguments.iter().map(Into::into);
                let command = iter::once(program.program.to_string_lossy()).chain(arguments);
                Self { command: Some(command.collect()), user: program.user.as_deref(), ..self }
            }
            Look::File { path, wants } => {
                let (exists, number) = match wants {
                    Wants::Present => (Some(true), None),
                    Wants::Absent => (Some(false), None),
                    Wants::Number => (None, Some(true)),
                };
                Self { file: Some(File { path, exists, number }), ..self }
            }
            Look::Process { name, count } => Self { process: Some(process(name, count)), ..self },
            Look::Interface(name) => Self { interface: Some(name), ..self },
            Look::Route(prefix) => Self { route: Some(prefix.to_string()), ..self },
        }
    }
}

fn process<'a>(name: &'a str, count: &RangeInclusive<u32>) -> Process<'a> {
    if *count == ONE_OR_MORE {
        return Process::Name(name);
    }
    let at_most = Some(*count.end()).filter(|most| *most != *ONE_OR_MORE.end());
    Process::Table { name, at_least: *count.start(), at_most }
}

impl<'a> From<&'a Track> for Tracked<'a> {
    fn from(track: &'a Track) -> Self {
        let (check, reverse) = (&*track.check, track.is_reversed);
        match track.effect {
            Effect::Hold if !reverse => Self::Hold(check),
            Effect::Hold => Self::Table { check, weight: None, reverse },
            Effect::Weight(weight) => Self::Table { check, weight: Some(weight.get()), reverse },
        }
    }
}

impl<'a> From<&'a GroupConfig> for Group<'a> {
    fn from(config: &'a GroupConfig) -> Self {
        let policy = check::word(group::POLICIES, config.policy);
        let notify = (&config.scripts).into();
        Self { name: &config.name, members: &config.members, policy, notify }
    }
}
