//! [`Watchdog`]: tells the service manager that the driver goes on (sd_watchdog_enabled(3)).

use std::{io, thread, time::Duration};

use sd_notify::NotifyState;
use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
    time::sleep,
};
use vrrp_net::Node;

use super::tell_manager;

/// How many times the manager is told in the time after which it would end this process.
const TIMES: u32 = 4;

/// Says `WATCHDOG=1` after each answer of the driver, for as long as this lives.
///
/// It is not the task of a runtime that others share: one of those that hangs would have the manager
/// kill a daemon that serves. And it says nothing of its own: a driver that hangs says nothing.
pub(super) struct Watchdog {
    /// Its thread ends when this is dropped.
    _alive: oneshot::Sender<()>,
}

impl Watchdog {
    /// Begins, if a manager waits for it.
    pub(super) fn start(node: &Node) -> Option<Self> {
        let limit = sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero())?;
        match Self::spawn(node.clone(), limit / TIMES) {
            Ok(watchdog) => Some(watchdog),
            Err(error) => {
                tracing::warn!(
                    event = "no-watchdog",
                    "the service manager's watchdog is told nothing, and will end this process: {error}"
                );
                None
            }
        }
    }

    fn spawn(node: Node, pause: Duration) -> io::Result<Self> {
        let (alive, over) = oneshot::channel();
        let runtime = Builder::new_current_thread().enable_time().build()?;
        let feed = move || feed(&runtime, &node, pause, over);
        thread::Builder::new().name("vrrp-watchdog".to_owned()).spawn(feed)?;
        Ok(Self { _alive: alive })
    }
}

fn feed(runtime: &Runtime, node: &Node, pause: Duration, over: oneshot::Receiver<()>) {
    let feed = async {
        // One that has stopped leaves, which the manager waits for by another limit.
        while node.turn().await.is_ok() {
            tell_manager(&[NotifyState::Watchdog]);
            sleep(pause).await;
        }
    };
    runtime.block_on(async {
        tokio::select! {
            () = feed => {}
            _ = over => {}
        }
    });
}
