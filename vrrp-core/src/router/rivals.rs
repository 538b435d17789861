//! Another host that holds the addresses beside this node: who it is, why nothing is heard of it,
//! and when that is reported.

use core::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use super::{Event, Router, entry::Entry, notices::remedy};
use crate::{
    DecodeError, Family, Instant, InterfaceId, Key, MacAddr, Rejected, fsm::Input, fsm::Suspect,
};

/// A rival is reported again after this long.
const AGAIN: Duration = Duration::from_secs(3600);
/// Reports are at least this far apart, whoever they are about.
const APART: Duration = Duration::from_secs(60);
/// How many rivals are remembered as reported.
const REMEMBERED: usize = 4;
/// Beyond four intervals, for how long a refused message counts as fresh.
const FRESH: Duration = Duration::from_secs(10);

/// An address that nobody should have (RFC 5737). A host that answers for it, too, answers for
/// others.
pub const NOBODYS: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 254);

/// An ARP message or a Neighbor Advertisement of another host, which says that it has an address.
/// ARP probes say nothing of the kind: their sender has no address yet (RFC 5227 2.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "written as a literal by drivers")]
pub struct Sighting {
    /// The interface that it was seen on.
    pub interface: InterfaceId,
    /// The address.
    pub address: IpAddr,
    /// Where it is said to be. Those of this host's own interfaces are left out by the driver; what
    /// the interface itself has, and the virtual MAC address of the virtual router, do not count.
    pub mac: MacAddr,
    /// Whether it answers a [`Probe`], so that nobody else has heard it.
    pub solicited: bool,
}

/// Ask who has an address: an ARP probe, whose sender address is zero (RFC 5227 2.1.1), or a
/// Neighbor Solicitation to the solicited-node group, from `source` (RFC 4861 7.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "taken apart by drivers")]
pub struct Probe {
    /// The virtual router.
    pub key: Key,
    /// The address.
    pub address: IpAddr,
    /// The address that this node sends from.
    pub source: IpAddr,
    /// Whether [`NOBODYS`] is asked for as well.
    pub is_proxy_asked: bool,
}

/// Another host that holds an address of the virtual router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Rival {
    /// Its hardware address.
    pub mac: MacAddr,
    /// The address that it was last seen with.
    pub address: IpAddr,
    /// When it was first seen.
    pub since: Instant,
    /// When it was last seen.
    pub last: Instant,
    /// The likely cause.
    pub cause: RivalCause,
}

/// Why there is a rival, as far as that can be found out.
///
/// [`Display`](fmt::Display) says it as a sentence with what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RivalCause {
    /// Messages are heard and refused; they are probably its own.
    Refused {
        /// Whose messages.
        source: IpAddr,
        /// Why.
        reason: Rejected,
    },
    /// Its advertisements reach this host, and do not reach this program.
    Firewall {
        /// Where they come from.
        source: IpAddr,
    },
    /// None of its advertisements reaches this host.
    Network,
    /// It answers for addresses that it does not have.
    Proxy,
    /// It says by itself that it has the address.
    Foreign,
}

impl RivalCause {
    /// Returns a stable word for logs, metrics and `status`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            Self::Firewall { .. } => "firewall",
            Self::Network => "network",
            Self::Proxy => "proxy-arp",
            Self::Foreign => "foreign",
        }
    }

    /// Returns why messages are refused, if they are.
    #[must_use]
    pub const fn reason(self) -> Option<Rejected> {
        match self {
            Self::Refused { reason, .. } => Some(reason),
            Self::Firewall { .. } | Self::Network | Self::Proxy | Self::Foreign => None,
        }
    }

    /// Returns whose advertisements are not heard, if that is known.
    #[must_use]
    pub const fn source(self) -> Option<IpAddr> {
        match self {
            Self::Refused { source, .. } | Self::Firewall { source } => Some(source),
            Self::Network | Self::Proxy | Self::Foreign => None,
        }
    }
}

