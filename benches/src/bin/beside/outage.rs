//! What a client loses when the active node of two goes.

use std::{thread, time::Duration};

use vrrp_net::lab::{self, Capture, Client};

use crate::{
    Arguments, Failed,
    config::{self, Plan, Version},
    figures::{self, Figures},
    program::{Kind, Programs, Running},
    site::{self, Site, Station, all_advertise},
};

/// Of the node that goes, and of the one that stays: Skew_Time is half an interval.
const PRIORITIES: (u8, u8) = (200, 128);
/// The client's packets a second.
const RATE: u32 = 1_000;
/// How long anything may take.
const SOON: Duration = Duration::from_secs(20);
/// How long the second node has to become a Backup, beside some intervals.
const SETTLE: Duration = Duration::from_secs(2);
/// How long the client goes on after the takeover.
const AFTER: Duration = Duration::from_millis(1_500);

/// How the active node goes.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// All its processes are killed at once. The host stays, and with it an address that nobody
    /// takes away.
    Killed,
    /// Its cable is cut at the switch, as if the host had died.
    Cut,
    /// It is asked to leave (SIGTERM).
    Terminated,
}

/// What the client and the dead node have to say.
struct Outcome {
    lost: u64,
    gap: Duration,
    /// Whether the node that went still holds the address, a good second after the takeover.
    still_held: bool,
}

/// Two nodes of the same program.
pub(crate) fn outages(arguments: &Arguments, programs: &Programs) -> Result<(), Failed> {
    let kinds = programs.without_frr(
        "it keeps the address on a macvlan of every node, and a Backup that gets a packet for it \
         answers",
    );
    for interval in arguments.intervals(&[1_000]) {
        for fault in [Fault::Killed, Fault::Cut, Fault::Terminated] {
            outage(arguments, programs, &kinds, fault, interval)?;
        }
    }
    Ok(())
}

fn outage(
    arguments: &Arguments,
    programs: &Programs,
    kinds: &[Kind],
    fault: Fault,
    interval: Duration,
) -> Result<(), Failed> {
    let mut gaps = Figures::new(format!("outage: {fault:?}, {interval:?}, longest gap"), "ms");
    let mut losses = Figures::new(format!("  lost, at {RATE} a second"), "packets");
    let mut held = Figures::new("  address still on the node that went", "1: yes");
    let plan = Plan { routers: 1, interval, priority: PRIORITIES.0, version: Version::V3 };
    for _ in 0..arguments.runs() {
        for kind in kinds.iter().copied() {
            let Some(outcome) = figures::told(kind, strike(programs, kind, fault, plan)) else {
                continue;
            };
            gaps.add(kind, outcome.gap.as_secs_f64() * 1_000.0);
            losses.add(kind, outcome.lost as f64);
            held.add(kind, f64::from(u8::from(outcome.still_held)));
        }
    }
    gaps.print();
    losses.print();
    held.print();
    Ok(())
}

fn strike(programs: &Programs, kind: Kind, fault: Fault, strong: Plan) -> Result<Outcome, Failed> {
    let weak = Plan { priority: PRIORITIES.1, ..strong };
    let site = Site::new(strong)?;
    let (a, b, user) = (site.station("a", 1)?, site.station("b", 2)?, site.station("u", 9)?);
    let (from_a, from_b) = (a.captures()?, b.captures()?);
    let mut active = programs.start(kind, &site, &a, strong)?;
    all_advertise(&from_a, strong, SOON)?;
    let backup = programs.start(kind, &site, &b, weak)?;
    thread::sleep(SETTLE + 4 * strong.interval);
    let mut client = Client::start(&user.host, config::address(0, 1).into(), RATE)?;
    let (working, settled) = (client.mark(), lab::now());
    thread::sleep(AFTER);
    if !client.wait_for_reply(working, SOON) || speaks(&from_b, settled) {
        return Err(format!(
            "{kind}: the client is not served by the active node alone:\n{}",
            active.log()
        )
        .into());
    }

    // At once after an advertisement: the most that it can cost, and the same each time.
    let now = lab::now();
    advert_after(&from_a, now, SOON);
    let (struck, mark) = (lab::now(), client.mark());
    go(&mut active, &a, fault)?;
    if !advert_after(&from_b, struck, SOON) {
        return Err(format!("{kind}: nobody takes over; its log:\n{}", backup.log()).into());
    }
    let resumed = client.mark();
    client.wait_for_reply(resumed, SOON);
    thread::sleep(AFTER);
    let still_held = a.held(strong)? > 0;
    client.stop();
    let loss = client.since(mark);
    Ok(Outcome { lost: loss.lost, gap: loss.longest_gap, still_held })
}

fn go(active: &mut Running, a: &Station, fault: Fault) -> Result<(), Failed> {
    match fault {
        Fault::Killed => active.kill(),
        Fault::Terminated => active.terminate(),
        Fault::Cut => Ok(a.cables.iter().try_for_each(lab::Cable::cut)?),
    }
}

/// Whether a node that should be a Backup advertises, or answers the client (ICMP in IPv4).
fn speaks(captures: &[Capture], since: Duration) -> bool {
    let answers = |frame: &lab::Frame| {
        frame.bytes.get(12..14) == Some(&[8, 0]) && frame.bytes.get(23) == Some(&1)
    };
    let mut frames = captures.iter().flat_map(Capture::frames).filter(|frame| frame.at >= since);
    frames.any(|frame| site::advert(&frame).is_some() || answers(&frame))
}

/// Whether an advertisement after `since` is there or comes in time.
fn advert_after(captures: &[Capture], since: Duration, within: Duration) -> bool {
    let is_one = |frame: &lab::Frame| frame.at > since && site::advert(frame).is_some();
    captures.iter().any(|capture| capture.wait_for(within, is_one).is_some())
}
