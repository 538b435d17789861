//! What checks cost, and how late advertisements are meanwhile.

use std::{
    fs,
    io::{BufRead, BufReader},
    iter,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use vrrp_benches::serve::Ports;
use vrrp_net::lab::{self, Capture, Process};

use super::{
    plan::{Asks, Node, Router},
    probe, service,
    table::{Row, Table},
};
use crate::{
    Arguments, Failed,
    config::{Plan, Version},
    machine,
    program::{Kind, Programs, Running},
    site::{self, Site, Station},
};

/// The virtual router whose advertisements are looked at, and which no check concerns; and the one
/// that all checks decide over.
const SWIFT: Router =
    Router { vrid: 1, priority: 200, interval: Duration::from_millis(100), tracks: false };
const TRACKING: Router =
    Router { vrid: 2, priority: 200, interval: Duration::from_secs(1), tracks: true };
/// How many checks there are, unless it is said.
const COUNTS: [usize; 3] = [1, 100, 1_000];

/// How long a program may take until both virtual routers advertise.
const START: Duration = Duration::from_secs(30);
/// Then each check runs at least twice, and whatever is made once is made.
const SETTLE: Duration = Duration::from_millis(2_500);

/// Something to measure: which program, what its checks ask, and how many they are.
pub(super) type Case = (Asks, usize, Kind);

/// What was seen of it in one window.
pub(super) struct Bill {
    /// Runs of checks a second.
    pub(super) runs: f64,
    /// Processor time as a share of one core: of the daemon, and of the programs that it started.
    pub(super) daemon: f64,
    pub(super) programs: f64,
    /// How late each advertisement was after the one before it, in milliseconds.
    pub(super) late: Vec<f64>,
    /// Whether the virtual router that tracks the checks was active to the end.
    pub(super) passing: bool,
}

/// Of each kind and number of checks, the programs taking turns.
pub(super) fn bills(
    arguments: &Arguments,
    programs: &Programs,
    kinds: &[Kind],
    runs: usize,
    window: Duration,
) -> Result<(), Failed> {
    let cases = cases(arguments, kinds);
    let mut table = Table::new(&cases);
    for _ in 0..runs {
        for case in &cases {
            match bill(programs, *case, window) {
                Ok(bill) => table.add(*case, bill),
                Err(why) => println!("no figure of {}, {} in this run: {why}", case.2, Row(*case)),
            }
        }
    }
    table.print(runs, window);
    Ok(())
}

/// Without checks first, and then beside each other what is compared.
fn cases(arguments: &Arguments, kinds: &[Kind]) -> Vec<Case> {
    let counts = if arguments.checks.is_empty() { &COUNTS[..] } else { &arguments.checks };
    let all = <Asks as clap::ValueEnum>::value_variants();
    let asks = if arguments.check.is_empty() { all } else { &arguments.check };
    let each = asks.iter().flat_map(|asks| counts.iter().map(|count| (*asks, *count)));
    let rows = iter::once((Asks::Command, 0)).chain(each);
    rows.flat_map(|(asks, count)| kinds.iter().map(move |kind| (asks, count, *kind)))
        .filter(|(asks, _, kind)| asks.suits(*kind))
        .collect()
}

/// What a daemon with these checks uses and sends in this time.
fn bill(programs: &Programs, case: Case, window: Duration) -> Result<Bill, Failed> {
    let plan = Plan { routers: 1, interval: SWIFT.interval, priority: 200, version: Version::V3 };
    let site = Site::new(plan)?;
    let (on, _listener) = (site.station("t", 1)?, site.station("l", 9)?);
    let (_server, ports) = server(&on)?;
    let runs = Runs::new(case, site.folder().join("runs"))?;
    let argv =
        vec![probe()?.display().to_string(), "count".to_owned(), runs.file.display().to_string()];
    let (asks, checks, kind) = case;
    let key = asks.key(ports, &argv);
    let node = Node { routers: vec![SWIFT, TRACKING], checks, key, argv };
    let capture = Capture::sent(on.cables.first().ok_or("the host has no cable")?)?;
    let running = programs.start_with(kind, &site, &on, &node.text(kind)?)?;
    for Router { vrid, .. } in [SWIFT, TRACKING] {
        let is_one = |frame: &lab::Frame| site::advert(frame).is_some_and(|it| it.0 == vrid);
        if capture.wait_for(START, is_one).is_none() {
            return Err(format!("no advertisement of {vrid}; its log:\n{}", running.log()).into());
        }
    }
    thread::sleep(SETTLE);
    watch(&running, &capture, window, || runs.so_far(programs, &site, &on))
}

/// What happens in a window.
fn watch(
    running: &Running,
    capture: &Capture,
    window: Duration,
    runs: impl Fn() -> Result<u64, Failed>,
) -> Result<Bill, Failed> {
    let pids = running.pids();
    let used =
        || Ok::<_, Failed>((machine::processor_time(&pids)?, machine::programs_time(&pids)?));
    // To ask the daemon costs it something: first here, and last there.
    let (ran, from, begun, before) = (runs()?, lab::now(), Instant::now(), used()?);
    thread::sleep(window);
    let (after, took, to) = (used()?, begun.elapsed(), lab::now());
    let ran = runs()? - ran;
    let seen = Seen { frames: capture.frames(), from, to };
    let share = |time: Duration| 100.0 * time.as_secs_f64() / took.as_secs_f64();
    Ok(Bill {
        runs: ran as f64 / took.as_secs_f64(),
        daemon: share(after.0 - before.0),
        programs: share(after.1.saturating_sub(before.1)),
        late: seen.late(SWIFT),
        passing: seen.is_well(TRACKING),
    })
}

/// What a daemon sent, and a window of it.
struct Seen {
    frames: Vec<lab::Frame>,
    from: Duration,
    to: Duration,
}

impl Seen {
    /// The advertisements of a virtual router up to the end of the window: when, and with which
    /// priority.
    fn sent(&self, vrid: u8) -> impl Iterator<Item = (Duration, u8)> {
        self.frames.iter().filter(|frame| frame.at <= self.to).filter_map(move |frame| {
            site::advert(frame).filter(|it| it.0 == vrid).map(|(_, priority)| (frame.at, priority))
        })
    }

    /// How much later than an interval after the one before each came, in milliseconds; early ones
    /// are below 0. One that is due at the end of the window, and not there, counts as far as it
    /// is late.
    fn late(&self, router: Router) -> Vec<f64> {
        let all: Vec<Duration> = self.sent(router.vrid).map(|(at, _)| at).collect();
        let later = |from: &Duration, to: &Duration| {
            (to.as_secs_f64() - from.as_secs_f64() - router.interval.as_secs_f64()) * 1_000.0
        };
        let pairs = all.iter().zip(all.iter().skip(1)).filter(|(_, second)| **second >= self.from);
        let missing = all.last().map(|last| later(last, &self.to)).filter(|late| *late > 0.0);
        pairs.map(|(first, second)| later(first, second)).chain(missing).collect()
    }

    /// Whether it is active, and all its checks pass, to the end of the window: with another
    /// priority it is ill.
    fn is_well(&self, router: Router) -> bool {
        // The last advertisement may have been sent a whole interval ago.
        let recent = self.to.saturating_sub(router.interval * 2);
        let last = self.sent(router.vrid).last();
        last.is_some_and(|(at, priority)| at >= recent && priority == router.priority)
    }
}

/// What answers the checks, on the same host.
fn server(on: &Station) -> Result<(Process, Ports), Failed> {
    let mut process = service::start(&on.host, "checks")?;
    let output = process.stdout().ok_or("the server has no output")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    let ports = line.parse().map_err(|why| format!("the server says {line:?}: {why}"))?;
    Ok((process, ports))
}

/// How often checks ran: as the program that they start writes it down, or as `vrrp` says.
struct Runs {
    case: Case,
    file: PathBuf,
}

impl Runs {
    fn new(case: Case, file: PathBuf) -> Result<Self, Failed> {
        fs::write(&file, "")?;
        Ok(Self { case, file })
    }

    fn so_far(&self, programs: &Programs, site: &Site, on: &Station) -> Result<u64, Failed> {
        match self.case.0 {
            Asks::Command => Ok(fs::metadata(&self.file)?.len()),
            Asks::Tcp | Asks::Dns | Asks::File | Asks::Http => {
                let status = programs.status(site, on)?;
                let checks = status.get("checks").and_then(serde_json::Value::as_array);
                let of = |key: &str| {
                    let all = checks.into_iter().flatten();
                    all.filter_map(|check| check.get(key)?.as_u64()).sum::<u64>()
                };
                match of("failures") + of("not_run") {
                    0 => Ok(of("runs")),
                    failed => Err(format!("{failed} runs did not pass").into()),
                }
            }
        }
    }
}
