//! [`Line`]: a speaker, for programs and for people.

use std::{fmt, net::IpAddr, time::Duration};

use serde::Serialize;
use vrrp_core::ChecksumForm;
use vrrp_net::listen::{Authenticated, Speaker};

use super::listed;
use crate::config::duration;

/// The authentication type of the IP Authentication Header (RFC 2338 5.3.6).
const AUTHENTICATION_HEADER: u8 = 2;

/// A speaker.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) interface: String,
    pub(crate) source: IpAddr,
    pub(crate) mac: Option<String>,
    /// Whether it is a program of this host.
    pub(crate) this_host: bool,
    pub(crate) destination: Option<IpAddr>,
    pub(crate) ttl: Option<u8>,
    pub(crate) version: u8,
    pub(crate) vrid: u8,
    pub(crate) priority: u8,
    pub(crate) interval_ms: Option<u64>,
    /// The mean time between its advertisements.
    pub(crate) measured_ms: Option<f64>,
    /// How much that varies.
    pub(crate) jitter_ms: Option<f64>,
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) authentication: &'static str,
    pub(crate) checksum: Option<&'static str>,
    /// Why no virtual router accepts it.
    pub(crate) fault: Option<String>,
    pub(crate) messages: u64,
    pub(crate) handed_on: u64,
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
            measured_ms: speaker.measured().map(milliseconds),
            jitter_ms: speaker.jitter().map(milliseconds),
            addresses: message.addresses.clone(),
            authentication: match message.authenticated {
                Authenticated::No => "none",
                Authenticated::Password(_) => "password",
                Authenticated::Signed => "signed",
                Authenticated::Unknown(AUTHENTICATION_HEADER) => "ah",
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
        write!(f, ": {}", listed(&self.addresses))?;
        match &self.fault {
            Some(fault) => write!(f, "; {fault}"),
            None => Ok(()),
        }
    }
}

/// Milliseconds to the microsecond.
fn milliseconds(duration: Duration) -> f64 {
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(micros).as_secs_f64() * 1000.0
}
