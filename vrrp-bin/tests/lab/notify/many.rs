//! Very many transitions with scripts that hang, fail, leave processes behind and say too much:
//! what is true in the end is always told, nothing piles up, and no advertisement is late for it.

use std::{
    collections::BTreeMap,
    env, fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use libtest_mimic::{Failed, Trial};
use vrrp_net::lab::{Signal, wait_until};

use super::{at, spread};
use crate::{
    interfaces::soak::{used, with_one_heap},
    support::{Outcome, Pair, SOON, check, milliseconds, now, timed_alone},
};

pub(super) fn tests() -> Vec<Trial> {
    vec![timed_alone("notify_of_very_many_transitions_tells_the_last_state", |_| many())]
}

/// How many virtual routers come and go, from the VRID 1 on: in groups, one after the other.
const ROUTERS: u8 = 40;
const GROUPS: u8 = 4;
const TICK: Duration = Duration::from_millis(1);
/// The VRIDs of those that stay, and show how late the node is.
const STEADY: RangeInclusive<u8> = 101..=110;
const INTERVAL: Duration = Duration::from_millis(100);
/// How late advertisements may be, but for one in a hundred, beyond what the machine is.
const LATEST: Duration = Duration::from_millis(5);
/// Of how many rounds the last one waits until everything is told.
const REST: usize = 5;
/// After how many rounds is looked at what the node uses: when everything that is used once is there,
/// and after each half of the rest.
const LOOKS: [usize; 3] = [50, 87, 125];
/// How much more memory a half may take, in KiB: a hundred octets for each of its 3,000 states. An
/// allocator takes pages in steps; what is kept of each state grows in both halves alike, so the
/// smaller one counts.
const GROWTH: u64 = 300;
const KINDS: [&str; 5] = ["well", "hangs", "fails", "forks", "floods"];

/// It writes down what it is told, and then does what its kind does. The argument of a state is the
/// fifth: two are its own.
const SCRIPT: &str = "printf '%s %s\\n' \"$5\" \"$VRRP_GENERATION\" >>\"$2\"
case $1 in
hangs) trap '' TERM; sleep 1000 ;;
fails) exit 3 ;;
forks) sleep 2 & setsid sleep 2 & ;;
floods) head -c 200000 /dev/zero; head -c 200000 /dev/zero >&2 ;;
esac
";

fn many() -> Outcome {
    let clock = Clock::start();
    let everything = env::var_os("VRRP_TEST_ALL").is_some();
    // Two states of each virtual router in each round.
    let rounds = if everything { 10_000 / (2 * usize::from(ROUTERS)) } else { REST };
    let mut stage = Stage::new()?;
    let mut uses = Vec::new();
    for round in 1..=rounds {
        stage.round(round % REST == 0)?;
        if LOOKS.contains(&round) {
            uses.push(used(&mut stage.pair.a)?);
        }
    }
    let states = usize::from(ROUTERS) * (2 + 2 * rounds);
    let ran = stage.ran()?;
    let told: usize = ran.values().sum();
    println!("{states} states, {told} of them told, by kind of script: {ran:?}");
    stage.is_on_time(clock)?;
    if let [first, .., last] = &uses[..] {
        println!("after {LOOKS:?} rounds: {uses:?}");
        let halves = uses.iter().zip(uses.iter().skip(1));
        let grown =
            halves.map(|(before, after)| after.kibibytes.saturating_sub(before.kibibytes)).min();
        let same = (last.files, last.threads) == (first.files, first.threads);
        check(same && grown < Some(GROWTH), format!("it used more and more: {uses:?}"))?;
    }
    stage.ends()
}

/// A node with many virtual routers, whose scripts are of all kinds.
struct Stage {
    pair: Pair,
    /// How many states each virtual router has had.
    states: usize,
}

impl Stage {
    fn new() -> Result<Self, Failed> {
        let mut pair = Pair::new()?;
        with_one_heap(&mut pair.a);
        let script = pair.folder.path().join("script.sh");
        fs::write(&script, SCRIPT)?;
        pair.a.start(&config(pair.folder.path(), &script))?;
        pair.a.wait_for_phase("held")?;
        let stage = Self { pair, states: 2 };
        stage.is_told("MASTER")?;
        Ok(stage)
    }

    /// Drains the groups, and resumes them: two states of each virtual router.
    fn round(&mut self, rests: bool) -> Outcome {
        for group in 1..=GROUPS {
            self.ask(&["drain", &format!("r{group}"), "--force"])?;
        }
        self.states += 1;
        if rests {
            self.is_told("BACKUP")?;
        }
        for group in 1..=GROUPS {
            self.ask(&["resume", &format!("r{group}")])?;
        }
        self.pair.a.wait_for_phase("held")?;
        self.states += 1;
        if rests {
            self.is_told("MASTER")?;
        }
        Ok(())
    }

    fn ask(&self, arguments: &[&str]) -> Outcome {
        let output = self.pair.a.ask(arguments)?;
        let said = String::from_utf8_lossy(&output.stderr);
        check(output.status.success(), format!("{arguments:?}: {said}\n{}", self.pair.a.log()))
    }

    /// The scripts of all were told this last, and the number of states is right, whatever was
    /// passed over.
    fn is_told(&self, state: &str) -> Outcome {
        let expected = format!("{state} {}", self.states);
        let behind = || {
            let last = (1..=ROUTERS).map(|vrid| (vrid, self.lines(vrid).pop().unwrap_or_default()));
            last.filter(|(_, last)| *last != expected).collect::<Vec<_>>()
        };
        let all = wait_until(SOON, || behind().is_empty());
        check(all, format!("not told {expected}: {:?}\n{}", behind(), self.pair.a.log()))
    }

