//! [`NodeStatus`]: everything about a node.

mod lateness;
mod reasons;
mod sides;
mod takeovers;
mod why;

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use vrrp_core::{
    Cidr, Claim, Counters, Differing, Family, Gates, GroupPolicy, Health, Holds, Key, LeftOut,
    MacAddr, Notice, Phase, Reason, Rejected, RivalCause, Said, Sender, VirtualRouter,
};

use crate::{VirtualAddress, VirtualRoute, link::Overflow};
pub use lateness::Lateness;
pub use reasons::Reasons;
pub(crate) use sides::{detail, of_notice};
pub use takeovers::Takeovers;
#[cfg(feature = "serde")]
pub(crate) use why::{gates, holds};

/// Everything about a node, each part at a moment of its own: see [`Node::status`](crate::Node::status).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct NodeStatus {
    /// Its virtual routers, in the order of their names.
    pub routers: Vec<RouterStatus>,
    /// Its sockets, with what belongs to no virtual router.
    pub ports: Vec<PortStatus>,
    /// How late its advertisements left.
    pub lateness: Lateness,
}

/// Everything about one virtual router at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RouterStatus {
    /// Its name.
    pub name: Arc<str>,
    /// Its key, which it keeps under another name.
    pub key: Key,
    /// The interface's name.
    pub interface: Arc<str>,
    /// Its configuration.
    pub router: VirtualRouter,
    /// What it does.
    pub phase: Phase,
    /// When that began, by the wall clock at that time.
    pub since: SystemTime,
    /// What led to it.
    pub reason: Reason,
    /// Whose advertisement led to it, if one did.
    pub sender: Option<Sender>,
    /// What checks say of its service.
    pub health: Health,
    /// Every reason not to take part; [`phase`](Self::phase) names the first one.
    pub holds: Holds,
    /// What lets it listen, but keeps it from becoming Active, or from preempting.
    pub gates: Gates,
    /// How it stands in its group, if it is in one.
    pub group: Option<GroupStatus>,
    /// Its configured priority.
    pub configured: Claim,
    /// Its effective priority.
    pub claim: Claim,
    /// The addresses that are held now, those that are not advertised last; empty unless the phase is
    /// held, adopted or resigning.
    pub held: Vec<Cidr>,
    /// How each address is put, as it is configured, in the same order.
    pub addresses: Arc<[VirtualAddress]>,
    /// The routes that are there while the addresses are held.
    pub routes: Arc<[VirtualRoute]>,
    /// The other interfaces that it relies on that are missing or down.
    pub unready: Vec<Arc<str>>,
    /// For how long it stays active if no further advertisement can be sent.
    pub lease: Option<Duration>,
    /// How long it will not preempt yet, because of a fault of its own.
    pub probation: Option<Duration>,
    /// How long it waits, as the active node, for a link or an address to send from that is gone.
    pub waits: Option<Duration>,
    /// When its drain ends by itself, by the wall clock at the time of the request; `None` if it is
    /// not drained, is drained until it is resumed, or beyond the year 9999.
    pub drained_until: Option<SystemTime>,
    /// The Active that it follows, as a Backup.
    pub active_peer: Option<IpAddr>,
    /// What the backend said when it last failed; `None` once it has succeeded since.
    pub backend_error: Option<String>,
    /// Why its socket could not be opened; `None` once it is.
    pub socket_error: Option<String>,
    /// Another host that holds the addresses, too, or instead of an Active that is heard: a split
    /// brain, if this node is active.
    pub rival: Option<RivalStatus>,
    /// What came of its last advertisement, as a sentence; `None` if it reached everybody, as far as
    /// this host can tell.
    pub send_error: Option<String>,
    /// Counters.
    pub counters: Counters,
    /// Who was heard, and whose messages were refused: up to four of each. One that has been silent
    /// for four intervals makes room for another.
    pub speakers: Vec<SpeakerStatus>,
    /// How many messages of further nodes there were.
    pub left_out: LeftOut,
    /// Its last changes of phase, the latest first: up to ten, whatever was configured meanwhile.
    pub transitions: Vec<TransitionStatus>,
    /// How often its phase changed, by what led to it.
    pub reasons: Reasons,
    /// How often it took over, and how long that took.
    pub takeovers: Takeovers,
    /// What is wrong with those of them that speak still: that were heard within four intervals, or
    /// within ten seconds if that is longer.
    pub notices: Vec<NoticeStatus>,
}

