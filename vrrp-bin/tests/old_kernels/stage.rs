//! Two nodes with a virtual router of each family, and what their kernels and clients notice.

use std::{net::IpAddr, time::Duration};

use libtest_mimic::Failed;
use nix::net::if_::if_nametoindex;
use serde_json::Value;
use vrrp_net::{
    lab::{Client, Mark, Ticker, Watch, wait_until},
    netlink::{
        Socket,
        addresses::{self, HostAddress},
    },
};

use crate::support::{
    Node, Outcome, Pair, SOON, adverts, check, has_moved, now, priority, wait_for,
};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const TENTH: Duration = Duration::from_millis(100);
/// The priorities of a and b.
pub(crate) const STRONG: u8 = 200;
pub(crate) const WEAK: u8 = 100;

/// The virtual address of each family that clients use.
pub(crate) const ADDRESSES: [IpAddr; 2] = [
    IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 100)),
    IpAddr::V6(std::net::Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0x100)),
];
/// All virtual addresses.
const EVERY: [&str; 3] = ["10.0.0.100", "fe80::100", "fd00::100"];

/// A virtual router of each family; `more` is a line in both.
pub(crate) fn config(priority: u8, interval: Duration, more: &str) -> String {
    let interval = interval.as_millis();
    let router = |name: &str, addresses: &str| {
        format!(
            "[[virtual_router]]\nname = \"{name}\"\ninterface = \"eth0\"\nvrid = 51\naddresses = \
             [{addresses}]\n\
             priority = {priority}\ninterval = \"{interval}ms\"\n{more}\n"
        )
    };
    router("v4", "\"10.0.0.100/24\"") + &router("v6", "\"fe80::100\", \"fd00::100/64\"")
}

/// Active_Down_Interval (RFC 9568 6.1).
pub(crate) fn active_down(priority: u8, interval: Duration) -> Duration {
    3 * interval + interval * (256 - u32::from(priority)) / 256
}

/// Starts both nodes, and waits until a is Active and b follows it.
pub(crate) fn elect(pair: &mut Pair, interval: Duration, more: &str) -> Outcome {
    pair.a.start(&config(STRONG, interval, more))?;
    pair.b.start(&config(WEAK, interval, more))?;
    pair.a.wait_for_phase("held")?;
    pair.b.wait_for_phase("backup")
}

/// What the kernel of a host says of all virtual addresses.
pub(crate) fn entries(node: &Node) -> Result<Vec<HostAddress>, Failed> {
    let all =
        node.host.run(|| -> Result<_, Failed> { Ok(addresses::list(&mut Socket::new()?)?) })??;
    Ok(all.into_iter().filter(|entry| EVERY.contains(&entry.ip().to_string().as_str())).collect())
}

/// Waits until the kernel of a host has every virtual address once, or none of them.
pub(crate) fn wait_for_addresses(node: &Node, there: bool) -> Outcome {
    let expected = if there { EVERY.len() } else { 0 };
    let is_so = || entries(node).is_ok_and(|found| found.len() == expected);
    if wait_until(SOON, is_so) {
        return Ok(());
    }
    let (name, found, log) = (node.name, entries(node)?, node.log());
    Err(format!("{name} has {found:?} and not {expected} virtual addresses; its log:\n{log}")
        .into())
}

/// Deletes an address as an operator would, by netlink.
pub(crate) fn delete(node: &Node, ip: IpAddr) -> Outcome {
    let cidr =
        entries(node)?.into_iter().find(|entry| entry.ip() == ip).ok_or("it is not there")?.cidr;
    node.host.run(move || -> Result<(), Failed> {
        Ok(Socket::new()?.request(addresses::delete(if_nametoindex("eth0")?, cidr), 0)?)
    })?
}

/// When the kernel of a host had the addresses.
pub(crate) fn watch(node: &Node) -> Result<[Watch; 2], Failed> {
    let [v4, v6] = ADDRESSES.map(|address| Watch::start(&node.host, address));
    Ok([v4?, v6?])
}

