//! [`Client`]: asks 100 times a second, and remembers who answered and when.

use std::{
    io,
    net::{Ipv4Addr, SocketAddrV4, UdpSocket},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use libtest_mimic::Failed;
use vrrp_net::lab::{Host, wait_until};

use crate::{Outcome, engine::SOON};

const INTERVAL: Duration = Duration::from_millis(10);
/// Who waits longer has given up.
const PATIENCE: Duration = Duration::from_secs(1);
/// So many answers in a row from one node, and that is where the address is.
const SETTLED: usize = 100;

/// `who.test A IN`, recursion desired, without its number.
const QUESTION: &[u8] =
    b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03who\x04test\x00\x00\x01\x00\x01";

/// A resolver on the network that the engine is in. It ends when it is dropped.
pub(crate) struct Client {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    socket: UdpSocket,
    server: SocketAddrV4,
    queries: Mutex<Vec<Query>>,
    ended: AtomicBool,
}

struct Query {
    sent: Instant,
    /// After how long, and the last octet of the address of the node that answered.
    answer: Option<(Duration, u8)>,
}

/// A moment: the number of the next query.
#[derive(Clone, Copy)]
pub(crate) struct Mark(usize);

/// What was lost between two moments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loss {
    pub(crate) asked: usize,
    pub(crate) lost: usize,
    /// The longest time between two answered queries with lost ones between them, less the
    /// interval.
    pub(crate) outage: Duration,
}

impl Client {
    pub(crate) fn start(host: &Host, server: Ipv4Addr) -> Result<Self, Failed> {
        let socket = host.run(|| UdpSocket::bind("0.0.0.0:0"))??;
        socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        let server = SocketAddrV4::new(server, 53);
        let shared =
            Shared { socket, server, queries: Mutex::default(), ended: AtomicBool::new(false) };
        let shared = Arc::new(shared);
        let threads = [Shared::ask, Shared::listen].map(|work| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || work(&shared))
        });
        Ok(Self { shared, threads: threads.into() })
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark(self.shared.queries().len())
    }

    /// Waits until a second's queries after `since` have all been answered by the node whose
    /// address ends in `node`.
    pub(crate) fn wait_for(&self, node: u8, since: Mark) -> Outcome {
        if wait_until(SOON, || self.settled(since) == Some(node)) {
            return Ok(());
        }
        let queries = self.shared.queries();
        let last: Vec<_> = queries.iter().rev().take(10).map(|query| query.answer).collect();
        Err(format!("the node .{node} does not answer; the last answers: {last:?}").into())
    }

    /// Goes on for so long: for what must not happen in that time.
    pub(crate) fn keep_asking(&self, time: Duration) -> Outcome {
        let (begun, mark) = (Instant::now(), self.mark().0);
        wait_until(time + SOON, || begun.elapsed() >= time && self.mark().0 > mark);
        Ok(())
    }

    /// Who answered all of the last second. The newest queries may still be answered.
    fn settled(&self, since: Mark) -> Option<u8> {
        let queries = self.shared.queries();
        let since = queries.get(since.0..)?;
        let (_, node) = since.iter().rev().find_map(|query| query.answer)?;
        let first = since.len().checked_sub(SETTLED + 5)?;
        let last = since.get(first..first + SETTLED)?;
        last.iter().all(|query| query.answer.is_some_and(|(_, by)| by == node)).then_some(node)
    }

    /// What was lost from `since` on. Those that may still be answered are left out.
    pub(crate) fn since(&self, since: Mark) -> Loss {
        let queries = self.shared.queries();
        let decided = |query: &&Query| query.answer.is_some() || query.sent.elapsed() > PATIENCE;
        let mut loss = Loss { asked: 0, lost: 0, outage: Duration::ZERO };
        // Since when no query was answered.
        let mut unanswered = None;
        let mut last = None;
        for query in queries.iter().skip(since.0).take_while(decided) {
            loss.asked += 1;
            if query.answer.is_none_or(|(after, _)| after > PATIENCE) {
                loss.lost += 1;
                unanswered = unanswered.or(last).or(Some(query.sent));
            } else {
                let gap = unanswered
                    .take()
                    .map(|since| query.sent.duration_since(since))
                    .unwrap_or_default();
                loss.outage = loss.outage.max(gap.saturating_sub(INTERVAL));
                last = Some(query.sent);
            }
        }
        loss
    }
}

impl Shared {
    fn ask(&self) {
        let mut next = Instant::now();
        while !self.ended.load(Ordering::Relaxed) {
            self.ask_once();
            next += INTERVAL;
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    }

    fn ask_once(&self) {
        let number = {
            let mut queries = self.queries();
            queries.push(Query { sent: Instant::now(), answer: None });
            // The number has 16 bits; after 65,536 queries they repeat.
            u16::try_from((queries.len() - 1) % 65_536).unwrap_or_default()
        };
        let question = [&number.to_be_bytes(), QUESTION].concat();
        // What cannot be sent is lost.
        let _ = self.socket.send_to(&question, self.server);
    }

    fn listen(&self) {
        let mut buffer = [0; 512];
        while !self.ended.load(Ordering::Relaxed) {
            match self.socket.recv(&mut buffer) {
                Ok(length) => self.answered(buffer.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // An unreachable host is what this is about.
                Err(_) => {}
            }
        }
    }

    /// The answer ends in the address that it tells.
    fn answered(&self, answer: &[u8]) {
        let (Some(&[high, low, flags, code]), Some(&node)) = (answer.first_chunk(), answer.last())
        else {
            return;
        };
        if flags & 0x80 == 0 || code & 0x0f != 0 {
            return;
        }
        let number = usize::from(u16::from_be_bytes([high, low]));
        let mut queries = self.queries();
        let newest = queries.len().saturating_sub(1);
        let index = newest - (newest.wrapping_sub(number) % 65_536).min(newest);
        if let Some(query) = queries.get_mut(index)
            && query.answer.is_none()
        {
            query.answer = Some((query.sent.elapsed(), node));
        }
    }

    fn queries(&self) -> MutexGuard<'_, Vec<Query>> {
        self.queries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
