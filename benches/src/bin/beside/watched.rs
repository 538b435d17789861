//! Whether whoever watches a node makes its advertisements late.

mod audience;
mod browsers;

use std::{
    collections::{BTreeMap, HashMap},
    fmt, fs, thread,
    time::Duration,
};

use vrrp_net::lab::{Capture, now};

use crate::{
    Arguments, Failed,
    config::{self, Plan, Version},
    figures::median,
    machine,
    program::{Kind, Programs, Running},
    site::{Site, Station, advert, all_advertise},
};
use audience::{Audience, Target};
use browsers::Browsers;

/// Nobody between two others: what they leave behind would be seen.
const TURNS: [Watch; 8] = [
    Watch::Nobody,
    Watch::Many,
    Watch::Nobody,
    Watch::Browsing,
    Watch::Nobody,
    Watch::Stalled,
    Watch::Elsewhere,
    Watch::Hostile,
];
/// Where it lets others watch.
const PORT: u16 = 9112;
/// How long it may take until all its virtual routers are active.
const START: Duration = Duration::from_secs(120);
/// Until the announcements that follow a transition are over, the last of which come after 5 s.
const SETTLE: Duration = Duration::from_secs(7);
const PRIORITY: u8 = 100;
/// The host that watches.
const WATCHER: u8 = 3;

/// Who watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Watch {
    Nobody,
    /// Metrics and status are asked for ten times a second each, and three follow the page.
    Many,
    /// The same, with the page open in three browsers.
    Browsing,
    /// As many as are kept at each of the two sockets ask, and never read.
    Stalled,
    /// The same as the next one, but at another node of this machine: what their work alone costs.
    Elsewhere,
    /// A thousand connections, some of which send garbage and some of which never read.
    Hostile,
}

impl fmt::Display for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Nobody => "nobody watches",
            Self::Many => "metrics and status 10 times a second, 3 pages",
            Self::Browsing => "the same, with the page open in 3 browsers",
            Self::Stalled => "64 that ask and never read",
            Self::Elsewhere => "the same connections to another node here",
            Self::Hostile => "1,000 connections, garbage, and who never reads",
        })
    }
}

/// How late the advertisements of a window were, in milliseconds.
#[derive(Clone, Copy, Debug)]
struct Late {
    median: f64,
    p99: f64,
    worst: f64,
    /// Processor seconds a minute.
    cpu: f64,
    /// Answers, or connections that were made.
    answers: u64,
    megabytes: f64,
    /// What the program has in memory at the end, in megabytes.
    resident: f64,
}

/// A table for each number of virtual routers and each interval: nobody and somebody in turns.
pub(crate) fn all(arguments: &Arguments, programs: &Programs) -> Result<(), Failed> {
    if !programs.kinds.contains(&Kind::Vrrp) {
        return Ok(());
    }
    for routers in arguments.routers(&[1_000]) {
        for interval in arguments.intervals(&[1_000]) {
            let plan = Plan { routers, interval, priority: PRIORITY, version: Version::V3 };
            table(arguments, programs, plan)?;
        }
    }
    Ok(())
}

/// A node, active of everything and settled, and a host beside it that watches.
struct Stage {
    on: Station,
    watcher: Station,
    running: Running,
    target: Target,
    /// Last, since the others are in it.
    site: Site,
}

impl Stage {
    fn new(programs: &Programs, plan: Plan, names: [&str; 2]) -> Result<Self, Failed> {
        let site = Site::new(plan)?;
        let (on, watcher) = (site.station(names[0], 1)?, site.station(names[1], WATCHER)?);
        let captures = on.captures()?;
        let target = Target {
            metrics: (config::host_address(0, 1), PORT).into(),
            control: site.folder().join(format!("{}.sock", names[0])),
        };
        let metrics = target.metrics.to_string();
        let config = format!("{}[daemon]\nmetrics = {metrics:?}\n", plan.vrrp());
        let running = programs.start_with(Kind::Vrrp, &site, &on, &config)?;
        all_advertise(&captures, plan, START)
            .map_err(|why| format!("{why}; it says:\n{}", running.log()))?;
        thread::sleep(SETTLE);
        Ok(Self { on, watcher, running, target, site })
    }

    fn browsed(&self, plan: Plan) -> Result<Audience, Failed> {
        let (host, folder) = (&self.watcher.host, self.site.folder());
        let browsers = Browsers::open(host, self.target.metrics, plan.routers, folder)?;
        // What a browser does as it starts is over.
        thread::sleep(SETTLE);
        Audience::browsing(host, &self.target, browsers)
    }

