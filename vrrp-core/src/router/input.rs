//! What goes into a [`Router`](crate::Router): the one door in.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Desired, Sighting};
use crate::{Answer, Generation, Health, InterfaceId, Key, Loss, MacAddr, RxMeta};

/// Something that happened outside. Every variant is data: a list of these with their times is a
/// replay log, a fuzz input, a simulation.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Input<'a> {
    /// The whole desired world, compared with the present one by key. Virtual routers that are gone
    /// hand over and stop, new ones start, and changed ones keep their state. Addresses and the
    /// version change in place: addresses that stay are served throughout, whatever their order. A
    /// virtual router that is configured again during its removal stays.
    Configure(&'a Desired),
    /// The state of an interface. Until the first one arrives, the interface counts as missing. A
    /// missing interface (the default) without a virtual router is forgotten, with its counters.
    Interface {
        /// The interface.
        id: InterfaceId,
        /// Its current state.
        status: InterfaceStatus,
    },
    /// A VRRP message without its IP header.
    Datagram {
        /// What the socket reports about it.
        meta: RxMeta,
        /// The IP payload.
        bytes: &'a [u8],
    },
    /// The answer to [`Output::Lease`](crate::Output::Lease) of the same generation. Answers to
    /// older generations are ignored.
    Answer {
        /// The virtual router.
        key: Key,
        /// The generation of the request.
        generation: Generation,
        /// The backend's answer.
        answer: Answer,
    },
    /// An address of a held lease is gone, and this node did not remove it.
    LeaseLost {
        /// The virtual router.
        key: Key,
        /// How it was lost.
        loss: Loss,
    },
    /// The advertisement last polled for `key` could not be sent to anybody. Success is not
    /// reported.
    SendFailed {
        /// The virtual router.
        key: Key,
    },
    /// The advertisement last polled for `key` could reach none of the peers: the fault is the
    /// network's, not this node's. It counts as sent.
    Unreached {
        /// The virtual router.
        key: Key,
    },
    /// Hand over, then stay out of the election until [`Resume`](Self::Resume). If nobody takes
    /// over in time, the resignation is taken back, unless `force`.
    Drain {
        /// The virtual router.
        key: Key,
        /// Release even if nobody takes over.
        force: bool,
    },
    /// End a drain.
    Resume {
        /// The virtual router.
        key: Key,
    },
    /// What checks say of the service behind the addresses, as a level.
    Health {
        /// The virtual router.
        key: Key,
        /// The sum of what they say.
        health: Health,
    },
    /// Another host says that it has an address. Whatever is queued in the sockets for
    /// advertisements comes first: whoever takes over advertises before it announces.
    Sighting(Sighting),
    /// While [`Output::Overhear`](crate::Output::Overhear) asks for it: an advertisement for the
    /// virtual router has reached the interface, whether it reaches this program or not.
    Overheard {
        /// The virtual router.
        key: Key,
        /// Where it comes from.
        source: IpAddr,
    },
    /// Announce the addresses to the neighbours again, if they are held: at once, and then as
    /// configured.
    Announce {
        /// The virtual router.
        key: Key,
    },
    /// [`next_deadline`](crate::Router::next_deadline) has come.
    Timeout,
    /// The node leaves: every virtual router hands over and stops. It is over when
    /// [`is_stopped`](crate::Router::is_stopped) returns true. A second one releases at once.
    Shutdown,
}

/// The current state of an interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "written as a literal by drivers")]
pub enum InterfaceStatus {
    /// It does not exist.
    #[default]
    Missing,
    /// It is down, or has no carrier.
    Down(InterfaceDetails),
    /// It is up and has a carrier.
    Up(InterfaceDetails),
}

impl InterfaceStatus {
    /// Returns the details of an interface that exists, up or down.
    #[must_use]
    pub const fn details(&self) -> Option<&InterfaceDetails> {
        match self {
            Self::Missing => None,
            Self::Down(details) | Self::Up(details) => Some(details),
        }
    }

    /// Returns the same status with `change` applied to its details; a missing interface has none.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut InterfaceDetails)) -> Self {
        match &mut self {
            Self::Missing => {}
            Self::Down(details) | Self::Up(details) => change(details),
        }
        self
    }
}

/// The details of an interface that exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "written as a literal by drivers")]
pub struct InterfaceDetails {
    /// Its primary IPv4 address: one of the host's own, never a virtual one.
    pub ipv4: Option<Ipv4Addr>,
    /// Its link-local IPv6 address, once it is usable (not tentative).
    pub ipv6_link_local: Option<Ipv6Addr>,
    /// A routable IPv6 address of the host's own, for unicast peers that are not link-local.
    pub ipv6_routable: Option<Ipv6Addr>,
    /// Its hardware address. When it changes, virtual addresses are announced anew.
    pub mac: MacAddr,
    /// Whether its socket for IPv4 could not be opened, so that nothing can be sent or heard.
    pub ipv4_closed: bool,
    /// The same for IPv6.
    pub ipv6_closed: bool,
}
