//! The JSON of the control socket, version 1: what `schema/status.json` describes.
//!
//! Fields may be added within a version; none is renamed, removed or given another meaning.

mod check;
mod event;
mod measured;
mod outcome;
mod peers;
mod placed;
mod rival;
mod tracked;
mod transition;
mod words;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use serde::{Deserialize, Serialize};
use vrrp_core::{Counters as CoreCounters, Hold, Phase};
use vrrp_net::{NodeStatus, PortStatus, RouterStatus, backend::netlink::Leftover};

pub(crate) use check::Check;
pub(crate) use event::{Event, ToldEvent};
pub(crate) use measured::{Lateness, Takeovers};
pub(crate) use outcome::{LastReload, Outcome, Outcomes, Reloaded};
#[cfg(test)]
pub(crate) use peers::Said;
pub(crate) use peers::{Disagreement, PeerHeard, PeerRefused};
pub(crate) use placed::Placed;
pub(crate) use rival::Rival;
pub(crate) use tracked::Tracked;
pub(crate) use transition::Transition;
pub(crate) use words::rfc3339;
use words::seconds;

/// The version of the format.
pub(crate) const SCHEMA: u32 = 1;

/// The answer to `GET /status`: everything about this node at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Status {
    /// The version of this format.
    pub(crate) schema: u32,
    /// The version of the program.
    pub(crate) version: String,
    /// The virtual routers, in the order of their names.
    pub(crate) virtual_routers: Vec<VirtualRouter>,
    /// The sockets, with what was received that belongs to no virtual router.
    pub(crate) ports: Vec<Port>,
    /// How late advertisements left it.
    #[serde(default)]
    pub(crate) lateness: Lateness,
    /// Addresses that an earlier process left on this host, and that no virtual router names.
    #[serde(default)]
    pub(crate) leftovers: Vec<LeftBehind>,
    /// The checks, in the order of their names.
    #[serde(default)]
    pub(crate) checks: Vec<Check>,
    /// What came of the last reload; none if there was none.
    #[serde(default)]
    pub(crate) reload: Option<LastReload>,
}

/// An address that an earlier process left behind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LeftBehind {
    /// The interface's name.
    pub(crate) interface: String,
    /// The address with its prefix length.
    pub(crate) address: String,
}

impl From<&Leftover> for LeftBehind {
    fn from(leftover: &Leftover) -> Self {
        Self { interface: leftover.interface.clone(), address: leftover.cidr.to_string() }
    }
}

