//! [`NodeEvent`]: what a node reports as it happens.

use std::{fmt, net::IpAddr, sync::Arc};

use vrrp_core::{Claim, Gates, Holds, Key, MacAddr, Notice, Phase, Reason, RivalCause, Sender};

use crate::{
    check::State,
    status::{rival, sentence},
};

/// Something that happened on a node. [`as_str`](Self::as_str) is its word for programs, and its
/// `Display` the sentence for people, which the node logs, too.
///
/// ```
/// # fn tell(event: vrrp_net::NodeEvent) {
/// println!("[{}] {event}", event.as_str());
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum NodeEvent {
    /// Its phase changed.
    #[non_exhaustive]
    Transition {
        /// Its name.
        name: Arc<str>,
        /// Its key.
        key: Key,
        /// The phase before.
        from: Phase,
        /// The phase now.
        to: Phase,
        /// What caused it.
        reason: Reason,
        /// Whose advertisement caused it, if one did.
        sender: Option<Sender>,
    },
    /// Something about a peer looks wrong. It is reported once an hour for each of a few sources,
    /// and once a minute for each virtual router, kind and reason.
    #[non_exhaustive]
    Notice {
        /// Its name.
        name: Arc<str>,
        /// Its key.
        key: Key,
        /// What.
        notice: Notice,
        /// Whose message showed it.
        source: IpAddr,
        /// What that message claimed, where it could be read.
        claim: Option<Claim>,
        /// How often the same was seen of other sources since the last report, and only counted.
        others: u32,
    },
    /// A drain ended because nobody took over.
    #[non_exhaustive]
    DrainRefused {
        /// Its name.
        name: Arc<str>,
        /// Its key.
        key: Key,
    },
    /// A check fails, and nobody took over: an ill service goes on, which is better than none.
    #[non_exhaustive]
    Unrelieved {
        /// Its name.
        name: Arc<str>,
        /// Its key.
        key: Key,
    },
    /// It is still active, and another one that was, too, has gone: whatever the two caused
    /// elsewhere may have come in any order. It comes an interval and a quarter after the other one
    /// was heard last.
    #[non_exhaustive]
    Reasserted {
        /// Its name.
        name: Arc<str>,
        /// Its key.
        key: Key,
    },
    /// Another host answers for its addresses, too, or says that it has them: both may be active.
    /// It is reported once an hour for each of a few hosts, and once a minute for all of them.
    #[non_exhaustive]
    Rival {
        /// Its name.
        name: Arc<str>,
        /// Its key.
        key: Key,
        /// The hardware address of the other host.
        mac: MacAddr,
        /// The address.
        address: IpAddr,
        /// Why that is so, as far as it can be found out.
        cause: RivalCause,
        /// How many other hosts were not reported since the last report.
        others: u32,
    },
    /// The host that was reported last does not answer any more, or is heard by now.
    #[non_exhaustive]
    RivalGone {
        /// Its name.
        name: Arc<str>,
        /// Its key.
        key: Key,
        /// The hardware address of that host.
        mac: MacAddr,
    },
    /// Other reasons than before keep it out, or have it listen only.
    #[non_exhaustive]
    Standing {
        /// Its name.
        name: Arc<str>,
        /// Its key.
        key: Key,
        /// All that keeps it out.
        holds: Holds,
        /// All that has it listen only.
        gates: Gates,
    },
    /// Its backend failed, or works again.
    #[non_exhaustive]
    Backend {
        /// Its name.
        name: Arc<str>,
        /// Its key.
        key: Key,
        /// What went wrong; `None` when the backend has held the addresses since.
        error: Option<Arc<str>>,
    },
    /// A check changed its state. Told where [`Checks::serve`](crate::check::Checks::serve) connects
    /// checks with this node.
    #[non_exhaustive]
    Check {
        /// The name of the check.
        name: Arc<str>,
        /// Its state now.
        state: State,
        /// What the run that changed it said.
        text: Arc<str>,
    },
}