/// Fails unless the addresses were there all the time.
pub(crate) fn was_never_away(watches: &[Watch; 2]) -> Outcome {
    watches.iter().zip(ADDRESSES).try_for_each(|(watch, address)| {
        let held = watch.held();
        let is_unbroken = matches!(held.as_slice(), [held] if held.until.is_none());
        check(is_unbroken, format!("{address} was there only {held:?}"))
    })
}

/// Where the virtual routers of a node are, and since when.
pub(crate) struct Standing([Value; 2]);

impl Standing {
    pub(crate) fn of(node: &Node) -> Self {
        Self([0, 1].map(|index| node.router(index)))
    }

    /// Fails unless the node has stood still since this was taken.
    pub(crate) fn is_kept_by(&self, node: &Node) -> Outcome {
        for (before, after) in self.0.iter().zip(Self::of(node).0) {
            let became_active = |router: &Value| router["counters"]["became_active"].clone();
            let is_same = before["phase"] == after["phase"]
                && became_active(before) == became_active(&after)
                && !has_moved(before, &after)?;
            let (name, log) = (node.name, node.log());
            check(is_same, format!("{name} was {before:#} and is {after:#}; its log:\n{log}"))?;
        }
        Ok(())
    }
}

/// A client of each address that gets answers.
pub(crate) fn clients(pair: &Pair) -> Result<[Client; 2], Failed> {
    let [v4, v6] = ADDRESSES.map(|address| Client::start(&pair.user, address, 1000));
    let clients = [v4?, v6?];
    are_answered(&clients)?;
    Ok(clients)
}

pub(crate) fn are_answered(clients: &[Client; 2]) -> Outcome {
    clients.iter().try_for_each(|client| {
        check(client.wait_for_reply(client.mark(), SOON), "a client got no answer")
    })
}

/// How many packets a client has lost since then, once that is known of all of them.
pub(crate) fn lost(client: &Client, since: Mark) -> Result<u64, Failed> {
    let until = client.mark();
    check(client.wait_for_reply(until, SOON), "a client got no answer")?;
    let is_known = wait_until(SOON, || client.between(since, until).pending == 0);
    check(is_known, "nothing is known of some packets")?;
    Ok(client.between(since, until).lost)
}

/// The process of the active node a is killed, and `start` starts one again at once: nobody
/// notices.
pub(crate) fn is_adopted(
    pair: &mut Pair,
    ticker: &Ticker,
    start: impl FnOnce(&mut Node) -> Outcome,
) -> Outcome {
    let (clients, watches) = (clients(pair)?, watch(&pair.a)?);
    let peer = Standing::of(&pair.b);
    let (a, b) = (pair.a.mac, pair.b.mac);
    let marks = clients.each_ref().map(Client::mark);
    let last =
        wait_for(&pair.capture, "advertisement of a", now(), |frame| priority(frame, a).is_some())?;
    pair.a.process()?.kill()?;
    start(&mut pair.a)?;
    pair.a.wait_for_phase("adopted")?;
    // Until the backup would have taken over, and the addresses would have expired.
    let later = last + active_down(WEAK, SECOND) + SECOND;
    wait_for(&pair.capture, "advertisement of a", later, |frame| {
        priority(frame, a) == Some(STRONG)
    })?;
    pair.a.wait_for_phase("adopted")?;
    peer.is_kept_by(&pair.b)?;
    let said = adverts(&pair.capture, b, last).len();
    check(said == 0, format!("the backup advertised {said} times"))?;
    was_never_away(&watches)?;
    let allowed = ticker.worst_gap().as_millis();
    for ((client, mark), address) in clients.iter().zip(marks).zip(ADDRESSES) {
        let lost = lost(client, mark)?;
        println!("{address}: {lost} packets lost");
        check(
            u128::from(lost) <= allowed,
            format!("{address}: {lost} ms lost, allowed {allowed}"),
        )?;
    }
    Ok(())
}
