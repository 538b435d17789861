//! What was counted and measured, as data. Times are in seconds, and not rounded: most of them are
//! below a millisecond.

use serde::{Serialize, Serializer};

use crate::{Lateness, Reasons, Takeovers};

#[derive(Serialize)]
struct Late {
    count: u64,
    total_seconds: f64,
    buckets: Vec<Bucket>,
    beyond: u64,
}

#[derive(Serialize)]
struct Bucket {
    up_to_seconds: f64,
    count: u64,
}

impl Serialize for Lateness {
    /// How many there were, by how much all of them were late, the buckets with the upper bound of
    /// each, and how many are beyond the last. Each advertisement is in one of them.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bucket = |(bound, count): (std::time::Duration, u64)| Bucket {
            up_to_seconds: bound.as_secs_f64(),
            count,
        };
        let late = Late {
            count: self.count(),
            total_seconds: self.sum().as_secs_f64(),
            buckets: self.buckets().map(bucket).collect(),
            beyond: self.beyond(),
        };
        late.serialize(serializer)
    }
}

impl Serialize for Reasons {
    /// Each reason by its word, zeros included.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[derive(Serialize)]
struct Took {
    count: u64,
    total_seconds: f64,
    last_seconds: Option<f64>,
}

impl Serialize for Takeovers {
    /// How many there were, how long all of them took, and the last one.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { count, total, last } = *self;
        let last_seconds = last.map(|last| last.as_secs_f64());
        Took { count, total_seconds: total.as_secs_f64(), last_seconds }.serialize(serializer)
    }
}
