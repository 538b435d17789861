//! `[[check]]`: what is looked at, and how often.

use std::path::PathBuf;

use vrrp_core::ConfigError;
use vrrp_net::check::dns::{RecordType, RecordTypeError};

use super::{backend::words, entry::Entry, keys, section::Item};
use crate::config::{
    check::{CheckDraft, INITIALS, NOT_RUNS},
    found::Wrong,
    look::{Dns, Http, Look, ONE_OR_MORE, Program, Tcp, Wants, dns_server, statuses},
    names::interface_fault,
    sentence::Notation,
};

/// A check, for sentences.
const EXAMPLE: &str = "[[check]] with a name and what it looks at";
const URL: &str = "http://127.0.0.1:8080/healthz";
const DNS: &str = "{ server = \"127.0.0.1:53\", name = \"example.org\" }";

/// Reads one thing to look at.
type Read = fn(Item<'_>) -> Result<Look, Wrong>;

const LOOKS: &[(&str, Read)] = &[
    ("http", http),
    ("tcp", tcp),
    ("dns", dns),
    ("command", command),
    ("file", file),
    ("process", process),
    ("interface", interface),
    ("route", route),
];

/// The checks, each as far as it can be read.
pub(super) fn read(item: Item<'_>) -> Result<Vec<CheckDraft>, Wrong> {
    let items = item.tables("check", EXAMPLE)?;
    Ok(items.into_iter().filter_map(|item| draft(item).ok()).collect())
}

fn draft(item: Item<'_>) -> Result<CheckDraft, Wrong> {
    let Some(section) = item.as_section(&keys::CHECK) else {
        return item.wrong(format!("a check is a table; write {EXAMPLE}"));
    };
    let rule = "write a number from 1 to 255";
    let mut draft = CheckDraft::new(section.place());
    draft.name = section.read("name", |item| item.string("http-ok"));
    for (key, read) in LOOKS {
        let look = section.read(key, |item| Ok(item.locate(read(item)?)));
        draft.looks.push((key, look));
    }
    draft.user = section.read("user", |item| item.string("nobody"));
    draft.interval = section.read("interval", |item| item.duration("2s"));
    draft.timeout = section.read("timeout", |item| item.duration("1s"));
    draft.rise = section.read("rise", |item| item.number(rule, 2));
    draft.fall = section.read("fall", |item| item.number(rule, 3));
    draft.initial = section.read("initial", |item| item.choice(INITIALS));
    draft.while_active = section.read("while", |item| item.choice(&[("active", ())]));
    draft.grace = section.read("grace", |item| item.duration("5s"));
    draft.not_run = section.read("not_run", |item| Ok(item.choice(NOT_RUNS)?.value));
    Ok(draft)
}

/// A URL, or a table of it.
fn http(item: Item<'_>) -> Result<Look, Wrong> {
    let section =
        match Entry::of(item, &keys::HTTP, "a URL in quotes, or a table", &format!("{URL:?}"))? {
            Entry::Text(item) => return Ok(Look::Http(Box::new(url(item)?))),
            Entry::Table(section) => section,
        };
    let status = section.read("status", |item| {
        let text = item.text("200-299")?;
        let message = || {
            item.wrong(format!(
                "`status` is {text:?}; write a status of HTTP such as \"200\", or two such as \
                 \"200-299\""
            ))
        };
        statuses(text).map_or_else(message, Ok)
    });
    let body = section.read("body", |item| Ok(item.text("ok")?.to_owned()));
    let ca = section.read("ca", |item| absolute(item, "/etc/vrrp/ca.pem"));
    let missing = || format!("there is no `url` here; add for example url = {URL:?}");
    let http = section.required("url", missing).and_then(url);
    let (status, body, ca) = (status.optional(), body.optional(), ca.optional());
    let mut http = http?;
    if let Some(status) = status? {
        http.status = status;
    }
    (http.body, http.ca) = (body?, ca?);
    Ok(Look::Http(Box::new(http)))
}

fn url(item: Item<'_>) -> Result<Http, Wrong> {
    item.check(Http::new(item.text(URL)?), |error| error.to_string())
}

/// A host and a port.
fn tcp(item: Item<'_>) -> Result<Look, Wrong> {
    let tcp = Tcp::new(item.text("127.0.0.1:5432")?);
    item.check(tcp.map(Look::Tcp), |error| error.to_string())
}

/// A server and a name.
fn dns(item: Item<'_>) -> Result<Look, Wrong> {
    let Some(section) = item.as_section(&keys::DNS) else {
        return item.wrong_type("a table", DNS);
    };
    let missing = |key: &str, example: &str| {
        format!("there is no `{key}` here; add for example {key} = {example:?}")
    };
    let server = section.required("server", || missing("server", "127.0.0.1:53"));
    let server = server.and_then(|item| {
        let text = item.text("127.0.0.1:53")?;
        let message = || {
            item.wrong(format!(
                "`server` is {text:?}; write the IP address of a DNS server, such as \
                 \"127.0.0.1:53\""
            ))
        };
        dns_server(text).map_or_else(message, Ok)
    });
    let name = section.required("name", || missing("name", "example.org"));
    let name = name.and_then(|item| Ok((item, item.text("example.org")?)));
    let record = section.read("type", |item| {
        item.check(item.text("A")?.parse(), |error: RecordTypeError| error.to_string())
    });
    let (server, (at, name), record) = (server?, name?, record.unwrap_or(RecordType::A)?);
    at.check(Dns::new(server, name, record).map(Look::Dns), |error| error.to_string())
}

/// A program and its arguments.
fn command(item: Item<'_>) -> Result<Look, Wrong> {
    let (program, arguments) = words(item, "[\"/usr/local/bin/ok\"]")?;
    Ok(Look::Command(Program { program, arguments, user: None }))
}

/// A path, or a table of it.
fn file(item: Item<'_>) -> Result<Look, Wrong> {
    const PATH: &str = "/run/ok";
    let section =
        match Entry::of(item, &keys::FILE_CHECK, "a path in quotes, or a table", "\"/run/ok\"")? {
            Entry::Text(item) => {
                return Ok(Look::File { path: absolute(item, PATH)?, wants: Wants::Present });
            }
            Entry::Table(section) => section,
        };
    let exists = section.read("exists", Item::bool);
    let missing = || format!("there is no `path` here; add for example path = {PATH:?}");
    let path = section.required("path", missing).and_then(|item| absolute(item, PATH));
    let number = section.read("number", Item::bool);
    let is_number = number.map(|number| number.value).unwrap_or(false)?;
    let wants = match (is_number, exists.optional()?.map(|exists| exists.value)) {
        (true, Some(_)) => {
            return item.wrong(
                "a number is read whether or not there is a file: without one it is 0; remove \
                 `exists`, or `number`",
            );
        }
        (true, None) => Wants::Number,
        (false, Some(false)) => Wants::Absent,
        (false, Some(true) | None) => Wants::Present,
    };
    Ok(Look::File { path: path?, wants })
}

fn absolute(item: Item<'_>, example: &str) -> Result<PathBuf, Wrong> {
    let text = item.text(example)?;
    if !text.starts_with('/') || text.contains('\0') {
        return item.wrong(format!("{text:?} is no absolute path; write for example {example:?}"));
    }
    Ok(PathBuf::from(text))
}

/// The name of a process, or a table of it.
fn process(item: Item<'_>) -> Result<Look, Wrong> {
    let section =
        match Entry::of(item, &keys::PROCESS, "a name in quotes, or a table", "\"nginx\"")? {
            Entry::Text(item) => {
                return Ok(Look::Process { name: process_name(item)?, count: ONE_OR_MORE });
            }
            Entry::Table(section) => section,
        };
    let number = |item: Item<'_>| {
        let rule = "write a whole number, how many processes";
        let message = |_| format!("this is no number of processes; {rule}");
        let Some(number) = item.as_integer() else {
            return item.wrong_type("a whole number", "2");
        };
        item.check(number.parse::<u32>(), message)
    };
    let least = section.read("at_least", number).unwrap_or(*ONE_OR_MORE.start());
    let most = section.read("at_most", number).unwrap_or(*ONE_OR_MORE.end());
    let missing = || "there is no `name` here; add for example name = \"nginx\"".to_owned();
    let name = section.required("name", missing).and_then(process_name);
    let (name, least, most) = (name?, least?, most?);
    if least > most {
        return item.wrong(format!(
            "at least {least} and at most {most} processes are never there; correct one of them"
        ));
    }
    Ok(Look::Process { name, count: least..=most })
}

fn process_name(item: Item<'_>) -> Result<String, Wrong> {
    let text = item.text("nginx")?;
    if text.is_empty() || text.contains('/') || text.contains(char::is_control) {
        return item.wrong(format!(
            "`process` is {text:?}; write the name of a program without its path, such as \"nginx\""
        ));
    }
    Ok(text.to_owned())
}

fn interface(item: Item<'_>) -> Result<Look, Wrong> {
    let text = item.text("eth1")?;
    if let Some(fault) = interface_fault(text, Notation::Toml) {
        return item.wrong(format!("`interface` is {text:?}, {fault}"));
    }
    Ok(Look::Interface(text.to_owned()))
}

/// A subnet.
fn route(item: Item<'_>) -> Result<Look, Wrong> {
    let text = item.text("0.0.0.0/0")?;
    let message =
        |_: ConfigError| format!("`route` is {text:?}; write a subnet, such as \"0.0.0.0/0\"");
    Ok(Look::Route(item.check(text.parse(), message)?))
}
