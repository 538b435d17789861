//! Another binary in the place of the one that runs, twenty times on each of two nodes.

use std::{fs, path::Path, process::Command};

use libtest_mimic::Trial;
use vrrp_net::lab::{Client, Signal, Ticker};

use super::{RATE, lost, router};
use crate::support::{Node, Outcome, Pair, SOON, check, timed_alone};

const TIMES: usize = 20;

pub(super) fn test() -> Trial {
    timed_alone("restart_with_another_binary_loses_nothing", play)
}

/// What an upgrade does: the file is replaced, and the program is stopped and started.
fn replace(node: &mut Node, config: &str, folder: &Path) -> Outcome {
    let (new, program) = (folder.join("vrrp.new"), folder.join("vrrp"));
    fs::copy(env!("CARGO_BIN_EXE_vrrp"), &new)?;
    fs::rename(new, &program)?;
    node.signal(Signal::SIGTERM)?;
    check(node.wait()?, "it does not end well")?;
    node.start_command(config, Command::new(program))
}

fn play(_: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    let folder = pair.folder.path().to_owned();
    let of = |priority: &str| router("web", 51, "\"10.0.0.100/24\"", priority);
    let (strong, weak) = (of("priority = 200"), of("priority = 100"));
    pair.a.start(&strong)?;
    pair.a.wait_for_phase("held")?;
    pair.b.start(&weak)?;
    pair.b.wait_for_phase("backup")?;
    let client = Client::start(&pair.user, "10.0.0.100".parse()?, RATE)?;
    check(client.wait_for_reply(client.mark(), SOON), "the client gets no answer")?;
    let (mut all, begun) = (Vec::new(), client.mark());
    for _ in 0..TIMES {
        let mark = client.mark();
        replace(&mut pair.b, &weak, &folder)?;
        pair.b.wait_for_phase("backup")?;
        let of_b = lost(&client, mark)?;
        let mark = client.mark();
        replace(&mut pair.a, &strong, &folder)?;
        pair.a.wait_for_phase("held")?;
        pair.b.wait_for_phase("backup")?;
        all.push((of_b, lost(&client, mark)?));
    }
    let total = client.between(begun, client.mark());
    println!("{TIMES} times, of the weaker and of the stronger node: {all:?}; in all {total:?}");
    let sum: u64 = all.iter().map(|(weak, strong)| weak + strong).sum();
    check(sum == 0, format!("{sum} packets are lost"))
}
