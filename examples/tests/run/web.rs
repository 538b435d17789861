//! What clients of a service notice, and what its two writers wrote.

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use vrrp_net::lab::Host;

/// How long a request may take before it counts as slow: longer than a lost SYN is sent again.
const PATIENCE: Duration = Duration::from_secs(3);

/// A client that asks every three milliseconds.
pub(crate) struct Client {
    stop: Arc<AtomicBool>,
    counts: Arc<Mutex<Counts>>,
    thread: JoinHandle<()>,
}

/// What came of its requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) answered: u32,
    pub(crate) refused: u32,
    /// Broken off, or without an answer.
    pub(crate) failed: u32,
    /// Who answered last, and how many requests in a row.
    pub(crate) last: (String, u32),
}

impl Client {
    pub(crate) fn start(host: &Host, address: SocketAddr) -> Self {
        let (stop, counts) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Counts>>::default());
        let (until, into) = (Arc::clone(&stop), Arc::clone(&counts));
        let thread = host.thread("client", move || {
            while !until.load(Ordering::Relaxed) {
                let answer = ask(address);
                into.lock().unwrap().add(answer);
                thread::sleep(Duration::from_millis(3));
            }
        });
        Self { stop, counts, thread: thread.unwrap() }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts.lock().unwrap().clone()
    }

    pub(crate) fn stop(self) -> Counts {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
        self.counts.lock().unwrap().clone()
    }
}

impl Counts {
    fn add(&mut self, answer: Result<String, ErrorKind>) {
        match answer {
            Ok(name) => {
                self.answered += 1;
                let in_a_row = if self.last.0 == name { self.last.1 + 1 } else { 1 };
                self.last = (name, in_a_row);
            }
            Err(ErrorKind::ConnectionRefused) => self.refused += 1,
            Err(_) => self.failed += 1,
        }
    }
}

/// Returns the name of the server.
fn ask(address: SocketAddr) -> Result<String, ErrorKind> {
    let asked = || {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        match answer.split_once("\r\n\r\n") {
            Some((head, name)) if head.starts_with("HTTP/1.1 200") => Ok(name.to_owned()),
            _ => Err(ErrorKind::InvalidData.into()),
        }
    };
    asked().map_err(|error: std::io::Error| error.kind())
}

/// Who wrote, one after the other, each with how many lines.
pub(crate) fn writers(file: &Path) -> Vec<(String, usize)> {
    let text = fs::read_to_string(file).unwrap();
    let mut writers: Vec<(String, usize)> = Vec::new();
    for name in text.lines() {
        match writers.last_mut() {
            Some((last, lines)) if last == name => *lines += 1,
            _ => writers.push((name.to_owned(), 1)),
        }
    }
    writers
}
