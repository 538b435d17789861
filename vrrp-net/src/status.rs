//! [`NodeStatus`]: everything about a node at one moment.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use vrrp_core::{
    Cidr, Claim, Counters, Family, Gates, GroupPolicy, Health, Hold, Holds, Key, MacAddr, Notice,
    Phase, Reason, Rejected, RivalCause, Sender, VirtualRouter,
};

use crate::{VirtualAddress, VirtualRoute, link::Overflow};

/// Everything about a node at one moment.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct NodeStatus {
    /// Its virtual routers, in the order of their names.
    pub routers: Vec<RouterStatus>,
    /// Its sockets, with what belongs to no virtual router.
    pub ports: Vec<PortStatus>,
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
    /// Counters.
    pub counters: Counters,
    /// Who was heard, and whose messages were refused.
    pub speakers: Vec<SpeakerStatus>,
    /// What is wrong with those of them that speak still: that were heard within four intervals, or
    /// within ten seconds if that is longer.
    pub notices: Vec<NoticeStatus>,
}

impl RouterStatus {
    /// What keeps it out of the election, as a sentence with what to do; `None` while it takes
    /// part, and where nothing is wrong.
    #[must_use]
    pub fn obstacle(&self) -> Option<String> {
        let Self { name, interface, phase: Phase::Initialize(hold), .. } = self else {
            return None;
        };
        let said = |error: &Option<String>| {
            error.as_ref().map(|error| format!(": {error}")).unwrap_or_default()
        };
        Some(match hold {
            Hold::Stopped | Hold::Drained | Hold::Inspecting => return None,
            Hold::InterfaceMissing => {
                format!("{name}: there is no interface {interface} (yet); is it another name?")
            }
            Hold::LinkDown => {
                format!(
                    "{name}: {interface} is down or has no carrier; set it up, look at its cable"
                )
            }
            Hold::NoSocket => format!(
                "{name}: no socket could be opened on {interface}{}",
                said(&self.socket_error)
            ),
            Hold::NoSource => format!(
                "{name}: {interface} has no {} address to send from; give it one of its own",
                self.router.family()
            ),
            Hold::OtherInterface => {
                let unready = self.unready.join(" and ");
                format!(
                    "{name}: {unready}, where some of its addresses or routes are, is missing, down \
                     or has no carrier; set it up, or is it another name?"
                )
            }
            Hold::Check => format!(
                "{name}: a check fails, and its service must not be reached while it is ill; its \
                 checks say what is ill"
            ),
            Hold::Send => format!("{name}: nothing can be sent on {interface}; its log says why"),
            // A backend's failure, and what may come.
            hold => format!(
                "{name}: the backend cannot hold the addresses ({}){}",
                hold.as_str(),
                said(&self.backend_error)
            ),
        })
    }
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
    /// The name of the member because of which [`Hold::Group`] or [`Gate::Group`](crate::Gate::Group)
    /// stands: one that is held, or that is not ready. `None` if neither stands, and if it waits
    /// for itself.
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
    /// Whose messages those were.
    pub speakers: Vec<SpeakerStatus>,
    /// What was dropped before it could be read.
    pub overflow: Overflow,
}
