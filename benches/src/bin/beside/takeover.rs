//! How late a Backup is when its Active falls silent.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use vrrp_net::lab::{Capture, Injector, wait_until};

use crate::{
    Arguments, Failed, advert,
    config::{Plan, Version},
    figures::{self, Figures, median},
    program::{Kind, Programs, Running},
    site::{self, Site},
};

/// With this priority Skew_Time is half an interval: no program can round it.
const PRIORITY: u8 = 128;
/// How many intervals the peer advertises from the start of the program on, and at least how long.
const INTERVALS: u32 = 5;
const LEAST: Duration = Duration::from_secs(3);
/// How long nobody looks beyond four intervals.
const AFTER: Duration = Duration::from_millis(500);
/// How late a takeover may be before it counts as none.
const SOON: Duration = Duration::from_secs(20);

/// What was seen of one takeover.
struct Seen {
    /// Of each virtual router: its first advertisement, beyond the arithmetic. In milliseconds.
    beyond: Vec<f64>,
    /// From its first advertisement to its first announcement. In milliseconds.
    announced: Vec<f64>,
}

/// One virtual router.
pub(crate) fn one(arguments: &Arguments, programs: &Programs) -> Result<(), Failed> {
    for interval in arguments.intervals(&[1_000]) {
        let plan = Plan { routers: 1, interval, priority: PRIORITY, version: Version::V3 };
        let mut beyond =
            Figures::new(format!("takeover beyond Active_Down_Interval, {interval:?}"), "ms");
        let mut announced = Figures::new("  first advertisement to first gratuitous ARP", "ms");
        let kinds = programs.able(plan);
        for _ in 0..arguments.runs() {
            for kind in kinds.iter().copied() {
                let Some(seen) = figures::told(kind, take_over(programs, kind, plan)) else {
                    continue;
                };
                seen.beyond.iter().for_each(|value| beyond.add(kind, *value));
                seen.announced.iter().for_each(|value| announced.add(kind, *value));
            }
        }
        beyond.print();
        announced.print();
    }
    Ok(())
}

/// As many as an interface can have, at once.
pub(crate) fn many(arguments: &Arguments, programs: &Programs) -> Result<(), Failed> {
    for interval in arguments.intervals(&[1_000]) {
        let plan = Plan { routers: 255, interval, priority: PRIORITY, version: Version::V3 };
        let title = |which: &str| format!("255 takeovers at once, {interval:?}: {which} of a run");
        let mut middle = Figures::new(title("median"), "ms");
        let mut worst = Figures::new(title("worst"), "ms");
        let mut announced =
            Figures::new("  last first gratuitous ARP after its advertisement", "ms");
        let kinds = programs.able(plan);
        for _ in 0..arguments.runs() {
            for kind in kinds.iter().copied() {
                let Some(mut seen) = figures::told(kind, take_over(programs, kind, plan)) else {
                    continue;
                };
                seen.beyond.sort_unstable_by(f64::total_cmp);
                middle.add(kind, median(&seen.beyond).unwrap_or_default());
                worst.add(kind, seen.beyond.last().copied().unwrap_or_default());
                announced.add(kind, seen.announced.into_iter().fold(f64::MIN, f64::max));
            }
        }
        middle.print();
        worst.print();
        announced.print();
    }
    Ok(())
}

/// A peer advertises for all virtual routers, then falls silent.
fn take_over(programs: &Programs, kind: Kind, plan: Plan) -> Result<Seen, Failed> {
    let site = Site::new(plan)?;
    let (on, peer) = (site.station("t", 1)?, site.station("p", advert::PEER)?);
    let (heard, spoken) = (peer.captures()?, on.captures()?);
    let frames = plan.vrids(0).map(|vrid| Ok(advert::message(vrid, plan, false)?.encode()?));
    let frames = frames.collect::<Result<Vec<_>, Failed>>()?;
    let injector = Injector::new(&peer.host, "eth0")?;

    let silent = AtomicBool::new(false);
    let running = thread::scope(|scope| -> Result<Running, Failed> {
        let advertising = scope.spawn(|| advertise(&injector, &frames, plan.interval, &silent));
        let started = programs.start(kind, &site, &on, plan);
        if started.is_ok() {
            thread::sleep(LEAST.max(plan.interval * INTERVALS));
        }
        silent.store(true, Ordering::Relaxed);
        advertising.join().map_err(|_| "the peer panicked")??;
        started
    })?;
    // Nothing is lost between a socket and its capture's switch, but it may come later.
    let from_peer = last_adverts(&heard, plan)?;
    let failed = |why: &str| format!("{kind}: {why}; its log:\n{}", running.log());
    let mut seen = None;
    // Nobody looks while it happens: looking costs time.
    thread::sleep(4 * plan.interval + AFTER);
    wait_until(SOON, || {
        seen = judge(&from_peer, &spoken, plan);
        seen.is_some()
    });
    seen.ok_or_else(|| failed("it does not take over everything").into())
}

/// Sends an advertisement of each virtual router, then waits an interval, until told to be silent.
fn advertise(
    injector: &Injector,
    frames: &[Vec<u8>],
    interval: Duration,
    silent: &AtomicBool,
) -> Result<(), Failed> {
    let begun = Instant::now();
    for number in 0.. {
        thread::sleep((interval * number).saturating_sub(begun.elapsed()));
        if silent.load(Ordering::Relaxed) {
            break;
        }
        frames.iter().try_for_each(|frame| injector.send(frame))?;
    }
    Ok(())
}

/// When the peer was last heard, by VRID.
fn last_adverts(captures: &[Capture], plan: Plan) -> Result<HashMap<u8, Duration>, Failed> {
    let frames = captures.iter().flat_map(Capture::frames);
    let last: HashMap<u8, Duration> =
        frames.filter_map(|frame| Some((site::advert(&frame)?.0, frame.at))).collect();
    if last.len() == plan.routers { Ok(last) } else { Err("the peer was not heard".into()) }
}

/// What the program did after the peer's last advertisement; `None` until it is complete.
fn judge(from_peer: &HashMap<u8, Duration>, spoken: &[Capture], plan: Plan) -> Option<Seen> {
    let (mut advertised, mut announced) = (HashMap::new(), HashMap::new());
    for frame in spoken.iter().flat_map(Capture::frames) {
        let vrid = site::advert(&frame).map(|(vrid, _)| vrid);
        let announces = frame.garp().map(|(_, address)| address.octets()[3]);
        let is_new = |vrid: &u8| from_peer.get(vrid).is_some_and(|last| frame.at > *last);
        if let Some(vrid) = vrid.filter(is_new) {
            advertised.entry(vrid).or_insert(frame.at);
        }
        if let Some(vrid) = announces.filter(is_new) {
            announced.entry(vrid).or_insert(frame.at);
        }
    }
    if advertised.len() < plan.routers || announced.len() < plan.routers {
        return None;
    }
    let skew = plan.interval * (256 - u32::from(plan.priority)) / 256;
    let down = 3 * plan.interval + skew;
    let mut seen = Seen { beyond: Vec::new(), announced: Vec::new() };
    for vrid in plan.vrids(0) {
        let (last, first) = (*from_peer.get(&vrid)?, *advertised.get(&vrid)?);
        seen.beyond.push(milliseconds(first, last + down));
        seen.announced.push(milliseconds(*announced.get(&vrid)?, first));
    }
    Some(seen)
}

/// From one moment to another, which may be before it.
fn milliseconds(to: Duration, from: Duration) -> f64 {
    let later = to.saturating_sub(from).as_secs_f64() - from.saturating_sub(to).as_secs_f64();
    later * 1_000.0
}
