//! Fifty random configurations, one after the other: what two neighbours have in common does not
//! notice.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    process::Command,
    time::Duration,
};

use libtest_mimic::{Failed, Trial};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use vrrp_net::lab::{Client, Signal, Ticker, wait_until};

use super::{INTERVAL, adverts, lost, reload};
use crate::support::{Node, Outcome, Pair, SLACK, SOON, check, milliseconds, now, timed_alone};

const PAIRS: usize = 50;
const VRIDS: [u8; 4] = [51, 52, 53, 54];
/// How many packets a second go to each virtual router.
const RATE: u32 = 250;
/// Longer than a handover and a takeover.
const SETTLED: Duration = Duration::from_millis(900);

/// What there is to say of a virtual router.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Plan {
    priority: u8,
    preempt: bool,
    slow: bool,
    renamed: bool,
    /// Beside the first address, which each has always.
    more: BTreeSet<u8>,
}

type World = BTreeMap<u8, Plan>;

fn plan() -> impl Strategy<Value = Plan> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (101_u8..255, flags, prop::collection::btree_set(1_u8..4, 0..3)).prop_map(
        |(priority, (preempt, slow, renamed), more)| Plan {
            priority,
            preempt,
            slow,
            renamed,
            more,
        },
    )
}

/// The first is always there.
fn world() -> impl Strategy<Value = World> {
    let optional = prop::collection::vec(prop::option::of(plan()), VRIDS.len() - 1);
    (plan(), optional).prop_map(|(first, others)| {
        let others = VRIDS.iter().skip(1).zip(others);
        let others = others.filter_map(|(vrid, plan)| Some((*vrid, plan?)));
        others.chain([(VRIDS[0], first)]).collect()
    })
}

fn address(vrid: u8, number: u8) -> String {
    format!("10.0.0.{}", 100 + 10 * (vrid - VRIDS[0]) + number)
}

impl Plan {
    fn addresses(&self, vrid: u8) -> BTreeSet<String> {
        [0].iter().chain(&self.more).map(|number| address(vrid, *number)).collect()
    }

    fn interval(&self) -> Duration {
        if self.slow { 2 * INTERVAL } else { INTERVAL }
    }
}

fn text(world: &World) -> String {
    let mut text = String::new();
    for (vrid, plan) in world {
        let Plan { priority, preempt, renamed, .. } = plan;
        let name = if *renamed { "other" } else { "one" };
        let addresses: Vec<String> =
            plan.addresses(*vrid).iter().map(|address| format!("\"{address}/24\"")).collect();
        let (addresses, interval) = (addresses.join(", "), plan.interval().as_millis());
        let _ = write!(
            text,
            "[[virtual_router]]\nname = \"{name}-{vrid}\"\ninterface = \"eth0\"\nvrid = {vrid}\n\
             addresses = [{addresses}]\npriority = {priority}\npreempt = {preempt}\n\
             interval = \"{interval}ms\"\n\n"
        );
    }
    text
}

pub(super) fn test() -> Trial {
    timed_alone("reload_fifty_random_pairs", play)
}

fn play(ticker: &Ticker) -> Outcome {
    let mut runner = TestRunner::deterministic();
    let mut next = || {
        let tree = world().new_tree(&mut runner);
        tree.map(|tree| tree.current()).map_err(|why| Failed::from(why.to_string()))
    };
    let mut pair = Pair::new()?;
    let folder = pair.folder.path().to_owned();
    let mut before = next()?;
    // The weaker node has each of them.
    let all = VRIDS.map(|vrid| {
        let more = BTreeSet::new();
        (vrid, Plan { priority: 50, preempt: true, slow: false, renamed: false, more })
    });
    pair.a.start(&text(&before))?;
    pair.a.wait_for_phase("held")?;
    pair.b.start(&text(&all.into_iter().collect()))?;
    let told = folder.join("monitor");
    let mut monitor = Command::new("ip");
    monitor.args(["-o", "monitor", "address"]).stdout(fs::File::create(&told)?);
    let mut monitor = pair.a.host.spawn(monitor)?;
    let mut clients = BTreeMap::new();
    for vrid in VRIDS {
        clients.insert(vrid, Client::start(&pair.user, address(vrid, 0).parse()?, RATE)?);
    }
    for client in clients.values() {
        check(client.wait_for_reply(client.mark(), SOON), "a client gets no answer")?;
    }
    wait_until(SETTLED, || false);
    let mut worst = Duration::ZERO;
    for number in 0..PAIRS {
        let after = next()?;
        let about = |what: &str| format!("pair {number}, {before:?} -> {after:?}: {what}");
        let marks: BTreeMap<u8, _> =
            clients.iter().map(|(vrid, client)| (*vrid, client.mark())).collect();
        // One that came back without preempting leaves its address with the weaker node.
        let held = held(&pair.a);
        let (begun, said) = (now(), fs::read_to_string(&told)?.len());
        reload(&pair.a, &folder, &text(&after))?;
        wait_until(SETTLED, || false);
        let gone = deleted(fs::read_to_string(&told)?.get(said..).unwrap_or_default());
        for (vrid, new) in &after {
            let Some(old) = before.get(vrid) else { continue };
            let (Some(client), Some(mark)) = (clients.get(vrid), marks.get(vrid)) else { continue };
            let missed = lost(client, *mark)?;
            check(missed == 0, about(&format!("{missed} packets to {vrid} are lost")))?;
            let stay: BTreeSet<String> =
                old.addresses(*vrid).intersection(&new.addresses(*vrid)).cloned().collect();
            let went: Vec<&String> = gone.iter().filter(|it| stay.contains(*it)).collect();
            check(went.is_empty(), about(&format!("the kernel lost {went:?}")))?;
            if !held.contains(vrid) {
                continue;
            }
            let moments = adverts(&pair.capture, pair.a.mac, *vrid);
            let recent: Vec<_> = moments.iter().filter(|at| **at + 4 * INTERVAL >= begun).collect();
            let gap = recent.windows(2).map(|pair| pair[1].saturating_sub(*pair[0])).max();
            let gap = gap.unwrap_or(Duration::MAX);
            let interval = old.interval().max(new.interval());
            let allowed = interval + SLACK + ticker.worst_gap();
            worst = worst.max(gap.saturating_sub(interval));
            check(gap <= allowed, about(&format!("{vrid} was silent for {}", milliseconds(gap))))?;
        }
        before = after;
    }
    monitor.signal(Signal::SIGTERM)?;
    monitor.wait_timeout(SOON)?.ok_or("ip monitor does not end")?;
    println!(
        "{PAIRS} pairs: no packet lost, no address of both gone; an advertisement was late by {} \
         at worst",
        milliseconds(worst)
    );
    Ok(())
}

/// The VRIDs that a node is active for.
fn held(node: &Node) -> BTreeSet<u8> {
    let status = node.status().unwrap_or_default();
    let routers = status["virtual_routers"].as_array().cloned().unwrap_or_default();
    let active = routers.iter().filter(|router| router["state"] == "active");
    active.filter_map(|router| u8::try_from(router["vrid"].as_u64()?).ok()).collect()
}

/// The addresses that went, by what `ip -o monitor address` says.
fn deleted(said: &str) -> Vec<String> {
    let lines = said.lines().filter(|line| line.starts_with("Deleted"));
    let address = |line: &str| {
        let word = line.split_whitespace().skip_while(|word| *word != "inet").nth(1)?;
        Some(word.split('/').next()?.to_owned())
    };
    lines.filter_map(address).collect()
}
