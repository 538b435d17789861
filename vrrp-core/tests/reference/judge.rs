//! What RFC 9568 7.1 and RFC 3768 7.1 let in.

use std::net::IpAddr;

use crate::{
    codec::{Timing, read},
    settings::{Kind, Settings},
};

/// A datagram as it arrives.
#[derive(Clone, Debug)]
pub(crate) struct Datagram {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) ttl: u8,
    pub(crate) octets: Vec<u8>,
}

/// What an advertisement that was let in says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Advertisement {
    pub(crate) source: IpAddr,
    pub(crate) priority: u8,
    /// In nanoseconds.
    pub(crate) interval: u64,
    /// Its checksum is that of the message alone, or that with a pseudo-header; with luck both.
    pub(crate) right_alone: bool,
    pub(crate) right_with_pseudo_header: bool,
}

/// `None`: the receiver discards it.
pub(crate) fn judge(settings: &Settings, datagram: &Datagram) -> Option<Advertisement> {
    let Datagram { source, destination, ttl, octets } = datagram;
    let received = read(*source, *destination, octets)?;
    let message = &received.message;
    // What this node has sent itself comes back by a loop.
    let is_own = *source == settings.source;
    let (version, right) = match settings.kind {
        Kind::V2 => (2, received.right_alone),
        Kind::V3Ipv4 => (3, received.right_alone || received.right_with_pseudo_header),
        Kind::V3Ipv6 => (3, received.right_with_pseudo_header),
    };
    let interval = match message.timing {
        // RFC 3768 7.1: the Adver Interval is the local one. RFC 2338 5.3.6: so are Auth Type and
        // the password.
        Timing::V2 { authentication_type, seconds, authentication } => {
            let ours = settings.message(0).timing;
            let (authentication_type, authentication) = match authentication_type {
                0 => (0, [0; 8]),
                _ => (authentication_type, authentication),
            };
            let theirs = Timing::V2 { authentication_type, seconds, authentication };
            if theirs != ours {
                return None;
            }
            u16::from(seconds)
        }
        // 5.2.6: the reserved bits are ignored. 5.2.7, erratum 8301: an interval of 0 is discarded.
        Timing::V3 { centiseconds, .. } => centiseconds,
    };
    let is_valid = *ttl == 255
        && !is_own
        && message.version == version
        && message.kind == 1
        && message.vrid == settings.vrid
        && message.count > 0
        && message.trailing.is_empty()
        && interval > 0
        && right;
    let is_foreign = !message.addresses.iter().any(|address| settings.addresses.contains(address));
    // A deviation (7.1): a list with nothing in common is another cluster's.
    if !is_valid || is_foreign {
        return None;
    }
    Some(Advertisement {
        source: *source,
        priority: message.priority,
        interval: settings.nanoseconds(interval),
        right_alone: received.right_alone,
        right_with_pseudo_header: received.right_with_pseudo_header,
    })
}
