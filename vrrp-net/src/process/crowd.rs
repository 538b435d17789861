//! How many programs are started at once.
//!
//! A host that is asked for more programs than it can start starts none of them in time, if it
//! tries all at once: each takes a little of the processors, and is killed at its limit. So only a
//! few are started at a time. Those that run meanwhile have their share of the processors, and who
//! sleeps keeps nobody waiting.

use std::{
    pin::pin,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    thread,
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How many are started at once, for each processor.
const EACH: usize = 2;
/// How long one waits for its start. It has the rest of its own limit to run.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long a start counts. It takes a millisecond, unless the program's file hangs.
const LONGEST: Duration = Duration::from_millis(100);

static STARTS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    Arc::new(Semaphore::new(processors * EACH))
});

/// One start. Another one may begin when it is over, or nobody waits for it any more.
#[derive(Debug)]
pub(crate) struct Start(Arc<Turn>);

type Turn = Mutex<Option<OwnedSemaphorePermit>>;

impl Start {
    /// Waits for its turn; `None` if it does not come soon.
    pub(crate) async fn begin() -> Option<Self> {
        Self::one_of(&STARTS).await
    }

    async fn one_of(starts: &Arc<Semaphore>) -> Option<Self> {
        let turn = timeout(PATIENCE, Arc::clone(starts).acquire_owned()).await.ok()?;
        turn.ok().map(|turn| Self(Arc::new(Mutex::new(Some(turn)))))
    }

    /// For whoever starts it: to call this ends the start.
    pub(crate) fn end(&self) -> impl FnOnce() + Send + 'static {
        let turn = Arc::clone(&self.0);
        move || end(&turn)
    }

    /// Waits for what has been started. A start that hangs counts no more after a while.
    pub(crate) async fn watch<T>(self, run: impl Future<Output = T>) -> T {
        let mut run = pin!(run);
        if let Ok(done) = timeout(LONGEST, &mut run).await {
            return done;
        }
        drop(self);
        run.await
    }
}

impl Drop for Start {
    fn drop(&mut self) {
        end(&self.0);
    }
}

fn end(turn: &Turn) {
    drop(turn.lock().unwrap_or_else(PoisonError::into_inner).take());
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_start_waits_for_its_turn_but_not_for_long() {
        let starts = Arc::new(Semaphore::new(1));
        let first = Start::one_of(&starts).await.unwrap();
        assert!(Start::one_of(&starts).await.is_none());
        // The program has been started, and runs.
        first.end()();
        let second = Start::one_of(&starts).await.unwrap();
        assert!(Start::one_of(&starts).await.is_none());
        // Nobody wants it any more, whatever becomes of the thread that starts it.
        let _thread = second.end();
        drop(second);
        assert!(Start::one_of(&starts).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_start_that_hangs_counts_no_more_after_a_while() {
        let starts = Arc::new(Semaphore::new(1));
        let hanging = Start::one_of(&starts).await.unwrap();
        let run = tokio::spawn(hanging.watch(pending::<()>()));
        let begun = tokio::time::Instant::now();
        assert!(Start::one_of(&starts).await.is_some());
        assert_eq!(begun.elapsed(), LONGEST);
        assert!(!run.is_finished());
        run.abort();
    }
}