    fn hostile(&self) -> Result<Audience, Failed> {
        Audience::hostile(&self.watcher.host, &self.target)
    }
}

fn table(arguments: &Arguments, programs: &Programs, plan: Plan) -> Result<(), Failed> {
    let stage = Stage::new(programs, plan, ["t", "w"])?;
    let aside = Stage::new(programs, Plan { routers: 1, ..plan }, ["o", "v"])?;
    let mut found: BTreeMap<Watch, Vec<Late>> = BTreeMap::new();
    let missing = Browsers::missing();
    if let Some(why) = missing {
        println!("watched: {why}");
    }
    for _ in 0..arguments.runs() {
        for watch in TURNS.into_iter().filter(|one| missing.is_none() || *one != Watch::Browsing) {
            let audience = match watch {
                Watch::Nobody => Audience::none(),
                Watch::Many => Audience::many(&stage.watcher.host, &stage.target)?,
                Watch::Browsing => stage.browsed(plan)?,
                Watch::Stalled => Audience::stalled(&stage.watcher.host, &stage.target)?,
                Watch::Elsewhere => aside.hostile()?,
                Watch::Hostile => stage.hostile()?,
            };
            let late = window(&stage, plan, arguments.window(), audience)?;
            found.entry(watch).or_default().push(late);
        }
    }
    print(plan, &found);
    Ok(())
}

/// How late its advertisements are while it is watched like this.
fn window(stage: &Stage, plan: Plan, lasts: Duration, audience: Audience) -> Result<Late, Failed> {
    let Stage { on, running, .. } = stage;
    let captures = on.captures()?;
    let (begun, before) = (now(), machine::processor_time(&running.pids())?);
    thread::sleep(lasts);
    let used = machine::processor_time(&running.pids())? - before;
    let seconds = (now() - begun).as_secs_f64();
    let mut late = lateness(&captures, plan);
    let dropped: u64 = captures.iter().map(Capture::dropped).sum();
    if dropped > 0 {
        return Err(format!("the capture missed {dropped} frames").into());
    }
    let (kibibytes, _) = machine::memory(&running.pids())?;
    let seen = audience.leave()?;
    late.sort_unstable_by(f64::total_cmp);
    let at = |part: usize| late.get(late.len().saturating_sub(1) * part / 100).copied();
    Ok(Late {
        median: median(&late).ok_or("it does not advertise")?,
        p99: at(99).unwrap_or_default(),
        worst: at(100).unwrap_or_default(),
        cpu: used.as_secs_f64() * 60.0 / seconds,
        answers: seen.answers,
        megabytes: seen.octets as f64 / 1e6,
        resident: kibibytes * 1024.0 / 1e6,
    })
}

/// By how much each advertisement came later than its interval after the one before, in
/// milliseconds.
fn lateness(captures: &[Capture], plan: Plan) -> Vec<f64> {
    let mut late = Vec::new();
    for capture in captures {
        let mut last: HashMap<u8, Duration> = HashMap::new();
        for frame in capture.frames() {
            let Some((vrid, _)) = advert(&frame) else { continue };
            if let Some(before) = last.insert(vrid, frame.at) {
                let over = frame.at.saturating_sub(before + plan.interval);
                late.push(over.as_secs_f64() * 1e3);
            }
        }
    }
    late
}

fn print(plan: Plan, found: &BTreeMap<Watch, Vec<Late>>) {
    println!(
        "{:<52} {:>5} {:>8} {:>8} {:>8} {:>7} {:>8} {:>8} {:>8}",
        format!("watched: {}, {:?} (ms late)", plan.size(), plan.interval),
        "runs",
        "median",
        "p99",
        "worst",
        "cpu",
        "answers",
        "MB read",
        "resident"
    );
    for (watch, runs) in found {
        let middle = |of: fn(&Late) -> f64| {
            let mut values: Vec<f64> = runs.iter().map(of).collect();
            values.sort_unstable_by(f64::total_cmp);
            median(&values).unwrap_or_default()
        };
        let worst = runs.iter().map(|late| late.worst).fold(0.0, f64::max);
        println!(
            "    {watch:<48} {:>5} {:>8.3} {:>8.3} {worst:>8.3} {:>7.2} {:>8.0} {:>8.1} {:>8.1}",
            runs.len(),
            middle(|late| late.median),
            middle(|late| late.p99),
            middle(|late| late.cpu),
            middle(|late| late.answers as f64),
            middle(|late| late.megabytes),
            middle(|late| late.resident),
        );
    }
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("    load average {}", load.split_whitespace().take(3).collect::<Vec<_>>().join(" "));
}
