//! The status and the events of a node, as data: in the names and words of `vrrp status --json`.

mod event;
mod measured;
mod rival;
mod router;
mod speaker;

use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};
use vrrp_core::{Counters, Family, Hold, Phase};

use self::speaker::{Speaker, refused};
use crate::{Drained, Lateness, NodeStatus, PortStatus, Released, RouterStatus};

#[derive(Serialize)]
struct Node<'a> {
    virtual_routers: &'a [RouterStatus],
    ports: &'a [PortStatus],
    lateness: &'a Lateness,
}

impl Serialize for NodeStatus {
    /// `virtual_routers`, `ports` and `lateness`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { routers, ports, lateness } = self;
        Node { virtual_routers: routers, ports, lateness }.serialize(serializer)
    }
}

#[derive(Serialize)]
struct Port<'a> {
    interface: &'a str,
    family: Family,
    rejected: Rejections<'a>,
    peers_refused: Vec<Speaker<'a>>,
    left_out_refused: u64,
    overflow_heard: u64,
    overflow_refused: u64,
}

impl Serialize for PortStatus {
    /// What was received that belongs to no virtual router, and what the kernel dropped.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let port = Port {
            interface: &self.interface,
            family: self.family,
            rejected: Rejections(&self.counters),
            peers_refused: refused(&self.speakers),
            left_out_refused: self.left_out.refused,
            overflow_heard: self.overflow.heard,
            overflow_refused: self.overflow.refused,
        };
        port.serialize(serializer)
    }
}

/// What was rejected, by reason, zeros included.
struct Rejections<'a>(&'a Counters);

impl Serialize for Rejections<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.rejections())
    }
}

#[derive(Serialize)]
struct Left<'a> {
    unreleased: Vec<&'a str>,
}

impl Serialize for Released {
    /// The names that it holds.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Left { unreleased: self.unreleased.iter().map(AsRef::as_ref).collect() }
            .serialize(serializer)
    }
}

impl Serialize for Drained {
    /// Its word.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn hold(phase: Phase) -> Option<Hold> {
    match phase {
        Phase::Initialize(hold) => Some(hold),
        _ => None,
    }
}

/// Seconds to the millisecond.
fn seconds(duration: Duration) -> f64 {
    Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)).as_secs_f64()
}

/// A clock that nobody has set may stand before 1970, which the format cannot say.
fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time.max(SystemTime::UNIX_EPOCH)).to_string()
}

#[cfg(test)]
mod tests;
