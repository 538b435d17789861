//! Where advertisements go, and who is listened to: [`Transport`].

use alloc::sync::Arc;
use core::net::IpAddr;

use crate::Cidr;

/// A unicast peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "written as a literal by callers")]
pub struct Peer {
    /// Where advertisements for it go, and where its own come from.
    pub address: IpAddr,
    /// The least Time To Live or Hop Limit that its advertisements may arrive with. 255 is RFC 9568
    /// 5.1.1 and keeps everybody beyond the link out; a lower value is for peers that are routed
    /// to.
    pub min_ttl: u8,
    /// The same while the peer is in none of the interface's networks, for lists that do not say
    /// where a peer is, as those of keepalived and of container images. `None`: it does not matter
    /// where it is.
    pub min_ttl_routed: Option<u8>,
}

impl Peer {
    /// The same peer, whose advertisements may arrive with no less than this.
    #[must_use]
    pub const fn min_ttl(mut self, ttl: u8) -> Self {
        self.min_ttl = ttl;
        self
    }

    /// The same peer, whose advertisements may arrive with no less than this while it is behind a
    /// router.
    #[must_use]
    pub const fn min_ttl_routed(mut self, ttl: u8) -> Self {
        self.min_ttl_routed = Some(ttl);
        self
    }

    /// Whether a lower limit holds for it on an interface with these networks, because it is in
    /// none of them. Without any network nobody knows.
    #[must_use]
    pub fn is_behind_router(&self, networks: &[Cidr]) -> bool {
        let same_family = |cidr: &&Cidr| cidr.address().is_ipv4() == self.address.is_ipv4();
        let mut networks = networks.iter().filter(same_family).peekable();
        self.min_ttl_routed.is_some()
            && networks.peek().is_some()
            && !networks.any(|network| network.contains(self.address))
    }

    /// The peer as it is heard on an interface with these networks.
    pub(super) fn on(mut self, networks: &[Cidr]) -> Self {
        if let Some(ttl) = self.min_ttl_routed.filter(|_| self.is_behind_router(networks)) {
            self.min_ttl = ttl;
        }
        self
    }
}

impl From<IpAddr> for Peer {
    /// The peer with `min_ttl` 255, wherever it is.
    fn from(address: IpAddr) -> Self {
        Self { address, min_ttl: 255, min_ttl_routed: None }
    }
}

/// Where advertisements go, and who is listened to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there are two ways to send")]
pub enum Transport {
    /// To 224.0.0.18 or ff02::12, from anybody on the link (RFC 9568 5.1.1, 5.1.2).
    #[default]
    Multicast,
    /// To each peer. The node's own address may stand in the list, so that all nodes can share one:
    /// it is skipped.
    Unicast {
        /// At least one.
        peers: Arc<[Peer]>,
        /// Who may speak.
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
    /// Everybody's, as keepalived does unless told otherwise. Unlisted speakers are reported.
    Any,
}