    fn lines(&self, vrid: u8) -> Vec<String> {
        let text = fs::read_to_string(log(self.pair.folder.path(), vrid)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// How often scripts of each kind ran: of each virtual router in order, and none twice.
    fn ran(&self) -> Result<BTreeMap<&'static str, usize>, Failed> {
        let mut ran = BTreeMap::new();
        for vrid in 1..=ROUTERS {
            let lines = self.lines(vrid);
            let numbers = lines.iter().map(|line| line.split(' ').nth(1)?.parse().ok());
            let numbers: Vec<u64> = numbers.collect::<Option<_>>().ok_or("no generation")?;
            check(numbers.is_sorted_by(|a, b| a < b), format!("{vrid} was told {lines:?}"))?;
            *ran.entry(kind(vrid)).or_default() += numbers.len();
        }
        Ok(ran)
    }

    /// Those that stay advertise at each interval.
    fn is_on_time(&self, clock: Clock) -> Outcome {
        let mut last = BTreeMap::new();
        let mut late = Vec::new();
        for frame in self.pair.capture.frames() {
            let Some(vrrp) = frame.vrrp().filter(|vrrp| vrrp.source_mac == self.pair.a.mac) else {
                continue;
            };
            let [_, vrid, priority, ..] = *vrrp.payload else { continue };
            if STEADY.contains(&vrid)
                && priority > 0
                && let Some(before) = last.insert(vrid, frame.at)
            {
                late.push((frame.at, (frame.at - before).saturating_sub(INTERVAL)));
            }
        }
        let lost = self.pair.capture.dropped();
        check(lost == 0, format!("the capture missed {lost} frames"))?;
        let ticks = clock.stop()?;
        let own = late.iter().map(|(at, late)| late.saturating_sub(of_machine(&ticks, *at)));
        let mut own: Vec<Duration> = own.collect();
        println!("advertisements were late by: {}", spread(&mut latenesses(late)));
        println!("beyond what the machine was late by: {}", spread(&mut own));
        println!("a thread that wakes each millisecond by: {}", spread(&mut latenesses(ticks)));
        let late = milliseconds(at(&own, 990));
        check(at(&own, 990) < LATEST, format!("one in a hundred was late by {late} or more"))
    }

    /// It ends, and tells that, too.
    fn ends(mut self) -> Outcome {
        self.pair.a.signal(Signal::SIGTERM)?;
        check(self.pair.a.wait()?, format!("it did not end well:\n{}", self.pair.a.log()))?;
        self.states += 1;
        self.is_told("STOP")
    }
}

/// By how much the machine was late for everybody in the interval before that time, at worst.
fn of_machine(ticks: &[(Duration, Duration)], at: Duration) -> Duration {
    let from = ticks.partition_point(|(tick, _)| *tick + INTERVAL < at);
    let to = ticks.partition_point(|(tick, _)| *tick <= at + TICK);
    let late = ticks.get(from..to).unwrap_or_default().iter().map(|(_, late)| *late);
    late.max().unwrap_or_default()
}

fn latenesses(pairs: Vec<(Duration, Duration)>) -> Vec<Duration> {
    pairs.into_iter().map(|(_, late)| late).collect()
}

/// A thread that wakes each millisecond, and writes down when, and how late it was: what the machine
/// does to everybody, seen beside the node.
struct Clock {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<(Duration, Duration)>>,
}

impl Clock {
    fn start() -> Self {
        let stop = Arc::<AtomicBool>::default();
        let until = stop.clone();
        let thread = thread::spawn(move || {
            let mut late = Vec::new();
            while !until.load(Ordering::Relaxed) {
                let due = Instant::now() + TICK;
                thread::sleep(TICK);
                late.push((now(), due.elapsed()));
            }
            late
        });
        Self { stop, thread }
    }

    fn stop(self) -> Result<Vec<(Duration, Duration)>, Failed> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| "the clock broke off".into())
    }
}

fn kind(vrid: u8) -> &'static str {
    KINDS[usize::from(vrid) % KINDS.len()]
}

fn log(folder: &Path, vrid: u8) -> PathBuf {
    folder.join(format!("{vrid}.told"))
}

fn config(folder: &Path, script: &Path) -> String {
    let router = |name: &str, vrid: u8| {
        format!(
            "[[virtual_router]]\nname = \"{name}{vrid}\"\ninterface = \"eth0\"\nvrid = {vrid}\n\
             addresses = [\"10.0.0.{}/24\"]\npriority = 254\ninterval = \"100ms\"\n",
            vrid + 100
        )
    };
    let told = |vrid: u8| {
        let command = ["/bin/sh".into(), script.to_owned(), kind(vrid).into(), log(folder, vrid)];
        router("r", vrid) + &format!("notify = {{ command = {command:?}, timeout = \"1s\" }}\n")
    };
    let group = |first: u8| {
        let members = (first..=ROUTERS).step_by(GROUPS.into()).map(|vrid| format!("r{vrid}"));
        let members: Vec<String> = members.collect();
        format!("[[group]]\nname = \"group{first}\"\nmembers = {members:?}\n")
    };
    let groups = (1..=GROUPS).map(group);
    let steady = STEADY.map(|vrid| router("steady", vrid));
    (1..=ROUTERS).map(told).chain(steady).chain(groups).collect()
}
