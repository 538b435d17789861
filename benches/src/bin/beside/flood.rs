//! Whether an active node keeps its schedule while somebody floods it with packets that it must
//! refuse.

use std::{thread, time::Duration};

use clap::ValueEnum;
use vrrp_net::lab::{self, Capture, Injector, VrrpFrame};

use crate::{
    Arguments, Failed, advert,
    config::{Plan, Version},
    figures::{self, Figures},
    machine,
    program::{Kind, Programs},
    site::{self, Site, all_advertise},
};

/// How many frames a second are asked of the injector.
const RATE: u32 = 100_000;
const PRIORITY: u8 = 100;
/// How long anything else may take.
const SOON: Duration = Duration::from_secs(20);

/// What is wrong with each packet of a flood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Flaw {
    /// VRRPv3, one bit of the checksum
    Checksum,
    /// VRRPv3, a TTL of 254
    Ttl,
    /// VRRPv2, the simple text password
    Password,
}

/// What a flood did.
struct Flooded {
    /// Advertisements sent, of those that were due.
    kept: f64,
    /// Frames a second that the injector managed.
    rate: f64,
    /// Processor seconds a minute.
    cpu: f64,
}

/// Each flaw, at each interval that its version of VRRP can have.
pub(crate) fn floods(arguments: &Arguments, programs: &Programs) -> Result<(), Failed> {
    for flaw in Flaw::value_variants() {
        for interval in arguments.intervals(&[1_000, 100]) {
            let version =
                if *flaw == Flaw::Password { Version::V2WithPassword } else { Version::V3 };
            if version == Version::V3 || interval.subsec_nanos() == 0 {
                let plan = Plan { routers: 1, interval, priority: PRIORITY, version };
                table(arguments, programs, *flaw, plan)?;
            }
        }
    }
    Ok(())
}

fn table(arguments: &Arguments, programs: &Programs, flaw: Flaw, plan: Plan) -> Result<(), Failed> {
    let mut kept = Figures::new(
        format!("flood: wrong {flaw:?}, {:?}, adverts sent", plan.interval),
        "of those due",
    );
    let mut rate = Figures::new("  the flood", "frames a second");
    let mut cpu = Figures::new("  cpu of the program", "s a minute");
    let kinds = programs.able(plan);
    for _ in 0..arguments.runs() {
        for kind in kinds.iter().copied() {
            let flooded =
                figures::told(kind, flood(programs, kind, flaw, plan, arguments.window()));
            let Some(flooded) = flooded else { continue };
            kept.add(kind, flooded.kept);
            rate.add(kind, flooded.rate);
            cpu.add(kind, flooded.cpu);
        }
    }
    kept.print();
    rate.print();
    cpu.print();
    Ok(())
}

fn flood(
    programs: &Programs,
    kind: Kind,
    flaw: Flaw,
    plan: Plan,
    window: Duration,
) -> Result<Flooded, Failed> {
    let site = Site::new(plan)?;
    let (on, attacker) = (site.station("t", 1)?, site.station("p", advert::PEER)?);
    // What the attacker sends would be too much to capture.
    let captures = on.captures()?;
    let running = programs.start(kind, &site, &on, plan)?;
    all_advertise(&captures, plan, SOON)?;
    let frame = spoiled(flaw, plan)?.encode()?;
    let injector = Injector::new(&attacker.host, "eth0")?;

    let pids = running.pids();
    let (begun, before) = (lab::now(), machine::processor_time(&pids)?);
    let injected = injector.inject(RATE, window, |_| frame.clone())?;
    let (ended, after) = (lab::now(), machine::processor_time(&pids)?);
    let took = (ended - begun).as_secs_f64();
    let kept = schedule(&captures, begun, ended, plan.interval)?;
    let missed: u64 = captures.iter().map(Capture::dropped).sum();
    if missed > 0 {
        println!("note: the capture missed {missed} frames");
    }
    Ok(Flooded {
        kept,
        rate: injected.sent as f64 / injected.took.as_secs_f64(),
        cpu: (after - before).as_secs_f64() * 60.0 / took,
    })
}

/// Advertisements sent of those due: one each interval after the last before the flood.
fn schedule(
    captures: &[Capture],
    begun: Duration,
    ended: Duration,
    interval: Duration,
) -> Result<f64, Failed> {
    // The last may be a little late, like any other.
    let end = ended + interval / 10;
    thread::sleep(end.saturating_sub(lab::now()) + interval / 10);
    let frames = captures.iter().flat_map(Capture::frames);
    let sent: Vec<Duration> =
        frames.filter(|frame| site::advert(frame).is_some()).map(|frame| frame.at).collect();
    let last =
        sent.iter().rfind(|at| **at <= begun).ok_or("it did not advertise before the flood")?;
    let due = (ended - *last).as_nanos() / interval.as_nanos();
    let during = sent.iter().filter(|at| **at > begun && **at <= end).count();
    Ok((during as f64 / due as f64).min(1.0))
}

/// An advertisement that would win, but for one thing.
fn spoiled(flaw: Flaw, plan: Plan) -> Result<VrrpFrame, Failed> {
    let mut frame = advert::message(1, plan, flaw == Flaw::Password)?;
    match flaw {
        Flaw::Checksum => frame.payload.iter_mut().skip(7).take(1).for_each(|octet| *octet ^= 1),
        Flaw::Ttl => frame.ttl = 254,
        Flaw::Password => {}
    }
    Ok(frame)
}
