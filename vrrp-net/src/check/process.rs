//! [`Process`]: a process of some name runs.

use std::{
    any::Any,
    collections::BTreeSet,
    fs, io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;

use super::{Check, blocking::Turn, outcome::Outcome};

/// How long a reading of the processes is shared by all checks: reading hundreds of them takes
/// milliseconds.
const SHARED: Duration = Duration::from_millis(250);

static RECENT: Mutex<Option<(Instant, Arc<Names>)>> = Mutex::new(None);

/// Passes while a process of some name runs: one whose name for the kernel (`/proc/PID/comm`, of
/// which there are 15 octets), or the last part of the path of its program (`argv[0]`), is exactly
/// that. One that has ended and waits to be collected does not run.
///
/// All of these checks share one reading of `/proc`, which is up to 250 ms old. Where `/proc` hides
/// the processes of others, a process that is not seen says nothing ([`Outcome::NotRun`]).
///
/// ```
/// let check = vrrp_net::check::Process::new("nginx");
/// # let _ = check;
/// ```
#[derive(Clone, Debug)]
pub struct Process {
    name: String,
    turn: Turn,
}

impl Process {
    /// Returns one that looks for this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), turn: Turn::default() }
    }
}

#[async_trait]
impl Check for Process {
    async fn run(&self) -> Outcome {
        let Self { name, turn } = self;
        match turn.take(recent).await.map_err(io::Error::other).and_then(|done| done) {
            Ok(names) if names.all.contains(name.as_bytes()) => {
                Outcome::Passed(format!("{name} runs"))
            }
            Ok(names) if names.are_complete => Outcome::Failed(format!("no process {name} runs")),
            Ok(_) => Outcome::NotRun(format!(
                "no process {name} is seen, but /proc hides those of other users; mount it without \
                 hidepid, or run this as their user"
            )),
            Err(error) => {
                Outcome::NotRun(format!("the processes in /proc cannot be listed: {error}"))
            }
        }
    }

    fn describe(&self) -> String {
        format!("a process {} runs", self.name)
    }

    fn is_same(&self, other: &dyn Check) -> bool {
        let other = (other as &dyn Any).downcast_ref::<Self>();
        other.is_some_and(|other| other.name == self.name)
    }
}

/// The names of all processes that run.
#[derive(Debug, Default)]
struct Names {
    all: BTreeSet<Vec<u8>>,
    /// Whether the processes of others were there to be read.
    are_complete: bool,
}

/// Returns a reading that is not old. Who asks while another reads waits for that one.
fn recent() -> io::Result<Arc<Names>> {
    let mut recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((read_at, names)) = &*recent
        && read_at.elapsed() < SHARED
    {
        return Ok(names.clone());
    }
    let read_at = Instant::now();
    let names = Arc::new(read()?);
    *recent = Some((read_at, names.clone()));
    Ok(names)
}

fn read() -> io::Result<Names> {
    let mut names = Names::default();
    for entry in fs::read_dir("/proc")?.flatten() {
        let number = entry.file_name();
        let is_process = number.as_encoded_bytes().iter().all(u8::is_ascii_digit);
        // It may have ended since it was listed.
        if !is_process || names.add(&entry.path()).is_none() {
            continue;
        }
        // Every namespace of processes has a first one, which is somebody's.
        names.are_complete |= number == "1";
    }
    Ok(names)
}

impl Names {
    fn add(&mut self, process: &std::path::Path) -> Option<()> {
        let stat = fs::read(process.join("stat")).ok()?;
        let name = running(&stat)?;
        self.all.insert(name.to_owned());
        let arguments = fs::read(process.join("cmdline")).unwrap_or_default();
        let program = arguments.split(|octet| *octet == 0).next().unwrap_or_default();
        let last = program.rsplit(|octet| *octet == b'/').next().unwrap_or_default();
        if !last.is_empty() {
            self.all.insert(last.to_owned());
        }
        Some(())
    }
}

/// The name in PID (NAME) STATE ..., where it may hold anything (proc_pid_stat(5)), unless the
/// process has ended.
fn running(stat: &[u8]) -> Option<&[u8]> {
    let begin = stat.iter().position(|octet| *octet == b'(')?;
    let end = stat.iter().rposition(|octet| *octet == b')')?;
    let state = stat.get(end.checked_add(2)?)?;
    let name = stat.get(begin.checked_add(1)?..end)?;
    (!matches!(*state, b'Z' | b'X')).then_some(name)
}

#[cfg(test)]
mod tests {
    use std::{
        process::{Command, Stdio},
        time::Instant,
    };

    use super::*;

    /// Waits until the check says so: a reading may be a little old.
    async fn until(check: &Process, is_it: impl Fn(&Outcome) -> bool) {
        let begun = Instant::now();
        loop {
            let outcome = check.run().await;
            if is_it(&outcome) {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "{outcome:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn a_process_runs_until_it_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("a-check-of-a-long-name");
        fs::copy("/bin/sleep", &program).unwrap();
        let by_path = Process::new("a-check-of-a-long-name");
        let by_name = Process::new("a-check-of-a-lo");
        for check in [&by_path, &by_name] {
            assert!(matches!(check.run().await, Outcome::Failed(_)));
        }
        let mut sleep = Command::new(&program).arg("60").stdin(Stdio::null()).spawn().unwrap();
        for check in [&by_path, &by_name] {
            until(check, |outcome| matches!(outcome, Outcome::Passed(_))).await;
        }
        sleep.kill().unwrap();
        // It has ended, and nobody has collected it.
        for check in [&by_path, &by_name] {
            until(check, |outcome| matches!(outcome, Outcome::Failed(_))).await;
        }
        sleep.wait().unwrap();
    }

    #[test]
    fn a_name_may_hold_anything() {
        assert_eq!(running(b"7 (a) b (c) S 1 7"), Some(&b"a) b (c"[..]));
        assert_eq!(running(b"7 (nginx) Z 1 7"), None);
        for broken in [&b""[..], b"7", b"7 (", b"7 (x", b"7 (x)", b"7 )x( S"] {
            assert_eq!(running(broken), None, "{broken:?}");
        }
    }
}