/// One virtual router; also the answer to `GET /virtual-routers/NAME`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct VirtualRouter {
    /// Its name.
    pub(crate) name: String,
    /// The interface's name.
    pub(crate) interface: String,
    /// The virtual router identifier.
    pub(crate) vrid: u8,
    /// `ipv4` or `ipv6`.
    pub(crate) family: String,
    /// The protocol version: 2 or 3.
    pub(crate) version: u8,
    /// The state of RFC 9568 6.4: `initialize`, `backup` or `active`.
    pub(crate) state: String,
    /// `initialize`, `backup`, `acquiring`, `held`, `adopted` or `resigning`.
    pub(crate) phase: String,
    /// Why it does not take part; only in the phase `initialize`.
    pub(crate) hold: Option<String>,
    /// Whether the hold is a fault that somebody should look at.
    pub(crate) fault: bool,
    /// Since when it is in this phase (RFC 3339, UTC).
    pub(crate) since: String,
    /// What led to this phase.
    pub(crate) reason: String,
    /// Whose advertisement led to it, if one did.
    #[serde(default)]
    pub(crate) reason_source: Option<IpAddr>,
    /// What that advertisement claimed.
    #[serde(default)]
    pub(crate) reason_priority: Option<u8>,
    /// The same as a sentence, without its end.
    #[serde(default)]
    pub(crate) why: String,
    /// Its last changes of phase, the latest first: up to ten.
    #[serde(default)]
    pub(crate) transitions: Vec<Transition>,
    /// How often its phase changed since its start, by reason; every reason is there.
    #[serde(default)]
    pub(crate) transitions_by_reason: BTreeMap<String, u64>,
    /// How often it took over, and how long that took.
    #[serde(default)]
    pub(crate) takeovers: Takeovers,
    /// What checks say of its service: `good`, `unknown`, `unproven`, `ill` or `out`.
    #[serde(default)]
    pub(crate) condition: String,
    /// What checks add to the configured priority.
    #[serde(default)]
    pub(crate) weight: i16,
    /// Every reason not to take part.
    #[serde(default)]
    pub(crate) holds: Vec<String>,
    /// What lets it listen, but keeps it from becoming Active, or from preempting.
    #[serde(default)]
    pub(crate) gates: Vec<String>,
    /// Each hold as a sentence with what to do, in their order.
    #[serde(default)]
    pub(crate) hold_sentences: Vec<String>,
    /// Each gate as a sentence with what to do, in their order.
    #[serde(default)]
    pub(crate) gate_sentences: Vec<String>,
    /// The checks that it tracks, in the order of its configuration.
    #[serde(default)]
    pub(crate) tracks: Vec<Tracked>,
    /// The name of its group, if it is in one.
    #[serde(default)]
    pub(crate) group: Option<String>,
    /// What a hold of one member of the group means to the others: `all` or `any`.
    #[serde(default)]
    pub(crate) group_policy: Option<String>,
    /// Whether it is the first member of its group, which decides.
    #[serde(default)]
    pub(crate) group_first: bool,
    /// The member because of which it is held, or waits.
    #[serde(default)]
    pub(crate) group_cause: Option<String>,
    /// The configured priority: 255 for the owner.
    #[serde(default)]
    pub(crate) configured_priority: u8,
    /// What it advertises: 255 for the owner.
    pub(crate) effective_priority: u8,
    /// How that came about.
    #[serde(default)]
    pub(crate) priority_sentence: String,
    /// The virtual addresses with their prefix lengths.
    pub(crate) addresses: Vec<String>,
    /// The addresses that this host holds now, those that are not advertised last.
    pub(crate) addresses_held: Vec<String>,
    /// How each address is put, those that are not advertised last.
    #[serde(default)]
    pub(crate) placed: Vec<Placed>,
    /// The routes that are there while addresses are held, as `ip route` takes them.
    #[serde(default)]
    pub(crate) routes: Vec<String>,
    /// The other interfaces that it waits for: they are missing or down.
    #[serde(default)]
    pub(crate) unready: Vec<String>,
    /// For how long it stays active if no further advertisement can be sent.
    pub(crate) lease_seconds: Option<f64>,
    /// For how long it will not preempt, because of a fault of its own.
    pub(crate) probation_seconds: Option<f64>,
    /// How long it waits, as the active node, for a link or an address to send from that is gone.
    pub(crate) waits_seconds: Option<f64>,
    /// When its drain ends by itself (RFC 3339, UTC).
    #[serde(default)]
    pub(crate) drained_until: Option<String>,
    /// Whether it stays drained over restarts of the daemon and of the host.
    #[serde(default)]
    pub(crate) drain_kept: bool,
    /// The Active that it follows, as a Backup.
    pub(crate) active_peer: Option<IpAddr>,
    /// What the backend said when it failed.
    pub(crate) backend_error: Option<String>,
    /// Why its socket could not be opened.
    pub(crate) socket_error: Option<String>,
    /// What came of its last advertisement, if that did not reach everybody.
    #[serde(default)]
    pub(crate) send_error: Option<String>,
    /// Nodes whose advertisements were accepted: up to four.
    pub(crate) peers_heard: Vec<PeerHeard>,
    /// Nodes whose messages were refused: up to four.
    pub(crate) peers_refused: Vec<PeerRefused>,
    /// How many accepted messages came from further nodes.
    #[serde(default)]
    pub(crate) left_out_heard: u64,
    /// How many refused messages came from further nodes.
    #[serde(default)]
    pub(crate) left_out_refused: u64,
    /// What is wrong with nodes that speak still.
    #[serde(default)]
    pub(crate) notices: Vec<Disagreement>,
    /// Another host that holds the addresses, too.
    #[serde(default)]
    pub(crate) rival: Option<Rival>,
    /// What happened since the start.
    pub(crate) counters: Counters,
}

/// What happened since the start. Counters only grow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Counters {
    /// Each by its name, as [`vrrp_core::Counters`] has them.
    #[serde(flatten)]
    pub(crate) counted: BTreeMap<String, u64>,
    /// Messages that were refused, by reason; every reason is there.
    pub(crate) rejected: BTreeMap<String, u64>,
}

/// A socket, and what it received that belongs to no virtual router.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Port {
    /// The interface's name.
    pub(crate) interface: String,
    /// `ipv4` or `ipv6`.
    pub(crate) family: String,
    /// Messages that were refused, by reason; every reason is there.
    pub(crate) rejected: BTreeMap<String, u64>,
    /// Who sent them: up to four nodes.
    pub(crate) peers_refused: Vec<PeerRefused>,
    /// How many messages came from further nodes.
    #[serde(default)]
    pub(crate) left_out_refused: u64,
    /// Messages that could have been ours, dropped by the kernel because they were too many.
    pub(crate) overflow_heard: u64,
    /// Messages to refuse, dropped by the kernel because they were too many.
    pub(crate) overflow_refused: u64,
}

/// The answer when there is nothing to tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    /// A sentence for people.
    pub(crate) error: String,
}

impl Status {
    /// `kept` are the names of those whose drain is kept over restarts. Checks are no part of a node:
    /// `tracks` are those of the virtual router of a name.
    pub(crate) fn new(
        node: &NodeStatus,
        leftovers: &[Leftover],
        kept: &BTreeSet<String>,
        tracks: impl Fn(&str) -> Vec<Tracked>,
    ) -> Self {
        let router = |router: &RouterStatus| {
            VirtualRouter::new(router, kept.contains(&*router.name), tracks(&router.name))
        };
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            virtual_routers: node.routers.iter().map(router).collect(),
            ports: node.ports.iter().map(Port::from).collect(),
            lateness: Lateness::from(&node.lateness),
            leftovers: leftovers.iter().map(LeftBehind::from).collect(),
            checks: Vec::new(),
            reload: None,
        }
    }
}

