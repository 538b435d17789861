//! Addresses that a process left behind, and that the configuration names no more.

use std::process::{Command, Output};

use libtest_mimic::{Failed, Trial};
use vrrp_net::lab::{Signal, Ticker, wait_until};

use crate::support::{Node, Outcome, Pair, SOON, check, timed};

pub(crate) fn tests() -> Vec<Trial> {
    vec![timed("f19_what_nobody_names_is_named", named)]
}

fn config(vrid: u8, address: &str) -> String {
    format!(
        "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = {vrid}\naddresses = \
         [\"{address}/24\"]\n\
         interval = \"100ms\"\nlease = false\n"
    )
}

/// Killed, given another address, and started again: the old address is there for good, and said to
/// be.
fn named(_: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    pair.a.start(&config(51, "10.0.0.100"))?;
    pair.a.wait_for_phase("held")?;
    pair.a.process()?.kill()?;
    check(pair.a.has_address("10.0.0.100")?, "the address went with the process")?;

    let remedy = "`ip address del 10.0.0.100/24 dev eth0`";
    let said = check_of(&pair, &config(51, "10.0.0.101"))?;
    let text = String::from_utf8_lossy(&said.stderr);
    check(text.contains(remedy) && said.status.code() == Some(3), format!("check says {text}"))?;

    pair.a.start(&config(51, "10.0.0.101"))?;
    pair.a.wait_for_phase("held")?;
    let log = pair.a.log();
    check(log.contains("event=leftover") && log.contains(remedy), format!("the log says {log}"))?;
    let left = |node: &Node| {
        node.status().map(|status| status["leftovers"].to_string()).unwrap_or_default()
    };
    let expected = "[{\"address\":\"10.0.0.100/24\",\"interface\":\"eth0\"}]";
    check(left(&pair.a) == expected, format!("the status says {}", left(&pair.a)))?;

    // While another process runs virtual routers there it may be that one's.
    let said = check_of(&pair, &config(52, "10.0.0.102"))?;
    let text = String::from_utf8_lossy(&said.stderr);
    check(!text.contains(remedy), format!("beside another process, check says {text}"))?;

    let remove =
        || Command::new("ip").args(["address", "del", "10.0.0.100/24", "dev", "eth0"]).status();
    check(pair.a.host.run(remove)??.success(), "the address cannot be removed")?;
    check(
        wait_until(SOON, || left(&pair.a) == "[]"),
        format!("the status says {}", left(&pair.a)),
    )?;
    pair.a.signal(Signal::SIGTERM)?;
    check(pair.a.wait()?, "a did not end with status 0")
}

/// What `vrrp check` says on the host of a.
fn check_of(pair: &Pair, config: &str) -> Result<Output, Failed> {
    let file = pair.folder.path().join("checked.toml");
    std::fs::write(&file, config)?;
    let run = || Command::new(env!("CARGO_BIN_EXE_vrrp")).args(["check", "-c"]).arg(&file).output();
    Ok(pair.a.host.run(run)??)
}
