//! Where advertisements go, and whose are accepted: [`Transport`].

use alloc::sync::Arc;
use core::net::IpAddr;

use crate::Cidr;

/// A unicast peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "written as a literal by callers")]
pub struct Peer {
    /// Where advertisements for it go, and where its own come from.
    pub address: IpAddr,
    /// The lowest Time To Live or Hop Limit that is accepted in its advertisements. 255 follows RFC
    /// 9568 5.1.1 and keeps out everybody beyond the link; a lower value is for peers behind
    /// routers.
    pub min_ttl: u8,
    /// The same limit while the peer is in none of the interface's networks. It is for lists that
    /// do not say where a peer is, like those of keepalived and of container images. With `None`,
    /// the peer's place does not matter.
    pub min_ttl_routed: Option<u8>,
}

impl Peer {
    /// Returns the same peer with this `min_ttl`.
    #[must_use]
    pub const fn min_ttl(mut self, ttl: u8) -> Self {
        self.min_ttl = ttl;
        self
    }

    /// Returns the same peer with this `min_ttl_routed`.
    #[must_use]
    pub const fn min_ttl_routed(mut self, ttl: u8) -> Self {
        self.min_ttl_routed = Some(ttl);
        self
    }

    /// Returns whether `min_ttl_routed` applies on an interface with these networks, because the
    /// peer is in none of them. Without a network of its family that is unknown, and it does not
    /// apply.
    #[must_use]
    pub fn is_behind_router(&self, networks: &[Cidr]) -> bool {
        let same_family = |cidr: &&Cidr| cidr.address().is_ipv4() == self.address.is_ipv4();
        let mut networks = networks.iter().filter(same_family).peekable();
        self.min_ttl_routed.is_some()
            && networks.peek().is_some()
            && !networks.any(|network| network.contains(self.address))
    }

    /// Returns the peer with the limit that applies on an interface with these networks.
    pub(super) fn on(mut self, networks: &[Cidr]) -> Self {
        if let Some(ttl) = self.min_ttl_routed.filter(|_| self.is_behind_router(networks)) {
            self.min_ttl = ttl;
        }
        self
    }
}

impl From<IpAddr> for Peer {
    /// Returns the peer with `min_ttl` 255, wherever it is.
    fn from(address: IpAddr) -> Self {
        Self { address, min_ttl: 255, min_ttl_routed: None }
    }
}

/// Where advertisements go, and whose are accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there are two ways to send")]
pub enum Transport {
    /// To 224.0.0.18 or ff02::12, from anybody on the link (RFC 9568 5.1.1, 5.1.2).
    #[default]
    Multicast,
    /// To each peer. The node's own address may be in the list and is skipped, so that all nodes
    /// can share one.
    Unicast {
        /// At least one peer.
        peers: Arc<[Peer]>,
        /// Whose advertisements are accepted.
        hear: Hear,
    },
}

/// Whose unicast advertisements count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "listed or not")]
pub enum Hear {
    /// Those of the listed peers; anybody else's are rejected, counted and reported.
    #[default]
    Peers,
    /// Everybody's, as keepalived does by default. Unlisted speakers are reported.
    Any,
}
