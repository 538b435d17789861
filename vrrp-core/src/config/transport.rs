//! Where advertisements go, and who is listened to: [`Transport`].

use alloc::sync::Arc;
use core::net::IpAddr;

/// A unicast peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "written as a literal by callers")]
pub struct Peer {
    /// Where advertisements for it go, and where its own come from.
    pub address: IpAddr,
    /// The least Time To Live or Hop Limit that its advertisements may arrive with. 255 is RFC 9568
    /// 5.1.1 and keeps everybody beyond the link out; a lower value is for peers that are routed to.
    pub min_ttl: u8,
}

impl From<IpAddr> for Peer {
    /// The peer with `min_ttl` 255.
    fn from(address: IpAddr) -> Self {
        Self { address, min_ttl: 255 }
    }
}

/// Where advertisements go, and who is listened to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there are two ways to send")]
pub enum Transport {
    /// To 224.0.0.18 or ff02::12, from anybody on the link (RFC 9568 5.1.1, 5.1.2).
    #[default]
    Multicast,
    /// To each peer. The node's own address may stand in the list, so that all nodes can share one: it is
    /// skipped.
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
