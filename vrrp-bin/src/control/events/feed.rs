//! [`Feed`]: the events of a node as lines, written once for all who read them.

use std::{convert::Infallible, sync::Arc};

use hyper::body::Bytes;
use tokio::sync::{
    broadcast::{self, error::RecvError},
    mpsc,
};
use vrrp_net::Events;

use crate::report::Event;

/// How many lines a slow reader may be behind before it loses the oldest.
pub(super) const BEHIND: usize = 1024;

/// Where readers subscribe. It holds up no end.
#[derive(Clone)]
pub(crate) struct Feed {
    lines: broadcast::WeakSender<Line>,
    open: mpsc::WeakSender<Infallible>,
}

/// Comes when the node has stopped and every reader has been told all of it, or has gone.
pub(crate) struct Told(mpsc::Receiver<Infallible>);

/// What a reader gets from now on.
pub(crate) struct Subscription {
    lines: broadcast::Receiver<Line>,
    /// Dropped with this: [`Told`] waits for it.
    _open: Option<mpsc::Sender<Infallible>>,
}

/// An event as it is sent.
#[derive(Clone)]
struct Line {
    /// Of the virtual router or check that it is about; what has none is for everybody.
    name: Option<Arc<str>>,
    octets: Bytes,
}

impl Feed {
    /// Writes down what comes of `events` until they end, inside a tokio runtime.
    pub(crate) fn start(events: Events) -> (Self, Told) {
        let (lines, _) = broadcast::channel(BEHIND);
        let (open, told) = mpsc::channel(1);
        let feed = Self { lines: lines.downgrade(), open: open.downgrade() };
        tokio::spawn(async move {
            publish(events, lines).await;
            drop(open);
        });
        (feed, Told(told))
    }

    /// Of a node that has stopped nothing comes.
    pub(crate) fn subscribe(&self) -> Subscription {
        let lines = match self.lines.upgrade() {
            Some(lines) => lines.subscribe(),
            None => broadcast::Sender::new(1).subscribe(),
        };
        Subscription { lines, _open: self.open.upgrade() }
    }
}

impl Told {
    /// Waits for it.
    pub(crate) async fn wait(mut self) {
        // Nothing is ever sent: it ends with the last sender.
        let _ = self.0.recv().await;
    }
}

impl Subscription {
    /// The next line about `name`, or about anything; `None` once the node has stopped. Dropping the
    /// future loses nothing.
    pub(crate) async fn next(&mut self, name: Option<&str>) -> Option<Bytes> {
        loop {
            match self.lines.recv().await {
                Ok(line) if line.is_about(name) => return Some(line.octets),
                Ok(_) => {}
                Err(RecvError::Lagged(lost)) => {
                    if let Some(line) = Line::new(None, &Event::lagged(lost)) {
                        return Some(line.octets);
                    }
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

async fn publish(mut events: Events, lines: broadcast::Sender<Line>) {
    while let Some(event) = events.next().await {
        if lines.receiver_count() == 0 {
            continue;
        }
        let line = match &event {
            Ok(event) => Line::new(Some(Arc::clone(event.name())), &Event::now(event)),
            Err(lagged) => Line::new(None, &Event::lagged(lagged.lost)),
        };
        if let Some(line) = line {
            // Who has gone meanwhile misses nothing.
            drop(lines.send(line));
        }
    }
}

impl Line {
    fn new(name: Option<Arc<str>>, event: &Event<'_>) -> Option<Self> {
        match serde_json::to_vec(event) {
            Ok(mut octets) => {
                octets.push(b'\n');
                Some(Self { name, octets: octets.into() })
            }
            Err(error) => {
                tracing::error!(event = "event-unwritten", %error, "an event cannot be written as \
                    JSON: {error}; report it");
                None
            }
        }
    }

    fn is_about(&self, wanted: Option<&str>) -> bool {
        match (wanted, &self.name) {
            (Some(wanted), Some(name)) => **name == *wanted,
            (None, _) | (_, None) => true,
        }
    }
}
