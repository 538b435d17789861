//! Environments of the two images whose addresses are on another interface.

use std::{
    fs::File,
    process::{Command, Stdio},
};

use libtest_mimic::{Failed, Trial};
use vrrp_net::lab::{Process, Signal, wait_until};

use super::site::{Site, Who};
use crate::support::{Outcome, SOON, check, timed};

pub(super) fn tests() -> Vec<Trial> {
    vec![
        timed("places_of_osixias_environment", |_| osixia()),
        timed("places_of_arcts_environment", |_| arcts()),
    ]
}

/// A list with an address on eth1, and one without a mask.
fn osixia() -> Outcome {
    let site = Site::new()?;
    let variables = [
        ("KEEPALIVED_UNICAST_PEERS", "#PYTHON2BASH:['10.0.0.2']"),
        ("KEEPALIVED_VIRTUAL_IPS", "#PYTHON2BASH:['10.0.0.9/24 dev eth1','10.0.0.10']"),
    ];
    let mut daemon = run(&site, &variables)?;
    are_there(&site, &["address eth1 10.0.0.9/", "address eth0 10.0.0.10/32 "])?;
    daemon.signal(Signal::SIGTERM)?;
    let status = daemon.wait_timeout(SOON)?;
    check(status.is_some_and(|status| status.success()), "it did not end with status 0")?;
    site.wait_for_nothing(Who::A, "after a stop")
}

/// An address that is not advertised, on eth1, which is watched: it goes down, and the node lets go
/// of both.
fn arcts() -> Outcome {
    let site = Site::new()?;
    let variables = [
        ("KEEPALIVED_UNICAST_PEER_10", "10.0.0.10"),
        ("KEEPALIVED_UNICAST_PEER_2", "10.0.0.2"),
        ("KEEPALIVED_UNICAST_PEER_1000", "10.0.0.100"),
        ("KEEPALIVED_VIRTUAL_IPADDRESS_1", "10.2.1.12/24 dev eth0"),
        ("KEEPALIVED_VIRTUAL_IPADDRESS_EXCLUDED_1", "172.16.1.20/24 dev eth1"),
        ("KEEPALIVED_TRACK_INTERFACE_1", "eth0"),
        ("KEEPALIVED_TRACK_INTERFACE_2", "eth1"),
    ];
    let daemon = run(&site, &variables)?;
    let there = ["address eth0 10.2.1.12/", "address eth1 172.16.1.20/"];
    are_there(&site, &there)?;
    check(site.pair.a.phase() == "held", format!("{:#}", site.pair.a.router(0)))?;
    site.eth1(Who::A).unplug()?;
    let is_gone = |site: &Site| {
        let lines = site.lines(Who::A).unwrap_or_default();
        !there.iter().any(|one| lines.iter().any(|line| line.starts_with(one)))
    };
    check(wait_until(SOON, || is_gone(&site)), format!("{:#?}", site.lines(Who::A)))?;
    site.eth1(Who::A).plug()?;
    are_there(&site, &there)?;
    daemon.signal(Signal::SIGTERM)?;
    check(wait_until(SOON, || is_gone(&site)), format!("{:#?}", site.lines(Who::A)))
}

/// Runs the program on the first node by its environment, which has nothing else.
fn run(site: &Site, variables: &[(&str, &str)]) -> Result<Process, Failed> {
    let node = site.node(Who::A);
    let mut command = Command::new(env!("CARGO_BIN_EXE_vrrp"));
    command.args(["run", "--from-env"]).env_clear().envs(variables.iter().copied());
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("VRRP_CONTROL", node.control());
    let log = File::create(site.pair.folder.path().join("a.log"))?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    Ok(node.host.spawn(command)?)
}

fn are_there(site: &Site, wanted: &[&str]) -> Outcome {
    let mut lines = Vec::new();
    let are = wait_until(SOON, || {
        lines = site.lines(Who::A).unwrap_or_default();
        wanted.iter().all(|one| lines.iter().any(|line| line.starts_with(one)))
    });
    check(are, format!("{wanted:?} are not all there: {lines:#?}\n{}", site.log(Who::A)))
}
