//! [`Process`]: a process of some name runs, or several.

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    fs, io,
    ops::RangeInclusive,
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
/// use vrrp_net::check::Process;
/// let one_at_least = Process::new("nginx");
/// let two_to_eight = Process::new("worker").count(2..=8);
/// # let _ = (one_at_least, two_to_eight);
/// ```
#[derive(Clone, Debug)]
pub struct Process {
    name: String,
    count: RangeInclusive<u32>,
    turn: Turn,
}

impl Process {
    /// Returns one that looks for this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), count: 1..=u32::MAX, turn: Turn::default() }
    }

    /// Returns the same, which passes while so many of them run. Without this, one is enough, and
    /// any number is good.
    #[must_use]
    pub fn count(self, count: RangeInclusive<u32>) -> Self {
        Self { count, ..self }
    }

    fn judge(&self, names: &Names) -> Outcome {
        let Self { name, count, .. } = self;
        let found = names.all.get(name.as_bytes()).copied().unwrap_or_default();
        let said = match found {
            0 => format!("no process {name} runs"),
            1 => format!("{name} runs"),
            more => format!("{more} processes {name} run"),
        };
        if count.contains(&found) && (names.are_complete || found > 0) {
            return Outcome::Passed(said);
        }
        // Of those that are hidden, too many cannot become fewer.
        if names.are_complete || found > *count.end() {
            let range = match (*count.start(), *count.end()) {
                (1, u32::MAX) => return Outcome::Failed(said),
                (least, u32::MAX) => format!("at least {least}"),
                (least, most) => format!("{least} to {most}"),
            };
            return Outcome::Failed(format!("{said}, wanted are {range}"));
        }
        Outcome::NotRun(format!(
            "{}, but /proc hides those of other users; mount it without hidepid, or run this as \
             their user",
            if found == 0 { format!("no process {name} is seen") } else { said }
        ))
    }
}

#[async_trait]
impl Check for Process {
    async fn run(&self) -> Outcome {
        match self.turn.take(recent).await.map_err(io::Error::other).and_then(|done| done) {
            Ok(names) => self.judge(&names),
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
        other.is_some_and(|other| other.name == self.name && other.count == self.count)
    }
}

/// The names of all processes that run.
#[derive(Debug, Default)]
struct Names {
    /// How many have each.
    all: BTreeMap<Vec<u8>, u32>,
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
        let mut own = BTreeSet::from([running(&stat)?]);
        let arguments = fs::read(process.join("cmdline")).unwrap_or_default();
        let program = arguments.split(|octet| *octet == 0).next().unwrap_or_default();
        let last = program.rsplit(|octet| *octet == b'/').next().unwrap_or_default();
        if !last.is_empty() {
            own.insert(last);
        }
        for name in own {
            let count = self.all.entry(name.to_owned()).or_default();
            *count = count.saturating_add(1);
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
        // Another test may start a program meanwhile, which would have the file open for a moment.
        assert!(Command::new("cp").arg("/bin/sleep").arg(&program).status().unwrap().success());
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
    fn processes_are_counted() {
        let names = |count: u32, are_complete| Names {
            all: BTreeMap::from([(b"w".to_vec(), count)]),
            are_complete,
        };
        let said =
            |check: &Process, count, are_complete| match check.judge(&names(count, are_complete)) {
                Outcome::Passed(said) => format!("passed: {said}"),
                Outcome::Failed(said) => format!("failed: {said}"),
                other => format!("{other:?}").split('(').next().unwrap().to_owned(),
            };
        let two_or_three = Process::new("w").count(2..=3);
        assert_eq!(said(&two_or_three, 1, true), "failed: w runs, wanted are 2 to 3");
        assert_eq!(said(&two_or_three, 1, false), "NotRun");
        assert_eq!(said(&two_or_three, 3, false), "passed: 3 processes w run");
        assert_eq!(said(&two_or_three, 4, false), "failed: 4 processes w run, wanted are 2 to 3");
        assert_eq!(said(&Process::new("w"), 9, true), "passed: 9 processes w run");
        let none = Process::new("w").count(0..=0);
        assert_eq!(said(&none, 0, true), "passed: no process w runs");
        assert_eq!(said(&none, 0, false), "NotRun");
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
