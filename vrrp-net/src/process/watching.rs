//! What tests of programs wait for.

use std::{
    fs,
    time::{Duration, Instant},
};

/// How long anything may take that takes milliseconds on an idle machine.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// Waits until it is so.
pub(crate) async fn until(what: &str, mut is_it: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_it() {
        assert!(begun.elapsed() < SOON, "still waiting for: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Whether a process runs. One that has ended and was not collected is only a name.
pub(crate) fn runs(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}
