//! Who becomes active: of two that start together, after a crash of several, and when one cannot.

use std::time::Duration;

use libtest_mimic::Failed;
use vrrp_net::lab::{Ticker, wait_until};

use crate::{
    Case,
    figures::{Figures, Spread, at_most, overlap, short},
    member::{Make, Member},
    play::{beside, many, together, with_keepalived},
    site::{A, B, C, Plan, SECOND, Site, TENTH, pass},
    support::{Outcome, SLACK, SOON, check, now, within},
};

/// How long the program may take until it listens.
const STARTUP: Duration = Duration::from_millis(200);
const RUNS: u32 = 5;
/// For how long a node that cannot have the address is looked at.
const LONG: Duration = Duration::from_secs(5);

const ONE: &str =
    "one is active after its Active_Down_Interval; never both for longer than an interval";

pub(crate) const CASES: &[Case] = &[
    Case::timed(
        "start_together_1s",
        "both started in the same millisecond, 1 s interval",
        ONE,
        8,
        |ticker| start(&Plan::pair(SECOND), ticker),
    ),
    Case::timed(
        "start_together_100ms",
        "both started in the same millisecond, 100 ms interval",
        ONE,
        4,
        |ticker| start(&Plan::pair(TENTH), ticker),
    ),
    Case::timed("start_together_equal", "the same, equal priorities", ONE, 4, |ticker| {
        start(&Plan::equal_pair(TENTH), ticker)
    }),
    Case::timed(
        "three_nodes",
        "three nodes, the active one is killed, twice, 1 s interval",
        "the next follows each time after its Active_Down_Interval",
        15,
        three_nodes,
    ),
    Case {
        needs: Some("setpriv"),
        ..Case::timed(
            "denied",
            "the address cannot be set (no CAP_NET_ADMIN), 1 s interval",
            "the node does not claim it, and the peer serves on",
            12,
            denied,
        )
    },
];

/// What became of two that started together.
struct Start {
    /// When the first packet of the client was answered.
    served: Duration,
    both: Duration,
}

fn start(plan: &Plan, ticker: &Ticker) -> Result<Figures, Failed> {
    let seen = together(
        || many(RUNS, plan, |site, _| start_together(site)),
        || with_keepalived(plan, start_together),
    )?;
    let served = Spread::of(seen.ours.iter().map(|start| start.served));
    let both = Spread::of(seen.ours.iter().map(|start| start.both));
    seen.judge_each(
        |_| {
            at_most(
                "the first was active after",
                served.worst(),
                plan.active_down(A) + STARTUP,
                ticker,
            )?;
            at_most("both had the address for", both.worst(), plan.interval, ticker)
        },
        |_| format!("active after: {served}; both had it: {both}"),
        |start| {
            format!("active after {}; both had it for {}", short(start.served), short(start.both))
        },
    )
}

fn start_together(site: &mut Site) -> Result<Start, Failed> {
    let begun = now();
    site.members.iter_mut().try_for_each(Member::start)?;
    site.is_served()?;
    let mut first = None;
    wait_until(SOON, || {
        let held = site.members.iter().filter_map(|member| member.watch.held().first().copied());
        first = held.map(|held| held.from).min();
        first.is_some()
    });
    let first = first.ok_or("nobody has the address")?;
    // Until they have seen each other.
    pass(first + 3 * site.plan.interval);
    let end = now();
    let holders = site.holders();
    check(holders.len() == 1, format!("the address is at {holders:?}"))?;
    if site.plan.priorities[A] > site.plan.priorities[B] {
        site.is_at(A)?;
    }
    let both = overlap(&site.members[A].watch.held(), &site.members[B].watch.held(), begun, end);
    Ok(Start { served: first - begun, both })
}

fn three_nodes(ticker: &Ticker) -> Result<Figures, Failed> {
    let plan = Plan::three(SECOND);
    let seen = beside(&plan, |site| {
        site.elect()?;
        let first = kill(site, A, B)?;
        let second = kill(site, B, C)?;
        Ok([first, second])
    })?;
    seen.judge(
        |took| {
            [B, C]
                .into_iter()
                .zip(took)
                .try_for_each(|(heir, took)| in_time(&plan, heir, *took, ticker))
        },
        |took| format!("followed after {} and {}", short(took[0]), short(took[1])),
    )
}

fn kill(site: &mut Site, gone: usize, heir: usize) -> Result<Duration, Failed> {
    // By then the node that took over last has told everybody.
    let last = site.after_advert(gone, SECOND / 2)?;
    site.members[gone].kill()?;
    let took = site.advert(heir, last)?;
    site.members[heir].wait_for_active()?;
    site.is_served()?;
    if site.members[gone].make == Make::Ours {
        site.members[gone].wait_for_loss(last)?;
        site.is_at(heir)?;
    }
    Ok(took - last)
}

fn in_time(plan: &Plan, heir: usize, took: Duration, ticker: &Ticker) -> Outcome {
    let expected = plan.active_down(heir);
    within("takeover", took, (expected, expected), SLACK, ticker)
}

/// What became of a node that cannot have the address.
struct Denied {
    /// How often it claimed the address all the same.
    claims: usize,
    cut: Duration,
    holders: Vec<&'static str>,
}

/// The stronger node may speak, and may not have the address. The other one serves on, if this one
/// knows.
fn denied(ticker: &Ticker) -> Result<Figures, Failed> {
    let seen = beside(&Plan::pair(SECOND), |site| {
        site.members[B].start()?;
        site.members[B].wait_for_active()?;
        site.is_served()?;
        let (mark, begun) = (site.client.mark(), now());
        site.members[A].start_denied()?;
        let is_settled = wait_until(SOON, || {
            site.adverts(A, begun) > 0 || site.members[A].log().contains("hold=backend-denied")
        });
        check(is_settled, "a neither claims the address nor says that it cannot have it")?;
        pass(now() + LONG);
        let cut = site.client.since(mark).longest_gap;
        Ok(Denied { claims: site.adverts(A, begun), cut, holders: site.holders() })
    })?;
    seen.judge(|denied| serves_on(denied, ticker), tell)
}

fn serves_on(denied: &Denied, ticker: &Ticker) -> Outcome {
    let Denied { claims, cut, holders } = denied;
    check(holders == &["b"], format!("the address is at {holders:?}"))?;
    check(*claims == 0, format!("it claimed the address {claims} times"))?;
    at_most("the client was cut off for", *cut, Duration::ZERO, ticker)
}

fn tell(denied: &Denied) -> String {
    let Denied { claims, cut, holders } = denied;
    let cut = short(*cut);
    match claims {
        0 => format!("it never claims the address; client cut off for {cut}"),
        _ => format!(
            "{} later {} nodes have it; client cut off for {cut}",
            short(LONG),
            holders.len()
        ),
    }
}
