//! The one clock of a driver.

use std::task::{Context, Poll};

use vrrp_core::Instant;

/// A clock that never goes back, and a wait on it.
///
/// Expiry is decided by [`now`](Self::now), never by a wake-up.
pub trait Clock: Send + 'static {
    /// Now.
    fn now(&self) -> Instant;

    /// Ready when `deadline` has come; `None` never comes. A later call replaces the deadline.
    fn poll_until(&mut self, deadline: Option<Instant>, cx: &mut Context<'_>) -> Poll<()>;
}
