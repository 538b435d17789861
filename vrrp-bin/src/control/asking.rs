//! What is asked of the daemon itself, and not of its node: it does one thing after the other.

use tokio::sync::{mpsc, oneshot};

use crate::report::Reloaded;

/// How many may wait for the one that is under way. Each reads the configuration again, and one
/// more than these waits for room.
const WAITING: usize = 4;

/// What is said to whoever asks a daemon that leaves.
pub(crate) const TOO_LATE: &str = "the daemon is about to end, and does nothing else any more";

/// What has come of a reload: why nothing was changed, as sentences.
pub(crate) type Outcome = Result<Reloaded, String>;

/// What is asked for, and where the answer goes. That nobody waits for it any more is no error.
pub(crate) enum Request {
    /// To read the configuration again.
    Reload(oneshot::Sender<Outcome>),
    /// To make room for the program that is on disk by now. The answer is why that is refused:
    /// otherwise there is nobody left to give one.
    Restart(oneshot::Sender<String>),
}

/// Where is asked.
#[derive(Clone)]
pub(crate) struct Asking(mpsc::Sender<Request>);

/// Where requests are taken from. Dropped or closed, nobody can ask any more.
pub(crate) type Asked = mpsc::Receiver<Request>;

impl Asking {
    /// Both ends.
    pub(crate) fn new() -> (Self, Asked) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(sender), receiver)
    }

    /// Asks, and returns the answer; `None` if the daemon ends.
    pub(super) async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<T>) -> Request,
    ) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.0.send(request(reply)).await.ok()?;
        answer.await.ok()
    }
}
