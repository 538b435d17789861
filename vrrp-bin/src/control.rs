//! The control socket: HTTP/1.1 and JSON over a Unix socket, so that `curl` and every language can
//! speak it.
//!
//! `GET /status` answers a [`report::Status`], `GET /virtual-routers/NAME` a
//! [`report::VirtualRouter`]. `POST /virtual-routers/NAME/drain`, `resume` and `announce` answer a
//! [`report::Outcome`], and `POST /drain`, `/resume` and `/announce`, which are for all virtual routers
//! at once, [`report::Outcomes`]. `POST /reload` answers a [`report::Reloaded`]. `POST /restart` answers
//! only if it is refused. `GET /events` answers what happens until the node stops, a line for each
//! [`report::Event`]. Who may open the socket may ask: it is made with mode 0660.

mod announces;
pub(crate) mod asking;
pub(crate) mod client;
mod drains;
mod events;
mod reload;
mod restart;

use std::{
    fs::{self, Permissions},
    io,
    os::{
        fd::AsRawFd,
        unix::{
            fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt},
            net::{UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{self, DefaultBodyLimit, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use nix::sys::socket::{self, AddressFamily, Backlog, SockFlag, SockType, UnixAddr};
use tokio::{sync::watch, time::timeout};
use vrrp_net::Node;

use crate::{
    checks::Running,
    config::{describe, nearest},
    connections::{self, Bounds},
    descriptors::CONNECTIONS,
    kept::Kept,
    report,
    snapshot::Snapshots,
};
use asking::Asking;
pub(crate) use events::{Feed, Subscription, Told};

/// More than the body of any request has.
const BODY_OCTETS: usize = 4096;
const BOUNDS: Bounds = Bounds { name: "the control socket", seats: CONNECTIONS };
/// How long those who follow the events may take to read the last ones.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What answers are made of.
#[derive(Clone)]
pub(crate) struct App {
    /// The node.
    pub(crate) node: Node,
    /// The drains that outlast the daemon.
    pub(crate) kept: Arc<Kept>,
    /// The checks.
    pub(crate) checks: Arc<Running>,
    /// Where the daemon itself is asked for something.
    pub(crate) asking: Asking,
    /// The state of the node.
    pub(crate) snapshots: Snapshots,
    /// Its events.
    pub(crate) feed: Feed,
}

/// The listening socket, and its file as long as this lives.
pub(crate) struct Socket {
    // Dropped first: as long as the socket is open, no other file can have the number of its file.
    file: SocketFile,
    listener: UnixListener,
}

/// The socket that answers, and its file as long as this lives.
pub(crate) struct Serving {
    file: SocketFile,
    listener: watch::Sender<Arc<tokio::net::UnixListener>>,
    told: Told,
}

impl Serving {
    /// Answers on another socket from now on. Who is connected stays connected, and the file of the
    /// one before is gone.
    ///
    /// # Errors
    /// What the runtime says of the socket.
    pub(crate) fn move_to(&mut self, socket: Socket) -> io::Result<()> {
        let listener = tokio::net::UnixListener::from_std(socket.listener)?;
        self.listener.send_replace(Arc::new(listener));
        self.file = socket.file;
        Ok(())
    }

    /// Waits, once the node has stopped, until those who follow its events have been told the last
    /// ones, a second at most; the file is gone then.
    pub(crate) async fn finish(self) {
        let Self { file: _file, listener: _listener, told } = self;
        // Who is slower sees that it broke off.
        drop(timeout(LAST_WORDS, told.wait()).await);
    }
}

/// The name of the socket, removed on drop if it is still the file that was made.
pub(crate) struct SocketFile {
    path: PathBuf,
    made: Identity,
}

/// What tells a file from another of its name: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity(u64, u64);

impl Identity {
    fn of(path: &Path) -> io::Result<Self> {
        let file = fs::symlink_metadata(path)?;
        Ok(Self(file.dev(), file.ino()))
    }
}

/// Why there is no control socket.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Another daemon answers there.
    #[error("another vrrp answers on {}; stop it, or set `control` in [daemon] (VRRP_CONTROL in a \
        container) to another path", .0.display())]
    InUse(PathBuf),
    /// Something else has the name.
    #[error("{} exists and is not a socket; remove it, or set `control` in [daemon] (VRRP_CONTROL \
        in a container) to another path", .0.display())]
    NotASocket(PathBuf),
    /// What the system said.
    #[error("the control socket {} cannot be made: {}; set `control` in [daemon] (VRRP_CONTROL in \
        a container) to a path that this user may create", .0.display(), describe(.1))]
    Io(PathBuf, io::Error),
}

