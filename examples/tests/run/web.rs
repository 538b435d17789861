//! What clients of a service notice, and what its two writers wrote.

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::{
        Arc,
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
    thread: JoinHandle<Counts>,
}

/// What came of its requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) answered: u32,
    pub(crate) refused: u32,
    /// Broken off, or without an answer.
    pub(crate) failed: u32,
}

impl Client {
    pub(crate) fn start(host: &Host, address: SocketAddr) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let until = Arc::clone(&stop);
        let thread = host.thread("client", move || {
            let mut counts = Counts::default();
            while !until.load(Ordering::Relaxed) {
                match ask(address) {
                    Ok(()) => counts.answered += 1,
                    Err(ErrorKind::ConnectionRefused) => counts.refused += 1,
                    Err(_) => counts.failed += 1,
                }
                thread::sleep(Duration::from_millis(3));
            }
            counts
        });
        Self { stop, thread: thread.unwrap() }
    }

    pub(crate) fn stop(self) -> Counts {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn ask(address: SocketAddr) -> Result<(), ErrorKind> {
    let asked = || {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if answer.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(ErrorKind::InvalidData.into()) }
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
