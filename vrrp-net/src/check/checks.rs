//! [`Checks`]: the thread that runs them.

#[cfg(test)]
mod tests;

use std::{fmt, io, sync::Arc, thread};

use tokio::{
    runtime::{Builder, Handle},
    sync::{broadcast, oneshot, watch},
};
use vrrp_core::{Health, Phase};

use super::{
    board::{Begin, Board, Change, Levels, Task},
    plan::Setup,
    runner,
    status::CheckStatus,
    track::Share,
};

/// Runs checks, on a thread of its own: none of them delays a driver or another check.
///
/// Dropping it ends all of them, and the programs that they run.
pub struct Checks {
    board: Arc<Board>,
    runtime: Handle,
    /// Dropped, the thread ends.
    stop: Option<oneshot::Sender<()>>,
    ended: Option<oneshot::Receiver<()>>,
}

impl Checks {
    /// Starts a thread that runs these, in the network namespace of the calling thread.
    ///
    /// # Errors
    /// What the operating system says when it gives no thread or no file.
    pub fn start(setup: Setup) -> io::Result<Self> {
        let runtime =
            Builder::new_current_thread().enable_all().thread_name("vrrp-checks").build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let (told, ended) = oneshot::channel();
        let handle = runtime.handle().clone();
        thread::Builder::new().name("vrrp-checks".to_owned()).spawn(move || {
            // Nobody sends: the other end is dropped.
            let _ = runtime.block_on(stopped);
            // A call of the kernel that hangs is nobody's to wait for.
            runtime.shutdown_background();
            // Nobody has to listen.
            let _ = told.send(());
        })?;
        let checks = Self {
            board: Arc::new(Board::new()),
            runtime: handle,
            stop: Some(stop),
            ended: Some(ended),
        };
        checks.take(setup, false);
        Ok(checks)
    }

    /// Takes another configuration. A check with the same name and schedule that
    /// [is the same](super::Check::is_same) goes on as if nothing had happened; one that is gone is
    /// cut off, and so is the program that it runs. One that takes the place of another of its name
    /// goes on from its state. A new one counts as good before its first result, unless its schedule
    /// says bad: a reload takes no address away. Of a virtual router that starts with it that does
    /// not hold: see [`Tracked::starts`](super::Tracked::starts).
    ///
    /// A virtual router that nothing is tracked for any more is told [`Health::default`].
    pub fn configure(&self, setup: Setup) {
        self.take(setup, true);
    }

    fn take(&self, setup: Setup, at_run_time: bool) {
        self.board.configure(setup, at_run_time, |begin: Begin| {
            let task = self.runtime.spawn(runner::run(self.board.clone(), begin));
            Task(task.abort_handle())
        });
    }

    /// Returns the healths of all virtual routers, and then each that changes.
    #[must_use]
    pub fn healths(&self) -> Healths {
        Healths { levels: self.board.levels(), known: Levels::new() }
    }

    /// Returns each change of a check's state from now on.
    pub(crate) fn changes(&self) -> broadcast::Receiver<Change> {
        self.board.changes()
    }

    /// Returns the health of a virtual router now; [`Health::default`] of one that nothing is
    /// tracked for.
    #[must_use]
    pub fn health(&self, router: &str) -> Health {
        self.board.levels().borrow().get(router).copied().unwrap_or_default()
    }

    /// Tells what a virtual router does, for checks that count only
    /// [while it is active](super::When::Active). To tell the same twice changes nothing.
    pub fn set_phase(&self, router: &str, phase: Phase) {
        self.board.set_phase(router, phase);
    }

    /// Forgets what virtual routers do that are not there any more.
    pub(crate) fn keep_phases(&self, is_there: impl Fn(&str) -> bool) {
        self.board.keep_phases(is_there);
    }

    /// Returns everything about each check, in the order of their names.
    #[must_use]
    pub fn status(&self) -> Vec<CheckStatus> {
        self.board.status()
    }

    /// Returns what each check that a virtual router tracks has to say of it now, in the order of its
    /// tracks; nothing of one that nothing is tracked for.
    #[must_use]
    pub fn shares(&self, router: &str) -> Vec<Share> {
        self.board.shares(router)
    }

    /// Ends all checks and the programs that they run, and waits until they were cut off. To drop
    /// this future waits no more, and ends them all the same.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        if let Some(ended) = self.ended.take() {
            // The thread tells it at its end; one that died has ended, too.
            let _ = ended.await;
        }
    }
}

impl fmt::Debug for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checks").field("status", &self.status()).finish_non_exhaustive()
    }
}

/// The healths of virtual routers as they change. What changes several times before it is asked for
/// is told as it is then: it is a level, and nothing is lost that still holds.
#[derive(Clone, Debug)]
pub struct Healths {
    levels: watch::Receiver<Levels>,
    /// What was told.
    known: Levels,
}

impl Healths {
    /// Waits for a virtual router whose health is another one than was told last, and returns its
    /// name and its health; at first, that of each. `None` once the checks have ended.
    ///
    /// To drop this future loses nothing.
    pub async fn next(&mut self) -> Option<(Arc<str>, Health)> {
        loop {
            if let Some(news) = self.news() {
                return Some(news);
            }
            self.levels.changed().await.ok()?;
        }
    }

    fn news(&mut self) -> Option<(Arc<str>, Health)> {
        let levels = self.levels.borrow_and_update();
        let is_new =
            |(router, health): &(&Arc<str>, &Health)| self.known.get(*router) != Some(*health);
        if let Some((router, health)) = levels.iter().find(is_new) {
            self.known.insert(router.clone(), *health);
            return Some((router.clone(), *health));
        }
        let is_gone = |router: &Arc<str>| !levels.contains_key(router);
        let gone = self.known.keys().find(|router| is_gone(router)).cloned()?;
        self.known.remove(&gone);
        // What it was told last would hold for ever.
        Some((gone, Health::default()))
    }
}
