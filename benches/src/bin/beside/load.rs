//! Processor time and memory of a program with many virtual routers.

use std::{
    thread,
    time::{Duration, Instant},
};

use clap::ValueEnum;
use vrrp_net::lab::Keepalived;

use crate::{
    Arguments, Failed,
    config::{Plan, Version},
    figures::{self, Figures},
    machine,
    program::{Kind, Programs, Running},
    site::{Site, Station, all_advertise},
};

/// How long a program may take until all its virtual routers are active.
const START: Duration = Duration::from_secs(120);
/// Until the announcements that follow a transition are over, the last of which come after 5 s.
const SETTLE: Duration = Duration::from_secs(7);
/// What is measured, and the host that is Active of everything when a Backup is measured.
const PRIORITIES: (u8, u8) = (100, 200);

/// What a host may send that has nothing to say: for multicast groups and neighbours.
const MURMUR: u64 = 20;

/// As what a program is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Active of all its virtual routers
    Active,
    /// Backup of all of them, hearing keepalived
    Backup,
}

/// A program that has settled in its role.
struct Settled {
    running: Running,
    on: Station,
    /// The active neighbour of a Backup.
    _neighbour: Option<(Running, Station)>,
    /// Somebody who hears.
    _listener: Station,
    _site: Site,
}

/// What it uses then.
struct Used {
    /// Processor seconds a minute.
    cpu: f64,
    /// Packets a second, of those that its role is about.
    packets: f64,
}

/// Processor seconds a minute.
pub(crate) fn cpu(arguments: &Arguments, programs: &Programs) -> Result<(), Failed> {
    let both = Role::value_variants();
    let roles = if arguments.role.is_empty() { both } else { &arguments.role };
    for role in roles {
        for interval in arguments.intervals(&[1_000, 100]) {
            for routers in arguments.routers(&[1, 64, 255, 1_000]) {
                let plan = Plan { routers, interval, priority: PRIORITIES.0, version: Version::V3 };
                cpu_of(arguments, programs, *role, plan)?;
            }
        }
    }
    Ok(())
}

fn cpu_of(
    arguments: &Arguments,
    programs: &Programs,
    role: Role,
    plan: Plan,
) -> Result<(), Failed> {
    let what = format!("{role:?}, {}, {:?}", plan.size(), plan.interval);
    if let Some(why) = Keepalived::missing().filter(|_| role == Role::Backup) {
        println!("cpu: {what} is left out: its neighbour would be keepalived, and {why}");
        return Ok(());
    }
    let mut seconds = Figures::new(format!("cpu: {what}"), "s a minute");
    let way = if role == Role::Active { "sent" } else { "received" };
    let mut packets = Figures::new(format!("  {way}"), "packets a second");
    let kinds = programs.able(plan);
    for _ in 0..arguments.runs() {
        for kind in kinds.iter().copied() {
            let used = use_of(programs, kind, role, plan, arguments.window());
            let Some(used) = figures::told(kind, used) else { continue };
            seconds.add(kind, used.cpu);
            packets.add(kind, used.packets);
        }
    }
    seconds.print();
    packets.print();
    Ok(())
}

/// What a settled program uses in this time.
fn use_of(
    programs: &Programs,
    kind: Kind,
    role: Role,
    plan: Plan,
    window: Duration,
) -> Result<Used, Failed> {
    let settled = settle(programs, kind, role, plan)?;
    let pids = settled.running.pids();
    let begun = Instant::now();
    let (time, passed) = (machine::processor_time(&pids)?, settled.on.packets()?);
    thread::sleep(window);
    let (used, now) = (machine::processor_time(&pids)? - time, settled.on.packets()?);
    let seconds = begun.elapsed().as_secs_f64();
    let (packets, expected) = match role {
        Role::Active => (now.sent - passed.sent, plan.routers),
        Role::Backup => (now.received - passed.received, 0),
    };
    // The macvlans of FRR have their addresses whatever it does.
    let held = settled.on.held(plan)?;
    if kind != Kind::Frr && held != expected {
        return Err(format!("it holds {held} addresses and not {expected}").into());
    }
    let sent = now.sent - passed.sent;
    if role == Role::Backup && sent > MURMUR {
        return Err(format!("a Backup that sends {sent} packets is none").into());
    }
    Ok(Used { cpu: used.as_secs_f64() * 60.0 / seconds, packets: packets as f64 / seconds })
}

/// Memory as the active node.
pub(crate) fn memory(arguments: &Arguments, programs: &Programs) -> Result<(), Failed> {
    let interval = arguments.intervals(&[1_000]).first().copied().unwrap_or(Duration::from_secs(1));
    for routers in arguments.routers(&[1, 255, 1_000]) {
        let plan = Plan { routers, interval, priority: PRIORITIES.0, version: Version::V3 };
        let mut shares = Figures::new(format!("memory: Active, {}, Pss", plan.size()), "MiB");
        let mut resident = Figures::new(format!("memory: Active, {}, VmRSS", plan.size()), "MiB");
        let kinds = programs.able(plan);
        for _ in 0..arguments.runs() {
            for kind in kinds.iter().copied() {
                let settled = settle(programs, kind, Role::Active, plan);
                let Some(settled) = figures::told(kind, settled) else { continue };
                let (rss, pss) = machine::memory(&settled.running.pids())?;
                shares.add(kind, pss / 1_024.0);
                resident.add(kind, rss / 1_024.0);
            }
        }
        shares.print();
        resident.print();
    }
    Ok(())
}

/// Starts a program and waits until it has nothing to do but its regular work. No capture is left,
/// which would cost the sender processor time.
fn settle(programs: &Programs, kind: Kind, role: Role, plan: Plan) -> Result<Settled, Failed> {
    let site = Site::new(plan)?;
    let (on, listener) = (site.station("t", 1)?, site.station("l", 9)?);
    let neighbour = match role {
        Role::Active => None,
        Role::Backup => {
            let station = site.station("n", 2)?;
            let strong = Plan { priority: PRIORITIES.1, ..plan };
            let running = start_active(programs, Kind::Keepalived, &site, &station, strong)?;
            Some((running, station))
        }
    };
    let running = match role {
        Role::Active => start_active(programs, kind, &site, &on, plan)?,
        Role::Backup => programs.start(kind, &site, &on, plan)?,
    };
    thread::sleep(SETTLE);
    Ok(Settled { running, on, _neighbour: neighbour, _listener: listener, _site: site })
}

fn start_active(
    programs: &Programs,
    kind: Kind,
    site: &Site,
    on: &Station,
    plan: Plan,
) -> Result<Running, Failed> {
    let captures = on.captures()?;
    let running = programs.start(kind, site, on, plan)?;
    all_advertise(&captures, plan, START)
        .map_err(|why| format!("{kind}: {why}; its log:\n{}", running.log()))?;
    Ok(running)
}
