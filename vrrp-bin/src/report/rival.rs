//! Another holder, in the JSON of the status.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use vrrp_core::Rejected;
use vrrp_net::RivalStatus;

use super::words::seconds;

/// Another host that answers for the addresses, or says that it has them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rival {
    /// Its hardware address.
    pub(crate) mac: String,
    /// The address that it was last seen with.
    pub(crate) address: IpAddr,
    /// How long ago it was first seen.
    pub(crate) since_seconds_ago: f64,
    /// How long ago it was last seen.
    pub(crate) seconds_ago: f64,
    /// Why that is so, as far as it can be found out: a stable word.
    pub(crate) cause: String,
    /// Why messages are refused, if that is the cause: a key of `rejected`.
    pub(crate) reason: Option<String>,
    /// Whose advertisements are not heard or are refused, if that is known.
    pub(crate) source: Option<IpAddr>,
    /// A sentence for people: who it is, why, and what to do.
    pub(crate) sentence: String,
}

impl From<&RivalStatus> for Rival {
    fn from(status: &RivalStatus) -> Self {
        Self {
            mac: status.mac.to_string(),
            address: status.address,
            since_seconds_ago: seconds(status.since),
            seconds_ago: seconds(status.ago),
            cause: status.cause.as_str().to_owned(),
            reason: status.cause.reason().map(Rejected::as_str).map(str::to_owned),
            source: status.cause.source(),
            sentence: status.sentence(),
        }
    }
}
