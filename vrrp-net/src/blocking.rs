//! Calls that may hang in the kernel.

use std::sync::Arc;

/// Has one call at a time block a thread of the runtime that is there for it. One that hangs is not
/// joined by others: the next one waits for its end, and for that a check has a limit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turn(Arc<tokio::sync::Mutex<()>>);

impl Turn {
    /// Calls `work`, and returns what it did, or that it panicked.
    pub(crate) async fn take<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, String> {
        let turn = self.0.clone().lock_owned().await;
        let work = move || {
            let done = work();
            drop(turn);
            done
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())
    }
}
