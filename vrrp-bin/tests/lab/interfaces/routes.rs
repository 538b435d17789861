//! The route to a subnet that only the virtual address brings.

use std::{
    fs,
    net::IpAddr,
    time::{Duration, Instant},
};

use libtest_mimic::{Failed, Trial};
use nix::net::if_::if_nametoindex;
use vrrp_net::{
    lab::{Ticker, wait_until},
    netlink::{Socket, routes::PrefixRoute},
};

use super::{Family, addresses::is_unmoved, client, config, counter, ip, settle};
use crate::support::{Node, Outcome, Pair, SLACK, SOON, check, milliseconds, timed, within};

pub(super) fn tests() -> Vec<Trial> {
    vec![
        timed("interface_prefix_route_deleted_ipv4", |ticker| route_deleted(Family::Ipv4, ticker)),
        timed("interface_prefix_route_deleted_ipv6", |ticker| route_deleted(Family::Ipv6, ticker)),
        timed("interface_prefix_routes_end_with_their_addresses", |_| routes_end()),
    ]
}

/// A subnet that the hosts have no address of.
struct Subnet {
    address: IpAddr,
    cidr: &'static str,
    /// As `/proc/net` writes it.
    in_table: &'static str,
    table: &'static str,
    config: fn(u8) -> String,
    /// What the client has.
    client: &'static str,
}

impl Family {
    fn subnet(self) -> Subnet {
        match self {
            Self::Ipv4 => Subnet {
                address: IpAddr::from([203, 0, 113, 10]),
                cidr: "203.0.113.10/24",
                in_table: "eth0\t007100CB\t00000000",
                table: "route",
                config: |priority| config("ipv4", "\"203.0.113.10/24\"", priority),
                client: "203.0.113.9/24",
            },
            Self::Ipv6 => Subnet {
                address: IpAddr::from([0xfd01, 0, 0, 0, 0, 0, 0, 0x10]),
                cidr: "fd01::10/64",
                in_table: "fd010000000000000000000000000000 40",
                table: "ipv6_route",
                config: |priority| config("ipv6", "\"fe80::100\", \"fd01::10/64\"", priority),
                client: "fd01::9/64",
            },
        }
    }
}

impl Subnet {
    /// Whether the calling thread's host has a route to it on its interface.
    fn is_routed(&self) -> bool {
        let table =
            fs::read_to_string(format!("/proc/thread-self/net/{}", self.table)).unwrap_or_default();
        let on_eth0 = |line: &str| line.starts_with("eth0") || line.ends_with("eth0");
        table.lines().any(|line| line.starts_with(self.in_table) && on_eth0(line))
    }

    /// Deletes the route as an operator would, and tells how long there was none.
    fn delete_route(&self, node: &Node) -> Result<Duration, Failed> {
        node.host.run(|| {
            let route = PrefixRoute::of(if_nametoindex("eth0")?, self.cidr.parse()?);
            Socket::new()?.request(route.delete(), 0)?;
            let deleted = Instant::now();
            check(wait_until(SOON, || self.is_routed()), "the route does not come back")?;
            Ok(deleted.elapsed())
        })?
    }
}

/// Other labs keep the one lock of the kernel busy that a repair needs.
fn slack(ticker: &Ticker) -> Duration {
    SLACK + ticker.worst_answer()
}

/// Somebody deletes it: it is back at once, and nobody else notices.
fn route_deleted(family: Family, ticker: &Ticker) -> Outcome {
    let subnet = family.subnet();
    let mut pair = Pair::new()?;
    ip(&pair.user, &format!("address add {} dev eth0", subnet.client))?;
    settle(&mut pair, subnet.config)?;
    let client = client(&pair, subnet.address)?;
    let before = pair.a.router(0);
    let mark = client.mark();
    for round in 1..=5 {
        let away = subnet.delete_route(&pair.a)?;
        within("without a route", away, (Duration::ZERO, Duration::ZERO), slack(ticker), ticker)?;
        let repaired = || counter(&pair.a.router(0), "repairs") == round;
        let counted = wait_until(SOON, repaired);
        check(counted, format!("round {round}: {:#}", pair.a.router(0)["counters"]))?;
    }
    let loss = client.since(mark);
    println!("{family:?}: {loss}, worst gap of the ticker {}", milliseconds(ticker.worst_gap()));
    let tolerable = 5 * (slack(ticker) + ticker.worst_gap()).as_millis();
    check(u128::from(loss.lost) <= tolerable, format!("the client lost packets: {loss}"))?;
    is_unmoved(&before, &pair.a.router(0))?;
    check(pair.b.phase() == "backup", "the other node took over")
}

/// A node that yields takes the route along, and that is nothing to repair; nor are the routes of
/// others.
fn routes_end() -> Outcome {
    let mut pair = Pair::new()?;
    let both = |priority| Family::BOTH.map(|family| (family.subnet().config)(priority)).concat();
    pair.b.start(&both(super::WEAK))?;
    pair.b.wait_for_phase("held")?;
    let routed = |node: &Node, family: Family| node.host.run(|| family.subnet().is_routed());
    for family in Family::BOTH {
        check(routed(&pair.b, family)?, format!("{family:?}: the address brought no route"))?;
    }
    pair.a.start(&both(super::STRONG))?;
    super::settled(&pair)?;
    ip(&pair.a.host, "route add 198.51.100.0/24 dev eth0 proto kernel")?;
    ip(&pair.a.host, "route del 198.51.100.0/24 dev eth0")?;
    ip(&pair.a.host, "route del 10.0.0.0/24 dev eth0")?;
    for (node, held) in [(&pair.a, true), (&pair.b, false)] {
        for (index, family) in Family::BOTH.into_iter().enumerate() {
            let subnet = family.subnet();
            node.wait_for_address(subnet.address, held)?;
            let is_right = || routed(node, family).is_ok_and(|routed| routed == held);
            let said =
                format!("{}: the route of {} is not as it should be", node.name, subnet.cidr);
            check(wait_until(SOON, is_right), said)?;
            let router = node.router(index);
            check(counter(&router, "repairs") == 0, format!("{}: {router:#}", node.name))?;
        }
    }
    Ok(())
}
