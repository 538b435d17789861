//! [`Audience`]: those who watch a node, from another host and over its control socket.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use vrrp_net::lab::Host;

use super::browsers::Browsers;
use crate::Failed;

/// How often metrics and status are asked for.
const ASKS: Duration = Duration::from_millis(100);
/// How many follow what a page follows.
const FOLLOWERS: usize = 3;
/// How many connections the hostile ones hold at each of the two sockets.
const CONNECTIONS: usize = 1_000;
/// How many connections are kept at each of the two sockets.
const KEPT: usize = 32;
/// How long one looks for an octet before it sees whether it is to leave.
const GLANCE: Duration = Duration::from_millis(200);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many open files the hostile ones need.
const FILES: u64 = 3_000;

/// Where a node is watched.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) metrics: SocketAddr,
    pub(super) control: PathBuf,
}

/// What they saw.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) answers: u64,
    pub(super) octets: u64,
}

/// Those who watch, until they leave.
#[derive(Debug)]
pub(super) struct Audience {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<io::Result<()>>>,
    browsers: Option<Browsers>,
}

#[derive(Debug, Default)]
struct Shared {
    left: AtomicBool,
    answers: AtomicU64,
    octets: AtomicU64,
}

impl Shared {
    fn stays(&self) -> bool {
        !self.left.load(Ordering::Relaxed)
    }

    fn count(&self, octets: usize) {
        self.answers.fetch_add(1, Ordering::Relaxed);
        self.add(octets);
    }

