//! What is measured: how late advertisements leave, how long takeovers take.

use serde::{Deserialize, Serialize};

/// How late advertisements left the node, since its start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lateness {
    /// How many advertisements there were.
    pub(crate) count: u64,
    /// By how much all of them were late, summed up.
    pub(crate) total_seconds: f64,
    /// How many were later than the last bound.
    pub(crate) beyond: u64,
    /// How many lie between each bound and the one before.
    pub(crate) buckets: Vec<Bucket>,
}

/// A part of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bucket {
    /// The upper bound.
    pub(crate) up_to_seconds: f64,
    /// How many.
    pub(crate) count: u64,
}

impl From<&vrrp_net::Lateness> for Lateness {
    fn from(lateness: &vrrp_net::Lateness) -> Self {
        let bucket = |(bound, count): (std::time::Duration, u64)| Bucket {
            up_to_seconds: bound.as_secs_f64(),
            count,
        };
        Self {
            count: lateness.count(),
            total_seconds: lateness.sum().as_secs_f64(),
            beyond: lateness.beyond(),
            buckets: lateness.buckets().map(bucket).collect(),
        }
    }
}

/// How often a virtual router took over, and how long the backend took for that.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Takeovers {
    /// How many.
    pub(crate) count: u64,
    /// How long all of them took, summed up.
    pub(crate) total_seconds: f64,
    /// How long the last one took; null before the first.
    pub(crate) last_seconds: Option<f64>,
}

impl From<&vrrp_net::Takeovers> for Takeovers {
    fn from(takeovers: &vrrp_net::Takeovers) -> Self {
        Self {
            count: takeovers.count,
            total_seconds: takeovers.total.as_secs_f64(),
            last_seconds: takeovers.last.map(|last| last.as_secs_f64()),
        }
    }
}
