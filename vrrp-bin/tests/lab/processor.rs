//! What the kernel tells of a process and its processors.

use std::{collections::BTreeMap, ffi::OsString, fs, time::Duration};

use libtest_mimic::{Failed, Trial};

use crate::support::{Outcome, check};

pub(crate) fn tests() -> Vec<Trial> {
    vec![Trial::test("processor_of_a_thread_that_ended", ended)]
}

/// The processor time that a process has had: `utime` and `stime` of proc_pid_stat(5).
pub(crate) fn used(pid: u32) -> Result<Duration, Failed> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in parentheses, may hold anything; user and system time are the 12th and 13th field
    // after it, in hundredths.
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    let ticks = fields.map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * 10))
}

/// For how long each thread of a process has waited for a processor while it had work.
pub(crate) struct Waited(BTreeMap<OsString, Duration>);

impl Waited {
    pub(crate) fn of(pid: u32) -> Result<Self, Failed> {
        let mut threads = BTreeMap::new();
        for task in fs::read_dir(format!("/proc/{pid}/task"))? {
            let task = task?;
            // One may end meanwhile.
            let Ok(text) = fs::read_to_string(task.path().join("schedstat")) else { continue };
            // Time on a processor and time waiting for one, in nanoseconds.
            let waited = text.split_whitespace().nth(1).unwrap_or_default().parse()?;
            threads.insert(task.file_name(), Duration::from_nanos(waited));
        }
        Ok(Self(threads))
    }

    /// A thread that ended since takes its time with it, so that a sum over all could shrink.
    pub(crate) fn since(&self, before: &Self) -> Duration {
        let waited = |(thread, now): (&OsString, &Duration)| {
            now.saturating_sub(before.0.get(thread).copied().unwrap_or_default())
        };
        self.0.iter().map(waited).sum()
    }
}

/// A worker of a runtime ends when it has had nothing to do, and another one begins.
fn ended() -> Outcome {
    let waited = |threads: &[(&str, u64)]| {
        let threads =
            threads.iter().map(|(id, millis)| (id.into(), Duration::from_millis(*millis)));
        Waited(threads.collect())
    };
    let before = waited(&[("100", 500), ("101", 3000)]);
    let after = waited(&[("100", 600), ("102", 50)]);
    let since = after.since(&before);
    check(since == Duration::from_millis(150), format!("{since:?}"))
}
