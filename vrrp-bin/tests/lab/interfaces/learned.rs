//! A subnet that the host has by its routes alone: an IPv6 host learns it from a router
//! advertisement.

use std::net::Ipv6Addr;

use etherparse::PacketBuilder;
use libtest_mimic::{Failed, Trial};
use vrrp_net::lab::{Injector, Signal, wait_until};

use super::{STRONG, config, ip, set};
use crate::support::{Node, Outcome, Pair, SOON, check, timed};

/// How long the route lives, in seconds.
const LIFETIME: u32 = 86_400;
const SUBNET: &str = "fd02::/64";
const ADDRESS: &str = "fd02::100";

pub(super) fn tests() -> Vec<Trial> {
    vec![timed("f07_a_learned_route_keeps_its_lifetime", |_| keeps_its_lifetime())]
}

/// The host has one address by DHCPv6, as /128, and the subnet from the router.
fn keeps_its_lifetime() -> Outcome {
    let mut pair = Pair::new()?;
    set(&pair.a.host, "ipv6/conf/eth0/accept_ra", "2")?;
    ip(&pair.a.host, "address add fd02::1/128 dev eth0 nodad")?;
    Injector::new(&pair.user, "eth0")?.send(&router_advertisement()?)?;
    check(wait_until(SOON, || is_whole(&pair.a)), "the host did not learn the route")?;
    let addresses = "\"fe80::100\", \"fd02::100/64\"";
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        pair.a.start(&config("learned", addresses, STRONG))?;
        pair.a.wait_for_phase("held")?;
        pair.a.wait_for_address(ADDRESS.parse()?, true)?;
        // Several renewals: the interval is 100 ms, and a lease is renewed every 250 ms.
        let renewed =
            pair.a.router(0)["counters"]["adverts_sent"].as_u64().unwrap_or_default() + 10;
        let sent = || pair.a.router(0)["counters"]["adverts_sent"].as_u64().unwrap_or_default();
        check(wait_until(SOON, || sent() > renewed), "no advertisements")?;
        check(is_whole(&pair.a), format!("while it is held: {}", routes(&pair.a)?))?;
        pair.a.signal(signal)?;
        pair.a.wait()?;
        pair.a.wait_for_address(ADDRESS.parse()?, false)?;
        check(is_whole(&pair.a), format!("after {signal}: {}", routes(&pair.a)?))?;
    }
    Ok(())
}

/// Whether the route is there, and has most of its lifetime.
fn is_whole(node: &Node) -> bool {
    let routes = routes(node).unwrap_or_default();
    let mut words = routes.split_whitespace().skip_while(|word| *word != "expires").skip(1);
    let expires = words.next().and_then(|word| word.strip_suffix("sec")?.parse::<u32>().ok());
    routes.lines().count() == 1 && expires.is_some_and(|seconds| seconds > LIFETIME - 60)
}

fn routes(node: &Node) -> Result<String, Failed> {
    let list = || std::process::Command::new("ip").args(["-6", "route", "show", SUBNET]).output();
    Ok(String::from_utf8_lossy(&node.host.run(list)??.stdout).into_owned())
}

/// RFC 4861 4.2, with a prefix that is on the link and that no address is made of (4.6.2).
fn router_advertisement() -> Result<Vec<u8>, Failed> {
    let from: Ipv6Addr = "fe80::9999".parse()?;
    let to: Ipv6Addr = "ff02::1".parse()?;
    let prefix: Ipv6Addr = "fd02::".parse()?;
    // Reachable Time and Retrans Timer, which say nothing.
    let mut body = vec![0; 8];
    // Type, length in units of eight octets, prefix length, and the flag that it is on the link.
    body.extend([3, 4, 64, 0x80]);
    // Valid and preferred lifetime, and what is reserved.
    body.extend(LIFETIME.to_be_bytes());
    body.extend(LIFETIME.to_be_bytes());
    body.extend([0; 4]);
    body.extend(prefix.octets());
    let ethernet = PacketBuilder::ethernet2([2, 0, 0, 0, 0x99, 0x99], [0x33, 0x33, 0, 0, 0, 1]);
    // No default router: a Router Lifetime of zero.
    let packet = ethernet.ipv6(from.octets(), to.octets(), 255).icmpv6_raw(134, 0, [64, 0, 0, 0]);
    let mut frame = Vec::new();
    packet.write(&mut frame, &body)?;
    Ok(frame)
}
