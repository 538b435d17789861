//! The connections of the control socket: few, and none for long.
//!
//! Whoever may open the socket may ask, and a monitor that leaks connections must not take the address away: each is a
//! descriptor, which this process needs for other things.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{Router, extract::Request};
use hyper::body::Incoming;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{UnixListener, UnixStream},
    task::AbortHandle,
    time::{Instant, sleep, sleep_until},
};

/// How many there are at most. One more closes the one that is idle longest.
const MOST: usize = 32;
/// How long a request may take, from its first octet to its answer.
const REQUEST: Duration = Duration::from_secs(5);
/// How long a connection may say nothing.
const IDLE: Duration = Duration::from_secs(10);
/// The pause after a connection could not be accepted.
const PAUSE: Duration = Duration::from_millis(100);

/// What a connection is about, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    /// Nothing is asked.
    Idle(Instant),
    /// A request has begun, and is not answered yet.
    Busy(Instant),
}

impl State {
    fn until(self) -> Instant {
        match self {
            Self::Idle(since) => since + IDLE,
            Self::Busy(since) => since + REQUEST,
        }
    }
}

#[derive(Clone)]
struct Activity(Arc<Mutex<State>>);

impl Activity {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(State::Idle(Instant::now()))))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first octets of a request came, or more of it.
    fn hears(&self) {
        let mut state = self.state();
        if let State::Idle(_) = *state {
            *state = State::Busy(Instant::now());
        }
    }

    fn is_idle(&self) {
        *self.state() = State::Idle(Instant::now());
    }

    /// Comes when it has taken too long.
    async fn expires(&self) {
        loop {
            let until = self.state().until();
            if until <= Instant::now() {
                return;
            }
            sleep_until(until).await;
        }
    }
}

/// Answers what is asked, for ever.
pub(super) async fn serve(listener: UnixListener, routes: Router) {
    let mut open: Vec<(Activity, AbortHandle)> = Vec::new();
    loop {
        let accepted = listener.accept().await;
        open.retain(|(_, task)| !task.is_finished());
        match accepted {
            Ok((stream, _)) => {
                while open.len() >= MOST {
                    close_idlest(&mut open);
                }
                let activity = Activity::new();
                let task = tokio::spawn(converse(stream, routes.clone(), activity.clone()));
                open.push((activity, task.abort_handle()));
            }
            Err(error) => {
                // Perhaps for want of descriptors.
                close_idlest(&mut open);
                tracing::debug!(event = "control-failed", %error, "a connection to the control socket failed: {error}");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Of idle ones the one that is idle longest; of busy ones, if there are no others, the one that asked first.
fn close_idlest(open: &mut Vec<(Activity, AbortHandle)>) {
    let idlest = (0..open.len()).min_by_key(|at| open.get(*at).map(|(activity, _)| *activity.state()));
    if let Some(at) = idlest {
        let (_, task) = open.swap_remove(at);
        task.abort();
    }
}

async fn converse(stream: UnixStream, routes: Router, activity: Activity) {
    let answers = activity.clone();
    let service = tower::service_fn(move |request: Request<Incoming>| {
        let (mut routes, activity) = (routes.clone(), answers.clone());
        async move {
            let answer = tower::Service::call(&mut routes, request).await;
            activity.is_idle();
            answer
        }
    });
    let io = TokioIo::new(Watched { stream, activity: activity.clone() });
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(io, TowerToHyperService::new(service));
    tokio::select! {
        // A client that breaks off is no error of ours.
        _ = connection => {}
        () = activity.expires() => {}
    }
}

/// A stream whose activity is known.
struct Watched {
    stream: UnixStream,
    activity: Activity,
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            self.activity.hears();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
