//! A web server that tells its name, and the client that asks which one is behind an address.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use vrrp_net::lab::{Host, Process};

use crate::Failed;

/// Where it listens, on every address.
pub(crate) const PORT: u16 = 8080;
/// How long a request may take, before the client tries again; and its pause after each.
const LIMIT: Duration = Duration::from_millis(50);
const PAUSE: Duration = Duration::from_millis(2);

/// Answers each request with a name, until this process is killed. Prints a line for each request
/// that comes from its own host: those are checks.
pub(crate) fn serve(name: char) -> Result<(), Failed> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT))?;
    loop {
        let (stream, from) = listener.accept()?;
        // Who does not wait for the answer is a check, too.
        let _ = respond(stream, name);
        if from.ip().is_loopback() {
            println!("checked");
        }
    }
}

fn respond(mut stream: TcpStream, name: char) -> io::Result<()> {
    stream.set_read_timeout(Some(LIMIT))?;
    let (mut request, mut buffer) = (Vec::new(), [0; 512]);
    while !request.ends_with(b"\r\n\r\n") {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        request.extend_from_slice(buffer.get(..length).unwrap_or_default());
    }
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: close";
    write!(stream, "{head}\r\n\r\n{name}")
}

/// Starts this program once more, on a host, as the other end of something.
pub(super) fn start(host: &Host, answer: &str) -> Result<Process, Failed> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--answer", answer]).stdin(Stdio::null()).stdout(Stdio::piped());
    Ok(host.spawn(command)?)
}

/// Asks again and again, on a new connection each time. It ends when it is dropped.
#[derive(Debug)]
pub(super) struct Asking {
    answers: Arc<Mutex<Vec<(Instant, char)>>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Asking {
    pub(super) fn start(host: &Host, address: Ipv4Addr) -> Result<Self, Failed> {
        let answers: Arc<Mutex<Vec<(Instant, char)>>> = Arc::default();
        let ended = Arc::new(AtomicBool::new(false));
        let thread = {
            let (answers, ended) = (Arc::clone(&answers), Arc::clone(&ended));
            let to = SocketAddr::from((address, PORT));
            host.thread("client", move || {
                while !ended.load(Ordering::Relaxed) {
                    if let Ok(Some(name)) = ask(to) {
                        lock(&answers).push((Instant::now(), name));
                    }
                    thread::sleep(PAUSE);
                }
            })?
        };
        Ok(Self { answers, ended, thread: Some(thread) })
    }

    /// Who answered from a moment on, and when.
    pub(super) fn since(&self, moment: Instant) -> Vec<(Instant, char)> {
        lock(&self.answers).iter().copied().filter(|(at, _)| *at >= moment).collect()
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The name of whoever answers; the last octet of what it says.
fn ask(to: SocketAddr) -> io::Result<Option<char>> {
    let mut stream = TcpStream::connect_timeout(&to, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: service\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.chars().last())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