    fn add(&self, octets: usize) {
        self.octets.fetch_add(u64::try_from(octets).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// A connection of either kind.
trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl Target {
    fn tcp(&self, patience: Duration) -> io::Result<Box<dyn Stream>> {
        let stream = TcpStream::connect_timeout(&self.metrics, PATIENCE)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        Ok(Box::new(stream))
    }

    fn unix(&self, patience: Duration) -> io::Result<Box<dyn Stream>> {
        let stream = UnixStream::connect(&self.control)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        Ok(Box::new(stream))
    }

    fn request(&self, path: &str, connection: &str) -> String {
        format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: {connection}\r\n\r\n", self.metrics)
    }
}

impl Audience {
    pub(super) fn none() -> Self {
        Self { shared: Arc::default(), threads: Vec::new(), browsers: None }
    }

    /// Those who ask and read, and three that follow what the page follows.
    pub(super) fn many(on: &Host, target: &Target) -> Result<Self, Failed> {
        let mut audience = Self::asking(on, target)?;
        for _ in 0..FOLLOWERS {
            audience.enter(on, target, |target, shared| {
                ask(target.tcp(PATIENCE)?, &target.request("/", "close"))?;
                follow(target.tcp(GLANCE)?, &target.request("/live", "keep-alive"), shared)
            })?;
        }
        Ok(audience)
    }

    /// Those who ask and read, beside these browsers.
    pub(super) fn browsing(on: &Host, target: &Target, browsers: Browsers) -> Result<Self, Failed> {
        Ok(Self { browsers: Some(browsers), ..Self::asking(on, target)? })
    }

    /// Those who ask for metrics and status, and read them.
    fn asking(on: &Host, target: &Target) -> Result<Self, Failed> {
        let mut audience = Self::none();
        audience.enter(on, target, |target, shared| {
            every(shared, || ask(target.tcp(PATIENCE)?, &target.request("/metrics", "close")))
        })?;
        audience.enter(on, target, |target, shared| {
            every(shared, || ask(target.unix(PATIENCE)?, &target.request("/status", "close")))
        })?;
        Ok(audience)
    }

    /// Those who do not read, who only connect, and who send what is no request.
    pub(super) fn hostile(on: &Host, target: &Target) -> Result<Self, Failed> {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
        setrlimit(Resource::RLIMIT_NOFILE, soft.max(FILES.min(hard)), hard)?;
        let mut audience = Self::none();
        audience.enter(on, target, |target, shared| hold(shared, || target.tcp(GLANCE)))?;
        audience.enter(on, target, |target, shared| hold(shared, || target.unix(GLANCE)))?;
        for path in ["/metrics", "/live"] {
            audience.stall_over_tcp(on, target, path)?;
        }
        audience.stall_at_the_socket(on, target)?;
        audience.enter(on, target, |target, shared| garbage(shared, || target.tcp(GLANCE)))?;
        audience.enter(on, target, |target, shared| garbage(shared, || target.unix(GLANCE)))?;
        Ok(audience)
    }

    /// Those who take every place, ask, and never read.
    pub(super) fn stalled(on: &Host, target: &Target) -> Result<Self, Failed> {
        let mut audience = Self::none();
        for path in ["/metrics", "/live"] {
            for _ in 0..KEPT / 2 {
                audience.stall_over_tcp(on, target, path)?;
            }
        }
        for _ in 0..KEPT {
            audience.stall_at_the_socket(on, target)?;
        }
        Ok(audience)
    }

    /// One more that asks for this over TCP, and never reads.
    fn stall_over_tcp(
        &mut self,
        on: &Host,
        target: &Target,
        path: &'static str,
    ) -> Result<(), Failed> {
        self.enter(on, target, move |target, shared| {
            never_read(shared, || target.tcp(GLANCE), &target.request(path, "keep-alive"))
        })
    }

    /// One more that asks for the status over the control socket, and never reads.
    fn stall_at_the_socket(&mut self, on: &Host, target: &Target) -> Result<(), Failed> {
        self.enter(on, target, |target, shared| {
            let request = target.request("/status", "keep-alive");
            never_read(shared, || target.unix(GLANCE), &request)
        })
    }

    fn enter(
        &mut self,
        on: &Host,
        target: &Target,
        work: impl FnOnce(&Target, &Shared) -> io::Result<()> + Send + 'static,
    ) -> Result<(), Failed> {
        let (target, shared) = (target.clone(), Arc::clone(&self.shared));
        self.threads.push(on.thread("watcher", move || work(&target, &shared))?);
        Ok(())
    }

    /// Has all of them leave.
    ///
    /// # Errors
    /// What kept one of them from watching.
    pub(super) fn leave(self) -> Result<Seen, Failed> {
        self.shared.left.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().map_err(|_| "a watcher panicked")??;
        }
        if self.browsers.is_some_and(|mut browsers| !browsers.are_all_there()) {
            return Err("a browser has ended".into());
        }
        let number = |of: &AtomicU64| of.load(Ordering::Relaxed);
        let Shared { answers, octets, .. } = &*self.shared;
        Ok(Seen { answers: number(answers), octets: number(octets) })
    }
}

/// Does it again and again, ten times a second, however long each takes.
fn every(shared: &Shared, ask: impl Fn() -> io::Result<usize>) -> io::Result<()> {
    let mut next = Instant::now();
    while shared.stays() {
        shared.count(ask()?);
        next += ASKS;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    Ok(())
}

/// Asks, and reads the answer until its end. One that is not 200 is an error.
fn ask(mut stream: Box<dyn Stream>, request: &str) -> io::Result<usize> {
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    if !answer.starts_with(b"HTTP/1.1 200 ") {
        let head: Vec<u8> = answer.into_iter().take(200).collect();
        return Err(io::Error::other(String::from_utf8_lossy(&head).into_owned()));
    }
    Ok(answer.len())
}

/// Reads an answer that has no end, and counts its pieces.
fn follow(mut stream: Box<dyn Stream>, request: &str, shared: &Shared) -> io::Result<()> {
    stream.write_all(request.as_bytes())?;
    let mut buffer = vec![0; 1 << 20];
    while shared.stays() {
        match stream.read(&mut buffer) {
            Ok(0) => return Err(io::Error::other("what a page follows has ended")),
            Ok(read) => shared.add(read),
            Err(error) if is_nothing_yet(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Connects as often as it may, and keeps what it has.
fn hold(shared: &Shared, connect: impl Fn() -> io::Result<Box<dyn Stream>>) -> io::Result<()> {
    let mut held = Vec::new();
    while shared.stays() {
        if held.len() == CONNECTIONS {
            held.clear();
        }
        match connect() {
            Ok(stream) => {
                held.push(stream);
                shared.count(0);
            }
            // Its queue is full.
            Err(_) => thread::sleep(GLANCE),
        }
    }
    Ok(())
}

/// Asks again and again on one connection and reads nothing, until the other end closes it; and
/// then on another.
fn never_read(
    shared: &Shared,
    connect: impl Fn() -> io::Result<Box<dyn Stream>>,
    request: &str,
) -> io::Result<()> {
    while shared.stays() {
        let Ok(mut stream) = connect() else { continue };
        while shared.stays() {
            match stream.write_all(request.as_bytes()) {
                Err(error) if !is_nothing_yet(&error) => break,
                Ok(()) | Err(_) => thread::sleep(GLANCE),
            }
        }
    }
    Ok(())
}

/// Sends what is no request for as long as it is taken.
fn garbage(shared: &Shared, connect: impl Fn() -> io::Result<Box<dyn Stream>>) -> io::Result<()> {
    const GARBAGE: [u8; 4096] = [0xa5; 4096];
    while shared.stays() {
        let Ok(mut stream) = connect() else { continue };
        while shared.stays() && stream.write_all(&GARBAGE).is_ok() {}
        shared.count(0);
    }
    Ok(())
}

/// Whether there is only nothing to read, or no room to write, for the moment.
fn is_nothing_yet(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}