impl RouterStatus {
    /// What keeps it out of the election, as a sentence with what to do; `None` while it takes
    /// part, and where nothing is wrong.
    #[must_use]
    pub fn obstacle(&self) -> Option<String> {
        why::obstacle(self).map(|obstacle| format!("{}: {obstacle}", self.name))
    }
}

/// A change of the phase of a virtual router.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransitionStatus {
    /// When, by the wall clock at that time.
    pub at: SystemTime,
    /// How long ago.
    pub ago: Duration,
    /// The phase before.
    pub from: Phase,
    /// The phase from then on.
    pub to: Phase,
    /// What led to it.
    pub reason: Reason,
    /// Whose advertisement led to it, if one did.
    pub sender: Option<Sender>,
}

/// How a virtual router stands in its group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupStatus {
    /// The name of the group.
    pub name: Arc<str>,
    /// What a hold of one member means to the others.
    pub policy: GroupPolicy,
    /// Whether it is the first member, which decides for all while it takes part.
    pub is_first: bool,
    /// The name of the member because of which [`Hold::Group`](crate::Hold::Group) or
    /// [`Gate::Group`](crate::Gate::Group) stands: one that is held, or that is not ready. `None` if
    /// neither stands, and if it waits for itself.
    pub cause: Option<Arc<str>>,
}

/// A peer that disagrees with this node, or that should not be there.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NoticeStatus {
    /// What.
    pub notice: Notice,
    /// Its address.
    pub source: IpAddr,
    /// What it claims, where that can be read; of a refused one it may be forged.
    pub claim: Option<Claim>,
    /// How long ago it was heard.
    pub ago: Duration,
    /// How many messages.
    pub messages: u64,
    /// What differs, with both sides named, where that is what it is about: `interval 2 s, ours 1 s`.
    pub detail: Option<String>,
}

impl NoticeStatus {
    /// The sentence for people: who it is, what is wrong, and what to do.
    #[must_use]
    pub fn sentence(&self) -> String {
        sentence(self.notice, self.source, self.claim)
    }
}

/// Who it is, what is wrong, and what to do.
pub(crate) fn sentence(notice: Notice, source: IpAddr, claim: Option<Claim>) -> String {
    match claim {
        Some(claim) => format!("{source}, priority {claim}: {notice}"),
        None => format!("{source}: {notice}"),
    }
}

/// Another host that answers for the addresses, or says that it has them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RivalStatus {
    /// Its hardware address.
    pub mac: MacAddr,
    /// The address that it was last seen with.
    pub address: IpAddr,
    /// How long ago it was first seen.
    pub since: Duration,
    /// How long ago it was last seen.
    pub ago: Duration,
    /// Why that is so, as far as it can be found out.
    pub cause: RivalCause,
}

impl RivalStatus {
    /// The sentence for people: who it is, why, and what to do.
    #[must_use]
    pub fn sentence(&self) -> String {
        rival(self.mac, self.address, self.cause)
    }
}

/// Who it is, why, and what to do.
pub(crate) fn rival(mac: MacAddr, address: IpAddr, cause: RivalCause) -> String {
    format!("another host, {mac}, answers for {address}: {cause}")
}

/// A node that was heard.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SpeakerStatus {
    /// Its address.
    pub source: IpAddr,
    /// How long ago.
    pub ago: Duration,
    /// How many messages.
    pub messages: u64,
    /// What it claims, or why it was refused.
    pub verdict: Result<Claim, Rejected>,
    /// What its last message claimed, if that could be read; of a refused one it may be forged.
    pub claim: Option<Claim>,
    /// What its last message said, as far as it could be read; of a refused one it may be forged.
    pub said: Said,
    /// By how much the times between its advertisements deviate from its interval:
    /// [`Speaker::jitter`](vrrp_core::Speaker::jitter).
    pub jitter: Option<Duration>,
    /// How the addresses that it named last differ from those here, if they do.
    pub differing: Option<Differing>,
    /// Why it was refused, or what differs though it is heard, with both sides named: `version 2,
    /// ours 3`.
    pub detail: Option<String>,
}

/// One socket, and what it received that belongs to no virtual router.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PortStatus {
    /// The interface's name.
    pub interface: Arc<str>,
    /// The family.
    pub family: Family,
    /// Rejections of messages for VRIDs that are not ours.
    pub counters: Counters,
    /// Whose messages those were: up to four nodes.
    pub speakers: Vec<SpeakerStatus>,
    /// How many messages of further nodes there were.
    pub left_out: LeftOut,
    /// What was dropped before it could be read.
    pub overflow: Overflow,
}
