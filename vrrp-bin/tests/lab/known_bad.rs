//! Messages that other implementations are known to have stumbled over, and what is wrong with
//! them.
//!
//! Each is refused for its own reason, and moves one counter and nothing else; or it is a valid
//! advertisement that only looks odd, and wins.

mod defects;
mod packet;
mod peers;
mod rows;
mod stage;

use std::{collections::BTreeMap, time::Duration};

use libtest_mimic::Trial;
use serde_json::Value;
use vrrp_net::lab::{Frame, Injector, Signal, Ticker, wait_until};

use self::{
    packet::Packet,
    rows::Row,
    stage::{Look, RFC9568, Router, Stage, Stages, WEB, are_as_expected, facts, of},
};
use crate::{
    evidence::number,
    support::{Outcome, Pair, SLACK, SOON, check, cut_after, now, timed, wait_for, within},
};

/// What `status` says, by the path of each value.
type Facts = BTreeMap<String, Value>;

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is refused, and counted with the virtual router that it names.
    Refused(&'static str),
    /// It is refused, and counted with the socket: it names no virtual router.
    Nobodys(&'static str),
    /// It is a valid advertisement: its sender is followed.
    Wins,
}

/// A packet for a virtual router.
#[derive(Clone)]
struct Shot {
    router: Router,
    packet: Packet,
    fate: Fate,
}

pub(crate) fn tests() -> Vec<Trial> {
    let stages = Stages::default();
    let mut trials = defects::tests(&stages);
    trials.extend(rows::all().into_iter().map(|row| trial(row, &stages)));
    trials.extend(peers::tests());
    let waiting = stages.clone();
    trials.push(timed("known_bad_packets_do_not_keep_a_backup_waiting", move |ticker| {
        waiting.run(|stage| keep_waiting(stage, ticker))
    }));
    trials.push(timed("known_bad_a_virtual_router_is_added_while_its_peers_advertise", added));
    trials
}

fn trial(row: Row, stages: &Stages) -> Trial {
    let stages = stages.clone();
    timed(format!("known_bad_{}", row.name), move |ticker| {
        let shots = (row.shots)();
        let (wins, refused): (Vec<Shot>, Vec<Shot>) =
            shots.into_iter().partition(|shot| shot.fate == Fate::Wins);
        stages.run(|stage| {
            refuse(stage, &refused, ticker)?;
            wins.iter().try_for_each(|shot| win(stage, shot))
        })
    })
}

/// Both nodes refuse these packets, and do nothing else about them.
fn refuse(stage: &mut Stage, shots: &[Shot], ticker: &Ticker) -> Outcome {
    if shots.is_empty() {
        return Ok(());
    }
    let before = stage.settled()?;
    let mut expected = [facts(&before[0]), facts(&before[1])];
    let begun = now();
    for shot in shots {
        stage.injector.send(&shot.packet.frame(None)?)?;
        expected.iter_mut().for_each(|facts| count(facts, shot));
    }
    counted(stage, &expected, &before)?;
    for (place, shot) in shots.iter().enumerate() {
        if shots.iter().skip(place + 1).all(|later| later.router != shot.router) {
            stage.kept_on(shot.router, begun, ticker)?;
        }
    }
    // And nothing has come of it by then.
    counted(stage, &expected, &before)
}

/// Waits until both nodes say what is expected.
fn counted(stage: &Stage, expected: &[Facts; 2], before: &Look) -> Outcome {
    let mut outcome = Ok(());
    wait_until(SOON / 5, || {
        outcome = are_as_expected(expected, before, &stage.look());
        outcome.is_ok()
    });
    outcome
}

/// What a refused packet changes in `status`.
fn count(facts: &mut Facts, shot: &Shot) {
    let (place, counters, reason) = match shot.fate {
        Fate::Refused(reason) => {
            (format!("/virtual_routers/{}", shot.router.name), "/counters", reason)
        }
        Fate::Nobodys(reason) => {
            let family = if shot.router.is_ipv6() { "ipv6" } else { "ipv4" };
            (format!("/ports/{family}"), "", reason)
        }
        Fate::Wins => return,
    };
    let attacker = shot.router.attacker().to_string();
    let speaker = format!("{place}/peers_refused/{attacker}");
    for path in [format!("{place}{counters}/rejected/{reason}"), format!("{speaker}/messages")] {
        let count = facts.get(&path).map_or(0, number);
        facts.insert(path, (count + 1).into());
    }
    facts.insert(format!("{speaker}/address"), attacker.into());
    facts.insert(format!("{speaker}/reason"), reason.into());
}

/// Both nodes follow the sender of this packet, until it resigns.
fn win(stage: &mut Stage, shot: &Shot) -> Outcome {
    let before = stage.settled()?;
    let router = shot.router;
    let attacker = router.attacker().to_string();
    stage.injector.send(&shot.packet.frame(None)?)?;
    let heard = |status: &Value| messages_of(status, router, &attacker);
    let mut look = Look::default();
    let followed = wait_until(router.period() * 3, || {
        look = stage.look();
        let all_heard =
            before.iter().zip(&look).all(|(before, after)| heard(after) == heard(before) + 1);
        let state = of(&look[0], router.name);
        all_heard && state["phase"] == "backup" && state["active_peer"] == attacker.as_str()
    });
    let states =
        || look.iter().map(|status| of(status, router.name).to_string()).collect::<Vec<_>>();
    check(followed, format!("{}: it is not followed: {:#?}", router.name, states()))?;
    for (before, after) in before.iter().zip(&look) {
        let rejected = |status| of(status, router.name)["counters"]["rejected"].clone();
        check(rejected(before) == rejected(after), format!("refused: {}", rejected(after)))?;
    }
    stage.injector.send(&Packet::of(router, 0).frame(None)?)?;
    stage.settled().map(drop)
}

/// How many messages of this peer a virtual router has accepted.
fn messages_of(status: &Value, router: Router, peer: &str) -> u64 {
    let heard =
        of(status, router.name)["peers_heard"].as_array().map(Vec::as_slice).unwrap_or_default();
    heard
        .iter()
        .find(|heard| heard["address"] == peer)
        .map_or(0, |heard| number(&heard["messages"]))
}

/// Active_Down_Timer of a Backup runs on while it refuses messages.
fn keep_waiting(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    stage.settled()?;
    let (a, b) = (stage.pair.a.mac, stage.pair.b.mac);
    let shots: Vec<Shot> = rows::all().into_iter().flat_map(|row| (row.shots)()).collect();
    let refused = |shot: &&Shot| shot.router == WEB && matches!(shot.fate, Fate::Refused(_));
    let frames = shots.iter().filter(refused).map(|shot| shot.packet.frame(None));
    let frames = frames.collect::<Result<Vec<_>, _>>()?;
    let capture = &stage.pair.capture;
    let is_of_a = |frame: &Frame| WEB.advert(frame, a).is_some();
    let last = cut_after(&stage.pair.a.cable, capture, WEB.period(), &is_of_a)?;
    // Skew_Time and Active_Down_Interval of b's priority (RFC 9568 6.1).
    let skew = WEB.period() * (256 - 100) / 256;
    let down = 3 * WEB.period() + skew;
    let injected = stage.injector.inject(50, down, |number| {
        let at = usize::try_from(number).unwrap_or_default() % frames.len();
        frames[at].clone()
    })?;
    println!("{} messages of {} kinds", injected.sent, frames.len());
    let is_of_b = |frame: &Frame| WEB.advert(frame, b).is_some();
    let took = wait_for(&stage.pair.capture, "takeover by b", last, is_of_b)?;
    within("takeover amid refused messages", took - last, (down, down), SLACK, ticker)?;
    stage.pair.a.cable.mend()?;
    stage.settled()?;
    // An interval after the last advertisement of b there is one more announcement of a.
    let quiet = now() + 2 * WEB.period();
    wait_for(&stage.pair.capture, "advertisement of a", quiet, is_of_a).map(drop)
}

/// A node starts with a virtual router whose peer advertises all the time, 500 times a second;
/// another one that it has beside it becomes Active.
fn added(ticker: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    let injector = Injector::new(&pair.user, pair.user_cable.interface())?;
    let strong = Packet::of(WEB, 254).frame(None)?;
    pair.a.start(&format!("{}{}", WEB.config(200), RFC9568.config(200)))?;
    injector.inject(500, Duration::from_secs(2), |_| strong.clone())?;
    let status = pair.a.status().unwrap_or_default();
    let web = of(&status, WEB.name);
    check(web["phase"] == "backup", format!("not a backup: {web}"))?;
    check(
        web["active_peer"] == WEB.attacker().to_string(),
        format!("follows somebody else: {web}"),
    )?;
    check(of(&status, RFC9568.name)["phase"] == "held", "the other one was kept from its address")?;
    let frames = pair.capture.frames();
    let sent = frames.iter().filter(|frame| WEB.advert(frame, pair.a.mac).is_some()).count();
    check(sent == 0, format!("a advertised {sent} times"))?;
    let forged = frames
        .iter()
        .filter(|frame| frame.vrrp().is_some_and(|vrrp| vrrp.source == WEB.attacker()));
    let silent = forged.map(|frame| frame.at).max().ok_or("nothing was sent")?;
    let is_of_a = |frame: &Frame| WEB.advert(frame, pair.a.mac).is_some();
    let took = wait_for(&pair.capture, "takeover by a", silent, is_of_a)?;
    let down = 3 * WEB.period() + WEB.period() * (256 - 200) / 256;
    within("takeover once they are silent", took - silent, (down, down), SLACK, ticker)?;
    pair.a.signal(Signal::SIGTERM)?;
    check(pair.a.wait()?, format!("a did not end with status 0: {}", pair.a.log()))
}
