//! [`Lines`]: what comes on a stream of events that ends with the node.

use std::time::Duration;

use hyper::body::Bytes;
use tokio::time::timeout;

use super::feed::Subscription;
use crate::{
    connections::Streaming,
    pieces::{Pieces, Source},
};

/// A comment comes when nothing else came for so long.
const QUIET: Duration = Duration::from_secs(5);
/// What a reader skips.
const COMMENT: Bytes = Bytes::from_static(b":\n");

/// The lines for one reader. One that is slow is behind in its subscription.
pub(super) struct Lines {
    subscription: Subscription,
    name: Option<String>,
    /// The connection is kept as long as this lives.
    _kept: Streaming,
}

impl Lines {
    /// The body with those about `name`, or about everything. `kept` keeps the connection.
    pub(super) fn body(
        subscription: Subscription,
        name: Option<String>,
        kept: Streaming,
    ) -> Pieces<Self> {
        // Whoever asked learns at once that nothing will be missed from now on.
        Pieces::new(COMMENT, Self { subscription, name, _kept: kept })
    }
}

impl Source for Lines {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        let line = timeout(QUIET, self.subscription.next(self.name.as_deref())).await;
        match line {
            Ok(Some(line)) => Some((line, self)),
            Ok(None) => None,
            Err(_) => Some((COMMENT, self)),
        }
    }
}
