//! Environments of the images as they are run: addresses on another interface, a file of
//! keepalived's in place of variables, and the check of an API server.

use std::{
    fs::{self, File},
    net::TcpListener,
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
        timed("places_of_a_file_that_an_image_reads", |_| file()),
        timed("places_of_arcts_environment_whose_api_server_dies", |_| api_server()),
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
    site.pair.a.wait_for_phase("held")?;
    site.eth1(Who::A).unplug()?;
    are_gone(&site, &there)?;
    site.eth1(Who::A).plug()?;
    are_there(&site, &there)?;
    daemon.signal(Signal::SIGTERM)?;
    are_gone(&site, &there)
}

/// The file is run, with a check of the environment's, and not the variables beside it.
fn file() -> Outcome {
    let site = Site::new()?;
    let path = site.pair.folder.path().join("keepalived.conf");
    let text = "vrrp_instance WEB {\n interface eth0\n virtual_router_id 7\n virtual_ipaddress \
        {\n  10.0.0.9/24\n  10.0.1.9/24 dev eth1\n }\n}\n";
    fs::write(&path, text)?;
    let port = listen(&site)?;
    let variables = [
        ("KEEPALIVED_CONF", path.to_str().unwrap_or_default()),
        ("KEEPALIVED_VIRTUAL_IPS", "10.0.0.10/24"),
        ("VRRP_CHECK_TCP", "127.0.0.1:6443"),
        ("VRRP_CHECK_INTERVAL", "200ms"),
    ];
    let daemon = run(&site, &variables)?;
    let there = ["address eth0 10.0.0.9/24 ", "address eth1 10.0.1.9/24 "];
    are_there(&site, &there)?;
    check(site.pair.a.router(0)["name"] == "WEB", format!("{:#}", site.pair.a.router(0)))?;
    let lines = site.lines(Who::A)?;
    let of_variable = lines.iter().any(|line| line.starts_with("address eth0 10.0.0.10/"));
    check(!of_variable, format!("the variable counts beside the file: {lines:#?}"))?;
    drop(port);
    are_gone(&site, &there)?;
    daemon.signal(Signal::SIGTERM)?;
    site.wait_for_nothing(Who::A, "after a stop")
}

/// Without a weight, a node without an API server holds nothing.
fn api_server() -> Outcome {
    let site = Site::new()?;
    let variables = [
        ("KEEPALIVED_UNICAST_PEER_1", "10.0.0.2"),
        ("KEEPALIVED_VIRTUAL_IPADDRESS_1", "10.0.0.9/24 dev eth0"),
        ("KEEPALIVED_KUBE_APISERVER_CHECK", "true"),
        ("KUBE_APISERVER_CHK_INTERVAL", "1"),
        ("KUBE_APISERVER_CHK_FALL", "2"),
        ("KUBE_APISERVER_CHK_RISE", "1"),
        ("KUBE_APISERVER_CHK_WEIGHT", "0"),
    ];
    let server = listen(&site)?;
    let daemon = run(&site, &variables)?;
    let there = ["address eth0 10.0.0.9/24 "];
    are_there(&site, &there)?;
    drop(server);
    are_gone(&site, &there)?;
    site.pair.a.wait_for_check("kube-apiserver", "bad", SOON)?;
    let _server = listen(&site)?;
    are_there(&site, &there)?;
    daemon.signal(Signal::SIGTERM)?;
    site.wait_for_nothing(Who::A, "after a stop")
}

/// Something on the first node that accepts connections where an API server does.
fn listen(site: &Site) -> Result<TcpListener, Failed> {
    Ok(site.node(Who::A).host.run(|| TcpListener::bind("127.0.0.1:6443"))??)
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

fn are_gone(site: &Site, lines: &[&str]) -> Outcome {
    let are = wait_until(SOON, || {
        let found = site.lines(Who::A).unwrap_or_default();
        !lines.iter().any(|one| found.iter().any(|line| line.starts_with(one)))
    });
    check(are, format!("{lines:?} are still there\n{}", site.log(Who::A)))
}

fn are_there(site: &Site, wanted: &[&str]) -> Outcome {
    let mut lines = Vec::new();
    let are = wait_until(SOON, || {
        lines = site.lines(Who::A).unwrap_or_default();
        wanted.iter().all(|one| lines.iter().any(|line| line.starts_with(one)))
    });
    check(are, format!("{wanted:?} are not all there: {lines:#?}\n{}", site.log(Who::A)))
}
