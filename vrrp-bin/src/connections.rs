//! How many may be connected to a socket of the daemon, and for how long.
//!
//! Each connection costs a descriptor, and whoever may connect may forget to close it: without
//! bounds, a monitor that leaks connections takes the last descriptor of the daemon, and the
//! addresses with it.

mod pulse;

use std::{io, sync::Arc, time::Duration};

use axum::Router;
use hyper::{Request, body::Incoming, server::conn::http1, service::Service, service::service_fn};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout},
};

use pulse::Felt;
pub(crate) use pulse::{Pulse, Streaming};

/// How long a connection that was just made is left alone, so that a flood of others does not close
/// it before it could ask.
const GRACE: Duration = Duration::from_millis(20);
/// How soon the next connection is accepted in the long run: who connects again and again takes
/// little processor time from the thread that sends advertisements.
const PACE: Duration = Duration::from_millis(1);
/// How many are accepted at once before that.
const AT_ONCE: u32 = 64;
/// How often is looked for connections that have been kept for too long.
const LOOK: Duration = Duration::from_millis(250);
/// How long nothing is accepted after the system has refused to.
const PAUSE: Duration = Duration::from_secs(1);
/// What is kept of a request that is not complete; more than any that has an answer.
const REQUEST_OCTETS: usize = 64 << 10;

/// What connections come from.
pub(crate) trait Listener: Send + Sync + 'static {
    /// One of them.
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// Waits for the next one. Dropping the future loses none.
    fn accept(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

impl Listener for UnixListener {
    type Stream = UnixStream;

    async fn accept(&self) -> io::Result<UnixStream> {
        Ok(Self::accept(self).await?.0)
    }
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<TcpStream> {
        let (stream, _) = Self::accept(self).await?;
        // What is written is written at once, and in one piece.
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// What a server is called, and how many it keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// For the log: `the control socket`.
    pub(crate) name: &'static str,
    /// How many connections are kept. One more, and the one that has been idle for longest is closed
    /// for it.
    pub(crate) seats: usize,
}

/// Answers what comes on the latest of `listeners` with `routes`, for ever. Dropped, it closes every
/// connection.
pub(crate) async fn serve<L: Listener>(
    mut listeners: watch::Receiver<Arc<L>>,
    routes: Router,
    bounds: Bounds,
) {
    let mut seats = Seats::new(bounds.seats);
    let mut pace = Pace::new();
    let mut refused = false;
    loop {
        let listener = listeners.borrow_and_update().clone();
        tokio::select! {
            Ok(()) = listeners.changed() => {
                // Who came before the other one was there is not left standing.
                while let Ok(Ok(stream)) = timeout(Duration::ZERO, listener.accept()).await {
                    seats.admit(stream, &routes).await;
                }
            }
            accepted = pace.then(listener.accept()) => {
                pace.count();
                let failed = accepted.is_err();
                match accepted {
                    Ok(stream) => seats.admit(stream, &routes).await,
                    Err(error) => pause(&error, bounds.name, refused).await,
                }
                refused = failed;
            }
            () = seats.time_to_look() => seats.look(),
        }
    }
}

/// Waits before the next try, and says why, once for a series of failures.
async fn pause(error: &io::Error, name: &str, told: bool) {
    if !told {
        tracing::warn!(event = "connections-refused", %error, "nobody can connect to {name}: {error}");
    }
    sleep(PAUSE).await;
}

/// How fast connections are accepted.
struct Pace {
    /// When the next one would be due if each waited for its turn.
    turn: Instant,
}

impl Pace {
    fn new() -> Self {
        Self { turn: Instant::now() }
    }

    /// What `accept` returns, once there is a turn for it.
    async fn then<T>(&self, accept: impl Future<Output = T>) -> T {
        let ahead = PACE * AT_ONCE;
        if self.turn > Instant::now() + ahead {
            sleep_until(self.turn - ahead).await;
        }
        accept.await
    }

    /// One more was accepted.
    fn count(&mut self) {
        self.turn = self.turn.max(Instant::now()) + PACE;
    }
}

/// The connections that are kept.
struct Seats {
    taken: Vec<Seat>,
    /// How many there may be.
    count: usize,
    next_look: Option<Instant>,
}

/// A connection, closed on drop.
struct Seat {
    pulse: Arc<Pulse>,
    task: JoinHandle<()>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Seats {
    const fn new(count: usize) -> Self {
        Self { taken: Vec::new(), count, next_look: None }
    }

    /// Takes a connection in, in the place of another if there is no room.
    async fn admit<S>(&mut self, stream: S, routes: &Router)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        self.look();
        if self.taken.len() >= self.count
            && let Some(at) = self.idlest()
        {
            let moved = self.taken.get(at).map(|seat| seat.pulse.moved());
            if let Some(moved) = moved {
                sleep_until(moved + GRACE).await;
            }
            self.taken.swap_remove(at);
        }
        let pulse = Arc::new(Pulse::new());
        let task = tokio::spawn(converse(stream, routes.clone(), Arc::clone(&pulse)));
        self.taken.push(Seat { pulse, task });
    }

    /// Where the connection is that can be missed best.
    fn idlest(&self) -> Option<usize> {
        let idle = self.taken.iter().map(|seat| seat.pulse.rank()).enumerate();
        idle.min_by_key(|(_, rank)| *rank).map(|(at, _)| at)
    }

    async fn time_to_look(&self) {
        match self.next_look {
            Some(at) if !self.taken.is_empty() => sleep_until(at).await,
            _ => std::future::pending().await,
        }
    }

    /// Closes what has been kept for too long, and forgets what has ended.
    fn look(&mut self) {
        let now = Instant::now();
        self.taken.retain(|seat| !seat.task.is_finished() && !seat.pulse.is_overdue(now));
        self.next_look = Some(now + LOOK);
    }
}

/// Answers what comes on one connection, until its other end closes it.
async fn converse<S>(stream: S, routes: Router, pulse: Arc<Pulse>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let io = TokioIo::new(Felt::new(stream, Arc::clone(&pulse)));
    let routes = TowerToHyperService::new(routes);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Arc::clone(&pulse));
        pulse.asked();
        let (answer, pulse) = (routes.call(request), Arc::clone(&pulse));
        async move {
            let answer = answer.await;
            pulse.answered();
            answer
        }
    });
    // What fails is the other end's affair: it went away, or does not speak HTTP.
    drop(http1::Builder::new().max_buf_size(REQUEST_OCTETS).serve_connection(io, service).await);
}

#[cfg(test)]
mod tests;
