//! [`Seat`]: what a handle shares with the driver.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::watch;
use vrrp_core::{Instant, Key, Phase};

/// What a [`Handle`](crate::Handle) shares with the driver.
pub(crate) struct Seat {
    pub(crate) name: Arc<str>,
    pub(crate) key: Key,
    pub(crate) phase: watch::Receiver<Phase>,
    pub(crate) bound: Arc<Bound>,
}

/// The end of the right to act, on the node's clock; the epoch while there is no such right.
#[derive(Debug, Default)]
pub(crate) struct Bound(AtomicU64);

impl Bound {
    pub(crate) fn set(&self, until: Option<Instant>) {
        self.0.store(until.unwrap_or_default().as_nanos(), Ordering::Release);
    }

    pub(crate) fn get(&self) -> Instant {
        Instant::from_nanos(self.0.load(Ordering::Acquire))
    }
}
