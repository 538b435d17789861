//! `vrrp events`: who follows sees all that happens, and how it ends.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    process::{ChildStdout, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use libtest_mimic::Failed;
use serde_json::Value;
use tempfile::TempDir;
use vrrp_net::lab::{Process, Signal, wait_until};

use super::{CONFIG, Daemon, Outcome, SOON, schema, text, vrrp};

/// What a pipe has room for.
const PIPE_OCTETS: usize = 64 << 10;

/// A test and its name.
type Test = (&'static str, fn() -> Outcome);

/// All of them.
pub(crate) const TESTS: [Test; 8] = [
    ("events_are_what_the_schema_says", events_are_what_the_schema_says),
    ("who_follows_sees_the_end_of_the_daemon", who_follows_sees_the_end_of_the_daemon),
    ("a_daemon_that_dies_is_no_end", a_daemon_that_dies_is_no_end),
    ("a_signal_ends_who_follows", a_signal_ends_who_follows),
    ("a_signal_ends_one_whose_output_nobody_reads", a_signal_ends_one_whose_output_nobody_reads),
    ("events_of_one_virtual_router_for_people", events_of_one_virtual_router_for_people),
    ("a_closed_pipe_ends_who_follows", a_closed_pipe_ends_who_follows),
    ("without_a_terminal_watch_prints_events", without_a_terminal_watch_prints_events),
];

/// `vrrp events` on the host of a daemon.
struct Follower {
    process: Process,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Follower {
    /// Starts it, and waits until it has seen an event.
    fn start(daemon: &Daemon, arguments: &[&str]) -> Result<Self, Failed> {
        let (process, out) = spawn(daemon, arguments)?;
        let lines = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&lines);
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                seen.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        let mut turns = ["drain", "resume"].into_iter().cycle();
        let mut follower = Self { process, lines };
        let follows = wait_until(SOON, || {
            turn(daemon, turns.next().unwrap_or_default());
            !follower.lines().is_empty() || matches!(follower.process.try_wait(), Ok(Some(_)))
        });
        if !follows || follower.lines().is_empty() {
            return Err("it sees nothing".into());
        }
        turn(daemon, "resume");
        daemon.wait_until_it_serves()?;
        Ok(follower)
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for a line in which all of `words` are.
    fn wait_for(&self, words: &[&str]) -> Outcome {
        let is_it = |line: &String| words.iter().all(|word| line.contains(word));
        if wait_until(SOON, || self.lines().iter().any(is_it)) {
            return Ok(());
        }
        Err(format!("no line with {words:?} in {:#?}", self.lines()).into())
    }

    /// Waits for its end: its exit status, and what it said about it.
    fn end(&mut self) -> Result<(ExitStatus, String), Failed> {
        end(&mut self.process)
    }
}

fn spawn(daemon: &Daemon, arguments: &[&str]) -> Result<(Process, ChildStdout), Failed> {
    spawn_command(daemon, "events", arguments)
}

fn spawn_command(
    daemon: &Daemon,
    command: &str,
    arguments: &[&str],
) -> Result<(Process, ChildStdout), Failed> {
    let arguments = [&[command, "-c", "vrrp.toml"], arguments].concat();
    let mut command = vrrp(&daemon.directory);
    command.args(arguments).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = daemon.host.spawn(command)?;
    let out = process.stdout().ok_or("no output")?;
    Ok((process, out))
}

fn end(process: &mut Process) -> Result<(ExitStatus, String), Failed> {
    let status = process.wait_timeout(SOON)?.ok_or("it did not end")?;
    let mut said = String::new();
    process.stderr().ok_or("no stderr")?.read_to_string(&mut said)?;
    Ok((status, said))
}

/// Has something happen.
fn turn(daemon: &Daemon, verb: &str) {
    let force: &[&str] = if verb == "drain" { &["--force"] } else { &[] };
    // What it says of it is another test's affair.
    drop(daemon.vrrp(&[&[verb, "-c", "vrrp.toml"], force].concat()));
}

/// A daemon with a check that passes as long as the file exists.
fn with_a_check(folder: &TempDir) -> Result<Daemon, Failed> {
    let file = folder.path().join("ok");
    fs::write(&file, "")?;
    let config = CONFIG.replace("interval =", "track = [\"it\"]\ninterval =");
    let check = format!("[[check]]\nname = \"it\"\nfile = {:?}\n", file.display().to_string());
    Daemon::start_with(&format!("{config}{check}interval = \"100ms\"\n"), |_| Ok(String::new()))
}

fn events_are_what_the_schema_says() -> Outcome {
    let folder = tempfile::tempdir()?;
    let daemon = with_a_check(&folder)?;
    let mut follower = Follower::start(&daemon, &["--json"])?;
    fs::remove_file(folder.path().join("ok"))?;
    follower.wait_for(&["\"event\":\"check\"", "\"name\":\"it\"", "\"state\":\"bad\""])?;
    follower.wait_for(&["\"event\":\"standing\"", "\"name\":\"web\""])?;
    follower.wait_for(&["\"event\":\"transition\"", "\"name\":\"web/v6\"", "\"to\":\"held\""])?;
    follower.process.signal(Signal::SIGTERM)?;
    let (status, said) = follower.end()?;
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
    let schema = schema::load_event()?;
    for line in follower.lines() {
        schema::check(&schema, &serde_json::from_str(&line)?)?;
    }
    let mut lagged = serde_json::json!({
        "schema": 1, "time": "2026-01-02T03:04:05.678Z", "event": "lagged", "lost": 7,
        "sentence": "7 events were lost",
    });
    schema::check(&schema, &lagged)?;
    lagged["lost"] = Value::from(0);
    assert!(schema::check(&schema, &lagged).is_err(), "{lagged}");
    Ok(())
}

fn who_follows_sees_the_end_of_the_daemon() -> Outcome {
    let mut daemon = Daemon::start()?;
    let mut follower = Follower::start(&daemon, &["--json"])?;
    daemon.process.signal(Signal::SIGTERM)?;
    let (status, log) = daemon.end()?;
    assert_eq!(status.code(), Some(0), "{log}");
    let (status, said) = follower.end()?;
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(said.starts_with("the daemon has stopped"), "{said}");
    for name in ["\"name\":\"web\"", "\"name\":\"web/v6\""] {
        follower.wait_for(&[name, "\"to\":\"resigning\"", "\"reason\":\"shutdown\""])?;
    }
    Ok(())
}

fn a_daemon_that_dies_is_no_end() -> Outcome {
    let mut daemon = Daemon::start()?;
    let mut follower = Follower::start(&daemon, &[])?;
    daemon.process.kill()?;
    let (status, said) = follower.end()?;
    assert_eq!(status.code(), Some(1), "{said}");
    let expected = format!("the vrrp on {} broke off", daemon.control().display());
    assert!(said.starts_with(&expected) && said.lines().count() == 1, "{said}");
    Ok(())
}

fn a_signal_ends_who_follows() -> Outcome {
    let daemon = Daemon::start()?;
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut follower = Follower::start(&daemon, &[])?;
        follower.process.signal(signal)?;
        let (status, said) = follower.end()?;
        assert_eq!((status.code(), said.as_str()), (Some(0), ""), "{signal}");
    }
    Ok(())
}

fn a_signal_ends_one_whose_output_nobody_reads() -> Outcome {
    let daemon = Daemon::start()?;
    let (unread, mut full) = std::io::pipe()?;
    full.write_all(&vec![b'\n'; PIPE_OCTETS])?;
    let mut command = vrrp(&daemon.directory);
    command.args(["events", "-c", "vrrp.toml"]).stdout(full).stderr(Stdio::piped());
    let mut process = daemon.host.spawn(command)?;
    let mut turns = ["drain", "resume"].into_iter().cycle();
    let hangs = wait_until(SOON, || {
        turn(&daemon, turns.next().unwrap_or_default());
        waits_in(&process, "pipe_write")
    });
    assert!(hangs, "it does not write");
    process.signal(Signal::SIGTERM)?;
    let (status, said) = end(&mut process)?;
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
    drop(unread);
    Ok(())
}

/// Whether a thread of it waits in the kernel's function of this name.
fn waits_in(process: &Process, function: &str) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{}/task", process.pid())) else { return false };
    let waits =
        threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("wchan")).ok());
    waits.into_iter().any(|waits| waits.contains(function))
}

