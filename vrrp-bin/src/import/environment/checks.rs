//! `VRRP_CHECK_HTTP` and its companions, which every style has: checks that all virtual routers
//! track.

use std::num::NonZeroU8;

use vrrp_net::check::{Effect, Last, Schedule, Track, dns::RecordType};

use super::{
    common::program,
    reader::{Empty, Reader},
};
use crate::config::{
    CheckDraft, Dns, Draft, Found, Http, LASTS, List, Located, Look, Place, Plan, Tcp, dns_server,
    duration,
};

/// Reads one thing to look at; the error is a sentence.
type Read = fn(&str) -> Result<Look, String>;

/// The variables that make a check, the key of the file for the same, which is its name too, and
/// how they are read.
const LOOKS: &[(&str, &str, Read)] = &[
    ("VRRP_CHECK_HTTP", "http", http),
    ("VRRP_CHECK_TCP", "tcp", tcp),
    ("VRRP_CHECK_DNS", "dns", dns),
    ("VRRP_CHECK_COMMAND", "command", command),
];

const INTERVAL: &str = "VRRP_CHECK_INTERVAL";
const TIMEOUT: &str = "VRRP_CHECK_TIMEOUT";
const RISE: &str = "VRRP_CHECK_RISE";
const FALL: &str = "VRRP_CHECK_FALL";
const LAST: &str = "VRRP_CHECK_LAST";

/// Reads the checks, and has each of the virtual routers track all of them.
pub(super) fn fill(plan: &mut Plan, reader: &mut Reader) {
    let rule = "write a number and ms, s, m or h, from 10ms to 24h, such as 2s";
    let time = |text: &str| {
        duration::parse(text).filter(|time| Schedule::default().interval(*time).is_ok())
    };
    let count = |text: &str| text.parse::<NonZeroU8>().ok();
    let counts = "write a number from 1 to 255";
    let interval = reader.value(INTERVAL, Empty::Wrong, rule, time);
    let timeout = reader.value(TIMEOUT, Empty::Wrong, rule, time);
    let rise = reader.value(RISE, Empty::Wrong, counts, count).map(|rise| rise.value);
    let fall = reader.value(FALL, Empty::Wrong, counts, count).map(|fall| fall.value);
    let last = reader.choice(LAST, Empty::Wrong, LASTS);
    // Of the variables of an image.
    let others = plan.checks.len();
    for (variable, key, read) in LOOKS.iter().copied() {
        let look = look(variable, read, reader);
        if matches!(look, Found::Absent) {
            continue;
        }
        let place = Place::variable(variable);
        let mut check = CheckDraft::new(place.clone());
        check.name = Found::Value(Located::new(place, key.to_owned()));
        check.looks = vec![(key, look)];
        (check.interval, check.timeout) = (interval.clone(), timeout.clone());
        (check.rise, check.fall) = (rise.clone(), fall.clone());
        plan.checks.push(check);
        plan.drafts.iter_mut().for_each(|draft| track(draft, variable, key, Effect::Hold));
    }
    if plan.checks.len() == others {
        for name in [INTERVAL, TIMEOUT, RISE, FALL, LAST] {
            if reader.is_set(name) && (name != LAST || others == 0) {
                let message = "there is no check for this; set VRRP_CHECK_HTTP, VRRP_CHECK_TCP, \
                    VRRP_CHECK_DNS or VRRP_CHECK_COMMAND, or remove it";
                reader.error(name, message);
            }
        }
    }
    for draft in plan.drafts.iter_mut().filter(|draft| is_held(draft)) {
        if matches!((&last, &draft.last), (Found::Absent, Found::Value(_))) {
            continue;
        }
        // A check that fails is a FAULT of keepalived, which the images run.
        let last = last.clone().or(Last::Leave);
        draft.last = last.map(|last| Located::new(Place::variable(LAST), last));
    }
}

/// Whether a check keeps this virtual router out, or may do so: what is wrong was reported.
fn is_held(draft: &Draft) -> bool {
    match &draft.track {
        Found::Absent => false,
        Found::Wrong => true,
        Found::Value(list) => {
            let mut tracks = list.entries.iter().flatten();
            tracks.any(|track| track.value.effect == Effect::Hold)
        }
    }
}

fn look(variable: &str, read: Read, reader: &mut Reader) -> Found<Located<Look>> {
    reader.text(variable, Empty::Wrong).and_then(|Located { place, value: text }| {
        match read(&text) {
            Ok(look) => Ok(Located::new(place, look)),
            Err(message) => reader.wrong(variable, message),
        }
    })
}

/// Has `draft` track the check `key`, too.
pub(super) fn track(draft: &mut Draft, variable: &str, key: &str, effect: Effect) {
    let place = Place::variable(variable);
    let entry = Located::new(place.clone(), Track::new(key, effect));
    let found = std::mem::take(&mut draft.track).or(List::new(place));
    draft.track = found.map(|mut list| {
        list.entries.push(Ok(entry));
        list
    });
}

fn http(text: &str) -> Result<Look, String> {
    Http::new(text).map(Box::new).map(Look::Http).map_err(|error| error.to_string())
}

fn tcp(text: &str) -> Result<Look, String> {
    Tcp::new(text).map(Look::Tcp).map_err(|error| error.to_string())
}

/// A server, a name and a type.
fn dns(text: &str) -> Result<Look, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (server, name, record) = match *words.as_slice() {
        [server, name] => (server, name, Ok(RecordType::A)),
        [server, name, record] => (server, name, record.parse()),
        _ => {
            return Err(format!(
                "this is {text:?}; write a server, a name and perhaps a type, such as 127.0.0.1:53 \
                 example.org A"
            ));
        }
    };
    let server = dns_server(server).ok_or_else(|| {
        format!("{server:?} is not the IP address of a DNS server; write for example 127.0.0.1:53")
    })?;
    let record =
        record.map_err(|error: vrrp_net::check::dns::RecordTypeError| error.to_string())?;
    Dns::new(server, name, record).map(Look::Dns).map_err(|error| error.to_string())
}

fn command(text: &str) -> Result<Look, String> {
    program(text).map(Look::Command)
}
