//! [`Events`]: what a node reports, one after the other.

use std::fmt;

use tokio::sync::broadcast::{
    self,
    error::{RecvError, TryRecvError},
};

use crate::NodeEvent;

/// How many events a slow receiver may be behind before it loses the oldest.
pub(super) const EVENTS: usize = 1024;

/// Everything that happens on a node, in order: see [`Node::events`](crate::Node::events).
///
/// ```no_run
/// # async fn follow(node: vrrp_net::Node) {
/// let mut events = node.events();
/// while let Some(event) = events.next().await {
///     match event {
///         Ok(event) => println!("{event:?}"),
///         Err(lagged) => println!("{lagged}"),
///     }
/// }
/// # }
/// ```
pub struct Events(broadcast::Receiver<NodeEvent>);

impl Events {
    /// Of a node that has stopped there is none.
    pub(super) fn new(events: &broadcast::WeakSender<NodeEvent>) -> Self {
        Self(match events.upgrade() {
            Some(events) => events.subscribe(),
            None => broadcast::Sender::new(1).subscribe(),
        })
    }

    /// Returns the next event; `None` once the node has stopped. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`Lagged`] when more than 1,024 events were not taken in time: the oldest are lost, and the
    /// next call goes on with the others.
    pub async fn next(&mut self) -> Option<Result<NodeEvent, Lagged>> {
        match self.0.recv().await {
            Ok(event) => Some(Ok(event)),
            Err(RecvError::Lagged(lost)) => Some(Err(Lagged { lost })),
            Err(RecvError::Closed) => None,
        }
    }

    /// Returns the next event if it has come already; `None` if not, and once the node has stopped.
    ///
    /// # Errors
    /// As for [`next`](Self::next).
    pub fn try_next(&mut self) -> Option<Result<NodeEvent, Lagged>> {
        match self.0.try_recv() {
            Ok(event) => Some(Ok(event)),
            Err(TryRecvError::Lagged(lost)) => Some(Err(Lagged { lost })),
            Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("waiting", &self.0.len()).finish_non_exhaustive()
    }
}

/// Events were lost, because they were not taken in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{lost} events were lost; take them faster, or ask for the status now and then")]
#[non_exhaustive]
pub struct Lagged {
    /// How many.
    pub lost: u64,
}