fn events_of_one_virtual_router_for_people() -> Outcome {
    let daemon = Daemon::start()?;
    let follower = Follower::start(&daemon, &["web/v6"])?;
    follower.wait_for(&["web/v6: acquiring -> held: acquired"])?;
    for line in follower.lines() {
        let (time, sentence) = line.split_once(' ').ok_or("no time")?;
        assert!(humantime::parse_rfc3339(time).is_ok(), "{line}");
        assert!(sentence.starts_with("web/v6: "), "{line}");
    }
    let unknown = daemon.vrrp(&["events", "-c", "vrrp.toml", "wev"])?;
    assert_eq!(unknown.status.code(), Some(1));
    assert_eq!(text(&unknown.stderr), "there is no virtual router wev; did you mean web?\n");
    Ok(())
}

fn a_closed_pipe_ends_who_follows() -> Outcome {
    let daemon = Daemon::start()?;
    let (mut process, out) = spawn(&daemon, &[])?;
    drop(out);
    let mut turns = ["drain", "resume"].into_iter().cycle();
    let ends = wait_until(SOON, || {
        turn(&daemon, turns.next().unwrap_or_default());
        matches!(process.try_wait(), Ok(Some(_)))
    });
    assert!(ends, "it goes on");
    let (status, said) = end(&mut process)?;
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
    Ok(())
}

/// As those of `vrrp events` are, and it ends as that does.
fn without_a_terminal_watch_prints_events() -> Outcome {
    let daemon = Daemon::start()?;
    let (mut process, out) = spawn_command(&daemon, "watch", &["web"])?;
    // It follows by the time that the connection is there; until then, there is one event after another.
    let mut line = String::new();
    let reader = thread::spawn(move || {
        let read = BufReader::new(out).read_line(&mut line);
        read.map(|_| line)
    });
    let mut turns = ["drain", "resume"].into_iter().cycle();
    let is_read = wait_until(SOON, || {
        turn(&daemon, turns.next().unwrap_or_default());
        reader.is_finished()
    });
    assert!(is_read, "it prints nothing");
    let line = reader.join().map_err(|_| "the reader panicked")??;
    let (time, sentence) = line.trim_end().split_once(' ').ok_or("no time")?;
    assert!(time.ends_with('Z') && sentence.starts_with("web: "), "{line}");
    daemon.process.signal(Signal::SIGTERM)?;
    let (status, _) = end(&mut process)?;
    assert_eq!(status.code(), Some(0));
    Ok(())
}
