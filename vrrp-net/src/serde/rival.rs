//! Another holder, as data.

use std::net::IpAddr;

use serde::{Serialize, Serializer};
use vrrp_core::{MacAddr, Rejected, RivalCause};

use super::seconds;
use crate::RivalStatus;

#[derive(Serialize)]
struct Rival {
    mac: MacAddr,
    address: IpAddr,
    since_seconds_ago: f64,
    seconds_ago: f64,
    cause: RivalCause,
    reason: Option<Rejected>,
    source: Option<IpAddr>,
    sentence: String,
}

impl Serialize for RivalStatus {
    /// Its fields, with why messages are refused as `reason`, whose they are as `source`, and the
    /// [`sentence`](Self::sentence).
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rival = Rival {
            mac: self.mac,
            address: self.address,
            since_seconds_ago: seconds(self.since),
            seconds_ago: seconds(self.ago),
            cause: self.cause,
            reason: self.cause.reason(),
            source: self.cause.source(),
            sentence: self.sentence(),
        };
        rival.serialize(serializer)
    }
}
