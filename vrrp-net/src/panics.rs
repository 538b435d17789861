//! Panics of what others wrote: a backend, or a check.

use std::{
    any::Any,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::{Context, Poll},
};

/// Turns a panic of a future into a sentence that says so, about `whom`.
pub(crate) async fn catch<T>(whom: &str, future: impl Future<Output = T>) -> Result<T, String> {
    let mut future = pin!(future);
    let caught =
        |cx: &mut Context<'_>| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(panic) => Poll::Ready(Err(format!("{whom} panicked: {}", message(&*panic)))),
        };
    poll_fn(caught).await
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
