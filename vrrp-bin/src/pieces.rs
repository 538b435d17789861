//! [`Pieces`]: the body of an answer that comes piece by piece, as long as its source has some.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
};

use hyper::body::{Body, Bytes, Frame};

/// What gives one piece after the other.
pub(crate) trait Source: Sized + Send + 'static {
    /// The next piece, and what gives those after it; `None` if there is no more.
    fn next(self) -> impl Future<Output = Option<(Bytes, Self)>> + Send;
}

/// A body. No piece is taken before there is room for it: a slow reader is behind at the source,
/// which is bounded, and nowhere else.
pub(crate) struct Pieces<S>(Option<Next<S>>);

type Next<S> = Pin<Box<dyn Future<Output = Option<(Bytes, S)>> + Send>>;

impl<S: Source> Pieces<S> {
    /// `first`, and then those of `source`.
    pub(crate) fn new(first: Bytes, source: S) -> Self {
        Self(Some(Box::pin(async { Some((first, source)) })))
    }
}

impl<S: Source> Body for Pieces<S> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(next) = &mut self.0 else { return Poll::Ready(None) };
        let piece = ready!(next.as_mut().poll(cx));
        let (piece, rest) = piece.map(|(piece, source)| (piece, source.next())).unzip();
        self.0 = rest.map(|next| Box::pin(next) as Next<S>);
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }
}
