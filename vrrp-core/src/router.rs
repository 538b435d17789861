//! stub: replaced by the router
mod input;
mod output;
mod rejected;

use alloc::vec::Vec;
use core::net::IpAddr;

pub use input::{Generation, Input, InterfaceStatus, LeaseFailure, Reach};
pub use output::{Announce, Event, LeaseRequest, Notice, Output, Packet, Transmit, Want};
pub use rejected::Rejected;

use crate::{Claim, Counters, Family, Instant, InterfaceId, Key, Phase, Reason};

/// Many virtual routers, one deadline, one ordered stream of outputs.
#[derive(Debug, Default)]
pub struct Router {}

/// Everything about one virtual router at this moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Status<'a> {
    /// What it does.
    pub phase: Phase,
    /// Since when.
    pub since: Instant,
    /// Why it came to that.
    pub reason: Reason,
    /// What its advertisements claim: the effective priority.
    pub claim: Claim,
    /// The end of the right to hold the addresses: three intervals after the last advertisement that was
    /// sent. `None` unless the addresses are held.
    pub active_until: Option<Instant>,
    /// Until when it will not preempt, because of a fault of its own.
    pub probation_until: Option<Instant>,
    /// The Active that it follows, as a Backup.
    pub active_peer: Option<IpAddr>,
    /// Counters.
    pub counters: &'a Counters,
    /// Whose messages were accepted and refused, the latest of a few of each.
    pub speakers: &'a [Speaker],
}

/// A node that was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Speaker {
    /// Its address.
    pub source: IpAddr,
    /// When it was last heard.
    pub last_heard: Instant,
    /// How many of its messages were counted here.
    pub messages: u64,
    /// What it claimed when it was last accepted, or why it was refused.
    pub verdict: Result<Claim, Rejected>,
}

#[allow(missing_docs, unused_variables, clippy::unimplemented)]
impl Router {
    pub fn handle(&mut self, now: Instant, input: Input<'_>) -> Result<(), Rejected> { unimplemented!() }
    pub fn poll_output(&mut self) -> Option<Output<'_>> { unimplemented!() }
    pub fn next_deadline(&self) -> Option<Instant> { unimplemented!() }
    pub fn status(&self, key: &Key) -> Option<Status<'_>> { unimplemented!() }
    pub fn keys(&self) -> Vec<Key> { unimplemented!() }
    pub fn is_stopped(&self) -> bool { unimplemented!() }
    pub fn unattributed(&self, interface: InterfaceId, family: Family) -> Option<&Counters> { unimplemented!() }
    pub fn unattributed_speakers(&self, interface: InterfaceId, family: Family) -> &[Speaker] { unimplemented!() }
}
