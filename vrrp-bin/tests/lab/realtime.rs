//! The real-time priority of the driver's thread: granted, and refused.

use std::{fs, process::Command};

use libtest_mimic::{Failed, Trial};
use vrrp_net::Realtime;

use crate::support::{Node, Outcome, Pair, check};

const CONFIG: &str = "
[[virtual_router]]
interface = \"eth0\"
vrid = 51
addresses = [\"10.0.0.100/24\"]
interval = \"100ms\"
[daemon]
realtime = 7
";
/// SCHED_OTHER and SCHED_RR of sched(7).
const ORDINARY: &str = "0";
const ROUND_ROBIN: &str = "2";

pub(crate) fn tests() -> Vec<Trial> {
    vec![Trial::test("realtime_granted", granted), Trial::test("realtime_refused", refused)]
}

/// The driver's thread has the priority, and no other has.
fn granted() -> Outcome {
    if let Err(error) = Realtime::try_from(7)?.try_out() {
        println!("skipped: {error}");
        return Ok(());
    }
    let mut pair = Pair::new()?;
    pair.a.start(CONFIG)?;
    pair.a.wait_for_phase("held")?;
    let threads = threads(&mut pair.a)?;
    let expected =
        |name: &str| if name == "vrrp-driver" { ("7", ROUND_ROBIN) } else { ("0", ORDINARY) };
    for Thread { name, priority, policy } in &threads {
        let (expected, found) = (expected(name), (priority.as_str(), policy.as_str()));
        check(expected == found, format!("{name} has {found:?} and not {expected:?}"))?;
    }
    let has = |name: &str| threads.iter().any(|thread| thread.name == name);
    check(has("vrrp-driver") && has("vrrp-netlink"), "a thread has another name")?;
    check(!pair.a.log().contains("realtime-refused"), format!("it was refused:\n{}", pair.a.log()))
}

/// Without the right the node works all the same, and says what is missing; `vrrp check` says it
/// before.
fn refused() -> Outcome {
    let mut pair = Pair::new()?;
    pair.a.start_command(CONFIG, without_the_right())?;
    pair.a.wait_for_phase("held")?;
    let ordinary = |thread: &Thread| thread.policy == ORDINARY;
    check(threads(&mut pair.a)?.iter().all(ordinary), "it has a priority that it may not have")?;
    let log = pair.a.log();
    let told = log.lines().filter(|line| line.contains("event=realtime-refused"));
    let told: Vec<&str> =
        told.filter(|line| line.contains("grant CAP_SYS_NICE, or an RLIMIT_RTPRIO of 7")).collect();
    check(told.len() == 1, format!("it said:\n{log}"))?;

    let file = pair.folder.path().join("a.toml");
    let mut command = without_the_right();
    command.arg("check").arg("-c").arg(&file);
    let output = pair.a.host.run(move || command.output())??;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let place = format!("{}:8:12: warning: the real-time priority 7 was refused", file.display());
    check(said.contains(&place), format!("it said:\n{said}"))?;
    check(output.status.code() == Some(3), format!("the exit status is {}", output.status))
}

/// A wrapper that runs a program without the right to any real-time priority.
fn without_the_right() -> Command {
    let mut command = Command::new("prlimit");
    command.args([
        "--rtprio=0:0",
        "setpriv",
        "--bounding-set",
        "-sys_nice",
        "--inh-caps",
        "-sys_nice",
    ]);
    command.arg(env!("CARGO_BIN_EXE_vrrp"));
    command
}

struct Thread {
    name: String,
    priority: String,
    policy: String,
}

/// The threads of a node, as the kernel tells of them (proc_pid_stat(5)).
fn threads(node: &mut Node) -> Result<Vec<Thread>, Failed> {
    let tasks = fs::read_dir(format!("/proc/{}/task", node.process()?.pid()))?;
    // One may end meanwhile.
    let stats = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("stat")).ok());
    Ok(stats.filter_map(|stat| thread(&stat)).collect())
}

fn thread(stat: &str) -> Option<Thread> {
    let (head, rest) = stat.rsplit_once(") ")?;
    let (_, name) = head.split_once('(')?;
    // The state is field 3, the priority field 40, the policy field 41.
    let mut fields = rest.split(' ').skip(37).map(str::to_owned);
    Some(Thread { name: name.to_owned(), priority: fields.next()?, policy: fields.next()? })
}
