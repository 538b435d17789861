//! What is seen from outside: which hosts hold the address, what is advertised, when a process
//! ends.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::Ipv4Addr,
    process::{Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use libtest_mimic::Failed;
use vrrp_net::lab::{self, Process, wait_until};

use crate::engine::{Engine, SOON};

/// The lines of a program, each with the time at which it came. The program ends when this is
/// dropped.
struct Lines {
    process: Process,
    thread: Option<JoinHandle<()>>,
}

impl Lines {
    fn follow(
        mut process: Process,
        mut line: impl FnMut(&str) + Send + 'static,
    ) -> Result<Self, Failed> {
        let output = process.stdout().ok_or("a program without its output")?;
        let read = move || {
            BufReader::new(output).lines().map_while(Result::ok).for_each(|text| line(&text))
        };
        Ok(Self { process, thread: Some(thread::spawn(read)) })
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let _ = self.process.kill();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// When a host got an address and when it lost it, as its kernel tells.
pub(crate) struct Held {
    changes: Arc<Mutex<Vec<(Duration, bool)>>>,
    _lines: Lines,
}

impl Held {
    /// Watches the container `host`, which does not have the address yet.
    pub(crate) fn watch(engine: &Engine, host: &str, address: Ipv4Addr) -> Result<Self, Failed> {
        let process = engine.inside(host, &["ip", "-oneline", "monitor", "address"])?;
        let changes = Arc::new(Mutex::new(Vec::new()));
        let (seen, wanted) = (Arc::clone(&changes), format!(" inet {address}/"));
        let lines = Lines::follow(process, move |line| {
            if line.contains(&wanted) {
                let change = (lab::now(), !line.starts_with("Deleted"));
                seen.lock().unwrap_or_else(PoisonError::into_inner).push(change);
            }
        })?;
        Ok(Self { changes, _lines: lines })
    }

    /// From when to when it was held; a renewal changes nothing.
    fn spans(&self) -> Vec<(Duration, Duration)> {
        let changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut spans, mut begun) = (Vec::new(), None);
        for &(at, there) in changes.iter() {
            match (there, begun) {
                (true, None) => begun = Some(at),
                (false, Some(since)) => {
                    spans.push((since, at));
                    begun = None;
                }
                _ => {}
            }
        }
        spans.extend(begun.map(|since| (since, lab::now())));
        spans
    }
}

/// The longest time after `since` for which two hosts held the address.
pub(crate) fn longest_both(all: &[&Held], since: Duration) -> Duration {
    let spans: Vec<_> = all.iter().map(|held| held.spans()).collect();
    let mut longest = Duration::ZERO;
    for (index, one) in spans.iter().enumerate() {
        for other in spans.iter().skip(index + 1).flatten() {
            for span in one {
                let from = span.0.max(other.0).max(since);
                longest = longest.max(span.1.min(other.1).saturating_sub(from));
            }
        }
    }
    longest
}

/// The advertisements on a bridge.
pub(crate) struct Wire {
    frames: Arc<Mutex<Vec<Advertisement>>>,
    _lines: Lines,
}

#[derive(Clone, Copy)]
struct Advertisement {
    at: Duration,
    source: Ipv4Addr,
    priority: u8,
}

impl Wire {
    pub(crate) fn watch(engine: &Engine, bridge: &str) -> Result<Self, Failed> {
        let mut command = Command::new("tshark");
        command.args(["-i", bridge, "-l", "-n", "-f", "ip proto 112", "-T", "fields"]);
        command.args(["-e", "frame.time_epoch", "-e", "ip.src", "-e", "vrrp.prio"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let frames = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&frames);
        let lines = Lines::follow(engine.host.spawn(command)?, move |line| {
            seen.lock().unwrap_or_else(PoisonError::into_inner).extend(parse(line));
        })?;
        Ok(Self { frames, _lines: lines })
    }

    /// When `source` advertised first after `since`, a resignation excluded.
    pub(crate) fn first(&self, source: Ipv4Addr, since: Duration) -> Result<Duration, Failed> {
        let mut first = None;
        wait_until(SOON, || {
            let frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
            let wanted = |frame: &&Advertisement| {
                frame.at >= since && frame.source == source && frame.priority > 0
            };
            first = frames.iter().find(wanted).map(|frame| frame.at);
            first.is_some()
        });
        first.ok_or_else(|| format!("{source} does not advertise").into())
    }
}

fn parse(line: &str) -> Option<Advertisement> {
    let mut fields = line.split('\t');
    let at = Duration::try_from_secs_f64(fields.next()?.parse().ok()?).ok()?;
    Some(Advertisement {
        at,
        source: fields.next()?.parse().ok()?,
        priority: fields.next()?.parse().ok()?,
    })
}

/// Waits on a thread of its own for the end of a process, and tells when it came; `None` if it does
/// not.
pub(crate) fn end_of(pid: u32) -> JoinHandle<Option<Duration>> {
    let ended = move || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // A zombie has ended.
        stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['Z', 'X']))
    };
    thread::spawn(move || wait_until(SOON, ended).then(lab::now))
}
