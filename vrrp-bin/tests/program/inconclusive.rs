//! A test that failed while the machine paused, or its kernel was busy, has shown nothing.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    thread,
    time::Duration,
};

use libtest_mimic::Failed;
use vrrp_net::lab::{Ticker, wait_until};

/// A gap of the ticker above this says that the machine, not the program, was late.
const HICCUP: Duration = Duration::from_millis(50);
/// A kernel that took longer to change an address may be why an address, an announcement or a
/// repair came late: no more than this is allowed for it.
const BUSY_KERNEL: Duration = Duration::from_millis(20);
/// How long it may be busy before that is what is to be lived with.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a test is repeated at most.
const REPETITIONS: usize = 3;

/// Runs a test beside a ticker. A machine that paused for more than 50 ms, or a kernel that took more
/// than 20 ms for a change, makes a failure inconclusive, and a panic, too: it is printed, and
/// repeated when the kernel is quick again, three times at most.
pub(crate) fn conclude<T>(test: impl Fn(&Ticker) -> Result<T, Failed>) -> Result<T, Failed> {
    for _ in 0..REPETITIONS {
        let ticker = Ticker::start()?;
        let outcome = catch_unwind(AssertUnwindSafe(|| test(&ticker)));
        let (gap, answer) = (ticker.worst_gap(), ticker.worst_answer());
        let is_conclusive = gap <= HICCUP && answer <= BUSY_KERNEL;
        let why = match outcome {
            Ok(Ok(shown)) => return Ok(shown),
            Ok(Err(failure)) if is_conclusive => return Err(failure),
            Err(panic) if is_conclusive => resume_unwind(panic),
            Ok(Err(failure)) => failure.message().unwrap_or("no message").to_owned(),
            Err(_) => "it panicked, as is told above".to_owned(),
        };
        println!(
            "inconclusive: the machine paused for {gap:.2?}, the kernel took {answer:.2?} for a \
             change: {why}"
        );
        drop(ticker);
        wait_until_quick();
    }
    test(&Ticker::start()?)
}

/// Waits until the kernel is quick to change an address, as far as it becomes so.
pub(crate) fn wait_until_quick() {
    wait_until(PATIENCE, || {
        Ticker::start().is_ok_and(|ticker| {
            thread::sleep(10 * BUSY_KERNEL);
            ticker.worst_answer() < BUSY_KERNEL
        })
    });
}
