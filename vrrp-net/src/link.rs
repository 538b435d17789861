//! The packet seam between the driver and the network: the [`Link`] trait.

#[cfg(target_os = "linux")]
pub mod linux;
pub mod memory;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::IpAddr,
    task::{Context, Poll},
    time::SystemTime,
};

use vrrp_core::{
    Cidr, Family, InterfaceId, Key, MacAddr, Probe, RxMeta, Sighting, Version, Versions, Vrid,
};

/// What sends and receives advertisements, and announces addresses.
///
/// It has one *port* per interface and family, opened and closed by the driver as interfaces come
/// and go.
pub trait Link: Send + 'static {
    /// Opens the port, or changes what an open one listens for. After the kernel's index of the
    /// interface changed, the driver closes the port first.
    ///
    /// # Errors
    /// What the operating system says; the driver retries when the interface changes again.
    fn open(&mut self, port: &Port, interest: &Interest) -> io::Result<()>;

    /// Closes a port. Closing one that is not open does nothing.
    fn close(&mut self, interface: InterfaceId, family: Family);

    /// Ready when [`try_recv`](Self::try_recv) may have something.
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// The next datagram, its payload in `buffer`; `None` when there is none at the moment. Ports
    /// that have one give it in turns.
    ///
    /// # Errors
    /// A receive error of a port, with the port's interface down or gone; the driver goes on.
    fn try_recv(&mut self, buffer: &mut [u8]) -> io::Result<Option<Received>>;

    /// Sends an advertisement with Time To Live or Hop Limit 255.
    ///
    /// # Errors
    /// What the operating system says: it counts as not sent.
    fn send(&mut self, outgoing: &Outgoing<'_>) -> io::Result<()>;

    /// Whether the host has this address, to send from by this interface. Asked when something
    /// could not be sent.
    fn has_source(&self, _interface: InterfaceId, _source: IpAddr) -> bool {
        true
    }

    /// Sends from an address that the host no longer has: the last words of a node that lost it.
    ///
    /// # Errors
    /// What the operating system says, or that the link cannot do it: a link that does not override
    /// this cannot.
    fn send_from_former(&mut self, _outgoing: &Outgoing<'_>) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Announces addresses: a gratuitous ARP request or an unsolicited Neighbor Advertisement for
    /// each.
    ///
    /// # Errors
    /// What the operating system says.
    fn announce(&mut self, announcement: &Announcement<'_>) -> io::Result<()>;

    /// Announces addresses on an interface that no port has to be open on: some of a virtual router's
    /// addresses are there, and nothing of it is heard there. Those that are not of the port's family
    /// are left out.
    ///
    /// # Errors
    /// What the operating system says, or that the link cannot do it: a link that does not override
    /// this cannot.
    fn announce_on(&mut self, _port: &Port, _addresses: &[Cidr]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The next thing that was seen of others who may hold the addresses; `None` when there is none
    /// at the moment. Asked after [`try_recv`](Self::try_recv) has nothing: whoever takes over
    /// advertises first. A link that does not override this sees nothing.
    fn try_seen(&mut self) -> Option<Seen> {
        None
    }

    /// Asks who has an address. Who answers is a [`Seen::Sighting`].
    ///
    /// # Errors
    /// What the operating system says, or that the link cannot do it: a link that does not override
    /// this cannot.
    fn probe(&mut self, _probe: &Probe) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Looks, from now on or no more, at the advertisements for a virtual router that reach its
    /// interface, whether they reach this program or not. Each is a [`Seen::Overheard`].
    ///
    /// # Errors
    /// What the operating system says, or that the link cannot do it: a link that does not override
    /// this cannot.
    fn overhear(&mut self, _key: Key, _on: bool) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Datagrams that were dropped before they could be read, since the port was opened.
    fn overflow(&self, _interface: InterfaceId, _family: Family) -> Overflow {
        Overflow::default()
    }
}

/// What was seen of others who may hold the addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Seen {
    /// Another host says that it has an address.
    Sighting(Sighting),
    /// An advertisement has reached the interface.
    Overheard {
        /// For which virtual router.
        key: Key,
        /// Where it comes from.
        source: IpAddr,
    },
}

/// An advertisement that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outgoing<'a> {
    /// The interface that it leaves by.
    pub interface: InterfaceId,
    /// The address that it is sent from.
    pub source: IpAddr,
    /// The group, or a peer.
    pub destination: IpAddr,
    /// The IP payload.
    pub payload: &'a [u8],
}

impl<'a> Outgoing<'a> {
    /// An advertisement from the interface's own hardware address.
    #[must_use]
    pub const fn new(
        interface: InterfaceId,
        source: IpAddr,
        destination: IpAddr,
        payload: &'a [u8],
    ) -> Self {
        Self { interface, source, destination, payload }
    }

    /// The family that it is sent in.
    #[must_use]
    pub fn family(&self) -> Family {
        Family::of(self.destination)
    }
}

/// Addresses that are announced together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Announcement<'a> {
    /// The interface whose neighbours are told.
    pub interface: InterfaceId,
    /// The family of the addresses; those of the other family are left out.
    pub family: Family,
    /// The addresses.
    pub addresses: &'a [Cidr],
}