impl fmt::Display for RivalCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { source, reason } => {
                let remedy = remedy(*reason);
                write!(f, "messages of {source} are refused here: {reason}; {remedy}")
            }
            Self::Firewall { source } => write!(
                f,
                "advertisements of {source} reach this host and do not reach this program: a \
                 firewall on this host drops them; let IP protocol 112 in"
            ),
            Self::Network => f.write_str(
                "no advertisement of it reaches this host: the network drops IP protocol 112 or \
                 does not forward its multicast, a firewall there drops what it sends, or it has \
                 the address as its own and does not speak VRRP; let VRRP through, or take the \
                 address from that host",
            ),
            Self::Proxy => f.write_str(
                "it answers for addresses that nobody has: proxy ARP on a router or switch; switch \
                 that off for this network",
            ),
            Self::Foreign => f.write_str(
                "it says so by itself, and no advertisement of it is heard: it has the address as \
                 its own, it is a node of this cluster that cannot be heard, or it forges ARP; \
                 find out whose hardware address that is",
            ),
        }
    }
}

/// What is known of rivals beside the machine's suspect, and what is to be polled.
#[derive(Debug, Default)]
pub(super) struct Rivalry {
    /// The address of the last sighting.
    address: Option<IpAddr>,
    /// Whose advertisements a packet socket saw last, and when.
    overheard: Option<(IpAddr, Instant)>,
    /// Who was last seen to answer for an address that nobody has.
    proxy: Option<MacAddr>,
    cause: Option<RivalCause>,
    /// Who was reported, and when.
    told: [Option<(MacAddr, Instant)>; REMEMBERED],
    /// When the next one may be reported.
    next_at: Instant,
    /// How many were not reported since.
    withheld: u32,
    /// The one that was reported last, while it is there.
    shown: Option<MacAddr>,
    found: Option<(Rival, u32)>,
    gone: Option<MacAddr>,
}

impl Rivalry {
    fn tell(&mut self, now: Instant, rival: Rival) {
        let mac = rival.mac;
        let known = self.told.iter().position(|told| told.is_some_and(|it| it.0 == mac));
        let told = known.and_then(|place| self.told.get(place).copied().flatten());
        if told.is_some_and(|(_, at)| now < at + AGAIN) {
            return;
        }
        if now < self.next_at {
            self.withheld = self.withheld.saturating_add(1);
            return;
        }
        self.next_at = now + APART;
        let place = match known {
            Some(place) => self.told.get_mut(place),
            None => self.told.iter_mut().min_by_key(|told| told.map(|(_, at)| at)),
        };
        if let Some(place) = place {
            *place = Some((mac, now));
        }
        self.shown = Some(mac);
        self.found = Some((rival, core::mem::take(&mut self.withheld)));
    }

    fn tell_gone(&mut self, mac: MacAddr) {
        if self.shown.take_if(|shown| *shown == mac).is_some() {
            self.gone = Some(mac);
        }
    }

    pub(super) const fn is_due(&self) -> bool {
        self.found.is_some() || self.gone.is_some()
    }

    /// Takes the next event to be polled.
    pub(super) fn take(&mut self, key: Key) -> Option<Event> {
        if let Some((rival, others)) = self.found.take() {
            return Some(Event::Rival { key, rival, others });
        }
        self.gone.take().map(|mac| Event::RivalGone { key, mac })
    }
}

impl Router {
    /// Takes that another host says that it has an address.
    pub(super) fn take_sighting(&mut self, sighting: Sighting) {
        let Sighting { interface, address, mac, solicited } = sighting;
        let family = Family::of(address);
        let own = self.interfaces.get(&interface).and_then(|status| status.details());
        let is_own = own.is_some_and(|details| details.mac == mac);
        let Some(place) = self.port(interface, family) else { return };
        if is_own || !is_unicast(mac) {
            return;
        }
        for vrid in 0..=usize::from(u8::MAX) {
            let slots = self.ports.get(place).map(|port| &port.slots);
            let slot = slots.and_then(|slots| slots.get(vrid)?.get());
            let Some((slot, Some(entry))) =
                slot.and_then(|slot| Some((slot, self.entries.get_mut(slot)?)))
            else {
                continue;
            };
            let key = entry.key();
            if mac == key.vrid.virtual_mac(family) {
                continue;
            }
            if address == IpAddr::V4(NOBODYS) {
                entry.rest.rivalry.proxy = Some(mac);
            }
            if entry.config().addresses().any(|own| own.address() == address) {
                entry.rest.rivalry.address = Some(address);
                self.step(slot, Input::Sighting { mac, solicited });
            }
        }
    }

