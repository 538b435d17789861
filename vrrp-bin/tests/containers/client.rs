//! [`Client`]: asks 100 times a second, and remembers who answered and when.

#[path = "client/dns.rs"]
mod dns;
#[path = "client/http.rs"]
mod http;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use libtest_mimic::Failed;
use vrrp_net::lab::{Host, wait_until};

use crate::support::Outcome;

const INTERVAL: Duration = Duration::from_millis(10);
/// Who waits longer has given up.
const PATIENCE: Duration = Duration::from_secs(1);
/// So many answers in a row from one node, and that is where the address is.
const SETTLED: usize = 100;
/// How long that may take: a container engine beside it takes its time.
const SOON: Duration = Duration::from_secs(20);

/// A user of a service on both nodes, each of which says who it is. It ends when it is dropped.
pub(crate) struct Client {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
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
    /// Asks a DNS server for the address of `who.test`, which is the node's own.
    pub(crate) fn of_dns(host: &Host, server: Ipv4Addr) -> Result<Self, Failed> {
        let (socket, server) = (Arc::new(dns::open(host)?), SocketAddr::from((server, 53)));
        let (shared, sending) = (Arc::<Shared>::default(), Arc::clone(&socket));
        let (asking, listening) = (Arc::clone(&shared), Arc::clone(&shared));
        let threads = vec![
            thread::spawn(move || asking.ask(|index| dns::ask(&sending, server, index))),
            thread::spawn(move || listening.listen(|newest| dns::answer(&socket, server, newest))),
        ];
        Ok(Self { shared, threads })
    }

    /// Asks an HTTP server, whose page is the node's own address. Each request is a connection of
    /// its own, which does not wait for the others.
    pub(crate) fn of_http(host: &Host, server: Ipv4Addr) -> Result<Self, Failed> {
        let shared = Arc::<Shared>::default();
        let asking = Arc::clone(&shared);
        // Threads that it starts are on the host, too.
        let thread = host.thread("client", move || {
            asking.ask(|index| {
                let shared = Arc::clone(&asking);
                let request = move || {
                    if let Some(node) = http::ask(server, PATIENCE) {
                        shared.answered(index, node);
                    }
                };
                // What cannot be sent is lost.
                let _ = thread::Builder::new().spawn(request);
            });
        })?;
        Ok(Self { shared, threads: vec![thread] })
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
    fn ask(&self, send: impl Fn(usize)) {
        let mut next = Instant::now();
        while !self.ended.load(Ordering::Relaxed) {
            let index = {
                let mut queries = self.queries();
                queries.push(Query { sent: Instant::now(), answer: None });
                queries.len() - 1
            };
            send(index);
            next += INTERVAL;
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    }

    /// Notes the answers that `receive` gives, which is told the newest query: which query is
    /// answered, and by whom.
    fn listen(&self, receive: impl Fn(&dyn Fn() -> usize) -> Option<(usize, u8)>) {
        while !self.ended.load(Ordering::Relaxed) {
            let newest = || self.queries().len().saturating_sub(1);
            if let Some((index, node)) = receive(&newest) {
                self.answered(index, node);
            }
        }
    }

    fn answered(&self, index: usize, node: u8) {
        if let Some(query) = self.queries().get_mut(index)
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
