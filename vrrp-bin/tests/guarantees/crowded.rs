//! A host with ten thousand addresses, others of which come and go all the time.

use std::time::Duration;

use libtest_mimic::Failed;
use vrrp_net::lab::{Host, Ticker};

use crate::{
    Case,
    attic::{self, Remains},
    crowd::{self, Flood},
    figures::{Figures, short},
    play::beside,
    site::{A, Plan, Site, pass},
    support::{Outcome, check, now},
};

const INTERVAL: Duration = Duration::from_millis(10);
const LASTS: Duration = Duration::from_secs(3);
/// After each pair of changes: 500 changes a second.
const PAUSE: Duration = Duration::from_millis(4);

pub(crate) const CASES: &[Case] = &[Case::timed(
    "a8_ten_thousand_addresses",
    "10,000 addresses on the active node's host, 500 changes a second of others, 10 ms interval",
    "advertises as on time as with the same on another host",
    16,
    crowded,
)];

/// What the active node sent in [`LASTS`].
#[derive(Debug)]
struct Sent {
    adverts: usize,
    worst_gap: Duration,
    changes: u32,
}

/// With the changes on its host, and with them on another one.
struct Crowded {
    here: Sent,
    elsewhere: Sent,
}

fn crowded(_: &Ticker) -> Result<Figures, Failed> {
    let seen = beside(&Plan::pair(INTERVAL), |site| {
        let elsewhere = Host::new("next")?;
        crowd::fill(&site.members[A].node.host)?;
        crowd::fill(&elsewhere)?;
        site.elect()?;
        let seen = Crowded {
            elsewhere: flooded(site, &elsewhere)?,
            here: flooded(site, &site.members[A].node.host)?,
        };
        attic::keep(Remains::Host(elsewhere));
        Ok(seen)
    })?;
    seen.judge(keeps_its_schedule, tell)
}

fn flooded(site: &Site, host: &Host) -> Result<Sent, Failed> {
    let flood = Flood::start(host, PAUSE)?;
    let begun = now();
    pass(begun + LASTS);
    let frames = site.capture.frames();
    let sent =
        frames.iter().filter(|frame| frame.at >= begun && site.members[A].said(frame).is_some());
    let times: Vec<Duration> = sent.map(|frame| frame.at).collect();
    let gaps = times.windows(2).filter_map(|pair| Some(*pair.last()? - *pair.first()?));
    let worst_gap = gaps.max().unwrap_or(LASTS);
    Ok(Sent { adverts: times.len(), worst_gap, changes: 2 * flood.stop()? })
}

fn keeps_its_schedule(seen: &Crowded) -> Outcome {
    let Crowded { here, elsewhere } = seen;
    check(here.changes >= 1000, format!("there were {} changes", here.changes))?;
    // A twentieth is the machine's.
    let enough = here.adverts * 20 >= elsewhere.adverts * 19;
    check(enough, format!("{here:?}, and with the changes elsewhere {elsewhere:?}"))
}

fn tell(seen: &Crowded) -> String {
    let Crowded { here, elsewhere } = seen;
    format!(
        "{} advertisements in {}, worst gap {}; with the changes elsewhere {}, worst gap {}",
        here.adverts,
        short(LASTS),
        short(here.worst_gap),
        elsewhere.adverts,
        short(elsewhere.worst_gap)
    )
}
