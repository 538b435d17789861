//! Another binary in the place of the one that runs, twenty times on each of two nodes: stopped and
//! started, which hands over and back, and killed and started, which nobody notices.

use std::{fs, path::Path, process::Command, time::Duration};

use libtest_mimic::{Failed, Trial};
use vrrp_net::lab::{Client, Signal, Ticker};

use super::{RATE, lost, router};
use crate::support::{Node, Outcome, Pair, SOON, check, timed_alone};

const TIMES: usize = 20;
/// What a handover may cost, away and back again: a successor takes a moment to have the address.
const HANDOVERS: u64 = 2;

pub(super) fn test() -> Trial {
    timed_alone("reload_of_the_binary", |ticker| {
        let killed = play(Signal::SIGKILL)?;
        let stopped = play(Signal::SIGTERM)?;
        println!(
            "packets lost at {RATE} a second, by a restart of the weaker and the stronger node:"
        );
        println!("killed and started: {killed:?}");
        println!("stopped and started: {stopped:?}");
        let sum: u64 = killed.iter().map(|(weak, strong)| weak + strong).sum();
        check(sum == 0, format!("{sum} packets are lost by nodes that were killed and started"))?;
        let most = stopped.iter().map(|(weak, strong)| weak + strong).max().unwrap_or_default();
        let late = allowance(ticker);
        check(most <= HANDOVERS + late, format!("{most} packets are lost by two handovers"))
    })
}

/// What a machine that pauses may add, twice.
fn allowance(ticker: &Ticker) -> u64 {
    let late: Duration = ticker.worst_gap().max(ticker.worst_answer());
    2 * u64::try_from(late.as_millis()).unwrap_or(u64::MAX)
}

/// What an upgrade does: the file is replaced, the program is ended and the new one started.
fn replace(node: &mut Node, config: &str, folder: &Path, signal: Signal) -> Outcome {
    let (new, program) = (folder.join("vrrp.new"), folder.join("vrrp"));
    fs::copy(env!("CARGO_BIN_EXE_vrrp"), &new)?;
    fs::rename(new, &program)?;
    node.signal(signal)?;
    let went_well = node.wait()?;
    check(went_well || signal == Signal::SIGKILL, "it does not end well")?;
    node.start_command(config, Command::new(program))
}

fn play(signal: Signal) -> Result<Vec<(u64, u64)>, Failed> {
    let mut pair = Pair::new()?;
    let folder = pair.folder.path().to_owned();
    // The kernel's lease has to outlast a start: an interval of a second.
    let of = |priority: &str| {
        let web = router("web", 51, "\"10.0.0.100/24\"", priority);
        if signal == Signal::SIGKILL { web.replace("100ms", "1s") } else { web }
    };
    let (strong, weak) = (of("priority = 200"), of("priority = 100"));
    pair.a.start(&strong)?;
    pair.a.wait_for_phase("held")?;
    pair.b.start(&weak)?;
    pair.b.wait_for_phase("backup")?;
    let client = Client::start(&pair.user, "10.0.0.100".parse()?, RATE)?;
    check(client.wait_for_reply(client.mark(), SOON), "the client gets no answer")?;
    let back = if signal == Signal::SIGKILL { "adopted" } else { "held" };
    let mut all = Vec::new();
    for _ in 0..TIMES {
        let mark = client.mark();
        replace(&mut pair.b, &weak, &folder, signal)?;
        pair.b.wait_for_phase("backup")?;
        let of_b = lost(&client, mark)?;
        let mark = client.mark();
        replace(&mut pair.a, &strong, &folder, signal)?;
        pair.a.wait_for_phase(back)?;
        pair.b.wait_for_phase("backup")?;
        all.push((of_b, lost(&client, mark)?));
    }
    Ok(all)
}
