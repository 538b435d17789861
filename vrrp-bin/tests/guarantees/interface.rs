//! The interface of the active node is deleted and made anew.

use std::time::Duration;

use libtest_mimic::Failed;
use vrrp_net::lab::Ticker;

use crate::{
    Case, Play,
    figures::{Figures, late, short},
    play::beside,
    site::{A, B, Plan, Site, TENTH, pass},
    support::{SLACK, check, now},
};

/// For how long there is none.
const AWAY: Duration = Duration::from_secs(1);

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "interface_lone",
        fault: "interface deleted and re-created, lone node, 100 ms interval",
        promise: "active as soon as keepalived, within 20 ms",
        seconds: 5,
        needs: None,
        is_long: false,
        play: Play::Timed(|ticker| recreated(&Plan::lone(TENTH), ticker)),
    },
    Case {
        name: "interface_peer",
        fault: "interface deleted and re-created, beside a peer, 100 ms interval",
        promise: "active as soon as keepalived, within 20 ms",
        seconds: 5,
        needs: None,
        is_long: false,
        play: Play::Timed(|ticker| recreated(&Plan::pair(TENTH), ticker)),
    },
];

fn recreated(plan: &Plan, ticker: &Ticker) -> Result<Figures, Failed> {
    let seen = beside(plan, recreate)?;
    let allowed = SLACK + late(ticker);
    // By the arithmetic alone, where there is no keepalived to be compared with.
    let most = plan.active_down(A) + TENTH;
    let most = seen.theirs.as_ref().map_or(most, |theirs| most.min(*theirs)) + allowed;
    seen.judge(
        |after| check(*after <= most, format!("active again later than {}", short(most))),
        |after| format!("active again {} after", short(*after)),
    )
}

/// How long after its interface was there again the node has the address and the client is served.
fn recreate(site: &mut Site) -> Result<Duration, Failed> {
    site.elect()?;
    let begun = now();
    site.members[A].node.cable.destroy()?;
    if site.members.len() > 1 {
        site.advert(B, begun)?;
    }
    pass(begun + AWAY);
    let there = now();
    site.members[A].node.cable.restore()?;
    let back = site.members[A].wait_for_address(there)?;
    site.members[A].wait_for_active()?;
    if site.members.len() > 1 {
        site.members[B].wait_for_backup()?;
    }
    site.is_served()?;
    site.is_at(A)?;
    Ok(back - there)
}
