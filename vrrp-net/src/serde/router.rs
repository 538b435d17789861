//! A virtual router, as data.

use std::net::{IpAddr, Ipv4Addr};

use serde::{Serialize, Serializer};
use vrrp_core::{
    Cidr, Claim, Condition, Counters, Family, Gates, GroupPolicy, Hold, Holds, Phase, Reason,
    Weight,
};

use super::{
    hold, rfc3339, seconds,
    speaker::{Speaker, heard, refused},
};
use crate::{
    NoticeStatus, Reasons, RivalStatus, RouterStatus, Takeovers, TransitionStatus,
    backend::Label,
    status::{gates, holds},
};

#[derive(Serialize)]
struct Router<'a> {
    name: &'a str,
    interface: &'a str,
    vrid: u8,
    family: Family,
    version: u8,
    state: &'static str,
    phase: Phase,
    hold: Option<Hold>,
    fault: bool,
    since: String,
    reason: Reason,
    reason_source: Option<IpAddr>,
    reason_priority: Option<Claim>,
    why: String,
    transitions: &'a [TransitionStatus],
    transitions_by_reason: &'a Reasons,
    takeovers: Takeovers,
    condition: Condition,
    weight: Weight,
    holds: Holds,
    gates: Gates,
    hold_sentences: Vec<String>,
    gate_sentences: Vec<String>,
    group: Option<&'a str>,
    group_policy: Option<GroupPolicy>,
    group_first: bool,
    group_cause: Option<&'a str>,
    configured_priority: Claim,
    effective_priority: Claim,
    priority_sentence: String,
    addresses: Vec<Cidr>,
    addresses_held: &'a [Cidr],
    placed: Vec<Placed<'a>>,
    routes: Vec<String>,
    unready: Vec<&'a str>,
    lease_seconds: Option<f64>,
    probation_seconds: Option<f64>,
    waits_seconds: Option<f64>,
    drained_until: Option<String>,
    active_peer: Option<IpAddr>,
    backend_error: Option<&'a str>,
    socket_error: Option<&'a str>,
    send_error: Option<&'a str>,
    peers_heard: Vec<Speaker<'a>>,
    peers_refused: Vec<Speaker<'a>>,
    left_out_heard: u64,
    left_out_refused: u64,
    notices: &'a [NoticeStatus],
    rival: Option<&'a RivalStatus>,
    counters: Counters,
}

impl Serialize for RouterStatus {
    /// Of its configuration what others see: VRID, family, version and addresses. `since` is as in
    /// RFC 3339, in UTC; what ends in `_seconds` is for how long yet.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (hold, group) = (hold(self.phase), self.group.as_ref());
        let router = Router {
            name: &self.name,
            interface: &self.interface,
            vrid: self.router.vrid().get(),
            family: self.router.family(),
            version: self.router.version().get(),
            state: self.phase.state(),
            phase: self.phase,
            hold,
            fault: hold.is_some_and(Hold::is_fault),
            since: rfc3339(self.since),
            reason: self.reason,
            reason_source: self.sender.map(|sender| sender.source),
            reason_priority: self.sender.map(|sender| sender.claim),
            why: self.why(),
            transitions: &self.transitions,
            transitions_by_reason: &self.reasons,
            takeovers: self.takeovers,
            condition: self.health.condition,
            weight: self.health.weight,
            holds: self.holds,
            gates: self.gates,
            hold_sentences: holds(self),
            gate_sentences: gates(self),
            group: group.map(|group| &*group.name),
            group_policy: group.map(|group| group.policy),
            group_first: group.is_some_and(|group| group.is_first),
            group_cause: group.and_then(|group| group.cause.as_deref()),
            configured_priority: self.configured,
            effective_priority: self.claim,
            priority_sentence: self.priority_sentence(),
            addresses: self.router.addresses().collect(),
            addresses_held: &self.held,
            placed: placed(self),
            routes: self.routes.iter().map(ToString::to_string).collect(),
            unready: self.unready.iter().map(|name| &**name).collect(),
            lease_seconds: self.lease.map(seconds),
            probation_seconds: self.probation.map(seconds),
            waits_seconds: self.waits.map(seconds),
            drained_until: self.drained_until.map(rfc3339),
            active_peer: self.active_peer,
            backend_error: self.backend_error.as_deref(),
            socket_error: self.socket_error.as_deref(),
            send_error: self.send_error.as_deref(),
            peers_heard: heard(&self.speakers, self.active_peer),
            peers_refused: refused(&self.speakers),
            left_out_heard: self.left_out.heard,
            left_out_refused: self.left_out.refused,
            notices: &self.notices,
            rival: self.rival.as_ref(),
            counters: self.counters,
        };
        router.serialize(serializer)
    }
}

#[derive(Serialize)]
struct Transition {
    at: String,
    seconds_ago: f64,
    from: Phase,
    to: Phase,
    hold: Option<Hold>,
    reason: Reason,
    reason_source: Option<IpAddr>,
    reason_priority: Option<Claim>,
    sentence: String,
}

impl Serialize for TransitionStatus {
    /// Its fields; the hold is that of the phase that it led to.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let transition = Transition {
            at: rfc3339(self.at),
            seconds_ago: seconds(self.ago),
            from: self.from,
            to: self.to,
            hold: hold(self.to),
            reason: self.reason,
            reason_source: self.sender.map(|sender| sender.source),
            reason_priority: self.sender.map(|sender| sender.claim),
            sentence: self.sentence(),
        };
        transition.serialize(serializer)
    }
}

/// An address, and how it is put.
#[derive(Serialize)]
struct Placed<'a> {
    address: Cidr,
    interface: &'a str,
    label: Option<&'a str>,
    scope: String,
    broadcast: Option<Ipv4Addr>,
    advertised: bool,
}

/// The addresses of `status`: those that are not advertised come last.
fn placed(status: &RouterStatus) -> Vec<Placed<'_>> {
    let advertised = status.router.addresses().count();
    let all = status.addresses.iter().enumerate();
    all.map(|(index, address)| Placed {
        address: address.cidr,
        interface: address.interface.as_ref().unwrap_or(&status.interface),
        label: address.label.as_ref().map(Label::as_str),
        scope: address.scope.to_string(),
        broadcast: address.broadcast,
        advertised: index < advertised,
    })
    .collect()
}
