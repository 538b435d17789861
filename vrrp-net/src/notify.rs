//! Scripts, and a FIFO, that are told what virtual routers and groups do: [`Notifier`].
//!
//! For each virtual router and each group there is one queue. One script runs at a time in it, in
//! the order of the states; while it runs only the latest state waits. So memory is bounded, and
//! the last state is always told.
//!
//! ```no_run
//! use std::time::Duration;
//! use vrrp_net::{Node, Program, notify::{Notifier, Script, Scripts, Setup}};
//!
//! # async fn run(node: Node) -> Result<(), Box<dyn std::error::Error>> {
//! let script = Script::new(Program::new("/usr/local/bin/notify")).limit(Duration::from_secs(10));
//! let setup = Setup::new().router("web", Scripts::default().all(script)).fifo("/run/events");
//! // Before the virtual routers are there, so that their first state is told.
//! let notifier = Notifier::start(setup, &node)?;
//! // ... node.configure(members), and a long time later:
//! node.shutdown().await?;
//! for sentence in notifier.finish(Duration::from_secs(5)).await {
//!     eprintln!("{sentence}");
//! }
//! # Ok(()) }
//! ```
//!
//! # What is told
//!
//! | the virtual router | [`State`] |
//! |---|---|
//! | is held or adopted | [`Active`](State::Active) |
//! | is Backup, or drained | [`Backup`](State::Backup) |
//! | is kept out by anything that no operator asked for | [`Fault`](State::Fault) |
//! | was stopped or removed | [`Stop`](State::Stop) |
//! | acquires, resigns, or asks its backend before it begins | nothing new |
//!
//! The same state is not told twice in a row, unless one in between was skipped, or the node stays
//! active after another one gave way: then other scripts may have run elsewhere. A start that
//! [adopts](crate::VipBackend::adopt) is told Active alone, any other one Backup first.
//!
//! # What a script is given
//!
//! After its own arguments, and only if it is told [all states](Scripts::all):
//! `INSTANCE NAME MASTER|BACKUP|FAULT|STOP PRIORITY`, or `GROUP NAME STATE 0`, as keepalived tells
//! it. And to each script these variables of the environment; of a group those that speak of one
//! virtual router are empty:
//!
//! | variable | |
//! |---|---|
//! | `VRRP_NAME` | the name |
//! | `VRRP_KIND` | `instance` or `group` |
//! | `VRRP_STATE` | `active`, `backup`, `fault` or `stop` |
//! | `VRRP_PHASE` | the word of the [`Phase`](crate::Phase) |
//! | `VRRP_REASON` | the word of the [`Reason`](crate::Reason), or `reasserted` |
//! | `VRRP_GENERATION` | counts the states since this began, those that were skipped too |
//! | `VRRP_PRIORITY` | the effective priority |
//! | `VRRP_ACTIVE_PEER` | who is active elsewhere, if that is known |
//! | `VRRP_ADDRESSES` | with prefix lengths, separated by spaces |
//! | `VRRP_INTERFACE`, `VRRP_VRID`, `VRRP_FAMILY` | |
//!
//! It has none of this process's capabilities and can gain none, nothing on its standard input, and
//! its standard output is thrown away; the last line of its standard error is told if it fails.
//!
//! # How it ends
//!
//! It leads a process group of its own, which is killed (`SIGKILL`) past its
//! [limit](Script::limit). What it leaves in the background when it ends by itself goes on.

mod course;
mod fifo;
mod follow;
mod group;
mod queue;
mod run;
mod script;
mod setup;
mod state;
#[cfg(test)]
mod tests;
mod told;
mod world;

use std::{
    fmt, io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use tokio::{
    runtime::Builder,
    sync::{mpsc, oneshot},
};

pub use script::{Script, Scripts};
pub use setup::Setup;
pub use state::State;

use crate::Node;
use fifo::Fifo;
use follow::{Follower, Request};

/// Tells scripts and a FIFO what the virtual routers of a node do, on a thread of its own: none of
/// them delays a driver.
///
/// It is a handle to the node, like a clone of [`Node`]: whoever ends the node shuts it down.
/// Dropping it ends the telling, and kills the scripts that run.
pub struct Notifier {
    /// Few: whoever reloads, and whoever finishes.
    requests: mpsc::UnboundedSender<Request>,
    /// The FIFO that is open.
    path: Mutex<Option<PathBuf>>,
}

impl Notifier {
    /// Subscribes to what `node` reports from now on, and starts the thread. Virtual routers that
    /// are there already are told as they are.
    ///
    /// # Errors
    /// What the operating system says when it gives no thread or no file, or when the FIFO cannot
    /// be made or opened.
    pub fn start(setup: Setup, node: &Node) -> io::Result<Self> {
        let fifo = setup.fifo.as_deref().map(Fifo::open).transpose()?;
        let path = Mutex::new(setup.fifo.clone());
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (requests, receiver) = mpsc::unbounded_channel();
        let (events, node) = (node.events(), node.clone());
        thread::Builder::new().name("vrrp-notify".to_owned()).spawn(move || {
            let follow = async { Follower::new(node, events, receiver, setup, fifo).run().await };
            runtime.block_on(follow);
            // Who looks up a user may hang, and is nobody's to wait for.
            runtime.shutdown_background();
        })?;
        Ok(Self { requests, path })
    }

    /// Takes other scripts, and another FIFO, in place of those that were there. States go on as
    /// they were told, and are not told again; what waits is told to the new scripts.
    ///
    /// # Errors
    /// When another FIFO cannot be made or opened. Nothing has changed then.
    pub fn configure(&self, setup: Setup) -> io::Result<()> {
        let mut path = self.path.lock().unwrap_or_else(PoisonError::into_inner);
        let is_another = *path != setup.fifo;
        let open = || setup.fifo.as_deref().map(Fifo::open).transpose();
        let fifo = is_another.then(open).transpose()?;
        path.clone_from(&setup.fifo);
        let setup = Arc::new(setup);
        // A thread that has ended tells nobody anything.
        drop(self.requests.send(Request::Configure { setup, fifo }));
        Ok(())
    }

    /// Waits for what is still to be told, after the node was shut down: for `within` at most. What
    /// runs then is killed. Returns what was not told, as sentences.
    ///
    /// To drop this future ends the telling.
    pub async fn finish(self, within: Duration) -> Vec<String> {
        let (reply, untold) = oneshot::channel();
        let gone = || vec!["the thread that tells scripts had ended before its time".to_owned()];
        match self.requests.send(Request::Finish { within, reply }) {
            Ok(()) => untold.await.unwrap_or_else(|_| gone()),
            Err(_) => gone(),
        }
    }
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Notifier").field("fifo", &*path).finish_non_exhaustive()
    }
}
