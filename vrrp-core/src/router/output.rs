//! What comes out of a [`Router`](crate::Router): the one ordered door out.

use core::net::IpAddr;

use super::{Probe, Rival};
use crate::{
    Advert, BufferTooSmall, Claim, Family, Gates, Generation, Holds, Instant, Key, MacAddr, Notice,
    Peer, Phase, Reason, VirtualRouter, Wire, fsm::Want,
};

/// Something for the driver to do or to report.
///
/// For one virtual router the order is fixed. Promotion: `Event(Acquiring)`, `Transmit`,
/// `Lease(Acquire)`, and after the backend's answer `Event(Held)`, `Announce`. Demotion:
/// `Event(Backup or Initialize)`, `Transmit` (a resignation, when one is due), `Lease(Release)`.
/// Handover: `Event(Resigning)`, `Lease(Leaving)`, `Transmit`.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a driver has to carry out each")]
pub enum Output<'a> {
    /// Put an advertisement on the wire, now.
    Transmit(Transmit<'a>),
    /// Ask the backend for something. It supersedes any earlier request for the same virtual
    /// router.
    Lease(LeaseRequest<'a>),
    /// Announce the addresses to the neighbours.
    Announce(Announce<'a>),
    /// Make this node's own address known to the neighbours.
    Greet(Greet),
    /// Ask who else has an address. What answers is an [`Input::Sighting`](crate::Input::Sighting).
    Probe(Probe),
    /// Look at what the interface receives for a virtual router, ahead of any firewall, from now on
    /// or no more: what is seen is an [`Input::Overheard`](crate::Input::Overheard).
    Overhear {
        /// The virtual router.
        key: Key,
        /// From now on.
        on: bool,
    },
    /// Report to the user.
    Event(Event),
}

/// One advertisement, to one or several destinations.
#[derive(Clone, Copy, Debug)]
pub struct Transmit<'a> {
    pub(crate) key: Key,
    pub(crate) source: IpAddr,
    pub(crate) advert: Advert<'a>,
    pub(crate) peers: Option<&'a [Peer]>,
    pub(crate) due: Option<Instant>,
    pub(crate) wires: &'static [Wire],
}

impl<'a> Transmit<'a> {
    /// Returns the virtual router that it is for.
    #[must_use]
    pub const fn key(&self) -> Key {
        self.key
    }

    /// Returns the source address, which must be honoured: receivers elect by it and checksums
    /// cover it.
    #[must_use]
    pub const fn source(&self) -> IpAddr {
        self.source
    }

    /// Returns the advertisement.
    #[must_use]
    pub const fn advert(&self) -> &Advert<'a> {
        &self.advert
    }

    /// Returns when Adver_Timer ran out, if that is why it leaves: it is late by what has passed
    /// since. `None` of a first one, an answer, a resignation, and one that leaves because the
    /// configuration changed.
    #[must_use]
    pub const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Returns the packets to send, in order: one for each destination, version and checksum. There
    /// are none when the peer list holds nobody but this node.
    pub fn packets(&self) -> impl Iterator<Item = Packet<'a>> + use<'a> {
        let Self { key, source, advert, peers, wires, due: _ } = *self;
        let group = peers.is_none().then_some(match key.family {
            Family::Ipv4 => IpAddr::V4(crate::packet::IPV4_GROUP),
            Family::Ipv6 => IpAddr::V6(crate::packet::IPV6_GROUP),
        });
        let unicast = peers
            .into_iter()
            .flatten()
            .map(|peer| peer.address)
            .filter(move |peer| *peer != source);
        group.into_iter().chain(unicast).flat_map(move |destination| {
            wires.iter().map(move |wire| Packet { source, destination, wire: *wire, advert })
        })
    }
}

/// An advertisement for one destination. It leaves with Time To Live or Hop Limit 255 and protocol
/// 112 (RFC 9568 5.1).
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) wire: Wire,
    pub(crate) advert: Advert<'a>,
}

impl Packet<'_> {
    /// Returns its source address.
    #[must_use]
    pub const fn source(&self) -> IpAddr {
        self.source
    }

    /// Returns its destination address.
    #[must_use]
    pub const fn destination(&self) -> IpAddr {
        self.destination
    }

    /// Returns its encoding.
    #[must_use]
    pub const fn wire(&self) -> Wire {
        self.wire
    }

    /// Writes the IP payload to `out` and returns its length.
    ///
    /// # Errors
    /// [`BufferTooSmall`]: [`Advert::MAX_LEN`] octets are always enough.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        self.advert.encode(self.source, self.destination, self.wire.checksum_form(), out)
    }
}