impl NodeEvent {
    /// A stable word for programs and logs.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Transition { .. } => "transition",
            Self::Notice { .. } => "notice",
            Self::DrainRefused { .. } => "drain-refused",
            Self::Unrelieved { .. } => "unrelieved",
            Self::Reasserted { .. } => "reasserted",
            Self::Rival { .. } => "rival",
            Self::RivalGone { .. } => "rival-gone",
            Self::Standing { .. } => "standing",
            Self::Backend { .. } => "backend",
            Self::Check { .. } => "check",
        }
    }

    /// The name of the virtual router that it is about, or of the check.
    #[must_use]
    pub const fn name(&self) -> &Arc<str> {
        match self {
            Self::Transition { name, .. }
            | Self::Notice { name, .. }
            | Self::DrainRefused { name, .. }
            | Self::Unrelieved { name, .. }
            | Self::Reasserted { name, .. }
            | Self::Rival { name, .. }
            | Self::RivalGone { name, .. }
            | Self::Standing { name, .. }
            | Self::Backend { name, .. }
            | Self::Check { name, .. } => name,
        }
    }
}

impl fmt::Display for NodeEvent {
    /// A sentence that begins with its name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.name())?;
        match self {
            Self::Transition { from, to, reason, sender, .. } => {
                write!(f, "{from} -> {to}: {}", cause(*reason, *sender))
            }
            Self::Notice { notice, source, claim, others, .. } => {
                f.write_str(&sentence(*notice, *source, *claim))?;
                match others {
                    0 => Ok(()),
                    _ => write!(
                        f,
                        " (and {others} times the same of others since that was said last)"
                    ),
                }
            }
            Self::DrainRefused { .. } => {
                f.write_str("nobody took over, so this node goes on as the active one")
            }
            Self::Unrelieved { .. } => f.write_str(
                "unhealthy, and nobody else: a check fails, and no other node took over, so this \
                 node goes on as the active one; its checks say what is ill",
            ),
            Self::Reasserted { .. } => f.write_str(
                "another node was active, too, and has gone; this node stays the active one",
            ),
            Self::Rival { mac, address, cause, others, .. } => {
                f.write_str(&rival(*mac, *address, *cause))?;
                match others {
                    0 => Ok(()),
                    _ => write!(f, " (and {others} other hosts since that was said last)"),
                }
            }
            Self::RivalGone { mac, .. } => {
                write!(f, "the host {mac} does not answer for the addresses any more, or is heard")
            }
            Self::Standing { holds, gates, .. } => match (holds.is_empty(), gates.is_empty()) {
                (true, true) => f.write_str("nothing keeps it from becoming active"),
                (false, true) => write!(f, "kept out: {holds}"),
                (true, false) => write!(f, "listens only: {gates}"),
                (false, false) => write!(f, "kept out: {holds}; listens only: {gates}"),
            },
            Self::Backend { error: Some(error), .. } => write!(f, "the backend failed: {error}"),
            Self::Backend { error: None, .. } => f.write_str("the backend works again"),
            Self::Check { state, text, .. } => write!(f, "the check is {state}: {text}"),
        }
    }
}

/// What caused a transition, with whose advertisement it was.
fn cause(reason: Reason, sender: Option<Sender>) -> String {
    let Some(Sender { source, claim }) = sender else { return reason.as_str().to_owned() };
    match reason {
        Reason::StrongerClaim => format!("stronger claim of {source}, priority {claim}"),
        Reason::Resignation => format!("resignation of {source}"),
        Reason::Preemption => format!("preemption of {source}, priority {claim}"),
        Reason::Successor => format!("successor {source}, priority {claim}"),
        other => format!("{}, in favour of {source}, priority {claim}", other.as_str()),
    }
}

/// What a shutdown left behind: see [`Node::shutdown_within`](crate::Node::shutdown_within).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "addresses that were not released may answer on two nodes"]
#[non_exhaustive]
pub struct Released {
    /// The names of virtual routers whose backends had not released the addresses in time.
    pub unreleased: Vec<Arc<str>>,
}

impl Released {
    /// Whether every address was released.
    #[must_use]
    pub fn all(&self) -> bool {
        self.unreleased.is_empty()
    }
}

/// How a drain ended: see [`Handle::drain`](crate::Handle::drain).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "a drain that was refused leaves this node active"]
#[expect(clippy::exhaustive_enums, reason = "whoever drains has to decide on both")]
pub enum Drained {
    /// The addresses are released, and this node stays out of the election.
    Done,
    /// Nobody took over, and this node remains the active one; or a resume ended the drain.
    Refused,
}

impl Drained {
    /// A stable word for logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }
}

impl fmt::Display for Drained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
