//! Duplicate Address Detection (RFC 4862 5.4): an address that may be another node's is no source.

use std::process::Command;

use libtest_mimic::{Failed, Trial};
use vrrp_net::lab::{Ticker, wait_until};

use super::{
    Family, INTERVAL, STRONG, WEAK, active_down, answered, client, ip, set, settle, settled, skew,
    wait_for_hold,
};
use crate::support::{
    Node, Outcome, Pair, SLACK, SOON, check, now, priority, timed, wait_for, within,
};

pub(super) fn tests() -> Vec<Trial> {
    vec![
        timed("interface_own_address_tentative", tentative),
        timed("interface_own_address_duplicate", |_| duplicate()),
    ]
}

/// The flags of the link-local address that the host has of its own, as `ip` prints them.
fn own_link_local(node: &Node) -> Result<String, Failed> {
    let show = ["-oneline", "-6", "address", "show", "dev", "eth0", "scope", "link"];
    let output = node.host.run(|| Command::new("ip").args(show).output())??;
    let lines = String::from_utf8(output.stdout)?;
    Ok(lines.lines().filter(|line| !line.contains("fe80::100/")).collect())
}

/// Has the kernel look for duplicates of an address that the interface is given from now on.
fn detect(node: &Node) -> Outcome {
    set(&node.host, "ipv6/conf/eth0/accept_dad", "1")?;
    set(&node.host, "ipv6/conf/eth0/dad_transmits", "2")
}

/// The interface comes back, and its link-local address is in doubt for two seconds.
fn tentative(ticker: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    let mac = pair.a.mac;
    settle(&mut pair, |priority| Family::Ipv6.config(priority))?;
    detect(&pair.a)?;
    ip(&pair.a.host, "link set eth0 down")?;
    wait_for_hold(&pair.a, "link-down")?;
    pair.b.wait_for_phase("held")?;
    let client = client(&pair, Family::Ipv6.address())?;
    let begun = now();
    ip(&pair.a.host, "link set eth0 up")?;
    wait_for_hold(&pair.a, "no-source-address")?;
    let mut in_doubt = now();
    check(
        own_link_local(&pair.a)?.contains("tentative"),
        "the kernel does not look for duplicates",
    )?;
    let usable = || {
        let asked = now();
        let is_usable = own_link_local(&pair.a).is_ok_and(|flags| !flags.contains("tentative"));
        if !is_usable {
            in_doubt = asked;
        }
        is_usable
    };
    check(wait_until(SOON, usable), "the address stays tentative")?;
    let known = now();
    let first = wait_for(&pair.capture, "advertisement of a", begun, |frame| {
        priority(frame, mac).is_some()
    })?;
    // Who is back listens for long enough to hear an Active.
    let down = INTERVAL + skew(STRONG);
    within("preemption", first - in_doubt, (down, down + (known - in_doubt)), SLACK, ticker)?;
    settled(&pair)?;
    pair.a.wait_for_address(Family::Ipv6.address(), true)?;
    answered(&client)
}

/// Another host has its link-local address: it stays out until it has a better one.
fn duplicate() -> Outcome {
    let mut pair = Pair::new()?;
    let mac = pair.a.mac;
    settle(&mut pair, |priority| Family::Ipv6.config(priority))?;
    let flags = own_link_local(&pair.a)?;
    let own = flags.split_whitespace().nth(3).ok_or("a has no link-local address")?.to_owned();
    detect(&pair.a)?;
    ip(&pair.a.host, "link set eth0 down")?;
    wait_for_hold(&pair.a, "link-down")?;
    ip(&pair.user, &format!("address add {own} dev eth0 nodad"))?;
    let begun = now();
    ip(&pair.a.host, "link set eth0 up")?;
    let failed = || own_link_local(&pair.a).is_ok_and(|flags| flags.contains("dadfailed"));
    check(wait_until(SOON, failed), format!("the duplicate of {own} was not found"))?;
    wait_for_hold(&pair.a, "no-source-address")?;
    // Longer than it would take to become Active.
    let later = now() + 2 * active_down(WEAK);
    wait_for(&pair.capture, "advertisement of b", later, |frame| {
        priority(frame, pair.b.mac).is_some()
    })?;
    wait_for_hold(&pair.a, "no-source-address")?;
    pair.b.wait_for_phase("held")?;
    let frames = pair.capture.frames();
    let sent =
        frames.iter().filter(|frame| frame.at > begun && priority(frame, mac).is_some()).count();
    check(sent == 0, format!("a sent {sent} advertisements"))?;

    ip(&pair.a.host, "address add fe80::a/64 dev eth0 nodad")?;
    settled(&pair)?;
    pair.a.wait_for_address(Family::Ipv6.address(), true)
}
