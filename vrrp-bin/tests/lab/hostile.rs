//! Advertisements that must change nothing but counters, slowly and as floods.

use std::{net::IpAddr, time::Duration};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;
use vrrp_net::lab::{Capture, Injector, Signal, Ticker, wait_until};

use crate::{
    evidence::{
        Schedule, counts_are, grown, number, of, port, refused_are_named, router, same_phases,
        times, unchanged,
    },
    forge::{Destination, Flaw, Target, forged},
    processor::{Waited, used},
    support::{
        Node, Outcome, Pair, SOON, check, has_moved, milliseconds, now, timed, timed_alone,
        wait_for, within,
    },
};

/// What lateness of processes and of the kernel is allowed, beside the ticker's gap.
const SLACK: Duration = Duration::from_millis(20);
/// The same while the attacker keeps one of the machine's processors busy.
const FLOOD_SLACK: Duration = Duration::from_millis(50);
/// A flood's frames a second, and its length.
const FLOOD: (u32, Duration) = (50_000, Duration::from_secs(5));
/// Fewer a second are no flood.
const LEAST_RATE: u128 = 10_000;
/// How often a node looks at refused messages, and how many at once after a quiet time.
const SAMPLES: (u64, u64) = (64, 8);
/// What forged advertisements claim.
const STRONGEST: u8 = 254;

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        timed("hostile_multicast_changes_only_counters", |ticker| drizzle(false, ticker)),
        timed("hostile_unicast_changes_only_counters", |ticker| drizzle(true, ticker)),
        timed_alone("hostile_weaker_advertisements_are_answered_ten_times_an_interval", weaker),
        timed_alone("hostile_floods_change_only_counters", floods),
    ]
}

/// Every flaw at every target, two of each a second for ten seconds.
fn drizzle(unicast: bool, ticker: &Ticker) -> Outcome {
    let pair = start(unicast)?;
    let nodes = [&pair.a, &pair.b];
    let before = settled(nodes)?;
    let mut frames = Vec::new();
    for target in Target::ALL {
        for flaw in target.flaws() {
            for destination in destinations(&pair, target, unicast) {
                frames.push(forged(target, Some(*flaw), STRONGEST, unicast, destination)?);
            }
        }
    }
    let injector = Injector::new(&pair.user, pair.user_cable.interface())?;
    let rate = 2 * u32::try_from(frames.len())?;
    let begun = now();
    let injected =
        injector.inject(rate, Duration::from_secs(10), |number| pick(&frames, number))?;
    let ended = now();
    println!("{} messages in {}", injected.sent, milliseconds(injected.took));
    check(injected.sent == 10 * u64::from(rate), "the machine was too slow to attack")?;
    for (node, before) in nodes.into_iter().zip(&before) {
        let done = || node.status().is_some_and(|after| counts_are(before, &after, 20).is_ok());
        wait_until(SOON, done);
        let after = node.status().unwrap_or_default();
        counts_are(before, &after, 20).map_err(|why| format!("{}: {why}", node.name))?;
        unchanged(node, before, &after)?;
        refused_are_named(&after, unicast)?;
    }
    check(pair.capture.dropped() == 0, "the capture missed frames")?;
    let schedule = Schedule { begun, ended, slack: SLACK, unicast };
    schedule.kept(&pair.capture.frames(), pair.a.mac, Some(pair.b.mac), ticker)?;
    without_flaws_they_win(&pair, &injector, unicast, &before[0])
}

/// It was the flaws that kept the attacker out.
fn without_flaws_they_win(
    pair: &Pair,
    injector: &Injector,
    unicast: bool,
    before: &Value,
) -> Outcome {
    for target in Target::ALL {
        for destination in destinations(pair, target, unicast) {
            injector.send(&forged(target, None, STRONGEST, unicast, destination)?)?;
        }
    }
    let has_yielded = |after: &Value, target| {
        has_moved(router(before, target), router(after, target)).unwrap_or(false)
    };
    let all_have = |after: Value| Target::ALL.iter().all(|target| has_yielded(&after, *target));
    check(
        wait_until(SOON, || pair.a.status().is_some_and(all_have)),
        "a does not yield to what has no flaw",
    )
}

