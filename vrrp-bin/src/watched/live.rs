//! `GET /live`: what the page follows, as server-sent events (the HTML standard, 9.2).
//!
//! | event | data |
//! |---|---|
//! | `node` | once, at first: whose page it is, and since when this process runs |
//! | `status` | all that there is to say: at once, soon after something has happened, and every now and then |
//! | `happened` | an event, as `GET /events` of the control socket tells it |
//!
//! It is for the page that this program serves, and may change with it; programs ask the control
//! socket. A reader that is slow loses the oldest events and is told how many; it holds nobody up,
//! and one status at most waits for it.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    Extension,
    body::Body,
    extract,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use hyper::body::Bytes;
use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use super::{State, health};
use crate::{
    connections::{Pulse, Streaming},
    control::Subscription,
    pieces::{Pieces, Source},
    report::{self, rfc3339},
    status::wrong,
};

/// How long a status keeps the next one away at least, for each [`SIZE`] octets that it has.
const PACE: Duration = Duration::from_millis(100);
/// One of a thousand virtual routers has ten times as much.
const SIZE: usize = 100_000;
/// How many times as long it is until the next one if nothing happens.
const QUIET: u32 = 10;
/// The longest time until the next one: the page takes a longer silence for a loss.
const SILENCE: Duration = Duration::from_secs(10);
/// What a browser that has lost its connection does after a second.
const FIRST: &str = "retry: 1000\n";

/// Answers with what happens from now on.
pub(super) async fn live(
    extract::State(state): extract::State<State>,
    Extension(pulse): Extension<Arc<Pulse>>,
) -> Response {
    let first = format!("{FIRST}event: node\ndata: {}\n\n", written(&Node::new(&state)));
    let told = Telling {
        events: state.feed.subscribe(),
        state,
        ready: VecDeque::new(),
        pace: Pace::new(Instant::now()),
        _kept: pulse.stream(),
    };
    ([(CONTENT_TYPE, "text/event-stream")], Body::new(Pieces::new(first.into(), told)))
        .into_response()
}

/// Whose page it is.
#[derive(Serialize)]
struct Node {
    /// The host's name.
    host: String,
    version: &'static str,
    /// When this process began to answer (RFC 3339, UTC).
    started: String,
}

impl Node {
    fn new(state: &State) -> Self {
        let host = nix::unistd::gethostname().unwrap_or_default();
        let version = env!("CARGO_PKG_VERSION");
        Self { host: host.to_string_lossy().into(), version, started: rfc3339(state.started) }
    }
}

/// What is told to one reader. Nothing is taken before there is room for it.
struct Telling {
    state: State,
    events: Subscription,
    /// The rest of what is being said.
    ready: VecDeque<Bytes>,
    pace: Pace,
    /// The connection is kept as long as this lives.
    _kept: Streaming,
}

impl Source for Telling {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Some((piece, self));
            }
            tokio::select! {
                line = self.events.next(None) => {
                    let line = line?;
                    self.ready.extend([HAPPENED, line, END]);
                    self.pace.something_happened(Instant::now());
                }
                () = sleep_until(self.pace.due) => {
                    // A node that has stopped has last events, after which this ends.
                    let octets = self.say_status().await.unwrap_or_default();
                    self.pace.said(Instant::now(), octets);
                }
            }
        }
    }
}

/// What comes before a line, which ends with a line feed.
const HAPPENED: Bytes = Bytes::from_static(b"event: happened\ndata: ");
/// An empty line ends an event.
const END: Bytes = Bytes::from_static(b"\n");

impl Telling {
    /// Puts down how everything is, and returns how long that is; `None` if there is nothing to say.
    async fn say_status(&mut self) -> Option<usize> {
        let snapshot = health::snapshot(&self.state).await.ok()?;
        let json = snapshot.json().await.ok()?;
        let wrong = written(&wrongs(snapshot.report().await));
        // By this the page knows how far its own clock is from that of this host.
        let at = rfc3339(SystemTime::now());
        let head = format!("event: status\ndata: {{\"at\":\"{at}\",\"wrong\":{wrong},\"status\":");
        let octets = head.len() + json.len();
        self.ready.extend([head.into(), json, Bytes::from_static(b"}\n\n")]);
        Some(octets)
    }
}

/// What is wrong with each virtual router that has something wrong, as `vrrp status` says it.
fn wrongs(status: &report::Status) -> BTreeMap<&str, Vec<String>> {
    let routers = status.virtual_routers.iter();
    let all = routers.map(|router| (router.name.as_str(), wrong::sentences(router)));
    all.filter(|(_, sentences)| !sentences.is_empty()).collect()
}

fn written<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| {
        tracing::error!(event = "page-unwritten", %error, "what the page is told cannot be written \
            as JSON: {error}; report it");
        "{}".to_owned()
    })
}

/// When the next status is due: soon after something happened, and at times when nothing does. The
/// larger one is, the rarer it comes, so that a browser and this host can keep up.
struct Pace {
    due: Instant,
    /// Before that there is none.
    earliest: Instant,
}

impl Pace {
    /// The first one is due at once.
    const fn new(now: Instant) -> Self {
        Self { due: now, earliest: now }
    }

    /// One has been said that was as long.
    fn said(&mut self, now: Instant, octets: usize) {
        let sizes = u32::try_from(octets.div_ceil(SIZE).max(1)).unwrap_or(u32::MAX);
        let gap = PACE.saturating_mul(sizes).min(SILENCE);
        self.earliest = now + gap;
        self.due = now + gap.saturating_mul(QUIET).min(SILENCE);
    }

    /// A snapshot that was taken before this is out of date after [`PACE`].
    fn something_happened(&mut self, now: Instant) {
        self.due = self.due.min(self.earliest.max(now + PACE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn a_status_comes_soon_after_something_happened_and_rarely_otherwise() {
        let begun = Instant::now();
        let mut pace = Pace::new(begun);
        assert_eq!(pace.due, begun);
        pace.said(begun, 2_000);
        assert_eq!(pace.due, begun + ms(1000), "a second, if nothing happens");
        pace.something_happened(begun);
        assert_eq!(pace.due, begun + ms(100));
        pace.something_happened(begun + ms(50));
        assert_eq!(pace.due, begun + ms(100), "what is due is not put off");
        pace.said(begun + ms(100), 2_000);
        pace.something_happened(begun + ms(900));
        assert_eq!(pace.due, begun + ms(1000), "not before a snapshot is of after it");
    }

    #[test]
    fn a_large_status_comes_rarely_and_none_later_than_the_page_waits() {
        let begun = Instant::now();
        let mut pace = Pace::new(begun);
        pace.said(begun, 1_000_000);
        assert_eq!(pace.due, begun + ms(10_000));
        pace.something_happened(begun);
        assert_eq!(pace.due, begun + ms(1000), "a tenth of a second for each hundred thousand");
        pace.said(begun, usize::MAX);
        assert_eq!(pace.due, begun + SILENCE);
    }
}
