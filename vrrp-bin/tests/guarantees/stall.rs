//! A process hangs, and goes on later.

use std::time::Duration;

use libtest_mimic::Failed;
use vrrp_net::lab::Ticker;

use crate::{
    Case,
    figures::{Figures, Spread, at_most, overlap, short},
    play::{beside, many, together, with_keepalived},
    site::{A, B, Plan, SECOND, Site, TENTH, pass},
    support::{check, now},
};

/// For how long it hangs beside a peer, and alone.
const HANGS: Duration = Duration::from_secs(5);
const LONE: Duration = Duration::from_secs(4);
const RUNS: u32 = 10;
/// The shortest lease that the kernel knows, and by how much it was ever seen to end late.
const SHORTEST_LEASE: Duration = Duration::from_secs(1);
const LATEST_SWEEP: Duration = Duration::from_millis(2300);

pub(crate) const CASES: &[Case] = &[
    Case::timed(
        "hang_1s",
        "SIGSTOP 5 s, then CONT, 1 s interval",
        "median of 10: both had it for at most 0.3 s; at most one announcement in the second after \
         it",
        18,
        |ticker| suspended(SECOND, Duration::from_millis(300), ticker),
    ),
    Case::timed(
        "hang_100ms",
        "SIGSTOP 5 s, then CONT, 100 ms interval",
        "the kernel's shortest lease, 1 s, and its lateness; at most one announcement in the \
         second after it",
        13,
        |ticker| suspended(TENTH, SHORTEST_LEASE + LATEST_SWEEP, ticker),
    ),
    Case::timed(
        "hang_lone_1s",
        "lone node, SIGSTOP 4 s, 1 s interval",
        "serves again within 2 intervals of CONT",
        13,
        |ticker| lone(SECOND, ticker),
    ),
    Case::timed(
        "hang_lone_100ms",
        "lone node, SIGSTOP 4 s, 100 ms interval",
        "serves again within 2 intervals of CONT",
        7,
        |ticker| lone(TENTH, ticker),
    ),
];

/// What became of a node that hung beside a peer.
struct Hang {
    both: Duration,
    announced: usize,
    lost: u64,
}

fn suspended(interval: Duration, median: Duration, ticker: &Ticker) -> Result<Figures, Failed> {
    let plan = Plan { rate: 100, ..Plan::tight_pair(interval) };
    let seen = together(
        || many(RUNS, &plan, |site, run| hang(site, interval * run / RUNS)),
        || with_keepalived(&plan, |site| hang(site, interval / 2)),
    )?;
    let both = Spread::of(seen.ours.iter().map(|hang| hang.both));
    let bursts = seen.ours.iter().map(|hang| hang.announced).max().unwrap_or_default();
    let lost = seen.ours.iter().map(|hang| hang.lost).max().unwrap_or_default();
    seen.judge_each(
        |_| {
            at_most("both had the address, median", both.median(), median, ticker)?;
            check(
                bursts <= 1,
                format!("the node announced the address {bursts} times on its return"),
            )
        },
        |_| on_return(&both.to_string(), bursts, lost),
        |hang| on_return(&short(hang.both), hang.announced, hang.lost),
    )
}

fn on_return(both: &str, announced: usize, lost: u64) -> String {
    format!(
        "both had it: {both}; in the first second after CONT {announced} announcements, {lost} ms \
         lost"
    )
}

fn hang(site: &mut Site, phase: Duration) -> Result<Hang, Failed> {
    site.elect()?;
    site.after_advert(A, phase)?;
    let begun = now();
    site.members[A].suspend()?;
    site.advert(B, begun)?;
    site.members[B].wait_for_active()?;
    pass(begun + HANGS);
    let mark = site.client.mark();
    let resumed = now();
    site.members[A].resume()?;
    let end = resumed + SECOND;
    pass(end);
    let lost = site.loss_since(mark)?.lost * 1000 / u64::from(site.plan.rate);
    let both = overlap(&site.members[A].watch.held(), &site.members[B].watch.held(), begun, end);
    let holders = site.holders();
    check(
        holders.len() == 1,
        format!("the address is at {holders:?} one second after the return"),
    )?;
    Ok(Hang { both, announced: site.announcements(A, resumed, end), lost })
}

fn lone(interval: Duration, ticker: &Ticker) -> Result<Figures, Failed> {
    let play = |site: &mut Site| -> Result<(Duration, usize), Failed> {
        site.elect()?;
        let begun = now();
        site.members[A].suspend()?;
        pass(begun + LONE);
        let resumed = now();
        site.members[A].resume()?;
        let mark = site.client.mark();
        site.is_served()?;
        let reply = site.client.since(mark).first_reply.ok_or("the client gets no answer")?;
        // The burst goes on a second after its beginning.
        let end = resumed + reply + SECOND / 2;
        pass(end);
        Ok((reply, site.announcements(A, resumed, end)))
    };
    let seen = beside(&Plan::lone(interval), play)?;
    seen.judge(
        |(after, announced)| {
            at_most("the first answer after CONT", *after, 2 * interval, ticker)?;
            check(*announced == 1, format!("the address was announced {announced} times by then"))
        },
        |(after, announced)| {
            format!("after {}, announced {announced} times by then", short(*after))
        },
    )
}
