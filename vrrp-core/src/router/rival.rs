//! Another host that holds the addresses beside this node: what shows it, and why nothing is heard of
//! it.

use core::{
    fmt,
    net::{IpAddr, Ipv4Addr},
};

use crate::{Instant, InterfaceId, Key, MacAddr, Rejected};

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
                let remedy = reason.remedy();
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
