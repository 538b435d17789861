//! Other processes of the node's host.

use std::{
    fs,
    net::Ipv4Addr,
    process::{Command, Stdio},
    time::Duration,
};

use libtest_mimic::Trial;
use vrrp_net::lab::{Signal, wait_until};

use crate::{
    faults::config,
    support::{Outcome, Pair, SOON, check},
};

const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 100);
const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn tests() -> Vec<Trial> {
    vec![Trial::test("a12_control_socket_of_the_second_daemon_stays", second_socket)]
}

/// The socket's file was removed and a second daemon made it anew: the first one leaves that alone when it ends.
fn second_socket() -> Outcome {
    let mut pair = Pair::new()?;
    pair.a.start(&config(200, SECOND, &[ADDRESS]))?;
    pair.a.wait_for_phase("held")?;
    let shared = pair.a.control();
    fs::remove_file(&shared)?;
    let path = pair.folder.path().join("second.toml");
    let other = config(100, SECOND, &[ADDRESS]).replace("vrid = 51", "vrid = 52");
    fs::write(&path, format!("{other}[daemon]\ncontrol = {shared:?}\n"))?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_vrrp"));
    command.args(["run", "-c"]).arg(&path).stdin(Stdio::null()).stderr(Stdio::null());
    let mut second = pair.b.host.spawn(command)?;
    check(wait_until(SOON, || shared.exists()), "the second daemon does not start")?;
    pair.a.signal(Signal::SIGTERM)?;
    check(pair.a.wait()?, "a did not end with status 0")?;
    check(shared.exists(), "the socket of the second daemon is gone")?;
    second.signal(Signal::SIGTERM)?;
    check(second.wait_timeout(SOON)?.is_some(), "the second daemon does not end")?;
    check(!shared.exists(), "the second daemon leaves its socket behind")
}
