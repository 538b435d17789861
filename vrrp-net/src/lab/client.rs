//! [`Client`]: an address as its user sees it.

mod echo;
mod loss;

use std::{
    net::IpAddr,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use self::echo::Echo;
pub use self::loss::Loss;
use self::loss::{GRACE, Probe};
use super::{Error, Host, error::Doing, now};

/// Sends ICMP echo requests to an address at a steady rate and keeps account of the replies. It
/// ends when it is dropped.
#[derive(Debug)]
pub struct Client {
    shared: Arc<Shared>,
    sender: Option<JoinHandle<()>>,
    receiver: Option<JoinHandle<()>>,
}

/// A moment in the life of a [`Client`]: packets sent from then on are after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(usize);

#[derive(Debug)]
struct Shared {
    echo: Echo,
    /// By sequence number.
    probes: Mutex<Vec<Probe>>,
    answered: Condvar,
    sending_ended: AtomicBool,
    ended: AtomicBool,
}

impl Client {
    /// Starts sending `rate` packets a second from `host` to `address`.
    ///
    /// # Errors
    /// [`Error`] when the rate is 0, or with what the operating system says.
    pub fn start(host: &Host, address: IpAddr, rate: u32) -> Result<Self, Error> {
        let starting = || format!("starting a client of {address} on the host {}", host.name());
        if rate == 0 {
            return Err(Error::Invalid("a client cannot send 0 packets a second".to_owned()));
        }
        let shared = Arc::new(Shared {
            echo: host.run(|| Echo::new(address))?.doing(starting)?,
            probes: Mutex::default(),
            answered: Condvar::new(),
            sending_ended: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        });
        let (sending, receiving) = (Arc::clone(&shared), Arc::clone(&shared));
        let start = |name: &str, work: Box<dyn FnOnce() + Send>| {
            thread::Builder::new().name(name.to_owned()).spawn(work).doing(starting)
        };
        let mut client = Self { shared, sender: None, receiver: None };
        client.receiver = Some(start("client receiver", Box::new(move || receiving.receive()))?);
        client.sender = Some(start("client sender", Box::new(move || sending.send(rate)))?);
        Ok(client)
    }

    /// This moment.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark(self.shared.lock().len())
    }

    /// Waits until a packet sent after `mark` is answered, at most `within`, and returns whether
    /// one was.
    pub fn wait_for_reply(&self, mark: Mark, within: Duration) -> bool {
        let begun = Instant::now();
        let mut probes = self.shared.lock();
        while !probes.iter().skip(mark.0).any(|probe| probe.answered.is_some()) {
            let Some(left) = within.checked_sub(begun.elapsed()) else { return false };
            let waited = self.shared.answered.wait_timeout(probes, left);
            probes = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// What became of all packets so far.
    #[must_use]
    pub fn report(&self) -> Loss {
        self.since(Mark(0))
    }

    /// What became of the packets sent since `mark`.
    #[must_use]
    pub fn since(&self, mark: Mark) -> Loss {
        let probes = self.shared.lock();
        self.judge(&probes, mark.0, probes.len())
    }

    /// What became of the packets sent between two marks.
    #[must_use]
    pub fn between(&self, from: Mark, to: Mark) -> Loss {
        self.judge(&self.shared.lock(), from.0, to.0)
    }

    /// Stops sending, waits for the last replies, and tells what became of all packets. The other
    /// reports stay available.
    pub fn stop(&mut self) -> Loss {
        self.shared.sending_ended.store(true, Ordering::Relaxed);
        join(self.sender.take());
        let is_pending = |probe: &Probe| probe.answered.is_none() && now() < probe.sent + GRACE;
        super::wait_until(2 * GRACE, || !self.shared.lock().iter().rev().any(is_pending));
        self.shared.ended.store(true, Ordering::Relaxed);
        join(self.receiver.take());
        self.report()
    }

    fn judge(&self, probes: &[Probe], from: usize, to: usize) -> Loss {
        let window = probes.get(from..to.min(probes.len())).unwrap_or_default();
        let now = if self.receiver.is_some() { now() } else { Duration::MAX };
        // Until when the window's replies can be missed: the next packet belongs to the next
        // window.
        let end = probes.get(to).map_or(now, |next| next.sent);
        loss::judge(window, end, now)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.shared.sending_ended.store(true, Ordering::Relaxed);
        self.shared.ended.store(true, Ordering::Relaxed);
        join(self.sender.take());
        join(self.receiver.take());
    }
}

fn join(thread: Option<JoinHandle<()>>) {
    if let Some(thread) = thread {
        let _ = thread.join();
    }
}

impl Shared {
    /// Packet `n` is due `n / rate` seconds after the first, whenever the others were sent.
    fn send(&self, rate: u32) {
        let begun = Instant::now();
        let mut number = 0_u64;
        while !self.sending_ended.load(Ordering::Relaxed) {
            let due = Duration::from_nanos(number.saturating_mul(1_000_000_000) / u64::from(rate));
            thread::sleep(due.saturating_sub(begun.elapsed()));
            self.lock().push(Probe { sent: now(), answered: None, replies: 0 });
            // A packet that cannot be sent is a packet lost: so it is for a user.
            let _ = self.echo.send(number);
            number += 1;
        }
    }

    fn receive(&self) {
        loop {
            match self.echo.receive() {
                Ok(Some((number, at))) => self.note(number, at),
                // What has come by then is not lost because this thread was late to read it.
                Ok(None) | Err(_) if self.ended.load(Ordering::Relaxed) => return,
                // An error tells of one packet (such as an unreachable host), not of the next.
                Ok(None) | Err(_) => {}
            }
        }
    }

    fn note(&self, number: u64, at: Duration) {
        let mut probes = self.lock();
        let probe = usize::try_from(number).ok().and_then(|number| probes.get_mut(number));
        if let Some(probe) = probe {
            probe.answered.get_or_insert(at);
            probe.replies += 1;
            self.answered.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Probe>> {
        self.probes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
