//! [`Snapshots`]: the state of the node, asked for once for all who want to know.
//!
//! Whoever asks over TCP within a tenth of a second gets the same [`Snapshot`], and the texts that are
//! made of it are made once: the driver has other things to do than to answer every scraper, page and
//! monitor. A snapshot is never older than what was done to the node by request: whoever does that
//! [forgets](Snapshots::forget) the last one. What happens by itself shows a fiftieth of a second late
//! at most, unless a snapshot takes so long that this would be too much of a processor. Whoever asks
//! over the control socket gets one that is older than this moment only for that last reason.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hyper::body::Bytes;
use nix::time::{ClockId, clock_gettime};
use tokio::{
    sync::{Mutex as Turn, OnceCell},
    task::block_in_place,
    time::Instant,
};
use vrrp_net::{Error, Events, Node, NodeStatus};

use crate::{
    checks::Running,
    kept::Kept,
    leftovers,
    lock::lock,
    report::{self, Check, LastReload, Reloaded},
};

/// How long a snapshot is good for, over TCP, while nothing happens.
const FRESH: Duration = Duration::from_millis(100);
/// How long it is good for whatever happens.
const LEAST: Duration = Duration::from_millis(20);
/// It is good for so many times as long as it took to take and write: that takes a tenth of a
/// processor.
const QUIET: u32 = 10;
/// The same while something happens all the time: a quarter.
const BUSY: u32 = 4;

/// Where the state of the node is asked for.
#[derive(Clone)]
pub(crate) struct Snapshots(Arc<Sources>);

/// What a snapshot is taken of.
struct Sources {
    node: Node,
    kept: Arc<Kept>,
    checks: Arc<Running>,
    reload: Mutex<Option<LastReload>>,
    /// How often what was known has been forgotten.
    era: AtomicU64,
    /// How many events the node has had.
    happened: Arc<AtomicU64>,
    /// Whoever asks has it for as long as the driver takes to answer.
    latest: Turn<Option<Arc<Snapshot>>>,
}

/// The state of the node at one moment.
pub(crate) struct Snapshot {
    /// What the node says.
    pub(crate) node: NodeStatus,
    /// What the checks found.
    pub(crate) checks: Vec<Check>,
    /// What came of the last reload.
    pub(crate) reload: Option<LastReload>,
    kept: Arc<Kept>,
    running: Arc<Running>,
    era: u64,
    happened: u64,
    /// When it was asked for.
    begun: Instant,
    /// How long it took to take, and what its texts have cost of a processor.
    cost: Mutex<Duration>,
    report: OnceCell<report::Status>,
    json: OnceCell<Bytes>,
    metrics: OnceCell<Bytes>,
    open_metrics: OnceCell<Bytes>,
}

/// A text that is made of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    /// The status as JSON.
    Status,
    /// The metrics, as Prometheus has always read them.
    Metrics,
    /// The metrics as OpenMetrics.
    OpenMetrics,
}

impl Snapshots {
    /// Of these, inside a tokio runtime.
    pub(crate) fn new(node: Node, kept: Arc<Kept>, checks: Arc<Running>) -> Self {
        let happened = Arc::default();
        tokio::spawn(count(node.events(), Arc::clone(&happened)));
        let (reload, era, latest) = (Mutex::default(), AtomicU64::new(0), Turn::default());
        Self(Arc::new(Sources { node, kept, checks, reload, era, happened, latest }))
    }

    /// How everything is, or was a moment ago. Dropping the future changes nothing.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub(crate) async fn get(&self) -> Result<Arc<Snapshot>, Error> {
        self.good(FRESH, LEAST).await
    }

    /// How everything is, for whoever may ask for more than that. Only a node with so many virtual
    /// routers that the answer takes a while gives the same one to who comes soon after. Dropping the
    /// future changes nothing.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub(crate) async fn now(&self) -> Result<Arc<Snapshot>, Error> {
        self.good(Duration::ZERO, Duration::ZERO).await
    }

    /// One that is good for as long as this at least, while nothing happens and otherwise.
    async fn good(&self, fresh: Duration, least: Duration) -> Result<Arc<Snapshot>, Error> {
        let era = self.0.era.load(Ordering::Acquire);
        let mut latest = self.0.latest.lock().await;
        if let Some(latest) = &*latest
            && latest.era >= era
            && latest.begun.elapsed() < self.good_for(latest, fresh, least)
        {
            return Ok(Arc::clone(latest));
        }
        let taken = Arc::new(self.take().await?);
        *latest = Some(Arc::clone(&taken));
        Ok(taken)
    }

    /// What was known is out of date: something was done to the node. Whoever asks from now on learns
    /// what came of it.
    pub(crate) fn forget(&self) {
        self.0.era.fetch_add(1, Ordering::AcqRel);
    }

    /// Notes what has come of a reload.
    pub(crate) fn reloaded(&self, outcome: &Result<Reloaded, String>) {
        *lock(&self.0.reload) = Some(LastReload::now(outcome));
        self.forget();
    }

    fn good_for(&self, latest: &Snapshot, fresh: Duration, least: Duration) -> Duration {
        let cost = *lock(&latest.cost);
        if latest.happened == self.0.happened.load(Ordering::Acquire) {
            fresh.max(cost * QUIET)
        } else {
            least.max(cost * BUSY)
        }
    }

    async fn take(&self) -> Result<Snapshot, Error> {
        let (era, begun) = (self.0.era.load(Ordering::Acquire), Instant::now());
        let happened = self.0.happened.load(Ordering::Acquire);
        let node = self.0.node.status().await?;
        Ok(Snapshot {
            node,
            checks: self.0.checks.report(),
            reload: lock(&self.0.reload).clone(),
            kept: Arc::clone(&self.0.kept),
            running: Arc::clone(&self.0.checks),
            era,
            happened,
            begun,
            cost: Mutex::new(begun.elapsed()),
            report: OnceCell::new(),
            json: OnceCell::new(),
            metrics: OnceCell::new(),
            open_metrics: OnceCell::new(),
        })
    }
}