/// Valid advertisements of priority 1, 5,000 a second: RFC 9568 6.4.3 has each of them answered.
fn weaker(ticker: &Ticker) -> Outcome {
    let target = Target::V3Ipv4;
    let interval = target.interval();
    let pair = start(false)?;
    let before = settled([&pair.a, &pair.b])?;
    let frame = forged(target, None, 1, false, Destination::group(target))?;
    let injector = Injector::new(&pair.user, pair.user_cable.interface())?;
    let begun = now();
    let injected = injector.inject(5_000, Duration::from_secs(3), |_| frame.clone())?;
    let ended = now();
    let after = [&pair.a, &pair.b].map(|node| node.status().unwrap_or_default());
    let frames = pair.capture.frames();
    let sent = times(&frames, pair.a.mac, target, false);
    let sent: Vec<Duration> = sent.into_iter().filter(|at| (begun..ended).contains(at)).collect();
    let garps = frames.iter().filter(|frame| frame.at >= begun && frame.garp().is_some()).count();
    let counted = |name| {
        let of = |status: &Value| number(&router(status, target)["counters"][name]);
        of(&after[0]) - of(&before[0])
    };
    let (answers, withheld) = (counted("answers_sent"), counted("answers_withheld"));
    println!("{} heard, {answers} answered, {withheld} not; {garps} announcements", injected.sent);
    // Ten answers and the one that was due.
    let allowed = FLOOD_SLACK + ticker.worst_gap();
    for span in sent.windows(12) {
        let took = span[11] - span[0];
        check(took + allowed >= interval, format!("12 advertisements in {}", milliseconds(took)))?;
    }
    check(answers >= 20 && withheld >= 1_000, "the counters do not show the flood")?;
    check(answers + withheld <= injected.sent, "more was answered than asked")?;
    check(garps <= 4, format!("{garps} announcements in 3 s"))?;
    let from_b =
        times(&frames, pair.b.mac, target, false).into_iter().filter(|at| *at >= begun).count();
    check(from_b == 0, format!("b advertised {from_b} times"))?;
    same_phases(&pair.a, &before[0], &after[0])?;
    same_phases(&pair.b, &before[1], &after[1])?;
    let late = sent.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default();
    within(
        "longest gap between advertisements",
        late,
        (Duration::ZERO, interval),
        FLOOD_SLACK,
        ticker,
    )
}

