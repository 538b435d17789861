//! By unicast: the peer dies, and a routing protocol withdraws the way to it.

use std::time::Duration;

use libtest_mimic::Failed;
use vrrp_net::lab::{Loss, Ticker, wait_until};

use crate::{
    Case,
    figures::{Figures, at_most, short},
    member::ip,
    network::Network,
    play::beside,
    site::{A, B, Plan, Site, TENTH, pass},
    support::{Outcome, SLACK, SOON, check, now, within},
};

/// For how long the survivor must serve on.
const LONG: Duration = Duration::from_secs(3);
const PROMISE: &str = "the peer takes over after its Active_Down_Interval, and serves";

pub(crate) const CASES: &[Case] = &[
    Case::timed(
        "f03_route_withdrawn_ipv4",
        "unicast: the active node is cut off, and the peer's route to it withdrawn, 100 ms \
         interval",
        PROMISE,
        8,
        |ticker| withdrawn(Network::RoutedIpv4, ticker),
    ),
    Case::timed("f03_route_withdrawn_ipv6", "the same by IPv6", PROMISE, 8, |ticker| {
        withdrawn(Network::RoutedIpv6, ticker)
    }),
];

/// What the survivor did.
struct Withdrawn {
    /// When it had the address, since the dead node's last advertisement.
    took: Option<Duration>,
    /// Whether it has it three seconds later.
    serves: bool,
    loss: Loss,
}

fn withdrawn(network: Network, ticker: &Ticker) -> Result<Figures, Failed> {
    let plan = Plan::pair(TENTH).by(network);
    let seen = beside(&plan, |site| play(site, network))?;
    seen.judge(|seen| takes_over(seen, &plan, ticker), tell)
}

fn play(site: &mut Site, network: Network) -> Result<Withdrawn, Failed> {
    site.elect()?;
    let mark = site.client.mark();
    site.after_advert(A, TENTH / 2)?;
    site.members[A].node.cable.cut()?;
    ip(&site.members[B].node.host, &network.withdraw())?;
    let begun = now();
    let frames = site.capture.frames();
    let sent = frames.iter().filter(|frame| site.members[A].said(frame).is_some());
    let last = sent.map(|frame| frame.at).max().ok_or("a sent nothing")?;
    let taken =
        || site.members[B].watch.held().iter().map(|held| held.from).find(|from| *from >= last);
    wait_until(SOON.min(LONG), || taken().is_some());
    let took = taken().map(|at| at - last);
    pass(begun + LONG);
    let serves = site.members[B].is_active();
    Ok(Withdrawn { took, serves, loss: site.client.between(mark, site.client.mark()) })
}

fn takes_over(seen: &Withdrawn, plan: &Plan, ticker: &Ticker) -> Outcome {
    let Withdrawn { took, serves, loss } = seen;
    let down = plan.active_down(B);
    let took = took.ok_or("the peer did not take over")?;
    within("takeover", took, (down, down), SLACK, ticker)?;
    check(*serves, "the peer gave the address up")?;
    at_most("the client was cut off for", loss.longest_gap, down, ticker)
}

fn tell(seen: &Withdrawn) -> String {
    let gap = short(seen.loss.longest_gap);
    let serves = if seen.serves { "serves" } else { "does not serve" };
    match seen.took {
        Some(took) => {
            format!(
                "takeover after {}; {} later it {serves}; client cut off for {gap}",
                short(took),
                short(LONG)
            )
        }
        None => format!("no takeover in {}; client cut off for {gap}", short(LONG)),
    }
}
