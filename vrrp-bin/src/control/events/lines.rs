//! [`Lines`]: the body of an answer that ends with the node.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::body::{Body, Bytes, Frame};
use tokio::time::timeout;

use super::feed::Subscription;
use crate::connections::Streaming;

/// A comment comes when nothing else came for so long.
const QUIET: Duration = Duration::from_secs(5);
/// What a reader skips.
const COMMENT: Bytes = Bytes::from_static(b":\n");

/// The lines for one reader. None is taken before there is room for it: a slow reader is behind in
/// its subscription, which is bounded, and nowhere else.
pub(super) struct Lines(Option<Next>);

/// The next line, and what gives those after it.
type Next = Pin<Box<dyn Future<Output = Option<(Bytes, Source)>> + Send>>;

struct Source {
    subscription: Subscription,
    name: Option<String>,
    /// The connection is kept as long as this lives.
    _kept: Streaming,
}

impl Lines {
    /// Those about `name`, or about everything. `kept` keeps the connection.
    pub(super) fn new(subscription: Subscription, name: Option<String>, kept: Streaming) -> Self {
        let source = Source { subscription, name, _kept: kept };
        // Whoever asked learns at once that nothing will be missed from now on.
        Self(Some(Box::pin(async { Some((COMMENT, source)) })))
    }
}

impl Source {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        let line = timeout(QUIET, self.subscription.next(self.name.as_deref())).await;
        match line {
            Ok(Some(line)) => Some((line, self)),
            Ok(None) => None,
            Err(_) => Some((COMMENT, self)),
        }
    }
}

impl Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(next) = &mut self.0 else { return Poll::Ready(None) };
        let line = ready!(next.as_mut().poll(cx));
        let (line, rest) = line.map(|(line, source)| (line, source.next())).unzip();
        self.0 = rest.map(|next| Box::pin(next) as Next);
        Poll::Ready(line.map(|line| Ok(Frame::data(line))))
    }
}
