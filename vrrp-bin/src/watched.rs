//! What can be read of the node over TCP, where the configuration asks for that: metrics, whether it is
//! well, and a page for people. Nothing can be changed here, and nothing is secret; there is no
//! password, so that who can reach the address may read.
//!
//! It runs beside the driver and not in it, costs the node the same whoever asks ([`Snapshots`]), and
//! keeps a bounded number of connections.

mod gate;
mod health;
mod live;
mod metrics;
mod page;
mod probe;
mod socket;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

use axum::{Router, http::StatusCode, middleware, routing::get};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use vrrp_net::Handle;

use crate::{
    config::{Located, Watch},
    connections::{self, Bounds},
    control::Feed,
    descriptors::WATCHERS,
    snapshot::Snapshots,
};
use gate::Names;
use probe::Probe;
pub(crate) use socket::{Refused, Socket};

const BOUNDS: Bounds = Bounds { name: "the address of `metrics`", seats: WATCHERS };

/// What answers are made of.
#[derive(Clone)]
pub(crate) struct State {
    /// The state of the node.
    pub(crate) snapshots: Snapshots,
    /// Its events.
    pub(crate) feed: Feed,
    /// Whether the metrics have keepalived's names, too.
    pub(crate) has_keepalived: Arc<AtomicBool>,
    /// When this process began to answer.
    started: SystemTime,
}

impl State {
    /// Of these.
    pub(crate) fn new(snapshots: Snapshots, feed: Feed) -> Self {
        let started = SystemTime::now();
        Self { snapshots, feed, has_keepalived: Arc::default(), started }
    }
}

/// What answers, if anything does.
pub(crate) struct Watched {
    state: State,
    /// What is in force.
    watch: Watch,
    metrics: Option<Server>,
    probe: Probe,
}

/// A server of an address, closed on drop.
struct Server {
    listener: watch::Sender<Arc<TcpListener>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// All that another configuration needs, so that nothing of it can fail any more.
pub(crate) struct Prepared {
    watch: Watch,
    metrics: Change<TcpListener>,
    probe: Change<Socket>,
}

/// What becomes of an address.
enum Change<T> {
    /// It is the same.
    None,
    /// There is none any more.
    Gone,
    /// It is another one, or the first.
    To(T),
}

impl Watched {
    /// Answers nothing yet.
    pub(crate) fn new(state: State) -> Self {
        Self { state, watch: Watch::default(), metrics: None, probe: Probe::default() }
    }

    /// Takes the addresses of `watch` that are others than now, inside a tokio runtime. Until they are
    /// [taken over](Self::take), and if they are dropped, nothing has changed.
    ///
    /// # Errors
    /// Somebody has one of them, this host has not, or the system refuses.
    pub(crate) fn prepare(&self, watch: &Watch) -> Result<Prepared, Refused> {
        let metrics = change(self.watch.metrics.as_ref(), watch.metrics.as_ref())?;
        let metrics = metrics.map(Socket::listen)?;
        let probe = change(self.watch.probe.as_ref(), watch.probe.as_ref())?;
        Ok(Prepared { watch: watch.clone(), metrics, probe })
    }

    /// Answers as it was prepared from now on. Who is connected to an address that has moved stays
    /// connected; an address that is gone is closed with all its connections.
    /// `handles` are the virtual routers that there are.
    pub(crate) fn take(&mut self, prepared: Prepared, handles: &[Handle]) {
        let Prepared { watch, metrics, probe } = prepared;
        self.state.has_keepalived.store(watch.keepalived, Ordering::Relaxed);
        self.watch = watch;
        match metrics {
            Change::None => {}
            Change::Gone => self.metrics = None,
            Change::To(listener) => self.listen(Arc::new(listener)),
        }
        if self.watch.probe.is_some() {
            self.probe.follow(handles);
        }
        match (probe, &self.watch.probe) {
            (Change::To(socket), Some(at)) => self.probe.listen(at.clone(), socket),
            (Change::None, _) => {}
            (Change::Gone, _) | (Change::To(_), None) => self.probe.close(),
        }
    }

    fn listen(&mut self, listener: Arc<TcpListener>) {
        match &self.metrics {
            Some(server) => drop(server.listener.send_replace(listener)),
            None => {
                let (listener, listeners) = watch::channel(listener);
                let routes = routes(self.state.clone());
                let task = tokio::spawn(connections::serve(listeners, routes, BOUNDS));
                self.metrics = Some(Server { listener, task });
            }
        }
    }
}

impl<T> Change<T> {
    fn map<U, E>(self, make: impl FnOnce(T) -> Result<U, E>) -> Result<Change<U>, E> {
        match self {
            Self::None => Ok(Change::None),
            Self::Gone => Ok(Change::Gone),
            Self::To(value) => Ok(Change::To(make(value)?)),
        }
    }
}

/// What becomes of an address, with the new one taken.
fn change(
    old: Option<&Located<SocketAddr>>,
    new: Option<&Located<SocketAddr>>,
) -> Result<Change<Socket>, Refused> {
    match (old, new) {
        (None, None) => Ok(Change::None),
        (Some(old), Some(new)) if old.value == new.value => Ok(Change::None),
        (Some(_), None) => Ok(Change::Gone),
        (_, Some(new)) => Ok(Change::To(Socket::bind(new)?)),
    }
}

fn routes(state: State) -> Router {
    let names = Arc::new(Names::of_this_host());
    Router::new()
        .route("/metrics", get(metrics::metrics))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .merge(page::routes())
        .fallback(nothing_here)
        .layer(middleware::from_fn_with_state(names, gate::pass))
        .with_state(state)
}

async fn nothing_here() -> (StatusCode, &'static str) {
    let paths = "nothing is here; there are /, /metrics, /healthz and /readyz\n";
    (StatusCode::NOT_FOUND, paths)
}
