//! Connections that say nothing, half of something, or stay.

use axum::{Extension, body::Body, response::Response, routing::get};
use hyper::body::{Bytes, Frame};
use std::{
    pin::Pin,
    task::{Context, Poll},
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{pulse::Streaming, *};

const QUESTION: &[u8] = b"GET /ok HTTP/1.1\r\nHost: vrrp\r\n\r\n";
const BOUNDS: Bounds = Bounds { name: "the test", seats: 32 };
const SLOW: Duration = Duration::from_secs(300);
const STREAM: &[u8] = b"GET /stream HTTP/1.1\r\nHost: vrrp\r\n\r\n";

/// An answer that never goes on.
struct Endless(#[expect(dead_code, reason = "it is held for its drop")] Streaming);

impl hyper::body::Body for Endless {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Pending
    }
}

/// An answer that takes as long as a handover.
async fn slow(Extension(pulse): Extension<Arc<Pulse>>) -> &'static str {
    let _kept = pulse.stream();
    sleep(SLOW).await;
    "ok"
}

async fn stream(Extension(pulse): Extension<Arc<Pulse>>) -> Response {
    Response::new(Body::new(Endless(pulse.stream())))
}

struct Server {
    folder: TempDir,
    listening: watch::Sender<Arc<UnixListener>>,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("socket")).unwrap();
        let routes = Router::new()
            .route("/ok", get(|| async { "ok" }))
            .route("/stream", get(stream))
            .route("/slow", get(slow));
        let (listening, listeners) = watch::channel(Arc::new(listener));
        tokio::spawn(serve(listeners, routes, BOUNDS));
        Self { folder, listening }
    }

    async fn connect(&self) -> UnixStream {
        UnixStream::connect(self.folder.path().join("socket")).await.unwrap()
    }

    async fn ask(&self, question: &[u8]) -> UnixStream {
        let mut stream = self.connect().await;
        stream.write_all(question).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        stream
    }
}

/// How long a connection is kept from now on, to the next half second.
async fn kept(stream: &mut UnixStream) -> Duration {
    let begun = Instant::now();
    while !matches!(stream.read(&mut [0; 256]).await, Ok(0) | Err(_)) {}
    begun.elapsed()
}

#[track_caller]
fn about(actual: Duration, seconds: u64) {
    let expected = Duration::from_secs(seconds);
    assert!(actual >= expected && actual <= expected + 2 * LOOK, "{actual:?} and not {expected:?}");
}

#[tokio::test(start_paused = true)]
async fn a5_who_says_nothing_is_closed_after_ten_seconds() {
    let server = Server::start();
    about(kept(&mut server.connect().await).await, 10);
    // Also after an answer.
    about(kept(&mut server.ask(QUESTION).await).await, 10);
}

#[tokio::test(start_paused = true)]
async fn a5_half_a_request_is_closed_after_five_seconds() {
    let server = Server::start();
    let mut stream = server.connect().await;
    stream.write_all(b"GET /ok HTT").await.unwrap();
    about(kept(&mut stream).await, 5);
    // However much comes after it.
    let mut stream = server.connect().await;
    let begun = Instant::now();
    while stream.write_all(b"GET").await.is_ok() {
        sleep(Duration::from_millis(300)).await;
    }
    about(begun.elapsed(), 5);
}

#[tokio::test(start_paused = true)]
async fn a5_a_stream_stays() {
    let server = Server::start();
    let mut stream = server.ask(STREAM).await;
    let closed = timeout(Duration::from_secs(60), kept(&mut stream)).await;
    assert!(closed.is_err(), "{closed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_handover_is_waited_for_and_the_connection_idles_after_it() {
    let server = Server::start();
    let begun = Instant::now();
    let mut stream = server.ask(b"GET /slow HTTP/1.1\r\nHost: vrrp\r\n\r\n").await;
    about(begun.elapsed(), SLOW.as_secs());
    about(kept(&mut stream).await, 10);
}

#[tokio::test(start_paused = true)]
async fn a5_the_one_that_idles_longest_makes_room() {
    let server = Server::start();
    let mut streams = vec![server.ask(STREAM).await];
    let mut idle = Vec::new();
    for _ in 1..BOUNDS.seats {
        idle.push(server.connect().await);
        sleep(Duration::from_millis(1)).await;
    }
    drop(server.ask(QUESTION).await);
    assert!(kept(&mut idle[0]).await < LOOK, "the oldest was kept");
    // When all are streams, one of them has to go.
    while streams.len() < BOUNDS.seats {
        streams.push(server.ask(STREAM).await);
    }
    drop(server.ask(QUESTION).await);
    assert!(kept(&mut streams[0]).await < LOOK, "the oldest stream was kept");
}

/// More than there is room for at once, and none of them before it could ask.
#[tokio::test(start_paused = true)]
async fn a5_a_crowd_is_answered() {
    let server = Arc::new(Server::start());
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let server = Arc::clone(&server);
        all.spawn(async move { drop(server.ask(QUESTION).await) });
    }
    assert_eq!(all.join_all().await.len(), 200);
}

/// One after the other, each of which is closed at once: that floods none of the others.
#[tokio::test(start_paused = true)]
async fn a_flood_of_short_connections_is_paced() {
    let server = Server::start();
    let begun = Instant::now();
    for _ in 0..AT_ONCE {
        drop(server.ask(QUESTION).await);
    }
    assert_eq!(begun.elapsed(), Duration::ZERO, "the first ones waited");
    const MORE: u32 = 1_000;
    for _ in 0..MORE {
        drop(server.ask(QUESTION).await);
    }
    let took = begun.elapsed();
    // A timer is at most a millisecond late.
    assert!(took >= PACE * (MORE - 1) && took <= PACE * MORE * 2, "{took:?}");
    // Who asks less often never waits.
    sleep(PACE * AT_ONCE).await;
    let begun = Instant::now();
    drop(server.ask(QUESTION).await);
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

/// Whoever is connected stays, and whoever comes later has to know the new name.
#[tokio::test]
async fn another_socket_takes_the_place_of_the_first() {
    let server = Server::start();
    let mut before = server.connect().await;
    let other = server.folder.path().join("other");
    server.listening.send_replace(Arc::new(UnixListener::bind(&other).unwrap()));
    let mut after = UnixStream::connect(&other).await.unwrap();
    for stream in [&mut before, &mut after] {
        stream.write_all(b"GET /ok HTTP/1.1\r\nHost: vrrp\r\n\r\n").await.unwrap();
        let mut octets = [0; 15];
        stream.read_exact(&mut octets).await.unwrap();
        assert_eq!(&octets, b"HTTP/1.1 200 OK");
    }
    assert!(UnixStream::connect(server.folder.path().join("socket")).await.is_err());
}
