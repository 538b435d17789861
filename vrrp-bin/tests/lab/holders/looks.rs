//! Two nodes that do not hear each other: the one that takes over says who answers still, and why
//! nothing is heard of it.

use std::{process::Command, time::Duration};

use libtest_mimic::{Failed, Trial};
use tempfile::NamedTempFile;
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
        timed("look_the_network_that_drops_it_one_way_is_named", |_| one_way()),
        timed("look_multicast_that_is_not_forwarded_is_named", |_| not_forwarded()),
        timed("look_a_wrong_password_is_named", |_| password()),
        timed("look_ipv6_finds_the_holder_too", |_| ipv6()),
        timed("look_ipv6_finds_a_holder_whose_multicast_does_not_arrive", |_| ipv6_one_way()),
        timed("look_ipv6_asks_in_vain_where_no_multicast_is_forwarded", |_| ipv6_in_vain()),
        timed("look_hold_waits_as_long_as_a_lease", |_| hold()),
        timed("look_hold_takes_over_when_the_address_is_gone", |_| hold_after_a_crash()),
    ]
}

/// Rules that drop these messages at this hook.
fn rules(family: &str, hook: &str, messages: &str) -> Result<NamedTempFile, Failed> {
    let rules = format!(
        "table {family} filter {{\n chain silent {{\n type filter hook {hook} priority 0;\n \
         {messages} drop\n }}\n}}\n"
    );
    let file = NamedTempFile::new()?;
    std::fs::write(file.path(), rules)?;
    Ok(file)
}

/// Has `host` drop these messages at this hook.
pub(crate) fn silence(host: &Host, family: &str, hook: &str, messages: &str) -> Outcome {
    let file = rules(family, hook, messages)?;
    run(host, "nft", &format!("-f {}", file.path().display())).map(drop)
}

/// Runs a program in the switch between the nodes.
fn in_switch(pair: &Pair, program: &str, arguments: &str) -> Outcome {
    let run = || Command::new(program).args(arguments.split_whitespace()).output();
    let output = pair.switch.run(run)??;
    let said = String::from_utf8_lossy(&output.stderr);
    check(output.status.success(), format!("{program} {arguments}: {said}"))
}

/// Has the switch forward no multicast to these nodes: broadcasts, and with them ARP, arrive still.
fn withhold_multicast(pair: &Pair, to: &[&Node]) -> Outcome {
    to.iter().try_for_each(|node| {
        let port = node.cable.port();
        in_switch(pair, "ip", &format!("link set {port} type bridge_slave mcast_flood off"))
    })
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

/// The switch drops what the Active says, and forwards what the Backup says.
fn one_way() -> Outcome {
    let mut pair = Pair::new()?;
    followed(&mut pair, "")?;
    let of_a = format!("iifname \"{}\" {VRRP}", pair.a.cable.port());
    let file = rules("bridge", "forward", &of_a)?;
    in_switch(&pair, "nft", &format!("-f {}", file.path().display()))?;
    let since = last_heard(&pair.capture, pair.a.mac, now());
    says(&pair.b, since, &network_fields(&pair.a.mac.to_string()))?;
    let both = (pair.a.phase(), pair.b.phase());
    check(both == ("held".into(), "held".into()), format!("{both:?}"))
}

/// ARP is broadcast, and what answers it is unicast: both pass, and all that VRRP says does not.
fn not_forwarded() -> Outcome {
    let mut pair = Pair::new()?;
    followed(&mut pair, "")?;
    withhold_multicast(&pair, &[&pair.a, &pair.b])?;
    let since = last_heard(&pair.capture, pair.a.mac, now());
    says(&pair.b, since, &network_fields(&pair.a.mac.to_string()))
}

/// What is said of a network that keeps advertisements back, in whichever way.
fn network_fields(mac: &str) -> [&str; 4] {
    [mac, "cause=network", "the network drops IP protocol 112", "does not forward its multicast"]
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

fn six(priority: u8) -> String {
    format!(
        "[[virtual_router]]\nname = \"six\"\ninterface = \"eth0\"\nvrid = 51\naddresses = \
         [\"fe80::100/64\"]\npriority = {priority}\n"
    )
}

/// a is the Active of IPv6, and b starts where `stop` has done its work.
fn ipv6_behind(stop: impl FnOnce(&Pair) -> Outcome) -> Result<(Pair, Duration), Failed> {
    let mut pair = Pair::new()?;
    pair.a.start(&six(200))?;
    pair.a.wait_for_phase("held")?;
    stop(&pair)?;
    let since = now();
    pair.b.start(&six(100))?;
    Ok((pair, since))
}

fn ipv6() -> Outcome {
    let stop = |pair: &Pair| silence(&pair.b.host, "inet", "input", "meta l4proto 112");
    let (pair, since) = ipv6_behind(stop)?;
    let mac = pair.a.mac.to_string();
    says(&pair.b, since, &[&mac, "cause=firewall", "address=fe80::100"])
}

/// The question is multicast itself, and arrives; the answer is unicast.
fn ipv6_one_way() -> Outcome {
    let (pair, since) = ipv6_behind(|pair| withhold_multicast(pair, &[&pair.b]))?;
    let mac = pair.a.mac.to_string();
    says(&pair.b, since, &[&mac, "cause=network", "address=fe80::100"])
}

/// A Neighbor Solicitation goes to a group (RFC 4861 7.2.2), and so does whatever would say by itself
/// that there are two: where neither is forwarded, IPv6 does not work at all, and nothing is said.
fn ipv6_in_vain() -> Outcome {
    let (pair, _) = ipv6_behind(|pair| withhold_multicast(pair, &[&pair.a, &pair.b]))?;
    pair.b.wait_for_phase("held")?;
    wait_until(SAID, || !said(&pair.b).is_empty());
    check(said(&pair.b).is_empty(), format!("{:#?}", said(&pair.b)))?;
    check(pair.a.phase() == "held", "a has heard b")
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
