//! Two nodes are both active while the network is parted. Once it is whole again, what ran last
//! anywhere ran for the node that stays active.

use std::{env, time::Duration};

use libtest_mimic::{Failed, Trial};
use vrrp_net::lab::{Ticker, wait_until};

use super::{Record, spread};
use crate::support::{
    Node, Outcome, Pair, SLACK, SOON, check, now, priority, skew, timed, wait_for, within,
};

pub(super) fn tests() -> Vec<Trial> {
    vec![timed("notify_after_a_partition_runs_last_on_the_node_that_stays", last)]
}

const INTERVAL: Duration = Duration::from_millis(100);
const STAYS: &str = "a INSTANCE web MASTER 200";
const TAKES: &str = "b INSTANCE web MASTER 100";
const YIELDS: &str = "b INSTANCE web BACKUP 100";
/// Both nodes write into one list.
const ALL: &str = "all";
/// Until a script has been started, has written, and was found to have.
const SCRIPT: Duration = Duration::from_millis(100);

fn last(ticker: &Ticker) -> Outcome {
    let times = if env::var_os("VRRP_TEST_ALL").is_some() { 100 } else { 3 };
    let mut pair = Pair::new()?;
    let record = Record::new(pair.folder.path())?;
    pair.a.start(&config(&record, &pair.a, 200))?;
    pair.b.start(&config(&record, &pair.b, 100))?;
    pair.a.wait_for_phase("held")?;
    pair.b.wait_for_phase("backup")?;
    let mut taken = Vec::new();
    for _ in 0..times {
        taken.push(once(&pair, &record)?);
    }
    println!("from healing to the script that runs last: {}", spread(&mut taken));
    let most = taken.last().copied().unwrap_or_default();
    // b hears a in its next advertisement, and says its last word; a hears nothing more of it for
    // an interval.
    let expected = (Duration::ZERO, 3 * INTERVAL);
    within("until the script that runs last", most, expected, SLACK + SCRIPT, ticker)
}

/// Parts the two, and heals that: how long it took until the last script ran.
fn once(pair: &Pair, record: &Record) -> Result<Duration, Failed> {
    pair.a.cable.cut()?;
    let both = || record.told(ALL).last().is_some_and(|told| told == TAKES);
    check(wait_until(SOON, both), format!("b does not take over: {:#?}", record.told(ALL)))?;
    let before = record.told(ALL).len();
    pair.a.cable.mend()?;
    let healed = now();
    let since = || record.told(ALL).split_off(before);
    let settled = || since().contains(&YIELDS.to_owned()) && since().contains(&STAYS.to_owned());
    let logs = || format!("{:#?}\n{}\n{}", record.told(ALL), pair.a.log(), pair.b.log());
    check(wait_until(SOON, settled), format!("the two are not told: {}", logs()))?;
    let taken = now() - healed;
    // Nothing more comes in five intervals: as long as anybody waits for anything.
    let quiet = now() + 4 * INTERVAL + skew(INTERVAL, 100);
    wait_for(&pair.capture, "advertisement of a", quiet, |frame| {
        priority(frame, pair.a.mac) == Some(200)
    })?;
    check(
        since() == [YIELDS, STAYS],
        format!("{:?} ran, and the last one for another node\n{}", since(), logs()),
    )?;
    Ok(taken)
}

fn config(record: &Record, node: &Node, priority: u8) -> String {
    format!(
        "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\n\
         addresses = [\"10.0.0.100/24\"]\npriority = {priority}\ninterval = \"100ms\"\n\
         notify = {:?}\n",
        record.command(ALL, node.name)
    )
}
