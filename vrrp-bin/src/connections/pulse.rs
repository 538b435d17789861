//! [`Pulse`]: what a connection is doing, and since when.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

/// How long a request may take from its first octet to the end of its head.
const REQUEST: Duration = Duration::from_secs(5);
/// How long a connection is kept on which nothing moves.
const IDLE: Duration = Duration::from_secs(10);
/// How long an answer may be waited for, the rest of the request included.
const ANSWER: Duration = Duration::from_secs(10);

/// What a connection is doing, and since when.
pub(crate) struct Pulse(Mutex<State>);

struct State {
    stage: Stage,
    /// When an octet last came or went, or the connection was made.
    moved: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing has been asked, or all has been answered.
    Idle,
    /// A request has begun to come.
    Asking(Instant),
    /// It has come, and is worked on.
    Answering(Instant),
    /// The answer has no end, as a stream of events, or takes as long as a handover.
    Streaming,
}

impl Pulse {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State { stage: Stage::Idle, moved: Instant::now() }))
    }

    /// When an octet last came or went.
    pub(super) fn moved(&self) -> Instant {
        self.state().moved
    }

    /// The lowest can be missed best: what idles before what is asked, streams last; in each the
    /// one on which nothing has moved for longest.
    pub(super) fn rank(&self) -> (u8, Instant) {
        let state = self.state();
        let class = match state.stage {
            Stage::Idle => 0,
            Stage::Asking(_) => 1,
            Stage::Answering(_) => 2,
            Stage::Streaming => 3,
        };
        (class, state.moved)
    }

    /// Whether it has been kept for too long.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        let state = self.state();
        let (since, limit) = match state.stage {
            Stage::Idle => (state.moved, IDLE),
            Stage::Asking(since) => (since, REQUEST),
            Stage::Answering(since) => (since, ANSWER),
            Stage::Streaming => return false,
        };
        now.saturating_duration_since(since) >= limit
    }

    /// A request has come.
    pub(super) fn asked(&self) {
        self.state().stage = Stage::Answering(Instant::now());
    }

    /// The answer is on its way.
    pub(super) fn answered(&self) {
        let mut state = self.state();
        state.moved = Instant::now();
        if state.stage != Stage::Streaming {
            state.stage = Stage::Idle;
        }
    }

    /// Keeps the connection, whatever moves on it, until the value returned is dropped. It belongs
    /// into the body of an answer that has no end, and where an answer takes as long as a handover.
    pub(crate) fn stream(self: &Arc<Self>) -> Streaming {
        self.state().stage = Stage::Streaming;
        Streaming(Arc::clone(self))
    }

    fn came(&self) {
        let now = Instant::now();
        let mut state = self.state();
        state.moved = now;
        if state.stage == Stage::Idle {
            state.stage = Stage::Asking(now);
        }
    }

    /// What came of writing.
    fn felt(&self, written: &Poll<io::Result<usize>>) {
        if matches!(written, Poll::Ready(Ok(1..))) {
            self.state().moved = Instant::now();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is complete in itself.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held while an answer without an end is being written, or a handover is waited for.
pub(crate) struct Streaming(Arc<Pulse>);

impl Drop for Streaming {
    fn drop(&mut self) {
        let mut state = self.0.state();
        *state = State { stage: Stage::Idle, moved: Instant::now() };
    }
}

/// A connection that tells its [`Pulse`] when octets come and go.
pub(super) struct Felt<S> {
    stream: S,
    pulse: Arc<Pulse>,
}

impl<S> Felt<S> {
    pub(super) const fn new(stream: S, pulse: Arc<Pulse>) -> Self {
        Self { stream, pulse }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Felt<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.pulse.came();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Felt<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, octets);
        self.pulse.felt(&written);
        written
    }

    /// An answer goes out from where it is, which all who asked share. Without this each connection
    /// would copy all of it first, and keep its copy while nobody reads.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, octets);
        self.pulse.felt(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