impl Socket {
    /// Listens on `path`, whose directory is made if it is missing. The socket of a dead daemon is
    /// replaced.
    ///
    /// # Errors
    /// [`Error`], if a daemon lives there or the system refuses.
    pub(crate) fn bind(path: &Path) -> Result<Self, Error> {
        let io = |error| Error::Io(path.to_owned(), error);
        if let Some(directory) = path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o755).create(directory).map_err(io)?;
        }
        remove_dead(path)?;
        let listener = listen(path).map_err(io)?;
        let file = SocketFile { path: path.to_owned(), made: Identity::of(path).map_err(io)? };
        Ok(Self { file, listener })
    }

    /// Starts to answer with what `app` says, and to do what is asked, inside a tokio runtime. It ends
    /// with the runtime, the socket's file with the value returned. `told` comes when those who follow
    /// the events have been told all of them.
    ///
    /// # Errors
    /// What the runtime says of the socket.
    pub(crate) fn serve(self, app: App, told: Told) -> io::Result<Serving> {
        let listener = tokio::net::UnixListener::from_std(self.listener)?;
        let (listener, listeners) = watch::channel(Arc::new(listener));
        tokio::spawn(connections::serve(listeners, routes(app), BOUNDS));
        Ok(Serving { file: self.file, listener, told })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Whoever removed it before us wanted the same, and whoever made it anew wants to keep it.
        if Identity::of(&self.path).is_ok_and(|found| found == self.made) {
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Makes the socket, for owner and group alone. Nobody can connect before it listens, and by then it
/// has its mode; a umask would be that of all threads.
fn listen(path: &Path) -> io::Result<UnixListener> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket::socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    socket::bind(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
    fs::set_permissions(path, Permissions::from_mode(0o660))?;
    socket::listen(&socket, Backlog::MAXCONN)?;
    Ok(socket.into())
}

fn remove_dead(path: &Path) -> Result<(), Error> {
    let io = |error| Error::Io(path.to_owned(), error);
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io(error)),
        Ok(file) if !file.file_type().is_socket() => {
            return Err(Error::NotASocket(path.to_owned()));
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(Error::InUse(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(io)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io(error)),
    }
}

fn routes(app: App) -> Router {
    Router::new()
        .route("/status", get(status))
        .route("/events", get(events::events))
        .route("/virtual-routers/{name}", get(virtual_router))
        // The slash of NAME/v6 need not be escaped.
        .route("/virtual-routers/{name}/v6", get(virtual_router_v6))
        .route("/virtual-routers/{name}/drain", post(drains::drain))
        .route("/virtual-routers/{name}/v6/drain", post(drains::drain_v6))
        .route("/virtual-routers/{name}/resume", post(drains::resume))
        .route("/virtual-routers/{name}/v6/resume", post(drains::resume_v6))
        .route("/virtual-routers/{name}/announce", post(announces::announce))
        .route("/virtual-routers/{name}/v6/announce", post(announces::announce_v6))
        .route("/drain", post(drains::drain_all))
        .route("/resume", post(drains::resume_all))
        .route("/announce", post(announces::announce_all))
        .route("/reload", post(reload::reload))
        .route("/restart", post(restart::restart))
        .fallback(nothing_here)
        .layer(DefaultBodyLimit::max(BODY_OCTETS))
        .with_state(app)
}

async fn status(State(app): State<App>) -> Response {
    let snapshot = match app.snapshots.now().await {
        Ok(snapshot) => snapshot,
        Err(error) => return failure(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
    };
    match snapshot.json().await {
        Ok(json) => ([(CONTENT_TYPE, "application/json")], json).into_response(),
        Err(sentence) => failure(StatusCode::INTERNAL_SERVER_ERROR, sentence),
    }
}

async fn virtual_router(app: State<App>, extract::Path(name): extract::Path<String>) -> Response {
    one(app, &name).await
}

async fn virtual_router_v6(
    app: State<App>,
    extract::Path(name): extract::Path<String>,
) -> Response {
    one(app, &format!("{name}/v6")).await
}

async fn one(State(app): State<App>, name: &str) -> Response {
    let snapshot = match app.snapshots.now().await {
        Ok(snapshot) => snapshot,
        Err(error) => return failure(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
    };
    let routers = &snapshot.node.routers;
    match routers.iter().find(|router| &*router.name == name) {
        Some(router) => {
            let kept = app.kept.get(name).is_some();
            let tracks = app.checks.tracks(name, &snapshot.checks);
            Json(report::VirtualRouter::new(router, kept, tracks)).into_response()
        }
        None => {
            let names: Vec<&str> = routers.iter().map(|router| &*router.name).collect();
            failure(StatusCode::NOT_FOUND, unknown_name(name, &names))
        }
    }
}

async fn nothing_here() -> Response {
    let paths = "nothing is here; there are GET /status, GET /events, GET /virtual-routers/NAME, \
        POST to drain, resume or announce below that or for all, and POST /reload and /restart";
    failure(StatusCode::NOT_FOUND, paths.to_owned())
}

fn failure(status: StatusCode, error: String) -> Response {
    (status, Json(report::Failure { error })).into_response()
}

/// The sentence about a virtual router that is not there.
pub(crate) fn unknown_name(name: &str, names: &[&str]) -> String {
    let advice = match nearest(name, names) {
        Some(name) => format!("did you mean {name}?"),
        None => format!("there are {}", names.join(", ")),
    };
    format!("there is no virtual router {name}; {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_for_owner_and_group_and_its_directory_is_made() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run/vrrp/control.sock");
        let socket = Socket::bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
        drop(socket);
        assert!(!path.exists());
    }

    #[test]
    fn a_living_daemon_is_named_and_a_dead_ones_socket_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("control.sock");
        let living = UnixListener::bind(&path).unwrap();
        let error = Socket::bind(&path).err().unwrap().to_string();
        assert!(
            error.starts_with(&format!("another vrrp answers on {}", path.display())),
            "{error}"
        );
        drop(living);
        assert!(path.exists());
        drop(Socket::bind(&path).unwrap());
    }

    #[test]
    fn a12_a_socket_that_was_made_anew_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("control.sock");
        let first = Socket::bind(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let second = Socket::bind(&path).unwrap();
        drop(first);
        assert!(path.exists());
        drop(second);
        assert!(!path.exists());
    }

    #[test]
    fn what_is_no_socket_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("control.sock");
        fs::write(&path, "precious").unwrap();
        assert!(matches!(Socket::bind(&path), Err(Error::NotASocket(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }
}
