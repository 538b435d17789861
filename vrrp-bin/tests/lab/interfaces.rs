//! Interfaces come and go, and so do their addresses: a node knows its interface by name, for ever.

#[path = "interfaces/addresses.rs"]
mod addresses;
#[path = "interfaces/detection.rs"]
mod detection;
#[path = "interfaces/incarnations.rs"]
mod incarnations;
#[path = "interfaces/learned.rs"]
mod learned;
#[path = "interfaces/names.rs"]
mod names;
#[path = "interfaces/routes.rs"]
mod routes;
#[path = "interfaces/soak.rs"]
pub(crate) mod soak;

use std::{net::IpAddr, process::Command, time::Duration};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;
use tempfile::TempDir;
use vrrp_net::lab::{Capture, Client, Host, Switch, Ticker, wait_until};

use crate::support::{
    Node, Outcome, Pair, SLACK, SOON, check, now, priority, timed, wait_for, within,
};

const INTERVAL: Duration = Duration::from_millis(100);
/// The priorities of the two nodes of a pair.
const STRONG: u8 = 200;
const WEAK: u8 = 100;

pub(crate) fn tests() -> Vec<Trial> {
    let mut tests = vec![
        timed("interface_missing_at_start_ipv4", |ticker| missing_at_start(Family::Ipv4, ticker)),
        timed("interface_missing_at_start_ipv6", |ticker| missing_at_start(Family::Ipv6, ticker)),
        timed("interface_without_address_at_start", without_address_at_start),
        timed("interface_down_and_up", down_and_up),
        timed("interface_down_and_up_at_once", down_and_up_at_once),
    ];
    tests.extend(names::tests());
    tests.extend(incarnations::tests());
    tests.extend(addresses::tests());
    tests.extend(detection::tests());
    tests.extend(routes::tests());
    tests.extend(learned::tests());
    tests.extend(soak::tests());
    tests
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Ipv4,
    Ipv6,
}

impl Family {
    const BOTH: [Self; 2] = [Self::Ipv4, Self::Ipv6];

    /// The virtual address that clients use.
    fn address(self) -> IpAddr {
        match self {
            Self::Ipv4 => IpAddr::from([10, 0, 0, 100]),
            Self::Ipv6 => IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, 0x100]),
        }
    }

    /// A virtual router of the family, for a node of this priority.
    fn config(self, priority: u8) -> String {
        match self {
            Self::Ipv4 => config("ipv4", "\"10.0.0.100/24\"", priority),
            Self::Ipv6 => config("ipv6", "\"fe80::100\", \"fd00::100/64\"", priority),
        }
    }
}

fn config(name: &str, addresses: &str, priority: u8) -> String {
    let interval = INTERVAL.as_millis();
    format!(
        "[[virtual_router]]\nname = \"{name}\"\ninterface = \"eth0\"\nvrid = 51\naddresses = \
         [{addresses}]\n\
         priority = {priority}\ninterval = \"{interval}ms\"\n"
    )
}

/// A virtual router of each family.
fn both(priority: u8) -> String {
    Family::BOTH.map(|family| family.config(priority)).concat()
}

/// Skew_Time of a node (RFC 9568 6.1).
fn skew(priority: u8) -> Duration {
    crate::support::skew(INTERVAL, priority)
}

/// Active_Down_Interval of a node (RFC 9568 6.1).
fn active_down(priority: u8) -> Duration {
    3 * INTERVAL + skew(priority)
}

/// Runs `ip` with these arguments on a host.
pub(crate) fn ip(host: &Host, arguments: &str) -> Outcome {
    let change = || Command::new("ip").args(arguments.split_whitespace()).output();
    let output = host.run(change)??;
    let said = String::from_utf8_lossy(&output.stderr);
    check(output.status.success(), format!("ip {arguments}: {said}"))
}

/// Writes a setting of the host's network.
fn set(host: &Host, setting: &str, value: &str) -> Outcome {
    Ok(host.run(|| std::fs::write(format!("/proc/sys/net/{setting}"), value))??)
}

/// Waits until every virtual router of the node is held back for this reason.
pub(crate) fn wait_for_hold(node: &Node, hold: &str) -> Outcome {
    let held = || {
        let status = node.status().unwrap_or_default();
        let routers = status["virtual_routers"].as_array().cloned().unwrap_or_default();
        !routers.is_empty() && routers.iter().all(|router| router["hold"] == hold)
    };
    check(wait_until(SOON, held), format!("{} is not held back: {hold}\n{}", node.name, node.log()))
}

/// Counter `name` of a virtual router.
pub(crate) fn counter(router: &Value, name: &str) -> u64 {
    router["counters"][name].as_u64().unwrap_or_default()
}

/// Starts both nodes, and waits until the stronger one is Active and the other one follows it.
fn settle(pair: &mut Pair, config: impl Fn(u8) -> String) -> Outcome {
    pair.a.start(&config(STRONG))?;
    pair.b.start(&config(WEAK))?;
    settled(pair)
}

