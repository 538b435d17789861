//! `--listen`: who speaks VRRP on the interfaces of the configuration, and what of that does not go
//! with it.

mod judge;

use std::{
    collections::BTreeSet,
    fmt, io,
    net::IpAddr,
    time::{Duration, Instant},
};

use serde::Serialize;
use vrrp_core::ChecksumForm;
use vrrp_net::listen::{Authenticated, ListenError, Listener, Speaker, Speakers};

use super::{
    finding::{Code, Finding},
    host::Host,
};
use crate::config::{Config, duration};

/// Who was heard, for programs.
#[derive(Debug, Serialize)]
pub(super) struct Heard {
    /// How long somebody listened.
    milliseconds: u64,
    /// On these interfaces.
    interfaces: Vec<String>,
    /// Who speaks there.
    pub(super) speakers: Vec<Line>,
    /// How many messages there were of speakers beyond those.
    left_out: u64,
}

/// A speaker.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    interface: String,
    source: IpAddr,
    mac: Option<String>,
    /// Whether it is a program of this host.
    this_host: bool,
    destination: Option<IpAddr>,
    ttl: Option<u8>,
    version: u8,
    vrid: u8,
    priority: u8,
    interval_ms: Option<u64>,
    addresses: Vec<IpAddr>,
    authentication: &'static str,
    checksum: Option<&'static str>,
    /// Why no virtual router accepts it.
    fault: Option<String>,
    messages: u64,
    handed_on: u64,
}

/// What was heard, apart: a flood of other virtual routers must not keep out those of the
/// configuration.
#[derive(Default)]
struct Wire {
    ours: Speakers,
    others: Speakers,
}

/// Listens for this time on every interface of `config` that is there. `runs` says which of its
/// virtual routers run on this host already.
pub(super) fn listen(
    config: &Config,
    host: &Host,
    runs: &[bool],
    time: Duration,
) -> (Heard, Vec<Finding>) {
    let there = |name: &&str| host.interface(name).is_some();
    let names: BTreeSet<&str> =
        config.routers.iter().map(|router| router.interface.as_str()).filter(there).collect();
    let (listener, names, mut findings) = open(config, names);
    let mut wire = Wire::default();
    if let Some(listener) = listener {
        findings
            .extend(wire.hear(config, listener, time).err().map(|error| unheard(config, &error)));
    }
    findings.extend(judge::findings(config, host, runs, &names, &wire, time));
    let speakers = wire.ours.iter().chain(wire.others.iter()).map(Line::from).collect();
    let heard = Heard {
        milliseconds: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
        interfaces: names.into_iter().map(str::to_owned).collect(),
        speakers,
        left_out: wire.ours.left_out().saturating_add(wire.others.left_out()),
    };
    (heard, findings)
}

/// Listens where that is possible, and says where it is not.
fn open<'a>(
    config: &Config,
    mut names: BTreeSet<&'a str>,
) -> (Option<Listener>, BTreeSet<&'a str>, Vec<Finding>) {
    let mut findings = Vec::new();
    while !names.is_empty() {
        match Listener::open(names.iter().copied()) {
            Ok(listener) => return (Some(listener), names, findings),
            Err(error) => {
                findings.push(unheard(config, &error));
                // One that is not among them is of all.
                let before = names.len();
                names.retain(|name| *name != error.interface);
                if names.len() == before {
                    names.clear();
                }
            }
        }
    }
    (None, names, findings)
}

fn unheard(config: &Config, error: &ListenError) -> Finding {
    let advice = match error.source.kind() {
        io::ErrorKind::PermissionDenied => "run it as root or grant CAP_NET_RAW",
        _ => "nothing of the wire was compared there",
    };
    let routers = config.routers.iter();
    let place = routers
        .clone()
        .find(|router| router.interface == error.interface)
        .map_or(&config.origin, |router| &router.places.interface);
    Finding::warning(Code::Unexamined, place, format!("{error}; {advice}")).on(&error.interface)
}

impl Wire {
    fn hear(
        &mut self,
        config: &Config,
        mut listener: Listener,
        time: Duration,
    ) -> Result<(), ListenError> {
        let ours: BTreeSet<(&str, u8)> = config
            .routers
            .iter()
            .map(|router| (router.interface.as_str(), router.router.vrid().get()))
            .collect();
        let end = Instant::now() + time;
        while let Some(heard) = listener.next(end)? {
            if ours.contains(&(&*heard.interface, heard.message.vrid)) {
                self.ours.hear(&heard);
            } else {
                self.others.hear(&heard);
            }
        }
        Ok(())
    }

    /// A VRID that nobody was heard to use on this interface.
    fn free_vrid(&self, config: &Config, interface: &str) -> Option<u8> {
        let heard = self.ours.iter().chain(self.others.iter());
        let heard = heard.filter(|speaker| &*speaker.interface == interface);
        let mut used: BTreeSet<u8> = heard.map(|speaker| speaker.message.vrid).collect();
        let ours = config.routers.iter().filter(|router| router.interface == interface);
        used.extend(ours.map(|router| router.router.vrid().get()));
        (1..=255).find(|vrid| !used.contains(vrid))
    }
}

impl From<&Speaker> for Line {
    fn from(speaker: &Speaker) -> Self {
        let message = &speaker.message;
        let interval = message.interval.map(|interval| interval.duration().as_millis());
        Self {
            interface: (*speaker.interface).to_owned(),
            source: speaker.source,
            mac: speaker.mac.map(|mac| mac.to_string()),
            this_host: speaker.is_here,
            destination: speaker.destination,
            ttl: speaker.ttl,
            version: message.version,
            vrid: message.vrid,
            priority: message.priority,
            interval_ms: interval.and_then(|interval| interval.try_into().ok()),
            addresses: message.addresses.clone(),
            authentication: match message.authenticated {
                Authenticated::No => "none",
                Authenticated::Password(_) => "password",
                Authenticated::Signed => "signed",
                _ => "unknown",
            },
            checksum: message.form.map(|form| match form {
                ChecksumForm::MessageOnly => "message-only",
                ChecksumForm::PseudoHeader => "pseudo-header",
            }),
            fault: message.fault.map(|fault| fault.to_string()),
            messages: speaker.messages,
            handed_on: speaker.handed_on,
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { interface, source, version, vrid, priority, .. } = self;
        write!(f, "{interface}: VRID {vrid}: {source}")?;
        if self.this_host {
            write!(f, " (this host)")?;
        } else if let Some(mac) = &self.mac {
            write!(f, " ({mac})")?;
        }
        write!(f, ", VRRPv{version}, priority {priority}")?;
        if let Some(interval) = self.interval_ms {
            write!(f, ", every {}", duration::format(Duration::from_millis(interval)))?;
        }
        if self.authentication != "none" {
            write!(f, ", {}", self.authentication)?;
        }
        let addresses: Vec<String> =
            self.addresses.iter().take(SHOWN).map(IpAddr::to_string).collect();
        let more = self.addresses.len().saturating_sub(SHOWN);
        write!(f, ": {}", addresses.join(", "))?;
        if more > 0 {
            write!(f, " and {more} more")?;
        }
        match &self.fault {
            Some(fault) => write!(f, "; {fault}"),
            None => Ok(()),
        }
    }
}

/// How many addresses of a speaker are shown to people.
const SHOWN: usize = 4;