impl<'a> Announcement<'a> {
    /// Addresses that answer at the interface's own hardware address.
    #[must_use]
    pub const fn new(interface: InterfaceId, family: Family, addresses: &'a [Cidr]) -> Self {
        Self { interface, family, addresses }
    }
}

/// What a port is opened for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Port {
    /// The interface.
    pub interface: InterfaceId,
    /// The family.
    pub family: Family,
    /// The interface's name.
    pub name: String,
    /// The kernel's index of the interface.
    pub index: u32,
    /// The interface's hardware address, the sender of announcements.
    pub mac: MacAddr,
}

impl Port {
    /// A port.
    #[must_use]
    pub fn new(
        interface: InterfaceId,
        family: Family,
        name: &str,
        index: u32,
        mac: MacAddr,
    ) -> Self {
        Self { interface, family, name: name.to_owned(), index, mac }
    }
}

/// What a port has to deliver. Everything else of protocol 112 is a refusal: delivered too, but
/// sampled, so that a flood of it costs nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "written as a literal by drivers")]
pub struct Interest {
    /// For each VRID the versions spoken and the least TTL or hop limit that is heard.
    pub vrids: BTreeMap<Vrid, VridInterest>,
    /// Whether the group is joined.
    pub multicast: bool,
    /// Addresses that no other host should say that it has.
    pub addresses: BTreeSet<IpAddr>,
}

impl Interest {
    /// Whether this may be for us: an advertisement of a VRID in its version, from near enough, and
    /// as long as its count of addresses says. The Linux link's packet filter implements the same
    /// predicate.
    #[must_use]
    pub fn hears(&self, family: Family, ttl: u8, payload: &[u8]) -> bool {
        let &[version_and_type, vrid, _, count, _, _, _, _, ..] = payload else { return false };
        let Some(heard) = Vrid::try_from(vrid).ok().and_then(|vrid| self.vrids.get(&vrid)) else {
            return false;
        };
        let (version, header, address) = match (version_and_type, family) {
            (0x31, Family::Ipv4) => (Version::V3, 8, 4),
            (0x31, Family::Ipv6) => (Version::V3, 8, 16),
            // The authentication data are eight octets more, whatever their type.
            (0x21, Family::Ipv4) => (Version::V2, 16, 4),
            _ => return false,
        };
        heard.versions.contains(version)
            && ttl >= heard.min_ttl
            && count > 0
            && payload.len() == header + usize::from(count) * address
    }
}

/// What is heard of one VRID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "written as a literal by drivers")]
pub struct VridInterest {
    /// The versions that it speaks.
    pub versions: Versions,
    /// The least TTL or hop limit of any of its peers.
    pub min_ttl: u8,
}

/// A datagram that was received.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "taken apart by drivers")]
pub struct Received {
    /// Where it came from and went to.
    pub meta: RxMeta,
    /// How many octets of the buffer it fills. A longer datagram fills the buffer.
    pub len: usize,
    /// When the kernel received it.
    pub stamp: Option<SystemTime>,
    /// Whether the filter sorted it out: it is read for its name and counter only.
    pub refused: bool,
}

/// Datagrams that the kernel dropped because a socket's buffer was full.
///
/// Newer kernels look at the buffer before the filter (6.18 does): while one is full, everything of
/// protocol 112 on the interface counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two counters")]
pub struct Overflow {
    /// Of those that could have been ours.
    pub heard: u64,
    /// Of refusals, which are sampled: this is what `status` adds to their counters.
    pub refused: u64,
}