    /// Takes that a packet socket has seen an advertisement for a virtual router.
    pub(super) fn overhear(&mut self, key: &Key, source: IpAddr) {
        let now = self.now;
        if let Some(slot) = self.slot(key)
            && let Some(Some(entry)) = self.entries.get_mut(slot)
            && entry.machine().source() != Some(source)
        {
            entry.rest.rivalry.overheard = Some((source, now));
        }
    }
}

/// Returns whether a host can have this hardware address.
fn is_unicast(mac: MacAddr) -> bool {
    let MacAddr([first, ..]) = mac;
    mac != MacAddr::default() && first & 1 == 0
}

impl Entry {
    /// Returns the hardware address of its rival, if it has one.
    pub(super) fn rival_mac(&self) -> Option<MacAddr> {
        self.machine().suspect().filter(|suspect| suspect.is_rival()).map(Suspect::mac)
    }

    /// Returns its rival.
    pub(super) fn rival(&self) -> Option<Rival> {
        let suspect = self.machine().suspect().filter(|suspect| suspect.is_rival())?;
        Some(Rival {
            mac: suspect.mac(),
            address: self.rest.rivalry.address?,
            since: suspect.since(),
            last: suspect.seen_at(),
            cause: self.rest.rivalry.cause?,
        })
    }

    /// Follows up on a step before which it had the rival `before`.
    #[cold]
    pub(super) fn look_after_rival(&mut self, now: Instant, before: Option<MacAddr>) {
        if let Some(suspect) = self.machine().suspect().copied() {
            self.rest.rivalry.cause = Some(self.cause(now, &suspect));
        }
        let after = self.rival_mac();
        if let Some(gone) = before.filter(|before| Some(*before) != after) {
            self.rest.rivalry.tell_gone(gone);
        }
        if let Some(rival) = self.rival()
            && before != after
        {
            self.rest.rivalry.tell(now, rival);
        }
        self.note_notices();
    }

    /// Returns the likely cause of a rival.
    fn cause(&self, now: Instant, suspect: &Suspect) -> RivalCause {
        let rivalry = &self.rest.rivalry;
        let fresh = FRESH.max(self.config().interval().duration().saturating_mul(4));
        let since = if suspect.is_looked_for() { suspect.since() } else { now - fresh };
        let refused = self.tally.speakers.as_slice().iter().filter_map(|speaker| {
            let reason = speaker.verdict.err().filter(|reason| may_be_rivals(*reason))?;
            (speaker.last_heard >= since).then_some((speaker.last_heard, speaker.source, reason))
        });
        let overheard = rivalry.overheard.filter(|(_, at)| *at >= since);
        match (refused.max_by_key(|(at, ..)| *at), overheard) {
            (Some((_, source, reason)), _) => RivalCause::Refused { source, reason },
            (None, _) if rivalry.proxy == Some(suspect.mac()) => RivalCause::Proxy,
            (None, Some((source, _))) => RivalCause::Firewall { source },
            (None, None) if suspect.is_looked_for() => RivalCause::Network,
            (None, None) => RivalCause::Foreign,
        }
    }
}

/// Returns whether messages that are refused for this reason may be those of a node that holds our
/// addresses.
const fn may_be_rivals(reason: Rejected) -> bool {
    match reason {
        Rejected::OwnSource
        | Rejected::UnknownVrid
        | Rejected::NotListening
        | Rejected::NoCommonAddress
        | Rejected::Malformed(DecodeError::Family) => false,
        Rejected::Malformed(_)
        | Rejected::Ttl
        | Rejected::WrongVersion
        | Rejected::AuthenticationType
        | Rejected::Password
        | Rejected::Interval
        | Rejected::UnlistedSource => true,
    }
}
