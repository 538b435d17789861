//! Where load balancers ask who is active: an address that answers only while this node is.
//!
//! In a cloud that lets no address move, a load balancer has the address, and finds out by a probe which
//! host is to have the traffic. Some probes send a request, and some only make a connection. So as long
//! as no virtual router of this node is active, a connection is refused; and a request that names one is
//! answered by 200 only while that one is. What is told is the truth of this moment
//! ([`Handle::active`]), and no snapshot; every connection ends with its answer, and at the latest
//! when the last virtual router is active no more.

use std::{
    collections::BTreeMap, convert::Infallible, future::pending, net::SocketAddr, sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header::CONNECTION},
    response::Response,
    routing::any,
};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::sleep};
use vrrp_core::Key;
use vrrp_net::Handle;

use super::socket::{Refused, Socket};
use crate::{
    config::{Located, one_line},
    connections::{self, Bounds},
    control::unknown_name,
    descriptors::WATCHERS,
};

const BOUNDS: Bounds = Bounds { name: "the address of `probe`", seats: WATCHERS };
/// How long is waited after the system has refused to listen.
const PAUSE: Duration = Duration::from_secs(1);

/// Who is asked, and how many of them are active.
#[derive(Default)]
pub(super) struct Probe {
    handles: watch::Sender<Arc<[Handle]>>,
    active: watch::Sender<usize>,
    /// What counts each virtual router while it is active. It ends with the virtual router.
    followed: BTreeMap<Key, JoinHandle<()>>,
    server: Option<Server>,
}

/// What answers, closed on drop.
struct Server(JoinHandle<Infallible>);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Probe {
    /// Asks these virtual routers from now on, inside a tokio runtime.
    pub(super) fn follow(&mut self, handles: &[Handle]) {
        self.followed.retain(|_, task| !task.is_finished());
        for handle in handles {
            let follow = || tokio::spawn(count(handle.clone(), self.active.clone()));
            self.followed.entry(handle.key()).or_insert_with(follow);
        }
        self.handles.send_replace(handles.into());
    }

    /// Answers there from now on, and nowhere else, inside a tokio runtime.
    pub(super) fn listen(&mut self, at: Located<SocketAddr>, socket: Socket) {
        let routes = routes(self.handles.subscribe());
        let task = tokio::spawn(serve(at, socket, routes, self.active.subscribe()));
        // The one before is closed when the new one has its address.
        self.server = Some(Server(task));
    }

    /// Answers nothing from now on.
    pub(super) fn close(&mut self) {
        self.server = None;
    }
}

/// Counts a virtual router while it is active, until it is removed.
async fn count(handle: Handle, active: watch::Sender<usize>) {
    while handle.wait_active(Duration::ZERO).await.is_ok() {
        active.send_modify(|count| *count = count.saturating_add(1));
        // It ends when this node is not the active one any more.
        let _ended = handle.while_active(Duration::ZERO, pending::<Infallible>()).await;
        active.send_modify(|count| *count = count.saturating_sub(1));
    }
}

/// Listens whenever somebody is active, for ever.
async fn serve(
    at: Located<SocketAddr>,
    first: Socket,
    routes: Router,
    mut active: watch::Receiver<usize>,
) -> Infallible {
    let mut taken = Some(first);
    loop {
        let socket = match taken.take() {
            Some(socket) => socket,
            None => take(&at).await,
        };
        // The other end is in the same value.
        let _ = active.wait_for(|count| *count > 0).await;
        match socket.listen() {
            Ok(listener) => answer(listener, &routes, &mut active).await,
            Err(refused) => pause(&refused).await,
        }
    }
}

/// Answers until nobody is active. The address is closed then, and every connection.
async fn answer(listener: TcpListener, routes: &Router, active: &mut watch::Receiver<usize>) {
    let (_held, listeners) = watch::channel(Arc::new(listener));
    tokio::select! {
        () = connections::serve(listeners, routes.clone(), BOUNDS) => {}
        _ = active.wait_for(|count| *count == 0) => {}
    }
}

/// Takes the address again, which nobody should have taken meanwhile.
async fn take(at: &Located<SocketAddr>) -> Socket {
    loop {
        match Socket::bind(at) {
            Ok(socket) => return socket,
            Err(refused) => pause(&refused).await,
        }
    }
}

async fn pause(refused: &Refused) {
    tracing::warn!(event = "probe-refused", "no load balancer finds this node: {refused}");
    sleep(PAUSE).await;
}

type Handles = watch::Receiver<Arc<[Handle]>>;

fn routes(handles: Handles) -> Router {
    Router::new().route("/", any(all)).route("/{*name}", any(one)).with_state(handles)
}

/// Whether any virtual router is active: that is what a connection says, too.
async fn all(State(handles): State<Handles>) -> Response {
    let handles = handles.borrow().clone();
    let active: Vec<&str> = handles.iter().filter(|it| is_active(it)).map(Handle::name).collect();
    match active[..] {
        [] => answered(StatusCode::SERVICE_UNAVAILABLE, "nothing is active here".to_owned()),
        _ => answered(StatusCode::OK, format!("active: {}", active.join(", "))),
    }
}

/// Whether the virtual router of this name is active.
async fn one(State(handles): State<Handles>, Path(name): Path<String>) -> Response {
    let handles = handles.borrow().clone();
    match handles.iter().find(|it| it.name() == name) {
        Some(it) if is_active(it) => answered(StatusCode::OK, format!("{name} is active")),
        Some(_) => answered(StatusCode::SERVICE_UNAVAILABLE, format!("{name} is not active here")),
        None => {
            let names: Vec<&str> = handles.iter().map(Handle::name).collect();
            answered(StatusCode::NOT_FOUND, unknown_name(&name, &names))
        }
    }
}

fn is_active(handle: &Handle) -> bool {
    handle.active().is_some()
}

/// The answer, which is the last one of its connection: the next one could be another.
fn answered(status: StatusCode, sentence: String) -> Response {
    let mut answer = Response::new((one_line(sentence).into_owned() + "\n").into());
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}
