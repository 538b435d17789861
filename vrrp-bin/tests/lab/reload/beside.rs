//! The same file changed in the same way, read again by this program and by keepalived.

use std::{fmt::Write, fs, time::Duration};

use libtest_mimic::{Failed, Trial};
use vrrp_net::lab::{Capture, Client, Keepalived, Signal, wait_until};

use super::{RATE, adverts, lost};
use crate::{
    makes::Make,
    support::{Node, Outcome, Pair, SOON, check, now, timed_alone},
};

const SECOND: Duration = Duration::from_secs(1);
/// For how long is looked, after a reload, at what comes of it.
const AFTERWARDS: Duration = Duration::from_secs(6);

/// What is changed, and how the file reads then.
const CHANGES: [(&str, [&str; 3]); 4] = [
    ("nothing changes", ["200", "10.0.0.100/24", "on"]),
    ("a priority changes", ["150", "10.0.0.100/24", "on"]),
    ("an address is added", ["150", "10.0.0.100/24\n  10.0.0.101/24", "on"]),
    ("another virtual router is removed", ["150", "10.0.0.100/24\n  10.0.0.101/24", "off"]),
];

fn file([priority, addresses, other]: [&str; 3]) -> String {
    let instance = |name: &str, vrid: u8, addresses: &str| {
        format!(
            "vrrp_instance {name} {{\n interface eth0\n virtual_router_id {vrid}\n \
             priority {priority}\n advert_int 1\n virtual_ipaddress {{\n  {addresses}\n }}\n}}\n"
        )
    };
    let web = instance("web", 51, addresses);
    let db = if other == "on" { instance("db", 52, "10.0.0.110/24") } else { String::new() };
    format!("global_defs {{\n reload_check_config\n vrrp_garp_master_delay 1\n}}\n{web}{db}")
}

/// What a reload cost.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    lost: u64,
    missed: u32,
    /// How often the peer took over, or the node resigned.
    resignations: usize,
}

pub(super) fn test() -> Trial {
    timed_alone("reload_beside_keepalived", |ticker| {
        let ours = play(Make::Ours)?;
        let mut text = format!("| | vrrp | {} |\n|---|---|---|\n", "keepalived");
        let theirs = match Keepalived::missing() {
            None => Some(play(Make::Keepalived)?),
            Some(why) => {
                println!("not beside it: {why}");
                None
            }
        };
        for (index, (what, _)) in CHANGES.iter().enumerate() {
            let cell = |costs: &[Cost]| {
                let Cost { lost, missed, resignations } =
                    costs.get(index).copied().unwrap_or_default();
                format!("{lost} lost, {missed} missed, {resignations} resigned")
            };
            let theirs = theirs.as_ref().map_or_else(|| "not run".to_owned(), |costs| cell(costs));
            let _ = writeln!(text, "| {what} | {} | {theirs} |", cell(&ours));
        }
        println!("{text}");
        for ((what, _), Cost { lost, missed, resignations }) in CHANGES.iter().zip(ours) {
            let gap = ticker.worst_gap();
            let sentence = format!("{what}: {lost} lost, {missed} missed, worst gap {gap:?}");
            check(lost == 0 && missed == 0 && resignations == 0, sentence)?;
        }
        Ok(())
    })
}

fn play(make: Make) -> Result<Vec<Cost>, Failed> {
    let mut pair = Pair::new()?;
    let folder = pair.folder.path().to_owned();
    let first = file(["200", "10.0.0.100/24", "on"]);
    let weaker = first.replace("priority 200", "priority 100");
    let a = Running::start(make, &mut pair.a, &folder, &first)?;
    let client = Client::start(&pair.user, "10.0.0.100".parse()?, RATE)?;
    check(client.wait_for_reply(client.mark(), SOON), "the client gets no answer")?;
    let _b = Running::start(make, &mut pair.b, &folder, &weaker)?;
    wait_until(2 * SECOND, || false);
    let mut costs = Vec::new();
    for (_, parts) in CHANGES {
        let (mark, begun) = (client.mark(), now());
        a.reload(&mut pair.a, &folder, &file(parts))?;
        wait_until(AFTERWARDS, || false);
        let (missed, resignations) = seen(&pair.capture, &pair.a, begun);
        costs.push(Cost { lost: lost(&client, mark)?, missed, resignations });
    }
    Ok(costs)
}

/// How many advertisements did not come, and how many resigned.
fn seen(capture: &Capture, node: &Node, since: Duration) -> (u32, usize) {
    let recent: Vec<Duration> = adverts(capture, node.mac, 51)
        .into_iter()
        .filter(|at| *at + SECOND + SECOND / 10 >= since)
        .collect();
    let missed = |gap: Duration| {
        // Half an interval late is late, and not missed.
        let intervals = (gap + SECOND / 2).as_secs().saturating_sub(1);
        u32::try_from(intervals).unwrap_or(u32::MAX)
    };
    let gaps = recent.windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
    let until_now = recent.last().map_or(AFTERWARDS, |last| now().saturating_sub(*last));
    let frames = capture.frames();
    let resigned = frames.iter().filter(|frame| {
        frame.at >= since
            && frame.vrrp().is_some_and(|vrrp| {
                vrrp.source_mac == node.mac
                    && vrrp.payload.get(1) == Some(&51)
                    && vrrp.payload.get(2) == Some(&0)
            })
    });
    (gaps.chain([until_now]).map(missed).sum(), resigned.count())
}

/// One of the two programs.
enum Running {
    Ours,
    Keepalived(Keepalived),
}

impl Running {
    fn start(
        make: Make,
        node: &mut Node,
        folder: &std::path::Path,
        config: &str,
    ) -> Result<Self, Failed> {
        if make == Make::Keepalived {
            return Ok(Self::Keepalived(Keepalived::start(&node.host, folder, config)?));
        }
        let path = folder.join(format!("{}.conf", node.name));
        fs::write(&path, config)?;
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_vrrp"));
        command.arg("run").arg("-c").arg(path).env("VRRP_CONTROL", node.control());
        node.spawn(command)?;
        Ok(Self::Ours)
    }

    fn reload(&self, node: &mut Node, folder: &std::path::Path, config: &str) -> Outcome {
        match self {
            Self::Ours => {
                fs::write(folder.join(format!("{}.conf", node.name)), config)?;
                node.signal(Signal::SIGHUP)
            }
            Self::Keepalived(keepalived) => Ok(keepalived.reload(&node.host, folder, config)?),
        }
    }
}
