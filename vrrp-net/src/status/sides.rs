//! What differs between a speaker and a virtual router here, with both sides named.

use std::{net::IpAddr, time::Duration};

use vrrp_core::{
    Claim, DecodeError, Differing, Interval, Notice, Rejected, Said, Transport, VirtualRouter,
};

use super::{NoticeStatus, SpeakerStatus, why};

impl NoticeStatus {
    /// One sentence for people, without its end: who it is, what differs with both sides named, and
    /// what to do. [`sentence`](Self::sentence) is what was logged, which names no values.
    #[must_use]
    pub fn line(&self) -> String {
        let node = why::node(self.source, self.claim);
        let detail = self.detail.as_deref();
        match (self.notice, detail) {
            (Notice::Refused(reason @ Rejected::NoCommonAddress), Some(detail)) => {
                format!("{node} is another cluster: {detail}; {}", reason.remedy())
            }
            (Notice::Refused(reason), Some(detail)) => format!(
                "{node} is refused: {detail}; both may be active until that ends: {}",
                reason.remedy()
            ),
            (Notice::StrongerRefused(reason), Some(detail)) => format!(
                "{node} is active, too, and is refused: {detail}; both hold the addresses: {}",
                reason.remedy()
            ),
            (Notice::IntervalDiffers, Some(detail)) => {
                format!("{node}: {detail}; give both nodes the same interval")
            }
            (Notice::AddressesDiffer, Some(detail)) => format!(
                "{node}: {detail}; give both nodes the same addresses (an older keepalived drops \
                 such messages, and both become active)"
            ),
            (notice, _) => format!("{node}: {notice}"),
        }
    }
}

/// Why a speaker is refused, or what differs though it is heard. `router` is what its messages were
/// for, if it is here.
pub(crate) fn detail(speaker: &SpeakerStatus, router: Option<&VirtualRouter>) -> Option<String> {
    let SpeakerStatus { source, said, differing, .. } = speaker;
    match (speaker.verdict, router) {
        (Err(reason), Some(router)) => Some(refusal(*source, reason, said, *differing, router)),
        (Err(Rejected::UnknownVrid), None) => {
            Some(format!("no virtual router here has VRID {}", said.vrid))
        }
        (Err(Rejected::Ttl), None) => Some(too_low(said.ttl, 255)),
        (Err(reason), None) => Some(reason.to_string()),
        (Ok(claim), Some(router)) => {
            let parts = [
                said.interval.filter(|_| claim != Claim::Resign).and_then(|theirs| {
                    let ours = router.interval().duration();
                    (theirs.duration() != ours).then(|| intervals(theirs, router.interval()))
                }),
                differing.map(addresses),
            ];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            (!parts.is_empty()).then(|| parts.join("; "))
        }
        (Ok(_), None) => None,
    }
}

/// What one notice about a speaker is about.
pub(crate) fn of_notice(
    notice: Notice,
    speaker: &SpeakerStatus,
    router: &VirtualRouter,
) -> Option<String> {
    match notice {
        Notice::Refused(_) | Notice::StrongerRefused(_) => detail(speaker, Some(router)),
        Notice::IntervalDiffers => {
            speaker.said.interval.map(|theirs| intervals(theirs, router.interval()))
        }
        Notice::AddressesDiffer => speaker.differing.map(addresses),
        _ => None,
    }
}

fn refusal(
    source: IpAddr,
    reason: Rejected,
    said: &Said,
    differing: Option<Differing>,
    router: &VirtualRouter,
) -> String {
    match (reason, said.interval) {
        (Rejected::Ttl, _) => too_low(said.ttl, least_ttl(router, source)),
        (Rejected::WrongVersion, _) => {
            format!("version {}, ours {}", said.version, router.version().get())
        }
        (Rejected::AuthenticationType, _) => match said.authentication {
            Some(0) => "it has no password, and this node has one".to_owned(),
            _ => "it has a password, and this node has none".to_owned(),
        },
        (Rejected::Password, _) => "password differs".to_owned(),
        (Rejected::Interval, Some(theirs)) => intervals(theirs, router.interval()),
        (Rejected::UnlistedSource, _) => format!("{source} is not among the peers of this node"),
        (Rejected::OwnSource, _) => {
            format!("{source} is this node's own address: a loop, or another host has it, too")
        }
        (Rejected::NoCommonAddress, _) => match differing {
            Some(differing) => addresses(differing),
            None => "it has none of the addresses of this node".to_owned(),
        },
        (Rejected::NotListening, _) => "this node does not take part now".to_owned(),
        (Rejected::Malformed(DecodeError::Signature), _) => match said.key {
            Some(key) => {
                format!("signed by keepalived's auth_hmac, key {key}; this node has no key")
            }
            None => reason.to_string(),
        },
        (Rejected::Malformed(DecodeError::Version), _) => {
            format!("version {}, ours {}", said.version, router.version().get())
        }
        (Rejected::Malformed(DecodeError::AuthenticationType), _) => match said.authentication {
            Some(2) => "it has the authentication header of RFC 2338 (AH), which is not known here"
                .to_owned(),
            Some(number) => format!("its authentication type is {number}; 0 and 1 are known here"),
            None => reason.to_string(),
        },
        (_, _) => reason.to_string(),
    }
}

fn too_low(ttl: u8, least: u8) -> String {
    let least = if least == u8::MAX { "255".to_owned() } else { format!("at least {least}") };
    format!("TTL {ttl} where {least} is needed: a router has passed it on, or it is forged")
}

/// The lowest TTL that is accepted of a source.
fn least_ttl(router: &VirtualRouter, source: IpAddr) -> u8 {
    let peers = match router.transport() {
        Transport::Multicast => &[][..],
        Transport::Unicast { peers, .. } => peers,
    };
    peers.iter().find(|peer| peer.address == source).map_or(255, |peer| peer.min_ttl)
}

fn intervals(theirs: Interval, ours: Interval) -> String {
    let said = |interval: Interval| seconds(interval.duration());
    format!("interval {}, ours {}", said(theirs), said(ours))
}

/// Seconds, with as many digits as it takes: `2 s`, `0.25 s`.
fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

fn addresses(differing: Differing) -> String {
    let Differing { theirs, more_theirs, ours, more_ours, .. } = differing;
    let list = |first: IpAddr, more: u8| match more {
        0 => first.to_string(),
        more => format!("{first} and {more} more"),
    };
    let parts = [
        theirs.map(|first| format!("it has {}, this node has not", list(first, more_theirs))),
        ours.map(|first| format!("this node has {}, it has not", list(first, more_ours))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join("; ")
}
