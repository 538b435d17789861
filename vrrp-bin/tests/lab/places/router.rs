//! The deployment `examples/deploy/lo-router`, with the files that are there: the address on `lo` of
//! the active node, and a router that follows by OSPF.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr},
    path::Path,
    process::Command,
    time::Duration,
};

use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;
use vrrp_net::lab::{Cable, Client, Host, Mark, Ospf, Signal, Switch, Ticker, wait_until};

use super::faults::loss;
use crate::{
    interfaces::{answered, ip},
    support::{Node, Outcome, SOON, check, skew, timed},
};

/// The service's address.
const SERVICE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 10);
/// Of the files.
const INTERVAL: Duration = Duration::from_millis(200);
/// OSPF's dead interval, `minimal`.
const DEAD: Duration = Duration::from_secs(1);
/// How long OSPF may need to tell an address, and the router to use it.
const FOLLOWS: Duration = Duration::from_millis(500);

/// It is as slow as OSPF: where everything is played.
pub(super) fn tests(everything: bool) -> Vec<Trial> {
    let missing = Ospf::missing();
    if let Some(reason) = missing.as_ref().filter(|_| everything) {
        println!("skipped: places_lo_router_follows: {reason}");
    }
    let test = timed("places_lo_router_follows", follows).with_ignored_flag(missing.is_some());
    if everything { vec![test] } else { Vec::new() }
}

struct Deployment {
    first: Node,
    second: Node,
    router: Host,
    user: Host,
    folder: TempDir,
    _switches: [Switch; 3],
}

impl Deployment {
    fn new() -> Result<Self, Failed> {
        let folder = TempDir::with_prefix("vrrp-test-")?;
        let switches = [Switch::new()?, Switch::new()?, Switch::new()?];
        let [one, two, lan] = &switches;
        let first = Node::new("first", one, &["10.1.1.2/24"], folder.path())?;
        let second = Node::new("second", two, &["10.1.2.2/24"], folder.path())?;
        let (router, user) = (Host::new("router")?, Host::new("user")?);
        Cable::new(&router, "eth0", lan, &["10.1.9.1/24"])?;
        Cable::new(&router, "eth1", one, &["10.1.1.1/24"])?;
        Cable::new(&router, "eth2", two, &["10.1.2.1/24"])?;
        Cable::new(&user, "eth0", lan, &["10.1.9.2/24"])?;
        ip(&user, "route add default via 10.1.9.1")?;
        router.run(|| fs::write("/proc/sys/net/ipv4/ip_forward", "1"))??;
        Ok(Self { first, second, router, user, folder, _switches: switches })
    }

    /// Starts OSPF on all three, and waits until the router knows both nodes.
    fn route(&self) -> Result<[Ospf; 3], Failed> {
        let start = |host: &Host, file| -> Result<Ospf, Failed> {
            Ok(Ospf::start(host, self.folder.path(), &read(file)?)?)
        };
        let all = [
            start(&self.router, "router.frr.conf")?,
            start(&self.first.host, "first.frr.conf")?,
            start(&self.second.host, "second.frr.conf")?,
        ];
        let [router, ..] = &all;
        check(
            wait_until(3 * SOON, || router.full_neighbors() == 2),
            format!("{}\n{}", router.ask("show ip ospf neighbor"), router.log()),
        )?;
        Ok(all)
    }

    /// Waits until the router's kernel has this way to the service, and no other.
    fn wait_for_way(&self, gateway: &str) -> Outcome {
        let mut found = String::new();
        let is_so = wait_until(2 * SOON, || {
            found = self.router.run(ways).unwrap_or_default();
            found.contains(&format!("via {gateway} ")) && !found.contains("nexthop")
        });
        check(is_so, format!("the router's way is not via {gateway} but {found:?}"))
    }
}

/// The routes to the service of the calling thread's host.
fn ways() -> String {
    let mut command = Command::new("ip");
    command.args(["route", "show", &SERVICE.to_string()]);
    let output = command.output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).into_owned()
}

fn read(file: &str) -> Result<String, Failed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/deploy/lo-router");
    Ok(fs::read_to_string(folder.join(file))?)
}

fn follows(ticker: &Ticker) -> Outcome {
    let mut all = Deployment::new()?;
    let _ospf = all.route()?;
    let (first, second) = (read("first.toml")?, read("second.toml")?);
    all.first.start(&first)?;
    all.first.wait_for_phase("held")?;
    all.second.start(&second)?;
    all.second.wait_for_phase("backup")?;
    all.wait_for_way("10.1.1.2")?;
    let client = Client::start(&all.user, IpAddr::V4(SERVICE), 1000)?;
    answered(&client)?;

    // It leaves: the other one has it, and OSPF needs a moment.
    let mark = client.mark();
    all.first.signal(Signal::SIGTERM)?;
    check(all.first.wait()?, "the first node did not end with status 0")?;
    all.second.wait_for_phase("held")?;
    all.wait_for_way("10.1.2.2")?;
    away("the active node leaves", &client, mark, FOLLOWS, ticker)?;

    // Its process dies: until its lease ends its kernel answers, and by then the other one does.
    all.first.start(&first)?;
    all.first.wait_for_phase("backup")?;
    let mark = client.mark();
    all.second.process()?.kill()?;
    all.first.wait_for_phase("held")?;
    all.wait_for_way("10.1.1.2")?;
    away("its process is killed", &client, mark, FOLLOWS, ticker)?;

    // Its cable is cut: the router notices when it has heard nothing for the dead interval.
    all.second.start(&second)?;
    all.second.wait_for_phase("backup")?;
    let mark = client.mark();
    all.first.cable.unplug()?;
    all.second.wait_for_phase("held")?;
    all.wait_for_way("10.1.2.2")?;
    let takeover = 3 * INTERVAL + skew(INTERVAL, 100);
    away("its cable is cut", &client, mark, DEAD.max(takeover) + FOLLOWS, ticker)?;
    check(!all.first.has_address(&SERVICE.to_string())?, "the first node kept the address")
}

/// Fails if the service was away for longer than this.
fn away(what: &str, client: &Client, mark: Mark, most: Duration, ticker: &Ticker) -> Outcome {
    answered(client)?;
    let lost = loss(client, mark);
    println!("{what}: {lost}");
    let most = most + ticker.worst_gap();
    check(lost.longest_gap <= most, format!("{what}: {lost}, allowed {most:?}"))
}
