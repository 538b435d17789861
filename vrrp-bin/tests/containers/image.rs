//! What the image needs, and what it costs.

use std::fs;

use libtest_mimic::Failed;
use vrrp_net::lab::wait_until;

use crate::{
    Outcome,
    engine::{Engine, SOON},
    examples,
    images::{KEEPALIVED, VRRP},
    lan::Lan,
    replace::run_keepalived,
    table::Table,
};

/// Two capabilities, and nothing to write to.
pub(crate) const CONFINED: [&str; 4] =
    ["--cap-drop=ALL", "--cap-add=NET_ADMIN", "--cap-add=NET_RAW", "--read-only"];

/// Two capabilities and nothing to write to, with a tmpfs for the control socket or another place
/// for it.
pub(crate) fn confined(engine: &Engine, table: &Table) -> Outcome {
    let lan = Lan::new(engine, "confined", [172, 30, 0], &[2, 3], 100)?;
    run(&lan, 2, &["--tmpfs", "/run", "--env", "VRRP_PRIORITY=200"])?;
    lan.wait_for_phase(2, "held")?;
    run(&lan, 3, &["--env", "VRRP_CONTROL=/dev/shm/vrrp.sock"])?;
    for host in [2, 3] {
        wait_for_health(&lan, host, "healthy")?;
        let pid = engine.pid(&lan.router(host))?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let inside =
            status.lines().find_map(|line| line.strip_prefix("NSpid:")?.split('\t').next_back());
        if inside != Some("1") {
            return Err(format!("the program is process {inside:?}").into());
        }
    }
    lan.cable(2, &["down"])?;
    wait_for_health(&lan, 2, "unhealthy")?;
    lan.cable(2, &["up"])?;
    wait_for_health(&lan, 2, "healthy")?;
    lan.docker("stop", 2)?;
    let status = engine.docker(&["inspect", "--format", "{{.State.ExitCode}}", &lan.router(2)])?;
    table.note(format!(
        "confined to two capabilities and a read-only root; the exit status of `docker stop`: \
         {status}"
    ));
    if status == "0" { Ok(()) } else { Err(format!("it exits with {status}").into()) }
}

fn run(lan: &Lan<'_>, host: u8, more: &[&str]) -> Outcome {
    let (router, beside) = (lan.router(host), lan.beside(host));
    let mut arguments = vec!["run", "--detach", "--name", &router, "--network", &beside];
    arguments.extend(CONFINED);
    // The same command as the image's, more often.
    arguments.extend(["--health-interval=1s", "--env", "VRRP_ADDRESSES=172.30.0.100/24"]);
    arguments.extend(more);
    arguments.push(VRRP);
    lan.engine.docker(&arguments).map(drop)
}

fn wait_for_health(lan: &Lan<'_>, host: u8, wanted: &str) -> Outcome {
    let format = ["inspect", "--format", "{{.State.Health.Status}}"];
    let mut health = String::new();
    let is = wait_until(SOON, || {
        let [a, b, c] = format;
        health = lan.engine.docker(&[a, b, c, &lan.router(host)]).unwrap_or_default();
        health == wanted
    });
    if is { Ok(()) } else { Err(lan.failed(host, &format!("is {health} and not {wanted}"))) }
}

/// Beside Debian with keepalived, both in a pair that is at rest.
pub(crate) fn cost(engine: &Engine, table: &Table) -> Outcome {
    let lan = Lan::new(engine, "cost", [10, 2, 1], &[10, 11], 12)?;
    examples::unbound(&lan, 10, "first.env")?;
    run_keepalived(&lan, 11, 10, "BACKUP", 100)?;
    lan.client.wait_for(10, lan.client.mark())?;
    let (ours, theirs) = (memory(&lan, 10)?, memory(&lan, 11)?);
    let (our_size, their_size) = (size(engine, VRRP)?, size(engine, KEEPALIVED)?);
    table.note(format!("memory (Pss): {ours} KiB, and {theirs} KiB with keepalived"));
    table
        .note(format!("image: {our_size:.1} MB, and {their_size:.1} MB of Debian with keepalived"));
    if ours > 20_000 || our_size > 20.0 { Err("that is too much".into()) } else { Ok(()) }
}

fn size(engine: &Engine, image: &str) -> Result<f64, Failed> {
    let bytes: f64 =
        engine.docker(&["image", "inspect", "--format", "{{.Size}}", image])?.parse()?;
    Ok(bytes / 1e6)
}

/// The proportional share of memory of all processes of what holds the address.
fn memory(lan: &Lan<'_>, host: u8) -> Result<u64, Failed> {
    let mut sum = 0;
    for pid in lan.engine.pids(&lan.router(host))? {
        // One that only asks for its health may have ended by now.
        let Ok(text) = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) else { continue };
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        sum += number.unwrap_or_default();
    }
    if sum == 0 { Err("no Pss in smaps_rollup".into()) } else { Ok(sum) }
}