/// Floods of what the kernel's filter cannot judge and of what it can, then one of everything.
fn floods(ticker: &Ticker) -> Outcome {
    let Pair { mut a, mut b, user, user_cable, capture, switch, folder } = start(false)?;
    // It would read the flood four times over.
    drop(capture);
    let captures = [Capture::sent(&a.cable)?, Capture::sent(&b.cable)?];
    let injector = Injector::new(&user, user_cable.interface())?;
    let one = |target, flaw| [(target, flaw)].to_vec();
    let every = Target::ALL
        .into_iter()
        .flat_map(|target| target.flaws().iter().map(move |flaw| (target, *flaw)));
    let rows = [
        ("wrong-checksum", one(Target::V3Ipv4, Flaw::Checksum)),
        ("wrong-password", one(Target::V2, Flaw::Password)),
        ("wrong-ttl", one(Target::V3Ipv4, Flaw::Ttl)),
        ("everything", every.collect()),
    ];
    for (name, kinds) in rows {
        for attempt in 1.. {
            println!("flood of {name}:");
            let pid = a.process()?.pid();
            let (begun, before) = (now(), Waited::of(pid)?);
            let outcome = flood([&mut a, &mut b], &captures, &injector, &kinds, ticker);
            let (took, waited) = (now() - begun, Waited::of(pid)?.since(&before));
            println!("a waited {} for a processor", milliseconds(waited));
            let Err(failed) = outcome else { break };
            let why = format!("{name}: {}", failed.message().unwrap_or_default());
            // On two processors it shares with b and the attacker, and waits for a third of the
            // time.
            if waited < took / 2 || attempt == 3 {
                return Err(why.into());
            }
            println!("inconclusive: the machine had other work: {why}");
        }
    }
    let target = Target::V3Ipv4;
    let begun = now();
    a.signal(Signal::SIGTERM)?;
    let resigned = wait_for(&captures[0], "resignation", begun, |frame| {
        frame.vrrp().is_some_and(|vrrp| vrrp.payload.get(1..3) == Some(&[target.vrid(), 0]))
    })?;
    let took = wait_for(&captures[1], "takeover", resigned, |frame| {
        of(frame, b.mac, target, false).is_some()
    })?;
    let skew = target.interval() * (256 - 100) / 256;
    within("hand-over after the floods", took - resigned, (skew, skew), SLACK, ticker)?;
    b.wait_for_phase("held")?;
    drop((switch, folder));
    Ok(())
}

fn flood(
    nodes: [&mut Node; 2],
    captures: &[Capture; 2],
    injector: &Injector,
    kinds: &[(Target, Flaw)],
    ticker: &Ticker,
) -> Outcome {
    let pids = [nodes[0].process()?.pid(), nodes[1].process()?.pid()];
    let nodes = nodes.map(|node| &*node);
    let before = settled(nodes)?;
    let mut frames = Vec::new();
    for (target, flaw) in kinds {
        let group = Destination::group(*target);
        frames.push(forged(*target, Some(*flaw), STRONGEST, false, group)?);
    }
    let spent = [used(pids[0])?, used(pids[1])?];
    let begun = now();
    let injected = injector.inject(FLOOD.0, FLOOD.1, |number| pick(&frames, number))?;
    let ended = now();
    let spent = [used(pids[0])? - spent[0], used(pids[1])? - spent[1]];
    let rate = u128::from(injected.sent) * 1000 / injected.took.as_millis().max(1);
    println!("{rate} a second; processor time of a {:?}, of b {:?}", spent[0], spent[1]);
    check(rate >= LEAST_RATE, "the machine was too slow to attack")?;
    for (node, before) in nodes.into_iter().zip(&before) {
        let after = node.status().unwrap_or_default();
        unchanged(node, before, &after)?;
        flood_is_counted(node, before, &after, kinds, injected.took)?;
    }
    for (capture, node) in captures.iter().zip(nodes) {
        check(capture.dropped() == 0, format!("the capture at {} missed frames", node.name))?;
    }
    let schedule = Schedule { begun, ended, slack: FLOOD_SLACK, unicast: false };
    schedule.kept(&captures[0].frames(), nodes[0].mac, None, ticker)?;
    schedule.kept_silent(&captures[1].frames(), nodes[1].mac)
}

