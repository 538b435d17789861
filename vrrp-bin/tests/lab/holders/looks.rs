//! Two nodes that do not hear each other: the one that takes over says who answers still, and why
//! nothing is heard of it.

use std::time::Duration;

use libtest_mimic::Trial;
use vrrp_core::MacAddr;
use vrrp_net::lab::{Capture, Host, wait_until};

use super::{INTERVAL, LATE, VIP, config, is_said, run, said};
use crate::support::{Node, Outcome, Pair, SOON, check, milliseconds, now, priority, timed};

/// How long until it is said, after the last advertisement that was heard: two intervals and
/// Skew_Time until it looks, the lease of a peer, and what the kernel may be late.
const SAID: Duration = Duration::from_millis(2610 + 2000 + 2500);

pub(super) fn tests() -> Vec<Trial> {
    vec![
        timed("look_this_hosts_firewall_is_named", |_| firewall("inet")),
        timed("look_this_hosts_filter_at_the_entrance_is_named", |_| firewall("netdev")),
        timed("look_the_network_is_named", |_| network()),
        timed("look_a_wrong_password_is_named", |_| password()),
        timed("look_ipv6_finds_the_holder_too", |_| ipv6()),
        timed("look_hold_waits_as_long_as_a_lease", |_| hold()),
        timed("look_hold_takes_over_when_the_address_is_gone", |_| hold_after_a_crash()),
    ]
}

/// Has `host` drop these messages at this hook.
fn silence(host: &Host, family: &str, hook: &str, messages: &str) -> Outcome {
    let rules = format!(
        "table {family} filter {{\n chain silent {{\n type filter hook {hook} priority 0;\n \
         {messages} drop\n }}\n}}\n"
    );
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), rules)?;
    run(host, "nft", &format!("-f {}", file.path().display())).map(drop)
}

const VRRP: &str = "ip protocol 112";

/// a is the Active, and b follows it; what both are given beside the usual.
fn followed(pair: &mut Pair, of_b: &str) -> Outcome {
    pair.a.start(&config(200, ""))?;
    pair.a.wait_for_phase("held")?;
    pair.b.start(&config(100, of_b))?;
    pair.b.wait_for_phase("backup")?;
    let follows = || pair.b.router(0)["active_peer"] == "10.0.0.1";
    check(wait_until(SOON, follows), format!("b does not follow a:\n{}", pair.b.log()))
}

fn last_heard(capture: &Capture, mac: MacAddr, before: Duration) -> Duration {
    let frames = capture.frames();
    let of_a = frames.iter().filter(|frame| frame.at <= before && priority(frame, mac).is_some());
    of_a.map(|frame| frame.at).max().unwrap_or(before)
}

/// Sees that b says it in time, and prints when.
fn says(b: &Node, since: Duration, fields: &[&str]) -> Outcome {
    is_said(b, fields)?;
    let took = now() - since;
    println!("said {} after the last advertisement that was heard", milliseconds(took));
    check(took <= SAID + Duration::from_millis(1500), "that is late")?;
    check(took + 2 * INTERVAL >= SAID, "that is early: it may be a dead program's kernel")
}

/// Protocol 112 is dropped one way, on the host of the Backup.
fn firewall(family: &str) -> Outcome {
    let mut pair = Pair::new()?;
    followed(&mut pair, "")?;
    let hook = match family {
        "netdev" => "ingress device eth0",
        _ => "input",
    };
    silence(&pair.b.host, family, hook, VRRP)?;
    let since = last_heard(&pair.capture, pair.a.mac, now());
    let mac = pair.a.mac.to_string();
    says(&pair.b, since, &[&mac, "cause=firewall", "source=10.0.0.1", "a firewall on this host"])?;
    check(pair.b.phase() == "held", "the takeover is as it would be without a look")
}

/// It is dropped on the way, one way and the other.
fn network() -> Outcome {
    let mut pair = Pair::new()?;
    followed(&mut pair, "")?;
    for host in [&pair.a.host, &pair.b.host] {
        silence(host, "netdev", "egress device eth0", VRRP)?;
    }
    let since = last_heard(&pair.capture, pair.a.mac, now());
    let mac = pair.a.mac.to_string();
    let fields = [&*mac, "cause=network", "the network drops IP protocol 112", "multicast"];
    says(&pair.b, since, &fields)
}

fn password() -> Outcome {
    let mut pair = Pair::new()?;
    pair.a.start(&config(200, "version = 2\npassword = \"one\"\n"))?;
    pair.a.wait_for_phase("held")?;
    let since = now();
    pair.b.start(&config(100, "version = 2\npassword = \"two\"\n"))?;
    let mac = pair.a.mac.to_string();
    let fields = [&*mac, "cause=refused", "source=10.0.0.1", "give both nodes the same password"];
    says(&pair.b, since, &fields)
}

fn ipv6() -> Outcome {
    let mut pair = Pair::new()?;
    let config = |priority: u8| {
        format!(
            "[[virtual_router]]\nname = \"six\"\ninterface = \"eth0\"\nvrid = 51\naddresses = \
             [\"fe80::100/64\"]\npriority = {priority}\n"
        )
    };
    pair.a.start(&config(200))?;
    pair.a.wait_for_phase("held")?;
    silence(&pair.b.host, "inet", "input", "meta l4proto 112")?;
    let since = now();
    pair.b.start(&config(100))?;
    let mac = pair.a.mac.to_string();
    says(&pair.b, since, &[&mac, "cause=firewall", "address=fe80::100"])
}

/// The takeover waits, and happens nevertheless.
fn hold() -> Outcome {
    let mut pair = Pair::new()?;
    followed(&mut pair, "look = \"hold\"\n")?;
    silence(&pair.b.host, "inet", "input", VRRP)?;
    let since = last_heard(&pair.capture, pair.a.mac, now());
    let waits = || {
        let router = pair.b.router(0);
        router["phase"] == "backup" && router["gates"].to_string().contains("look")
    };
    check(wait_until(SOON, waits), format!("it does not wait:\n{}", pair.b.log()))?;
    pair.b.wait_for_phase("held")?;
    let took = now() - since;
    println!("took over {} after the last advertisement", milliseconds(took));
    check(took + INTERVAL >= SAID && took <= SAID + INTERVAL, "that is not when a lease ends")?;
    is_said(&pair.b, &["cause=firewall"])
}

/// The kernel of a dead program answers until its lease ends, and then not.
fn hold_after_a_crash() -> Outcome {
    let mut pair = Pair::new()?;
    followed(&mut pair, "look = \"hold\"\n")?;
    let since = now();
    pair.a.process()?.kill()?;
    pair.b.wait_for_phase("held")?;
    println!("took over {} after the crash", milliseconds(now() - since));
    check(!pair.a.has_address(&VIP.to_string())?, "both have the address")?;
    wait_until(2 * INTERVAL + LATE, || !said(&pair.b).is_empty());
    check(said(&pair.b).is_empty(), format!("{:#?}", said(&pair.b)))
}