/// A request to the backend of one virtual router.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "taken apart by drivers")]
pub struct LeaseRequest<'a> {
    /// The virtual router.
    pub key: Key,
    /// Goes into the answer, [`Input::Answer`](crate::Input::Answer).
    pub generation: Generation,
    /// What is wanted.
    pub want: Want,
    /// The virtual router's configuration. Its addresses may differ from those of the previous
    /// request. Along with any request but [`Want::Inspect`] and [`Want::Leaving`], the backend
    /// releases those that are no longer listed.
    pub config: &'a VirtualRouter,
}

/// Gratuitous ARP or unsolicited Neighbor Advertisements, one for each address of the virtual
/// router.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "taken apart by drivers")]
pub struct Announce<'a> {
    /// The virtual router.
    pub key: Key,
    /// Its configuration, with the addresses.
    pub config: &'a VirtualRouter,
}

/// Gratuitous ARP or an unsolicited Neighbor Advertisement for the address that this node sends
/// from: the peers of a node that was away may no longer know how to reach it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "taken apart by drivers")]
pub struct Greet {
    /// The virtual router.
    pub key: Key,
    /// The address.
    pub source: IpAddr,
}

/// Who sent an advertisement, and what it claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a named pair")]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Sender {
    /// Its source address.
    pub source: IpAddr,
    /// Its priority.
    pub claim: Claim,
}

/// What a user wants to know. Few are pending for each virtual router: one of each kind, and up to
/// eight notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Event {
    /// The virtual router changed its phase.
    #[non_exhaustive]
    Transition {
        /// The virtual router.
        key: Key,
        /// The phase last reported.
        from: Phase,
        /// The phase now.
        to: Phase,
        /// What caused it.
        reason: Reason,
        /// Whose advertisement caused it, if one did.
        sender: Option<Sender>,
    },
    /// Something about a peer looks wrong. It changed nothing.
    ///
    /// Reported at most once an hour for each source that [`Status::speakers`](crate::Status) has
    /// room for, whatever the virtual router does meanwhile, and at most once a minute for each
    /// kind and each reason to refuse.
    #[non_exhaustive]
    Notice {
        /// The virtual router.
        key: Key,
        /// What looks wrong.
        notice: Notice,
        /// Whose message showed it.
        source: IpAddr,
        /// What that message claimed, where it could be read.
        claim: Option<Claim>,
        /// How many reports of the same kind about other sources were only counted since the last
        /// one.
        others: u32,
    },
    /// A drain ended because nobody took over: the resignation was taken back (RFC 9568 has no such
    /// thing; a peer has at most one more Skew_Time to wait).
    #[non_exhaustive]
    DrainRefused {
        /// The virtual router.
        key: Key,
    },
    /// A check fails, and nobody took over: an ill service goes on, because no service would be
    /// worse. Other nodes are asked again after 10 s, then after twice as long each time, up to
    /// 5 min.
    #[non_exhaustive]
    Unrelieved {
        /// The virtual router.
        key: Key,
    },
    /// The virtual router is still Active, and a weaker Active beside it has gone: nothing was heard
    /// of that one for an interval and a quarter, of the longer of both. What the two have caused
    /// elsewhere may have come in any order, and what this node does now comes last.
    #[non_exhaustive]
    Reasserted {
        /// The virtual router.
        key: Key,
    },
    /// Another host holds the addresses, too: both may answer.
    ///
    /// Reported at most once an hour for each of a few hardware addresses, and at most once a
    /// minute.
    #[non_exhaustive]
    Rival {
        /// The virtual router.
        key: Key,
        /// Who it is, and why.
        rival: Rival,
        /// How many others were not reported since the last one.
        others: u32,
    },
    /// The rival that was reported last is there no more, or is heard by now.
    #[non_exhaustive]
    RivalGone {
        /// The virtual router.
        key: Key,
        /// Its hardware address.
        mac: MacAddr,
    },
    /// Other reasons than before keep the virtual router out, or have it listen only. Reported after
    /// all that came with it.
    #[non_exhaustive]
    Standing {
        /// The virtual router.
        key: Key,
        /// All that keeps it out.
        holds: Holds,
        /// All that has it listen only.
        gates: Gates,
    },
}