/// What was read has its reason, and what was not is counted as overflow. What the kernel's filter
/// sorts out is looked at only so often.
fn flood_is_counted(
    node: &Node,
    before: &Value,
    after: &Value,
    kinds: &[(Target, Flaw)],
    took: Duration,
) -> Outcome {
    let overflow = |name: &str| {
        let sum = |status: &Value| {
            [false, true].map(|ipv6| number(&port(status, ipv6)[name])).iter().sum::<u64>()
        };
        sum(after) - sum(before)
    };
    let (heard, refused) = (overflow("overflow_heard"), overflow("overflow_refused"));
    let (per_second, burst) = SAMPLES;
    let mut counted = Vec::new();
    for (target, flaw) in kinds {
        let count = grown(before, after, *target, *flaw);
        counted.push(format!("{} {} {count}", target.name(), flaw.reason()));
        // Of all the others only samples are looked at.
        let heard = matches!(flaw, Flaw::Checksum | Flaw::ZeroInterval | Flaw::Password);
        if heard || kinds.len() == 1 {
            check(count > 0, format!("{}: {} did not grow", node.name, flaw.reason()))?;
        }
        if *flaw == Flaw::Ttl {
            let most = per_second * (took.as_secs() + 1) + burst;
            check(count <= most, format!("{} looked at {count} refused messages", node.name))?;
        }
    }
    println!("{}: {}; overflow: {heard} heard, {refused} refused", node.name, counted.join(", "));
    let [(_, flaw)] = kinds else {
        return check(heard + refused > 0, format!("{}: no overflow", node.name));
    };
    check(
        *flaw != Flaw::Ttl || refused > 0,
        format!("{}: no overflow of refused messages", node.name),
    )
}

/// Two nodes with a virtual router for each target: a holds all of them.
fn start(unicast: bool) -> Result<Pair, Failed> {
    let mut pair = Pair::new()?;
    pair.a.start(&config(200, unicast))?;
    pair.b.start(&config(100, unicast))?;
    pair.a.wait_for_phase("held")?;
    pair.b.wait_for_phase("backup")?;
    Ok(pair)
}

/// In unicast the attacker is a peer like the others, so that only the flaw is between it and the
/// addresses.
fn config(priority: u8, unicast: bool) -> String {
    let section = |target: Target| {
        let (addresses, peers) = match target {
            Target::V3Ipv4 => ("\"10.0.0.100/24\"", "\"10.0.0.1\", \"10.0.0.2\", \"10.0.0.9\""),
            Target::V3Ipv6 => {
                ("\"fe80::100\", \"fd00::100/64\"", "\"fd00::1\", \"fd00::2\", \"fd00::9\"")
            }
            Target::V2 => ("\"10.0.0.110/24\"", "\"10.0.0.1\", \"10.0.0.2\", \"10.0.0.9\""),
        };
        let peers = if unicast { format!("peers = [{peers}]\n") } else { String::new() };
        let password = if target == Target::V2 { "password = \"d0cker\"\n" } else { "" };
        let (name, vrid, version) = (target.name(), target.vrid(), target.version());
        let interval = target.interval().as_millis();
        format!(
            "[[virtual_router]]\nname = \"{name}\"\ninterface = \"eth0\"\nvrid = {vrid}\nversion = \
             {version}\n\
             addresses = [{addresses}]\npriority = {priority}\ninterval = \
             \"{interval}ms\"\n{peers}{password}"
        )
    };
    Target::ALL.map(section).concat()
}

/// The states of two nodes, of which b has heard a on behalf of every virtual router.
fn settled(nodes: [&Node; 2]) -> Result<[Value; 2], Failed> {
    let hears = |status: &Value| {
        Target::ALL.iter().all(|target| router(status, *target)["active_peer"].is_string())
    };
    let heard = wait_until(SOON, || nodes[1].status().is_some_and(|status| hears(&status)));
    check(heard, format!("b does not follow a; its log:\n{}", nodes[1].log()))?;
    Ok(nodes.map(|node| node.status().unwrap_or_default()))
}

fn destinations(pair: &Pair, target: Target, unicast: bool) -> Vec<Destination> {
    if !unicast {
        return vec![Destination::group(target)];
    }
    let address = |last: u8| match target.is_ipv6() {
        false => IpAddr::from([10, 0, 0, last]),
        true => IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, u16::from(last)]),
    };
    [(1, pair.a.mac), (2, pair.b.mac)]
        .map(|(last, mac)| Destination { address: address(last), mac: Some(mac) })
        .to_vec()
}

fn pick(frames: &[Vec<u8>], number: u64) -> Vec<u8> {
    let at = usize::try_from(number).unwrap_or_default() % frames.len();
    frames[at].clone()
}