/// What this thread has had of a processor.
fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// Counts the events of a node, until it has stopped.
async fn count(mut events: Events, happened: Arc<AtomicU64>) {
    // Of events that were lost there is one to tell of.
    while events.next().await.is_some() {
        happened.fetch_add(1, Ordering::AcqRel);
    }
}

impl Snapshot {
    /// The same as the control socket tells it.
    pub(crate) async fn report(&self) -> &report::Status {
        let make = || async { self.write(|| self.make_report()) };
        self.report.get_or_init(make).await
    }

    /// That as JSON.
    ///
    /// # Errors
    /// A sentence: it cannot be written.
    pub(crate) async fn json(&self) -> Result<Bytes, String> {
        let report = self.report().await;
        let make = || match serde_json::to_vec(report) {
            Ok(octets) => Ok(octets.into()),
            Err(error) => Err(format!("the status cannot be written as JSON: {error}; report it")),
        };
        self.text(Text::Status, make).await
    }

    /// A text that `make` makes of it, unless somebody had it made before.
    ///
    /// # Errors
    /// What `make` says.
    pub(crate) async fn text(
        &self,
        text: Text,
        make: impl FnOnce() -> Result<Bytes, String>,
    ) -> Result<Bytes, String> {
        let cell = match text {
            Text::Status => &self.json,
            Text::Metrics => &self.metrics,
            Text::OpenMetrics => &self.open_metrics,
        };
        cell.get_or_try_init(|| async { self.write(make) }).await.cloned()
    }

    /// Writes something, and notes what that costs.
    fn write<T>(&self, make: impl FnOnce() -> T) -> T {
        block_in_place(|| {
            let before = processor_time();
            let made = make();
            *lock(&self.cost) += processor_time().saturating_sub(before);
            made
        })
    }

    fn make_report(&self) -> report::Status {
        // The kernel is asked, which can take a moment.
        let left = leftovers::of_node(&self.node).unwrap_or_default();
        let tracks = |name: &str| self.running.tracks(name, &self.checks);
        let status = report::Status::new(&self.node, &left, &self.kept.names(), tracks);
        report::Status { checks: self.checks.clone(), reload: self.reload.clone(), ..status }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{task::JoinSet, time::advance};
    use vrrp_net::{clock::TokioClock, link::memory::Hub, monitor};

    use super::*;

    /// Of a node without virtual routers, on a network in memory.
    fn snapshots() -> Snapshots {
        let (_, events) = monitor::channel();
        let node = Node::with_parts(Hub::new().link(&[]), TokioClock::new(), events);
        Snapshots::new(node, Arc::new(Kept::open(None)), Arc::default())
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_in_time_gets_the_same() {
        let snapshots = snapshots();
        let mut all = JoinSet::new();
        for _ in 0..100 {
            let snapshots = snapshots.clone();
            all.spawn(async move { snapshots.get().await.unwrap() });
        }
        let all = all.join_all().await;
        let [first, ..] = &*all else { panic!("a hundred") };
        assert!(all.iter().all(|other| Arc::ptr_eq(first, other)));
        advance(FRESH - Duration::from_millis(1)).await;
        assert!(Arc::ptr_eq(first, &snapshots.get().await.unwrap()));
        advance(Duration::from_millis(1)).await;
        assert!(!Arc::ptr_eq(first, &snapshots.get().await.unwrap()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_happens_by_itself_shows_soon() {
        let snapshots = snapshots();
        let first = snapshots.get().await.unwrap();
        snapshots.0.happened.fetch_add(1, Ordering::AcqRel);
        advance(LEAST - Duration::from_millis(1)).await;
        assert!(Arc::ptr_eq(&first, &snapshots.get().await.unwrap()));
        advance(Duration::from_millis(1)).await;
        let second = snapshots.get().await.unwrap();
        assert!(!Arc::ptr_eq(&first, &second));
        advance(FRESH - Duration::from_millis(1)).await;
        assert!(
            Arc::ptr_eq(&second, &snapshots.get().await.unwrap()),
            "nothing has happened since"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn over_the_control_socket_it_is_kept_only_for_what_it_costs() {
        let snapshots = snapshots();
        let first = snapshots.now().await.unwrap();
        let second = snapshots.now().await.unwrap();
        assert!(!Arc::ptr_eq(&first, &second));
        // As one of a thousand virtual routers.
        *lock(&second.cost) = Duration::from_millis(10);
        advance(Duration::from_millis(99)).await;
        assert!(Arc::ptr_eq(&second, &snapshots.now().await.unwrap()));
        advance(Duration::from_millis(1)).await;
        assert!(!Arc::ptr_eq(&second, &snapshots.now().await.unwrap()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_done_meanwhile_ends_it() {
        let snapshots = snapshots();
        let first = snapshots.get().await.unwrap();
        snapshots.forget();
        let second = snapshots.get().await.unwrap();
        assert!(!Arc::ptr_eq(&first, &second));
        assert_eq!(second.reload, None);
        snapshots.reloaded(&Err("no".to_owned()));
        let third = snapshots.get().await.unwrap();
        assert_eq!(third.reload.as_ref().map(|reload| reload.done), Some(false));
        // One that was begun before is not good enough for who comes after.
        let older = Arc::new(snapshots.take().await.unwrap());
        snapshots.forget();
        *snapshots.0.latest.lock().await = Some(Arc::clone(&older));
        assert!(!Arc::ptr_eq(&older, &snapshots.get().await.unwrap()));
    }
}
