//! An event, as a line of the stream that `GET /events` answers: what `schema/event.json`
//! describes.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use vrrp_net::NodeEvent;

use super::{SCHEMA, words::rfc3339};

/// What happened, with its time and a sentence for people.
#[derive(Debug, Serialize)]
pub(crate) struct Event<'a> {
    /// The version of this format.
    schema: u32,
    /// When the daemon saw it (RFC 3339, UTC).
    time: String,
    #[serde(flatten)]
    what: What<'a>,
    /// A sentence for people.
    sentence: String,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum What<'a> {
    Node(&'a NodeEvent),
    Lagged { event: &'static str, lost: u64 },
}

impl<'a> Event<'a> {
    /// Something that the node reports now.
    pub(crate) fn now(event: &'a NodeEvent) -> Self {
        Self::of(What::Node(event), event.to_string())
    }

    /// As many events as `lost` were not taken in time.
    pub(crate) fn lagged(lost: u64) -> Self {
        let sentence = format!(
            "{lost} events were lost, because they were not read in time; `vrrp status` shows how \
             things are now"
        );
        Self::of(What::Lagged { event: "lagged", lost }, sentence)
    }

    fn of(what: What<'a>, sentence: String) -> Self {
        Self { schema: SCHEMA, time: rfc3339(SystemTime::now()), what, sentence }
    }
}

/// What the program's own client reads of a line.
#[derive(Debug, Deserialize)]
pub(crate) struct ToldEvent {
    /// When the daemon saw it.
    pub(crate) time: String,
    /// The sentence.
    pub(crate) sentence: String,
}
