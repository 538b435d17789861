//! Another binary in the place of the one that runs, twenty times on each of two nodes: by `vrrp
//! restart` and killed and started, which nobody notices, and stopped and started, which hands over
//! and back.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use libtest_mimic::{Failed, Trial};
use vrrp_net::lab::{Client, Held, Signal, Watch};

use super::{INTERVAL, RATE, longest_gap, lost, router};
use crate::support::{Node, Outcome, Pair, SLACK, SOON, check, milliseconds, now, timed_alone};

const TIMES: usize = 20;
/// How long a node that leaves waits at most for its successor to have the address.
const LINGER: Duration = Duration::from_millis(50);

/// How the daemon is replaced.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// `vrrp restart`.
    InPlace,
    /// Ended by a signal, and started anew.
    Ended(Signal),
}

impl How {
    /// The kernel's lease has to outlast what a process that is made anew takes to start.
    const fn interval(self) -> Duration {
        match self {
            Self::Ended(Signal::SIGKILL) => Duration::from_secs(1),
            Self::InPlace | Self::Ended(_) => INTERVAL,
        }
    }

    /// What the stronger node is afterwards.
    const fn phase(self) -> &'static str {
        match self {
            Self::InPlace | Self::Ended(Signal::SIGKILL) => "adopted",
            Self::Ended(_) => "held",
        }
    }
}

pub(super) fn test() -> Trial {
    timed_alone("reload_of_the_binary", |ticker| {
        let Played { lost: restarted, gap, .. } = play(How::InPlace)?;
        let Played { lost: killed, .. } = play(How::Ended(Signal::SIGKILL))?;
        let Played { lost: stopped, both, .. } = play(How::Ended(Signal::SIGTERM))?;
        println!(
            "packets lost at {RATE} a second, by a restart of the weaker and the stronger node:"
        );
        println!("vrrp restart: {restarted:?}; longest gap {}", milliseconds(gap));
        println!("killed and started: {killed:?}");
        println!("stopped and started: {stopped:?}");
        for (how, lost) in [("restarted", restarted), ("killed and started", killed)] {
            let sum: u64 = lost.iter().map(|(weak, strong)| weak + strong).sum();
            check(sum == 0, format!("{sum} packets are lost by nodes that were {how}"))?;
        }
        // What a machine that pauses may add, and not what a handover costs: there are forty.
        let late = ticker.worst_gap().max(ticker.worst_answer());
        let allowed = u64::try_from(late.as_millis()).unwrap_or(u64::MAX);
        let sum: u64 = stopped.iter().map(|(weak, strong)| weak + strong).sum();
        check(sum <= allowed, format!("{sum} packets are lost by nodes that were stopped"))?;
        judge_both(both, LINGER + SLACK + late)
    })
}

/// Says for how long both nodes had the address, and fails where that was longer than `most`.
fn judge_both(mut both: Vec<Duration>, most: Duration) -> Outcome {
    both.sort_unstable();
    let [median, worst] =
        [both.get(both.len() / 2), both.last()].map(|it| it.copied().unwrap_or_default());
    let (times, worst_ms) = (both.len(), milliseconds(worst));
    println!(
        "both nodes had the address {times} times, for {} in the median and {worst_ms} at most",
        milliseconds(median)
    );
    check(worst <= most, format!("both nodes had the address for {worst_ms}"))
}

/// For how long two nodes had the address together, each time.
fn together(one: &[Held], other: &[Held]) -> Vec<Duration> {
    let end = |held: &Held| held.until.unwrap_or(Duration::MAX);
    let pairs = one.iter().flat_map(|one| other.iter().map(move |other| (one, other)));
    let lasted = pairs
        .filter_map(|(one, other)| end(one).min(end(other)).checked_sub(one.from.max(other.from)));
    lasted.collect()
}

/// What an upgrade does: the file is replaced, and the program then.
fn replace(node: &mut Node, config: &str, folder: &Path, how: How) -> Outcome {
    let program = install(folder)?;
    match how {
        How::InPlace => {
            let output = node.ask(&["restart"])?;
            let said = String::from_utf8_lossy(&output.stderr);
            check(output.status.success(), format!("the restart is refused: {said}"))
        }
        How::Ended(signal) => {
            node.signal(signal)?;
            let went_well = node.wait()?;
            check(went_well || signal == Signal::SIGKILL, "it does not end well")?;
            node.start_command(config, Command::new(program))
        }
    }
}

/// Puts another file in the place of the program: one of two copies, which stay. A program of this
/// size with all that a debugger needs takes longer to be deleted than to be started.
fn install(folder: &Path) -> Result<PathBuf, Failed> {
    let (new, program) = (folder.join("vrrp.new"), folder.join("vrrp"));
    let copies = ["vrrp.1", "vrrp.2"].map(|name| folder.join(name));
    for copy in copies.iter().filter(|copy| !copy.exists()) {
        fs::copy(env!("CARGO_BIN_EXE_vrrp"), copy)?;
    }
    let inode = |path: &Path| Ok::<_, Failed>(fs::metadata(path)?.ino());
    let is_first = program.exists() && inode(&program)? == inode(&copies[0])?;
    fs::hard_link(&copies[usize::from(is_first)], &new)?;
    fs::rename(new, &program)?;
    Ok(program)
}

/// What came of all restarts.
struct Played {
    /// The packets lost by each restart of the weaker and of the stronger node.
    lost: Vec<(u64, u64)>,
    /// The longest time without an advertisement of the stronger node.
    gap: Duration,
    /// For how long both nodes had the address, each time.
    both: Vec<Duration>,
}

/// Replaces each node twenty times.
fn play(how: How) -> Result<Played, Failed> {
    let mut pair = Pair::new()?;
    let folder = pair.folder.path().to_owned();
    let of = |priority: &str| {
        let interval = format!("\"{}ms\"", how.interval().as_millis());
        router("web", 51, "\"10.0.0.100/24\"", priority).replace("\"100ms\"", &interval)
    };
    let (strong, weak) = (of("priority = 200"), of("priority = 100"));
    pair.a.start_command(&strong, Command::new(install(&folder)?))?;
    pair.a.wait_for_phase("held")?;
    pair.b.start_command(&weak, Command::new(install(&folder)?))?;
    pair.b.wait_for_phase("backup")?;
    let address = "10.0.0.100".parse()?;
    let watches = [Watch::start(&pair.a.host, address)?, Watch::start(&pair.b.host, address)?];
    let client = Client::start(&pair.user, address, RATE)?;
    check(client.wait_for_reply(client.mark(), SOON), "the client gets no answer")?;
    let (mut all, begun) = (Vec::new(), now());
    for _ in 0..TIMES {
        let mark = client.mark();
        replace(&mut pair.b, &weak, &folder, how)?;
        pair.b.wait_for_phase("backup")?;
        let of_b = lost(&client, mark)?;
        let mark = client.mark();
        replace(&mut pair.a, &strong, &folder, how)?;
        pair.a.wait_for_phase(how.phase())?;
        pair.b.wait_for_phase("backup")?;
        all.push((of_b, lost(&client, mark)?));
    }
    if how == How::InPlace {
        let log = pair.b.log();
        check(!log.contains("to=acquiring"), format!("the other node took over: {log}"))?;
    }
    let gap = longest_gap(&pair.capture, pair.a.mac, 51, begun);
    let [of_a, of_b] = watches.map(|watch| watch.held());
    Ok(Played { lost: all, gap, both: together(&of_a, &of_b) })
}