pub(crate) fn settled(pair: &Pair) -> Outcome {
    pair.a.wait_for_phase("held")?;
    pair.b.wait_for_phase("backup")
}

/// A client that gets answers.
pub(crate) fn client(pair: &Pair, address: IpAddr) -> Result<Client, Failed> {
    let client = Client::start(&pair.user, address, 1000)?;
    answered(&client)?;
    Ok(client)
}

pub(crate) fn answered(client: &Client) -> Outcome {
    let mark = client.mark();
    check(client.wait_for_reply(mark, SOON), "the client got no answer")
}

/// A node alone at a switch, whose interface is gone.
fn alone(addresses: &[&str]) -> Result<(Node, Capture, TempDir), Failed> {
    let folder = TempDir::with_prefix("vrrp-test-")?;
    let switch = Switch::new()?;
    let capture = Capture::start(&switch)?;
    let node = Node::new("a", &switch, addresses, folder.path())?;
    node.cable.destroy()?;
    Ok((node, capture, folder))
}

/// The first advertisement comes Active_Down_Interval after the moment, within `moment`, at which
/// the node could take part.
fn takes_part(
    node: &Node,
    capture: &Capture,
    moment: (Duration, Duration),
    ticker: &Ticker,
) -> Outcome {
    let (begun, ended) = moment;
    let mac = node.cable.mac()?;
    let first = wait_for(capture, "advertisement", begun, |frame| priority(frame, mac).is_some())?;
    let down = active_down(STRONG);
    within("first advertisement", first - begun, (down, down + (ended - begun)), SLACK, ticker)?;
    node.wait_for_phase("held")
}

fn missing_at_start(family: Family, ticker: &Ticker) -> Outcome {
    let (mut node, capture, _folder) = alone(&["10.0.0.1/24", "fd00::1/64"])?;
    node.start(&family.config(STRONG))?;
    wait_for_hold(&node, "interface-missing")?;
    let begun = now();
    node.cable.restore()?;
    takes_part(&node, &capture, (begun, now()), ticker)?;
    check(node.has_address(&family.address().to_string())?, "the address is not there")
}

/// The interface comes, and its address later.
fn without_address_at_start(ticker: &Ticker) -> Outcome {
    let (mut node, capture, _folder) = alone(&[])?;
    node.start(&Family::Ipv4.config(STRONG))?;
    wait_for_hold(&node, "interface-missing")?;
    node.cable.restore()?;
    wait_for_hold(&node, "no-source-address")?;
    let begun = now();
    ip(&node.host, "address add 10.0.0.1/24 dev eth0")?;
    takes_part(&node, &capture, (begun, now()), ticker)?;
    let sent =
        capture.frames().iter().filter(|frame| frame.at < begun && frame.vrrp().is_some()).count();
    check(sent == 0, format!("{sent} advertisements without an address to send from"))?;
    check(node.has_address("10.0.0.100")?, "the address is not there")
}

/// Taken down by an operator, an interface loses all its IPv6 addresses.
fn down_and_up(_: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    settle(&mut pair, both)?;
    ip(&pair.a.host, "link set eth0 down")?;
    wait_for_hold(&pair.a, "link-down")?;
    pair.b.wait_for_phase("held")?;
    for family in Family::BOTH {
        pair.a.wait_for_address(family.address(), false)?;
    }
    check(!pair.a.has_address("fd00::1")?, "the kernel kept the host's own IPv6 address")?;
    let heard =
        |pair: &Pair| [0, 1].map(|index| counter(&pair.a.router(index), "adverts_received"));
    let before = heard(&pair);
    ip(&pair.a.host, "link set eth0 up")?;
    settled(&pair)?;
    for (family, (before, after)) in
        Family::BOTH.into_iter().zip(before.into_iter().zip(heard(&pair)))
    {
        pair.a.wait_for_address(family.address(), true)?;
        check(after > before, format!("{family:?}: a did not hear b when it was back"))?;
        client(&pair, family.address())?;
    }
    pair.a.wait_for_address("fe80::100".parse()?, true)
}

/// Down and up again before anybody looks: what the kernel removed is put back.
fn down_and_up_at_once(_: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    settle(&mut pair, both)?;
    for _ in 0..5 {
        pair.a.host.run(|| {
            let mut socket = vrrp_net::netlink::Socket::new()?;
            let index = nix::net::if_::if_nametoindex("eth0")?;
            let change = |up| (vrrp_net::netlink::links::set_up(index, up), 0);
            socket.batch(vec![change(false), change(true)]).map_err(Failed::from)?;
            Ok::<(), Failed>(())
        })??;
        settled(&pair)?;
        for family in Family::BOTH {
            client(&pair, family.address())?;
            pair.a.wait_for_address(family.address(), true)?;
        }
        pair.a.wait_for_address("fe80::100".parse()?, true)?;
    }
    settled(&pair)
}
