//! Who was heard, who was refused, and who disagrees.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use vrrp_core::{Interval, Rejected};
use vrrp_net::{NoticeStatus, SpeakerStatus};

use super::words::{fine_seconds, seconds};

/// A node whose advertisements were accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PeerHeard {
    /// Its address.
    pub(crate) address: IpAddr,
    /// What it claimed last: 0 is a resignation.
    pub(crate) priority: u8,
    /// Whether it is the Active that is followed.
    #[serde(default)]
    pub(crate) active: bool,
    /// The deviation of its advertisements from its interval; null before the second one.
    #[serde(default)]
    pub(crate) jitter_seconds: Option<f64>,
    /// What its last message said.
    #[serde(flatten)]
    pub(crate) said: Said,
    /// How long ago it was heard.
    pub(crate) seconds_ago: f64,
    /// How many of its messages were counted.
    pub(crate) messages: u64,
}

/// A node whose messages were refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PeerRefused {
    /// Its address.
    pub(crate) address: IpAddr,
    /// Why the last one was: a key of `rejected`.
    pub(crate) reason: String,
    /// What the last one claimed, where that can be read.
    #[serde(default)]
    pub(crate) priority: Option<u8>,
    /// What the last one said; it may be forged.
    #[serde(flatten)]
    pub(crate) said: Said,
    /// How long ago that was.
    pub(crate) seconds_ago: f64,
    /// How many of its messages were counted.
    pub(crate) messages: u64,
}

/// What the last message of a node said, as far as it could be read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Said {
    /// Its version.
    #[serde(default)]
    pub(crate) version: u8,
    /// Its interval.
    #[serde(default)]
    pub(crate) interval_seconds: Option<f64>,
    /// Its Time To Live or Hop Limit.
    #[serde(default)]
    pub(crate) ttl: u8,
    /// Its authentication type, of VRRPv2.
    #[serde(default)]
    pub(crate) authentication: Option<u8>,
    /// Which key signed it, with keepalived's auth_hmac.
    #[serde(default)]
    pub(crate) key: Option<u8>,
    /// Why it was refused, or what differs though it was accepted, with both sides named.
    #[serde(default)]
    pub(crate) detail: Option<String>,
}

impl PeerHeard {
    /// Those among `speakers`; `active` is the Active that is followed.
    pub(super) fn all(speakers: &[SpeakerStatus], active: Option<IpAddr>) -> Vec<Self> {
        let heard = |speaker: &SpeakerStatus| {
            Some(Self {
                address: speaker.source,
                priority: speaker.verdict.ok()?.into(),
                active: active == Some(speaker.source),
                jitter_seconds: speaker.jitter.map(fine_seconds),
                said: Said::from(speaker),
                seconds_ago: seconds(speaker.ago),
                messages: speaker.messages,
            })
        };
        speakers.iter().filter_map(heard).collect()
    }
}

impl PeerRefused {
    /// Those among `speakers`.
    pub(super) fn all(speakers: &[SpeakerStatus]) -> Vec<Self> {
        let refused = |speaker: &SpeakerStatus| {
            Some(Self {
                address: speaker.source,
                reason: speaker.verdict.err()?.as_str().to_owned(),
                priority: speaker.claim.map(u8::from),
                said: Said::from(speaker),
                seconds_ago: seconds(speaker.ago),
                messages: speaker.messages,
            })
        };
        speakers.iter().filter_map(refused).collect()
    }
}

impl From<&SpeakerStatus> for Said {
    fn from(speaker: &SpeakerStatus) -> Self {
        let said = speaker.said;
        Self {
            version: said.version,
            interval_seconds: said.interval.map(Interval::duration).map(seconds),
            ttl: said.ttl,
            authentication: said.authentication,
            key: said.key,
            detail: speaker.detail.clone(),
        }
    }
}

/// A node that disagrees with this one, or that should not be there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Disagreement {
    /// What: a stable word.
    pub(crate) notice: String,
    /// Why its messages are refused, if they are: a key of `rejected`.
    pub(crate) reason: Option<String>,
    /// Its address.
    pub(crate) address: IpAddr,
    /// What it claims, where that can be read; of a refused one it may be forged.
    pub(crate) priority: Option<u8>,
    /// How long ago it was heard.
    pub(crate) seconds_ago: f64,
    /// How many of its messages were counted.
    pub(crate) messages: u64,
    /// A sentence for people, as in the log: who it is, what is wrong, and what to do.
    pub(crate) sentence: String,
    /// What differs, with both sides named, where that is what it is about.
    #[serde(default)]
    pub(crate) detail: Option<String>,
    /// The sentence with both sides named.
    #[serde(default)]
    pub(crate) line: String,
}

impl From<&NoticeStatus> for Disagreement {
    fn from(status: &NoticeStatus) -> Self {
        Self {
            notice: status.notice.as_str().to_owned(),
            reason: status.notice.refusal().map(Rejected::as_str).map(str::to_owned),
            address: status.source,
            priority: status.claim.map(u8::from),
            seconds_ago: seconds(status.ago),
            messages: status.messages,
            sentence: status.sentence(),
            detail: status.detail.clone(),
            line: status.line(),
        }
    }
}
