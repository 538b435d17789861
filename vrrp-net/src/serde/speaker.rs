//! Who was heard and who was refused, as data.

use std::{net::IpAddr, time::Duration};

use serde::{Serialize, Serializer};
use vrrp_core::{Claim, Interval, Notice, Rejected};

use super::seconds;
use crate::{NoticeStatus, SpeakerStatus};

/// One that was heard has its `priority` and whether it is the active one; one that was refused the
/// `reason`, and the priority where it could be read.
#[derive(Serialize)]
pub(super) struct Speaker<'a> {
    address: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Rejected>,
    priority: Option<Claim>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<bool>,
    version: u8,
    interval_seconds: Option<f64>,
    ttl: u8,
    authentication: Option<u8>,
    key: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jitter_seconds: Option<Option<f64>>,
    detail: Option<&'a str>,
    seconds_ago: f64,
    messages: u64,
}

impl<'a> Speaker<'a> {
    fn new(status: &'a SpeakerStatus, active: Option<IpAddr>) -> Self {
        let is_heard = status.verdict.is_ok();
        Self {
            address: status.source,
            reason: status.verdict.err(),
            priority: status.verdict.ok().or(status.claim),
            active: is_heard.then(|| active == Some(status.source)),
            version: status.said.version,
            interval_seconds: status.said.interval.map(Interval::duration).map(seconds),
            ttl: status.said.ttl,
            authentication: status.said.authentication,
            key: status.said.key,
            jitter_seconds: is_heard.then(|| status.jitter.map(fine_seconds)),
            detail: status.detail.as_deref(),
            seconds_ago: seconds(status.ago),
            messages: status.messages,
        }
    }
}

#[derive(Serialize)]
struct Disagreement<'a> {
    notice: Notice,
    reason: Option<Rejected>,
    address: IpAddr,
    priority: Option<Claim>,
    seconds_ago: f64,
    messages: u64,
    sentence: String,
    detail: Option<&'a str>,
    line: String,
}

impl Serialize for NoticeStatus {
    /// Its fields, with the [`refusal`](Notice::refusal) as `reason`, the
    /// [`sentence`](Self::sentence) and the [`line`](Self::line).
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let disagreement = Disagreement {
            notice: self.notice,
            reason: self.notice.refusal(),
            address: self.source,
            priority: self.claim,
            seconds_ago: seconds(self.ago),
            messages: self.messages,
            sentence: self.sentence(),
            detail: self.detail.as_deref(),
            line: self.line(),
        };
        disagreement.serialize(serializer)
    }
}

/// Those that were heard; `active` is the Active that is followed.
pub(super) fn heard(speakers: &[SpeakerStatus], active: Option<IpAddr>) -> Vec<Speaker<'_>> {
    let heard = speakers.iter().filter(|speaker| speaker.verdict.is_ok());
    heard.map(|speaker| Speaker::new(speaker, active)).collect()
}

/// Those that were refused.
pub(super) fn refused(speakers: &[SpeakerStatus]) -> Vec<Speaker<'_>> {
    let refused = speakers.iter().filter(|speaker| speaker.verdict.is_err());
    refused.map(|speaker| Speaker::new(speaker, None)).collect()
}

/// Seconds to the microsecond.
fn fine_seconds(duration: Duration) -> f64 {
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(micros).as_secs_f64()
}