impl VirtualRouter {
    /// `drain_kept`: its drain is kept over restarts.
    pub(crate) fn new(status: &RouterStatus, drain_kept: bool, tracks: Vec<Tracked>) -> Self {
        let hold = match status.phase {
            Phase::Initialize(hold) => Some(hold),
            _ => None,
        };
        let group = status.group.as_ref();
        Self {
            name: status.name.to_string(),
            interface: status.interface.to_string(),
            vrid: status.router.vrid().get(),
            family: status.router.family().to_string(),
            version: status.router.version().get(),
            state: status.phase.state().to_owned(),
            phase: status.phase.as_str().to_owned(),
            hold: hold.map(|hold| hold.as_str().to_owned()),
            fault: hold.is_some_and(|hold| hold.is_fault()),
            since: rfc3339(status.since),
            reason: status.reason.as_str().to_owned(),
            reason_source: status.sender.map(|sender| sender.source),
            reason_priority: status.sender.map(|sender| sender.claim.into()),
            why: status.why(),
            transitions: status.transitions.iter().map(Transition::from).collect(),
            transitions_by_reason: by_reason(status),
            takeovers: Takeovers::from(&status.takeovers),
            condition: status.health.condition.as_str().to_owned(),
            weight: status.health.weight.get(),
            holds: status.holds.iter().map(|hold| hold.as_str().to_owned()).collect(),
            gates: status.gates.iter().map(|gate| gate.as_str().to_owned()).collect(),
            hold_sentences: status.holds.iter().map(|it| status.hold_sentence(it)).collect(),
            gate_sentences: status.gates.iter().map(|it| status.gate_sentence(it)).collect(),
            group: group.map(|group| group.name.to_string()),
            group_policy: group.map(|group| group.policy.to_string()),
            group_first: group.is_some_and(|group| group.is_first),
            group_cause: group.and_then(|group| group.cause.as_deref()).map(str::to_owned),
            configured_priority: status.configured.into(),
            effective_priority: status.claim.into(),
            priority_sentence: Tracked::priority_sentence(&tracks, status),
            tracks,
            addresses: status.router.addresses().map(|address| address.to_string()).collect(),
            addresses_held: status.held.iter().map(ToString::to_string).collect(),
            placed: Placed::all(status),
            routes: status.routes.iter().map(ToString::to_string).collect(),
            unready: status.unready.iter().map(ToString::to_string).collect(),
            lease_seconds: status.lease.map(seconds),
            probation_seconds: status.probation.map(seconds),
            waits_seconds: status.waits.map(seconds),
            drained_until: status.drained_until.map(rfc3339),
            drain_kept,
            active_peer: status.active_peer,
            backend_error: status.backend_error.clone(),
            socket_error: status.socket_error.clone(),
            send_error: status.send_error.clone(),
            peers_heard: PeerHeard::all(&status.speakers, status.active_peer),
            peers_refused: PeerRefused::all(&status.speakers),
            left_out_heard: status.left_out.heard,
            left_out_refused: status.left_out.refused,
            notices: status.notices.iter().map(Disagreement::from).collect(),
            rival: status.rival.as_ref().map(Rival::from),
            counters: Counters::from(&status.counters),
        }
    }

    /// Returns how it is drained, for people, if that is what keeps it out.
    pub(crate) fn drained(&self) -> Option<String> {
        if self.hold.as_deref() != Some(Hold::Drained.as_str()) {
            return None;
        }
        let mut text = Hold::Drained.as_str().to_owned();
        if let Some(until) = &self.drained_until {
            // Nobody cares for the milliseconds.
            let until = until.split_once('.').map_or(&**until, |(seconds, _)| seconds);
            text += &format!(" until {}Z", until.trim_end_matches('Z'));
        }
        if self.drain_kept {
            text += ", over restarts too";
        }
        Some(text)
    }
}

impl From<&PortStatus> for Port {
    fn from(port: &PortStatus) -> Self {
        Self {
            interface: port.interface.to_string(),
            family: port.family.to_string(),
            rejected: rejected(&port.counters),
            peers_refused: PeerRefused::all(&port.speakers),
            left_out_refused: port.left_out.refused,
            overflow_heard: port.overflow.heard,
            overflow_refused: port.overflow.refused,
        }
    }
}

impl From<&CoreCounters> for Counters {
    fn from(counters: &CoreCounters) -> Self {
        Self {
            counted: counters.iter().map(|(name, count)| (name.to_owned(), count)).collect(),
            rejected: rejected(counters),
        }
    }
}

fn by_reason(status: &RouterStatus) -> BTreeMap<String, u64> {
    status.reasons.iter().map(|(reason, count)| (reason.to_owned(), count)).collect()
}

fn rejected(counters: &CoreCounters) -> BTreeMap<String, u64> {
    counters.rejections().map(|(reason, count)| (reason.as_str().to_owned(), count)).collect()
}

#[cfg(test)]
mod tests;
