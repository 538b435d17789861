//! A node leaves on purpose.

use std::time::Duration;

use libtest_mimic::Failed;
use vrrp_net::lab::{Keepalived, Loss, Ticker};

use crate::{
    Case,
    figures::{Figures, at_most, loses_nothing, short},
    member::Make,
    play::{alone, beside, on},
    site::{A, B, C, Plan, SECOND, Site, TENTH},
    support::{check, now},
};

const LOSES_FIVE: &str = "at most 5 ms lost";

pub(crate) const CASES: &[Case] = &[
    Case::timed("stop_1s", "graceful stop (SIGTERM), 1 s interval", LOSES_FIVE, 8, |ticker| {
        stop(SECOND, ticker)
    }),
    Case::timed("stop_100ms", "graceful stop, 100 ms interval", LOSES_FIVE, 3, |ticker| {
        stop(TENTH, ticker)
    }),
    Case::timed(
        "stop_three",
        "graceful stop, two successors",
        "at most 5 ms lost; the stronger one follows",
        10,
        stop_three,
    ),
    Case::timed(
        "stop_lone",
        "graceful stop, no successor",
        "address and process gone after an interval and 100 ms",
        6,
        stop_lone,
    ),
    Case::timed(
        "stop_other_v2",
        "graceful stop, keepalived is the backup, VRRPv2",
        LOSES_FIVE,
        8,
        |ticker| stop_other(2, ticker),
    ),
    Case::timed(
        "stop_other_v3",
        "graceful stop, keepalived is the backup, VRRPv3",
        LOSES_FIVE,
        8,
        |ticker| stop_other(3, ticker),
    ),
    Case::timed(
        "rolling_restart",
        "rolling restart of both nodes under traffic",
        "at most 5 ms lost in each of the four steps",
        16,
        rolling_restart,
    ),
];

fn stop(interval: Duration, ticker: &Ticker) -> Result<Figures, Failed> {
    let seen = beside(&Plan::pair(interval), |site| {
        site.elect()?;
        stop_active(site)
    })?;
    seen.judge(|loss| loses_nothing("graceful stop", loss, ticker), lost)
}

/// The active node is asked to leave. What the client lost until its successor serves.
fn stop_active(site: &mut Site) -> Result<Loss, Failed> {
    let (mark, begun) = (site.client.mark(), now());
    site.members[A].terminate()?;
    site.advert(B, begun)?;
    site.members[A].wait()?;
    site.members[B].wait_for_active()?;
    let loss = site.loss_since(mark)?;
    site.is_at(B)?;
    Ok(loss)
}

fn stop_three(ticker: &Ticker) -> Result<Figures, Failed> {
    let seen = beside(&Plan::three(SECOND), |site| {
        site.elect()?;
        let begun = now();
        let loss = stop_active(site)?;
        Ok((loss, site.adverts(C, begun)))
    })?;
    let judge = |(loss, weaker): &(Loss, usize)| {
        loses_nothing("graceful stop", loss, ticker)?;
        check(*weaker == 0, format!("the weaker successor advertised {weaker} times"))
    };
    seen.judge(judge, |(loss, _)| lost(loss))
}

/// Nobody is there to take over: it waits for somebody as long as it says, and then lets go.
fn stop_lone(ticker: &Ticker) -> Result<Figures, Failed> {
    let bound = SECOND + TENTH;
    let (released, ended) = alone(&Plan::lone(SECOND), Make::Ours, |site| {
        site.elect()?;
        let begun = now();
        site.members[A].terminate()?;
        let released = site.members[A].wait_for_loss(begun)?;
        site.members[A].wait()?;
        Ok((released - begun, now() - begun))
    })?;
    at_most("the address was released after", released, bound, ticker)?;
    // The process has to end, too.
    at_most("the process ended after", ended, bound + TENTH, ticker)?;
    Ok(Figures::alone(format!(
        "address gone after {}, process after {}",
        short(released),
        short(ended)
    )))
}

fn stop_other(version: u8, ticker: &Ticker) -> Result<Figures, Failed> {
    if let Some(why) = Keepalived::missing() {
        return Ok(Figures::alone(format!("not measured: {why}")));
    }
    let plan = Plan { version, ..Plan::pair(SECOND) };
    let site = &mut Site::new(&plan, &[Make::Ours, Make::Keepalived])?;
    let loss = on(site, |site| {
        site.elect()?;
        stop_active(site)
    })?;
    loses_nothing("graceful stop", &loss, ticker)?;
    Ok(Figures::alone(lost(&loss)))
}

/// One node after the other is stopped and started again, as an update does it.
fn rolling_restart(ticker: &Ticker) -> Result<Figures, Failed> {
    let seen = beside(&Plan::pair(SECOND), |site| {
        site.elect()?;
        let mut steps = vec![("the active node stops", stop_active(site)?)];
        let mark = site.client.mark();
        site.members[A].start()?;
        site.members[A].wait_for_active()?;
        site.members[B].wait_for_backup()?;
        steps.push(("it comes back", site.loss_since(mark)?));
        let mark = site.client.mark();
        site.members[B].terminate()?;
        site.members[B].wait()?;
        steps.push(("the backup stops", site.loss_since(mark)?));
        let mark = site.client.mark();
        site.members[B].start()?;
        site.members[B].wait_for_backup()?;
        steps.push(("it comes back, too", site.loss_since(mark)?));
        site.is_at(A)?;
        Ok(steps)
    })?;
    seen.judge(
        |steps| steps.iter().try_for_each(|(what, loss)| loses_nothing(what, loss, ticker)),
        |steps| {
            let lost: Vec<u64> = steps.iter().map(|(_, loss)| loss.lost).collect();
            format!("{lost:?} ms lost in the four steps")
        },
    )
}

/// A packet is sent each millisecond.
fn lost(loss: &Loss) -> String {
    format!("{} ms lost", loss.lost)
}
