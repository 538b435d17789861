//! Subnets that only the virtual addresses bring. Version 0.1 put its routes otherwise: it had the
//! kernel make that of an IPv6 address.

use std::{net::IpAddr, path::Path, process::Command, time::Duration};

use libtest_mimic::Failed;
use vrrp_net::lab::{Client, Ticker, wait_until};

use crate::{
    stage::{are_answered, lost},
    support::{Node, Outcome, Pair, SOON, check, now, priority, wait_for},
};

/// In the order of the routes.
const ADDRESSES: [&str; 2] = ["203.0.113.10", "fd01::10"];
const ROUTES: [&str; 2] = ["-4 route show 203.0.113.0/24", "-6 route show fd01::/64"];
/// Longer than what was put before the kill lives.
const LATER: Duration = Duration::from_secs(4);
const CONFIG: &str = r#"
[[virtual_router]]
name = "v4"
interface = "eth0"
vrid = 51
addresses = ["203.0.113.10/24"]
priority = 200
interval = "1s"

[[virtual_router]]
name = "v6"
interface = "eth0"
vrid = 51
addresses = ["fe80::100", "fd01::10/64"]
priority = 200
interval = "1s"
"#;

/// Clients reach the addresses all the time, and the routes go when this version leaves.
pub(crate) fn kept(program: &Path, ticker: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    for own in ["203.0.113.9/24", "fd01::9/64 nodad"] {
        ip(&pair.user, &format!("address add {own} dev eth0"))?;
    }
    pair.a.start_command(CONFIG, Command::new(program))?;
    pair.a.wait_for_phase("held")?;
    check(routes(&pair.a).iter().all(|found| !found.is_empty()), "version 0.1 has put no routes")?;
    let clients = clients(&pair)?;
    let (marks, killed) = (clients.each_ref().map(Client::mark), now());
    pair.a.process()?.kill()?;
    pair.a.start(CONFIG)?;
    pair.a.wait_for_phase("adopted")?;
    // Many renewals.
    wait_until(LATER, || now() >= killed + LATER);
    let mac = pair.a.mac;
    wait_for(&pair.capture, "advertisement", killed + LATER, |frame| {
        priority(frame, mac).is_some()
    })?;
    pair.a.wait_for_phase("adopted")?;
    let found = routes(&pair.a);
    let are_there = found.iter().all(|found| !found.is_empty());
    check(are_there, format!("the routes are {found:?}; its log:\n{}", pair.a.log()))?;
    for ((client, mark), address) in clients.iter().zip(marks).zip(ADDRESSES) {
        let lost = u128::from(lost(client, mark)?);
        let allowed = ticker.worst_gap().as_millis();
        check(lost <= allowed, format!("{address}: {lost} ms lost, allowed {allowed}"))?;
    }
    leave(&mut pair)
}

fn leave(pair: &mut Pair) -> Outcome {
    pair.a.signal(vrrp_net::lab::Signal::SIGTERM)?;
    check(pair.a.wait()?, "a did not end with status 0")?;
    for address in ADDRESSES {
        check(!pair.a.has_address(address)?, format!("{address} was left behind"))?;
    }
    let are_gone = || routes(&pair.a).iter().all(String::is_empty);
    check(wait_until(SOON, are_gone), format!("routes were left behind: {:?}", routes(&pair.a)))
}

fn clients(pair: &Pair) -> Result<[Client; 2], Failed> {
    let start = |address: &str| -> Result<Client, Failed> {
        let address: IpAddr = address.parse()?;
        Ok(Client::start(&pair.user, address, 1000)?)
    };
    let [v4, v6] = ADDRESSES.map(start);
    let clients = [v4?, v6?];
    are_answered(&clients)?;
    Ok(clients)
}

/// What `ip` tells of the routes of each family.
fn routes(node: &Node) -> [String; 2] {
    ROUTES.map(|arguments| ip(&node.host, arguments).unwrap_or_default())
}

fn ip(host: &vrrp_net::lab::Host, arguments: &str) -> Result<String, Failed> {
    let output = host.run(|| Command::new("ip").args(arguments.split_whitespace()).output())??;
    let said = String::from_utf8_lossy(&output.stderr);
    check(output.status.success(), format!("ip {arguments}: {said}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
