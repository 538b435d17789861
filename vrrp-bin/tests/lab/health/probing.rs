//! A proxy that probes who is active, as the load balancers of clouds do: HAProxy, with the settings of
//! `docs/cloud-probes.md`.

use std::{
    fs,
    net::Ipv4Addr,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use libtest_mimic::{Failed, Trial};
use vrrp_net::lab::{Host, Process, Ticker};

use super::server::{Server, Service};
use crate::{
    client::Client,
    faults::config,
    support::{Outcome, Pair, SOON, check, timed},
};

const HOSTS: [&[&str]; 3] = [&["192.0.2.1/24"], &["192.0.2.2/24"], &["192.0.2.9/24"]];
/// Where the proxy takes requests.
const PROXY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 80);
const INTERVAL: Duration = Duration::from_millis(100);

/// It waits for seconds of requests: where everything is played.
pub(crate) fn tests(everything: bool) -> Vec<Trial> {
    if !everything {
        return Vec::new();
    }
    let name = "probe_of_a_proxy_finds_who_is_active";
    let is_missing = Command::new("haproxy").arg("-v").stdout(Stdio::null()).status().is_err();
    if is_missing {
        println!("skipped: {name}: haproxy is not installed");
    }
    vec![timed(name, it_finds_who_is_active).with_ignored_flag(is_missing)]
}

/// The service runs on both hosts all the time, so that only the probe says where requests belong.
fn it_finds_who_is_active(_: &Ticker) -> Outcome {
    let mut pair = Pair::of(HOSTS)?;
    let folder = pair.folder.path();
    let _a = Server::start(Service::Http, &pair.a.host, "192.0.2.1", folder)?;
    let _b = Server::start(Service::Http, &pair.b.host, "192.0.2.2", folder)?;
    let _proxy = proxy(&pair.user, folder)?;
    let of = |priority| {
        let router = config(priority, INTERVAL, &[ADDRESS]);
        format!("{router}\n[daemon]\nprobe = \"0.0.0.0:8111\"\n")
    };
    let (strong, weak) = (of(150), of(100));
    pair.a.start(&strong)?;
    pair.a.wait_for_phase("held")?;
    pair.b.start(&weak)?;
    pair.b.wait_for_phase("backup")?;
    let client = Client::of_http(&pair.user, PROXY)?;
    client.wait_for(1, client.mark())?;

    let mark = client.mark();
    pair.a.process()?.kill()?;
    client.wait_for(2, mark)?;
    println!("killed: {:?}", client.since(mark));
    // It preempts, and has the requests again.
    let mark = client.mark();
    pair.a.start(&strong)?;
    pair.a.wait_for_phase("held")?;
    client.wait_for(1, mark)?;
    println!("preempted: {:?}", client.since(mark));
    let mark = client.mark();
    let drained = pair.a.ask(&["drain"])?;
    check(drained.status.success(), String::from_utf8_lossy(&drained.stderr))?;
    client.wait_for(2, mark)?;
    println!("drained: {:?}", client.since(mark));
    // And nothing goes astray while nothing happens.
    let mark = client.mark();
    client.keep_asking(SOON / 5)?;
    let loss = client.since(mark);
    check(loss.lost == 0, format!("{loss:?}"))
}

fn proxy(host: &Host, folder: &Path) -> Result<Process, Failed> {
    let page = include_str!("../../../../docs/cloud-probes.md");
    let (_, page) = page.split_once("```haproxy\n").ok_or("no example")?;
    let (example, _) = page.split_once("```").ok_or("no end")?;
    let path = folder.join("haproxy.cfg");
    fs::write(&path, example)?;
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(path).stdin(Stdio::null());
    Ok(host.spawn(command)?)
}
