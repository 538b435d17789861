//! Where the daemon is watched over TCP, and what it tells there.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{
    found::{Found, Wrong},
    place::Located,
    problem::Problems,
    sentence::Notation,
};

/// Where the metrics are, for sentences.
pub(crate) const METRICS: &str = "127.0.0.1:9112";

/// Where load balancers ask who is active, for sentences.
pub(crate) const PROBE: &str = "0.0.0.0:8111";

/// What a reader found of it.
#[derive(Default)]
pub(crate) struct WatchDraft {
    /// The address of the metrics and the page.
    pub(crate) metrics: Found<Located<String>>,
    /// The address that answers only while this node is active.
    pub(crate) probe: Found<Located<String>>,
    /// Whether the metrics have keepalived's names, too.
    pub(crate) keepalived: Found<Located<bool>>,
}

/// What is told over TCP, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Watch {
    /// The address of the metrics and the page.
    pub(crate) metrics: Option<Located<SocketAddr>>,
    /// The address that answers only while this node is active.
    pub(crate) probe: Option<Located<SocketAddr>>,
    /// Whether the metrics have keepalived's names, too.
    pub(crate) keepalived: bool,
}

impl WatchDraft {
    /// Nothing is told.
    pub(super) const fn new() -> Self {
        Self { metrics: Found::Absent, probe: Found::Absent, keepalived: Found::Absent }
    }

    /// What it says, if every rule is kept.
    pub(super) fn finish(
        self,
        notation: Notation,
        problems: &mut Problems,
    ) -> Result<Watch, Wrong> {
        let Self { metrics, probe, keepalived } = self;
        let has_metrics = !matches!(metrics, Found::Absent);
        let mut address = |key, found: Found<Located<String>>, example| {
            found.and_then(|text| address(key, text, example, notation, problems)).optional()
        };
        let (metrics, probe) =
            (address("metrics", metrics, METRICS), address("probe", probe, PROBE));
        if let (Ok(Some(metrics)), Ok(Some(probe))) = (&metrics, &probe)
            && overlap(metrics.value, probe.value)
        {
            let message = format!(
                "{} is {:?}, where the metrics are ({}); write another port",
                notation.subject("probe"),
                probe.value.to_string(),
                metrics.place.reference()
            );
            return problems.wrong(&probe.place, message);
        }
        let keepalived = match keepalived.optional()? {
            Some(Located { place, value: true }) if !has_metrics => {
                let message = format!(
                    "there are no metrics that could have keepalived's names, too; set {}",
                    notation.setting("metrics", &notation.text(METRICS))
                );
                return problems.wrong(&place, message);
            }
            keepalived => keepalived.is_some_and(|keepalived| keepalived.value),
        };
        Ok(Watch { metrics: metrics?, probe: probe?, keepalived })
    }
}

/// Whether one socket would have what the other one has.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() == other.port()
        && (one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified())
}

/// An address of IP and a port.
fn address(
    key: &str,
    text: Located<String>,
    example: &str,
    notation: Notation,
    problems: &mut Problems,
) -> Result<Located<SocketAddr>, Wrong> {
    let Located { place, value: text } = text;
    match text.parse::<SocketAddr>() {
        Ok(address) if address.port() != 0 => Ok(Located::new(place, address)),
        parsed => {
            let advice = advice(&text, parsed.is_ok(), example, notation);
            let message = format!("{} is {text:?}; {advice}", notation.subject(key));
            problems.wrong(&place, message)
        }
    }
}

/// What to write in the place of `text`, which may be an address with a port that is none.
fn advice(text: &str, is_address: bool, example: &str, notation: Notation) -> String {
    let port = example.rsplit_once(':').map_or("", |(_, port)| port);
    let write = |address: &str| notation.text(address);
    if is_address {
        return format!("write a port from 1 to 65535, as in {}", write(example));
    }
    if let Ok(address) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
        let whole = SocketAddr::new(address, port.parse().unwrap_or_default()).to_string();
        return format!("write the port, too, such as {}", write(&whole));
    }
    if let Ok(port @ 1..) = text.trim_start_matches([':', '*']).parse::<u16>() {
        let of = |address| SocketAddr::new(IpAddr::V4(address), port).to_string();
        return format!(
            "write the address, too: {} is for this host alone, {} for every address that it has",
            write(&of(Ipv4Addr::LOCALHOST)),
            write(&of(Ipv4Addr::UNSPECIFIED))
        );
    }
    format!("write an IP address and a port, such as {}; a name is none", write(example))
}
