//! How many may be connected to the control socket, and for how long.
//!
//! Each connection costs a descriptor, and whoever may open the socket may forget to close it:
//! without bounds, a monitor that leaks connections takes the last descriptor of the daemon, and
//! the addresses with it.

mod pulse;

use std::{io, sync::Arc, time::Duration};

use axum::Router;
use hyper::{Request, body::Incoming, server::conn::http1, service::Service, service::service_fn};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    net::{UnixListener, UnixStream},
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout},
};

use crate::descriptors::CONNECTIONS;
use pulse::Watched;
pub(super) use pulse::{Pulse, Streaming};

/// How long a connection that was just made is left alone, so that a flood of others does not close
/// it before it could ask.
const GRACE: Duration = Duration::from_millis(20);
/// How often is looked for connections that have been kept for too long.
const LOOK: Duration = Duration::from_millis(250);
/// How long nothing is accepted after the system has refused to.
const PAUSE: Duration = Duration::from_secs(1);
/// What is kept of a request that is not complete; more than any that has an answer.
const REQUEST_OCTETS: usize = 64 << 10;

/// Answers what comes on the latest of `listeners` with `routes`, for ever.
pub(super) async fn serve(mut listeners: watch::Receiver<Arc<UnixListener>>, routes: Router) {
    let mut seats = Seats::default();
    let mut refused = false;
    loop {
        let listener = listeners.borrow_and_update().clone();
        tokio::select! {
            Ok(()) = listeners.changed() => {
                // Who came before the other one was there is not left standing.
                while let Ok(Ok((stream, _))) = timeout(Duration::ZERO, listener.accept()).await {
                    seats.admit(stream, &routes).await;
                }
            }
            accepted = listener.accept() => {
                let failed = accepted.is_err();
                match accepted {
                    Ok((stream, _)) => seats.admit(stream, &routes).await,
                    Err(error) => pause(&error, refused).await,
                }
                refused = failed;
            }
            () = seats.time_to_look() => seats.look(),
        }
    }
}

/// Waits before the next try, and says why, once for a series of failures.
async fn pause(error: &io::Error, told: bool) {
    if !told {
        tracing::warn!(
            event = "control-refused",
            %error,
            "nobody can connect to the control socket: {error}"
        );
    }
    sleep(PAUSE).await;
}

/// The connections that are kept.
#[derive(Default)]
struct Seats {
    taken: Vec<Seat>,
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
    /// Takes a connection in, in the place of another if there is no room.
    async fn admit(&mut self, stream: UnixStream, routes: &Router) {
        self.look();
        if self.taken.len() >= CONNECTIONS
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
async fn converse(stream: UnixStream, routes: Router, pulse: Arc<Pulse>) {
    let io = TokioIo::new(Watched::new(stream, Arc::clone(&pulse)));
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
