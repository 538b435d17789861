//! Scripts in containers: in the image, which has nothing to run them, and in one that has.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

use libtest_mimic::Failed;
use vrrp_net::lab::wait_until;

use crate::{
    Outcome,
    engine::{Engine, SOON},
    image::CONFINED,
    images::{SHELL, VRRP},
    lan::Lan,
    table::{Table, milliseconds},
};

const HOST: u8 = 26;

/// Does what osixia's does: it writes to where process 1 writes, and takes STOP for a mistake. Then
/// it writes to the file that `docs/containers.md` passes on, and leaves something behind.
const SCRIPT: &str = r#"#!/bin/bash
echo "$*, said to process 1" > /proc/1/fd/1
echo "$*" >&3
sleep 2 &
[ "$3" != STOP ]
"#;
/// What it says.
const TOLD: [&str; 3] =
    ["INSTANCE VI_1 BACKUP 200", "INSTANCE VI_1 MASTER 200", "INSTANCE VI_1 STOP 200"];
/// How long what it leaves behind runs.
const LEFT: Duration = Duration::from_secs(2);
/// How long after that it may be a zombie.
const COLLECTED: Duration = Duration::from_secs(3);
/// The machine has two processors for all of it.
const SLACK: Duration = Duration::from_secs(1);

/// The image has no interpreter: that is said with its name, and everything else goes on.
pub(crate) fn without_an_interpreter(engine: &Engine, table: &Table) -> Outcome {
    let lan = Lan::of_bare_hosts(engine, "noscripts", [192, 168, 10], &[HOST], 144)?;
    let options = options(&lan)?.join(" ");
    let check = format!("docker run --rm {options} --entrypoint /vrrp {VRRP} check --from-env");
    let said = engine.shell(&format!("{check} 2>&1 || echo \"exit status $?\""))?;
    let missing = "/notify.sh cannot be run: its interpreter /bin/bash: no such file or directory";
    let warning = format!("KEEPALIVED_NOTIFY: warning: {missing}; VI_1 tells it nothing");
    let expected = [warning.as_str(), "exit status 3"];
    if let Some(line) = expected.iter().find(|line| !said.lines().any(|said| said == **line)) {
        return Err(format!("`vrrp check` does not say {line:?} but:\n{said}").into());
    }

    let name = format!("--name {}", lan.router(HOST));
    engine.shell(&format!("docker run --detach {name} {options} {VRRP}"))?;
    lan.wait_for_phase(HOST, "held")?;
    lan.docker("stop", HOST)?;
    let log = log(&lan)?;
    let of_interpreter = log.matches(missing).count();
    let not_told = log.matches("a script was to be told").count();
    table.note(format!(
        "a script without its interpreter: `vrrp check` exits with 3, the log of a run names the \
         interpreter {of_interpreter} time, and {not_told} states that were not told"
    ));
    // BACKUP, MASTER and STOP.
    if (of_interpreter, not_told) != (1, 3) {
        return Err(lan.failed(HOST, "does not say once what is missing, and each state once"));
    }
    exits_with_zero(&lan)
}

/// It is told all states in order, its lines are in the log of the container, and what it leaves
/// behind does not stay.
pub(crate) fn with_a_shell(engine: &Engine, table: &Table) -> Outcome {
    let lan = Lan::of_bare_hosts(engine, "scripts", [192, 168, 11], &[HOST], 144)?;
    let options = options(&lan)?.join(" ");
    let name = format!("--name {}", lan.router(HOST));
    engine.shell(&format!("docker run --detach {name} {options} {SHELL}"))?;
    if !wait_until(SOON, || told(&lan).is_ok_and(|lines| lines == TOLD[..2])) {
        return Err(lan.failed(HOST, &format!("has not told {TOLD:?}")));
    }

    let begun = Instant::now();
    let left = others(&lan)?;
    if left.is_empty() {
        return Err(lan.failed(HOST, "has nothing left of its script"));
    }
    let gone =
        wait_until(LEFT + COLLECTED + SLACK, || others(&lan).is_ok_and(|others| others.is_empty()));
    let after = begun.elapsed();
    if !gone {
        return Err(lan.failed(HOST, &format!("still has of {left:?}: {:?}", others(&lan)?)));
    }
    lan.docker("stop", HOST)?;
    let lines = told(&lan)?;
    if lines != TOLD {
        return Err(lan.failed(HOST, &format!("has told {lines:?}")));
    }
    // It has none of the capabilities of process 1, so that the kernel does not let it.
    let refused = "/proc/1/fd/1: Permission denied";
    let log = log(&lan)?;
    let ended = |line: &str| line.contains("/notify.sh ended with exit status 1: ");
    if !log.lines().any(|line| ended(line) && line.contains(refused)) {
        return Err(lan.failed(HOST, "does not log how the script ended that was told STOP"));
    }
    table.note(format!(
        "osixia's script in an image with a shell: BACKUP, MASTER and STOP in order; a process \
         that it left was collected {} after its end",
        milliseconds(after.saturating_sub(LEFT))
    ));
    exits_with_zero(&lan)
}

/// What a node of osixia's is run with, confined, and the script.
fn options(lan: &Lan<'_>) -> Result<Vec<String>, Failed> {
    let script = lan.engine.folder().join("notify.sh");
    fs::write(&script, SCRIPT)?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    let (own, other) = (lan.address(HOST), lan.address(HOST + 1));
    let mut options: Vec<String> = CONFINED.map(str::to_owned).into();
    options.extend([
        // Its processes are none of the script's.
        "--no-healthcheck".to_owned(),
        "--tmpfs /run".to_owned(),
        format!("--network {}", lan.beside(HOST)),
        format!("--volume {}:/notify.sh:ro", script.display()),
        format!("--env \"KEEPALIVED_UNICAST_PEERS=#PYTHON2BASH:['{own}', '{other}']\""),
        format!("--env KEEPALIVED_VIRTUAL_IPS={}", lan.address(144)),
        "--env KEEPALIVED_PRIORITY=200".to_owned(),
        "--env KEEPALIVED_NOTIFY=/notify.sh".to_owned(),
    ]);
    Ok(options)
}

/// What the script has said, without what the program logged.
fn told(lan: &Lan<'_>) -> Result<Vec<String>, Failed> {
    Ok(log(lan)?.lines().filter(|line| line.starts_with("INSTANCE ")).map(str::to_owned).collect())
}

fn log(lan: &Lan<'_>) -> Result<String, Failed> {
    lan.engine.shell(&format!("docker logs {} 2>&1", lan.router(HOST)))
}

/// The processes of the container but for the first, zombies too: what they are called.
fn others(lan: &Lan<'_>) -> Result<Vec<String>, Failed> {
    let all = lan.engine.pids(&lan.router(HOST))?;
    let first = all.first().copied();
    let others = all.into_iter().filter(|pid| Some(*pid) != first);
    let stat = |pid| fs::read_to_string(format!("/proc/{pid}/stat")).ok();
    Ok(others.filter_map(stat).collect())
}

/// A script that fails is no failure of the program.
fn exits_with_zero(lan: &Lan<'_>) -> Outcome {
    let format = ["inspect", "--format", "{{.State.ExitCode}}", &lan.router(HOST)];
    let status = lan.engine.docker(&format)?;
    if status == "0" { Ok(()) } else { Err(lan.failed(HOST, &format!("exits with {status}"))) }
}
