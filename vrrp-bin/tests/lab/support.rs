//! Two nodes that run the program, a client, a capture; and how time is measured beside a ticker.

#[path = "../program/inconclusive.rs"]
pub(crate) mod inconclusive;

use std::{
    fs::{self, File},
    io,
    net::IpAddr,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{OnceLock, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;
use tempfile::TempDir;
use vrrp_core::MacAddr;
use vrrp_net::lab::{
    self, Cable, Capture, Frame, Host, Process, Signal, Switch, Ticker, wait_until,
};

pub(crate) use self::inconclusive::conclude;

pub(crate) type Outcome = Result<(), Failed>;

/// How long anything may take that is not the protocol's business.
pub(crate) const SOON: Duration = Duration::from_secs(10);
/// What lateness of processes and of the kernel is allowed, beside the ticker's gap.
pub(crate) const SLACK: Duration = Duration::from_millis(20);

pub(crate) fn milliseconds(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1000.0)
}

/// Held for writing by a test that needs the whole machine, for reading by every other.
static MACHINE: RwLock<()> = RwLock::new(());

/// A test that measures time, and is repeated as [`conclude`] says.
pub(crate) fn timed(
    name: impl Into<String>,
    test: impl Fn(&Ticker) -> Outcome + Send + 'static,
) -> Trial {
    Trial::test(name, move || {
        let _shared = MACHINE.read().unwrap_or_else(PoisonError::into_inner);
        conclude(test)
    })
}

/// The same for a test that runs while no other does.
pub(crate) fn timed_alone(
    name: impl Into<String>,
    test: impl Fn(&Ticker) -> Outcome + Send + 'static,
) -> Trial {
    Trial::test(name, move || {
        let _whole = MACHINE.write().unwrap_or_else(PoisonError::into_inner);
        conclude(test)
    })
}

/// Fails with a sentence unless `actual` lies between `least` and `most`, with `slack` and the
/// ticker's worst gap added on both sides.
pub(crate) fn within(
    what: &str,
    actual: Duration,
    (least, most): (Duration, Duration),
    slack: Duration,
    ticker: &Ticker,
) -> Outcome {
    let gap = ticker.worst_gap();
    let allowed = slack + gap;
    let text = format!(
        "{what}: {}, by the arithmetic {} to {}, slack {}, ticker's worst gap {}",
        milliseconds(actual),
        milliseconds(least),
        milliseconds(most),
        milliseconds(slack),
        milliseconds(gap),
    );
    if actual + allowed < least || actual > most + allowed {
        return Err(text.into());
    }
    println!("{text}");
    Ok(())
}

pub(crate) fn check(condition: bool, otherwise: impl Into<String>) -> Outcome {
    if condition { Ok(()) } else { Err(otherwise.into().into()) }
}

/// What a test program adds to the environment of the programs that its nodes run, if it does: set
/// in its `main`.
pub(crate) static ENVIRONMENT: OnceLock<Vec<(&str, PathBuf)>> = OnceLock::new();

/// Skew_Time of a priority (RFC 9568 6.1).
pub(crate) fn skew(interval: Duration, priority: u8) -> Duration {
    interval * (256 - u32::from(priority)) / 256
}

/// A host with a process of the program.
pub(crate) struct Node {
    pub(crate) name: &'static str,
    pub(crate) host: Host,
    pub(crate) cable: Cable,
    pub(crate) mac: MacAddr,
    /// What its programs have in their environment beside ours.
    pub(crate) environment: Vec<(&'static str, PathBuf)>,
    folder: PathBuf,
    process: Option<Process>,
}

impl Node {
    pub(crate) fn new(
        name: &'static str,
        switch: &Switch,
        addresses: &[&str],
        folder: &Path,
    ) -> Result<Self, Failed> {
        let host = Host::new(name)?;
        let cable = Cable::new(&host, "eth0", switch, addresses)?;
        let mac = cable.mac()?;
        let environment = ENVIRONMENT.get().cloned().unwrap_or_default();
        Ok(Self { name, host, cable, mac, environment, folder: folder.to_owned(), process: None })
    }

    pub(crate) fn control(&self) -> PathBuf {
        self.folder.join(format!("{}.sock", self.name))
    }

    /// Starts the program with this configuration, to which the control socket is added.
    pub(crate) fn start(&mut self, config: &str) -> Outcome {
        self.start_command(config, Command::new(env!("CARGO_BIN_EXE_vrrp")))
    }

    /// The same, where `command` is the program or a wrapper that ends in it.
    pub(crate) fn start_command(&mut self, config: &str, mut command: Command) -> Outcome {
        let path = self.folder.join(format!("{}.toml", self.name));
        // One that has the section ends with it.
        let section = if config.contains("[daemon]") { "" } else { "[daemon]\n" };
        fs::write(&path, format!("{config}\n{section}control = {:?}\n", self.control()))?;
        command.arg("run").arg("-c").arg(path);
        self.spawn(command)
    }

    /// Starts the program, or a wrapper that ends in it, with all its arguments.
    pub(crate) fn spawn(&mut self, mut command: Command) -> Outcome {
        let log = File::options().create(true).append(true).open(self.log_path())?;
        command.envs(self.environment.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.process = Some(self.host.spawn(command)?);
        Ok(())
    }

    pub(crate) fn process(&mut self) -> Result<&mut Process, Failed> {
        self.process.as_mut().ok_or_else(|| "the node does not run".into())
    }

    pub(crate) fn signal(&mut self, signal: Signal) -> Outcome {
        Ok(self.process()?.signal(signal)?)
    }

    /// Waits for the process to end, and says whether its status was 0.
    pub(crate) fn wait(&mut self) -> Result<bool, Failed> {
        let status = self.process()?.wait_timeout(SOON)?;
        self.process = None;
        status
            .map(|status| status.success())
            .ok_or_else(|| format!("{} does not end", self.name).into())
    }

    fn log_path(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.name))
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// What the program says to a user of this node who gives it these arguments.
    pub(crate) fn ask(&self, arguments: &[&str]) -> io::Result<Output> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vrrp"));
        command.args(arguments).arg("--control").arg(self.control()).output()
    }

    /// What `vrrp status --json` says; `None` while it says nothing.
    pub(crate) fn status(&self) -> Option<Value> {
        serde_json::from_slice(&self.ask(&["status", "--json"]).ok()?.stdout).ok()
    }

    /// Waits until the check of this name is in this state.
    pub(crate) fn wait_for_check(&self, name: &str, state: &str, patience: Duration) -> Outcome {
        let is = || {
            let status = self.status().unwrap_or_default();
            let checks = status["checks"].as_array().cloned().unwrap_or_default();
            checks.iter().any(|check| check["name"] == name && check["state"] == state)
        };
        let is_so = wait_until(patience, is);
        check(is_so, format!("{name} of {} is not {state}:\n{}", self.name, self.log()))
    }

    /// The virtual router number `index` in `status`.
    pub(crate) fn router(&self, index: usize) -> Value {
        self.status().map(|status| status["virtual_routers"][index].clone()).unwrap_or_default()
    }

    pub(crate) fn phase(&self) -> String {
        self.router(0)["phase"].as_str().unwrap_or("none").to_owned()
    }

    /// Waits until every virtual router of the node is in this phase.
    pub(crate) fn wait_for_phase(&self, phase: &str) -> Outcome {
        let is = |status: Value| {
            let routers = status["virtual_routers"].as_array().cloned().unwrap_or_default();
            !routers.is_empty() && routers.iter().all(|router| router["phase"] == phase)
        };
        if wait_until(SOON, || self.status().is_some_and(is)) {
            return Ok(());
        }
        let Self { name, .. } = self;
        Err(format!("{name} is {} and not {phase}; its log:\n{}", self.phase(), self.log()).into())
    }

    /// Waits until the kernel of the host has the address, or has it no more. A backup may have it
    /// for 50 ms yet: its release waits until the successor is seen to have it.
    pub(crate) fn wait_for_address(&self, address: IpAddr, there: bool) -> Outcome {
        let is_so = || self.has_address(&address.to_string()).is_ok_and(|found| found == there);
        let what = if there { "lacks" } else { "has" };
        let is_so = wait_until(SOON, is_so);
        check(is_so, format!("{} still {what} {address}\n{}", self.name, self.log()))
    }

    /// Whether the kernel of the host has this address.
    pub(crate) fn has_address(&self, address: &str) -> Result<bool, Failed> {
        let wanted: IpAddr = address.parse()?;
        Ok(self.host.run(move || holds(wanted))??)
    }
}

fn holds(wanted: IpAddr) -> nix::Result<bool> {
    Ok(nix::ifaddrs::getifaddrs()?.filter_map(|entry| entry.address).any(|found| {
        let v4 = found.as_sockaddr_in().map(|found| IpAddr::from(found.ip()));
        let v6 = found.as_sockaddr_in6().map(|found| IpAddr::from(found.ip()));
        v4.or(v6) == Some(wanted)
    }))
}

/// Two nodes on a switch, and a third host for clients and attackers.
pub(crate) struct Pair {
    pub(crate) a: Node,
    pub(crate) b: Node,
    pub(crate) user: Host,
    pub(crate) user_cable: Cable,
    pub(crate) capture: Capture,
    pub(crate) switch: Switch,
    pub(crate) folder: TempDir,
}

impl Pair {
    /// The hosts have 10.0.0.1 and fd00::1, 10.0.0.2 and fd00::2, 10.0.0.9 and fd00::9.
    pub(crate) fn new() -> Result<Self, Failed> {
        Self::of([
            &["10.0.0.1/24", "fd00::1/64"],
            &["10.0.0.2/24", "fd00::2/64"],
            &["10.0.0.9/24", "fd00::9/64"],
        ])
    }

    /// The same with these addresses.
    pub(crate) fn of([a, b, c]: [&[&str]; 3]) -> Result<Self, Failed> {
        let folder = TempDir::with_prefix("vrrp-test-")?;
        let switch = Switch::new()?;
        let a = Node::new("a", &switch, a, folder.path())?;
        let b = Node::new("b", &switch, b, folder.path())?;
        let user = Host::new("user")?;
        let user_cable = Cable::new(&user, "eth0", &switch, c)?;
        let capture = Capture::start(&switch)?;
        Ok(Self { a, b, user, user_cable, capture, switch, folder })
    }
}

/// Whether there was a transition between two looks at a virtual router.
pub(crate) fn has_moved(before: &Value, after: &Value) -> Result<bool, Failed> {
    let (was, is) = (since(before)?, since(after)?);
    // It is told by the wall clock, to the millisecond, and kept by another.
    Ok(was.max(is).duration_since(was.min(is))? > Duration::from_millis(10))
}

fn since(router: &Value) -> Result<SystemTime, Failed> {
    Ok(humantime::parse_rfc3339(router["since"].as_str().unwrap_or_default())?)
}

/// The priority octet of a VRRP frame that `mac` sent.
pub(crate) fn priority(frame: &Frame, mac: MacAddr) -> Option<u8> {
    let vrrp = frame.vrrp().filter(|vrrp| vrrp.source_mac == mac)?;
    vrrp.payload.get(2).copied()
}

/// When `mac` sent advertisements after `since`, resignations excluded.
pub(crate) fn adverts(capture: &Capture, mac: MacAddr, since: Duration) -> Vec<Duration> {
    let frames = capture.frames();
    let sent = frames.iter().filter(|frame| frame.at >= since);
    sent.filter(|frame| priority(frame, mac).is_some_and(|priority| priority > 0))
        .map(|frame| frame.at)
        .collect()
}

/// Waits for a frame after `since`, and gives the time at which it entered the switch.
pub(crate) fn wait_for(
    capture: &Capture,
    what: &str,
    since: Duration,
    mut wanted: impl FnMut(&Frame) -> bool,
) -> Result<Duration, Failed> {
    let frame = capture.wait_for(SOON, |frame| frame.at >= since && wanted(frame));
    frame
        .map(|frame| frame.at)
        .ok_or_else(|| format!("no {what} within {} s", SOON.as_secs()).into())
}

/// Cuts a cable right after an advertisement of a, so that the last one that arrived is known:
/// returns when that was.
pub(crate) fn cut_after(
    cable: &Cable,
    capture: &Capture,
    interval: Duration,
    is_of_a: impl FnMut(&Frame) -> bool,
) -> Result<Duration, Failed> {
    let last = wait_for(capture, "advertisement of a", now(), is_of_a)?;
    cable.cut()?;
    check(
        now() < last + interval * 9 / 10,
        "the cable was cut too late to know what b heard last",
    )?;
    Ok(last)
}

/// When `mac`, whose priority is 100, took over after a resignation. Its last word, if it had
/// yielded to the one that resigned, may come a moment after that.
pub(crate) fn takeover(
    capture: &Capture,
    mac: MacAddr,
    resigned: Duration,
    skew: Duration,
) -> Result<Duration, Failed> {
    let later = resigned + skew / 2;
    wait_for(capture, "takeover", later, |frame| priority(frame, mac) == Some(100))
}

/// Now, by the clock of the captures.
pub(crate) fn now() -> Duration {
    lab::now()
}
