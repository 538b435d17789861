//! Collecting the processes that nobody else waits for.
//!
//! In a container the daemon is often process 1, and becomes the parent of whatever its programs
//! left in the background. A program that was executed in the place of another has what that one
//! started. Such a process would stay as a zombie for ever, and a container may have a limit on
//! processes.

use std::{collections::BTreeSet, fs, io, path::Path, process, time::Duration};

use nix::{
    sys::wait::{WaitPidFlag, waitpid},
    unistd::Pid,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{sleep, timeout},
};

/// How long a process that has ended is left to whoever started it: every program that this process
/// runs has a thread that waits for it, and must learn how it ended.
const PATIENCE: Duration = Duration::from_secs(2);

/// A process that has ended and was not collected: its number, and when it was started, since
/// numbers are used again.
type Zombie = (i32, u64);

/// How long the children of a predecessor may take: they were killed before it made room.
const INHERITED: Duration = Duration::from_secs(60);

/// Collects orphans: for ever in process 1, and for a while where there are children before this
/// program has started any.
pub(crate) async fn collect(has_inherited: bool) {
    let watched = match (process::id(), has_inherited) {
        (1, _) => watch().await,
        // It reads all of /proc whenever a program ends.
        (_, true) => match timeout(INHERITED, watch()).await {
            Ok(watched) => watched,
            Err(_) => return,
        },
        (_, false) => return,
    };
    match watched {
        Ok(never) => match never {},
        Err(error) => tracing::warn!(
            event = "orphans",
            %error,
            "processes that programs leave behind are not collected: {error}; run the container \
             with an init (docker run --init)"
        ),
    }
}

/// Whether this process has children. One that has ended is collected.
pub(crate) fn has_children() -> bool {
    waitpid(None, Some(WaitPidFlag::WNOHANG)).is_ok()
}

enum Never {}

async fn watch() -> io::Result<Never> {
    let mut ended = signal(SignalKind::child())?;
    // What has ended before gives no signal.
    loop {
        let mut before = BTreeSet::new();
        // One signal may stand for several.
        loop {
            // What cannot be read now is read at the next signal.
            let found = zombies(Path::new("/proc"), process::id()).unwrap_or_default();
            for (pid, _) in found.intersection(&before) {
                // It may have been collected meanwhile.
                let _ = waitpid(Pid::from_raw(*pid), Some(WaitPidFlag::WNOHANG));
            }
            before = found.difference(&before).copied().collect();
            if before.is_empty() {
                break;
            }
            sleep(PATIENCE).await;
        }
        ended.recv().await;
    }
}

/// The zombies of this process.
fn zombies(proc: &Path, own: u32) -> io::Result<BTreeSet<Zombie>> {
    let stat =
        |entry: io::Result<fs::DirEntry>| fs::read_to_string(entry.ok()?.path().join("stat")).ok();
    Ok(fs::read_dir(proc)?.filter_map(stat).filter_map(|stat| zombie(&stat, own)).collect())
}

/// PID (NAME) STATE PARENT ... STARTTIME, where the name may hold anything (proc_pid_stat(5)).
fn zombie(stat: &str, own: u32) -> Option<Zombie> {
    let (before, after) = (stat.split(' ').next()?, stat.rsplit(')').next()?);
    let mut fields = after.split_whitespace();
    let (state, parent) = (fields.next()?, fields.next()?);
    // The 22nd field of all.
    let started = fields.nth(17)?;
    (state == "Z" && parent.parse() == Ok(own)).then_some(())?;
    Some((before.parse().ok()?, started.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(pid: u32, name: &str, state: char, parent: u32) -> String {
        format!(
            "{pid} ({name}) {state} {parent} 980 980 0 -1 4227084 160 77 0 0 0 0 0 0 30 10 1 0 \
             925556 0 0 1844\n"
        )
    }

    #[test]
    fn a12_only_what_has_ended_and_is_ours_is_a_zombie() {
        assert_eq!(zombie(&stat(980, "sh", 'Z', 1), 1), Some((980, 925_556)));
        assert_eq!(zombie(&stat(980, "a) Z 1 (b", 'Z', 1), 1), Some((980, 925_556)));
        assert_eq!(zombie(&stat(980, "sh", 'S', 1), 1), None);
        assert_eq!(zombie(&stat(980, "sh", 'Z', 7), 1), None);
        assert_eq!(zombie("980 (sh", 1), None);
        assert_eq!(zombie("", 1), None);
    }

    #[test]
    fn a12_a_table_of_processes_is_read() {
        let proc = tempfile::tempdir().unwrap();
        for (pid, state) in [(2, 'Z'), (3, 'R'), (4, 'Z')] {
            fs::create_dir(proc.path().join(pid.to_string())).unwrap();
            fs::write(proc.path().join(pid.to_string()).join("stat"), stat(pid, "sh", state, 1))
                .unwrap();
        }
        fs::write(proc.path().join("uptime"), "1.0 1.0").unwrap();
        assert_eq!(zombies(proc.path(), 1).unwrap(), BTreeSet::from([(2, 925_556), (4, 925_556)]));
        assert!(zombies(&proc.path().join("nothing"), 1).is_err());
    }
}
