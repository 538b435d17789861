//! The network loses packets.

use std::time::Duration;

use libtest_mimic::Failed;
use vrrp_net::lab::{Direction, Ticker};

use crate::{
    Case, Play,
    figures::{Figures, at_most, overlap, short},
    play::beside,
    site::{A, B, Plan, Site, TENTH, pass},
    support::now,
};

const PERCENT: f64 = 30.0;
const LASTS: Duration = Duration::from_secs(60);
/// For how long the client may be cut off at once.
const CUT: Duration = Duration::from_secs(1);

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "loss_between",
        fault: "30 % loss between the nodes for 60 s, the client's cable clean, 100 ms interval",
        promise: "the client is never cut off for longer than 1 s at once",
        seconds: 65,
        needs: Some("nft"),
        is_long: false,
        play: Play::Timed(between),
    },
    Case {
        name: "loss_everywhere",
        fault: "30 % loss on the whole cable of the active node for 60 s, 100 ms interval",
        promise: "(measured)",
        seconds: 65,
        needs: Some("nft"),
        is_long: true,
        play: Play::Timed(everywhere),
    },
];

/// What a lossy minute did.
struct Minute {
    longest: Duration,
    lost: u64,
    takeovers: usize,
    both: Duration,
}

fn between(ticker: &Ticker) -> Result<Figures, Failed> {
    let seen = beside(&Plan::pair(TENTH), |site| {
        lossy(site, |site| {
            let [a, b] = [A, B].map(|who| &site.members[who].node.cable);
            a.lose_to(b, PERCENT)?;
            Ok(b.lose_to(a, PERCENT)?)
        })
    })?;
    seen.judge(|minute| at_most("the client was cut off for", minute.longest, CUT, ticker), tell)
}

fn everywhere(_: &Ticker) -> Result<Figures, Failed> {
    let seen = beside(&Plan::pair(TENTH), |site| {
        lossy(site, |site| {
            let cable = &site.members[A].node.cable;
            cable.lose(PERCENT, Direction::FromHost)?;
            Ok(cable.lose(PERCENT, Direction::ToHost)?)
        })
    })?;
    seen.judge(|_| Ok(()), tell)
}

fn lossy(
    site: &mut Site,
    lose: impl FnOnce(&Site) -> Result<(), Failed>,
) -> Result<Minute, Failed> {
    site.elect()?;
    let (mark, begun) = (site.client.mark(), now());
    lose(site)?;
    let end = begun + LASTS;
    pass(end);
    let last = site.client.mark();
    site.members[A].node.cable.mend()?;
    site.members[B].node.cable.mend()?;
    site.members[A].wait_for_active()?;
    site.members[B].wait_for_backup()?;
    let loss = site.loss_between(mark, last)?;
    let held = [A, B].map(|who| site.members[who].watch.held());
    let takeovers = held[B].iter().filter(|held| held.from >= begun).count();
    let both = overlap(&held[A], &held[B], begun, end);
    Ok(Minute { longest: loss.longest_gap, lost: loss.lost, takeovers, both })
}

fn tell(minute: &Minute) -> String {
    let Minute { longest, lost, takeovers, both } = minute;
    format!(
        "cut off for {} at worst, {lost} of 60,000 packets lost; {takeovers} takeovers, both had \
         it for {} in all",
        short(*longest),
        short(*both)
    )
}
