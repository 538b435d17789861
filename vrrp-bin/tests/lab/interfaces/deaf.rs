//! What makes a node deaf without a word: the kernel forgets its memberships of the groups.

use std::{process::Command, time::Duration};

use libtest_mimic::Trial;
use vrrp_net::lab::{Host, Signal};

use super::{Family, INTERVAL, WEAK, active_down, both, counter, ip, settle};
use crate::support::{Node, Outcome, Pair, adverts, check, now, timed};

pub(super) fn tests() -> Vec<Trial> {
    vec![
        timed("a2_ipv6_hears_again_after_a_small_mtu", |_| small_mtu()),
        timed("a3_an_interface_that_left_and_returned_is_listened_to", |_| left_and_returned()),
    ]
}

/// The backup stays one for several times as long as it would wait.
fn hears(pair: &Pair, index: usize) -> Outcome {
    let begun = now();
    let before = counter(&pair.b.router(index), "adverts_received");
    std::thread::sleep(3 * active_down(WEAK));
    let after = pair.b.router(index);
    check(counter(&after, "adverts_received") > before, format!("b is deaf: {after:#}"))?;
    check(after["phase"] == "backup", format!("b is no backup:\n{}", pair.b.log()))?;
    let sent = adverts(&pair.capture, pair.b.mac, begun).len();
    check(sent == 0, format!("b advertised {sent} times beside a"))
}

/// Below 1280 octets the kernel takes IPv6 away from the interface, and the memberships with it.
fn small_mtu() -> Outcome {
    let mut pair = Pair::new()?;
    settle(&mut pair, |priority| Family::Ipv6.config(priority))?;
    ip(&pair.b.host, "link set eth0 mtu 1000")?;
    super::wait_for_hold(&pair.b, "no-source-address")?;
    ip(&pair.b.host, "link set eth0 mtu 1500")?;
    ip(&pair.b.host, "address add fd00::2/64 dev eth0 nodad")?;
    pair.b.wait_for_phase("backup")?;
    hears(&pair, 0)
}

/// While b does not get to run its interface is moved away and back: it has the index and the MAC that it had.
fn left_and_returned() -> Outcome {
    let mut pair = Pair::new()?;
    settle(&mut pair, both)?;
    let index = identity(&pair.b, "ifindex")?;
    // A namespace in which the index is free.
    let attic = Host::new("attic")?;
    let mut sleeper = Command::new("sleep");
    sleeper.arg("60");
    let mut there = attic.spawn(sleeper)?;
    let here = pair.b.process()?.pid();
    pair.b.signal(Signal::SIGSTOP)?;
    ip(&pair.b.host, &format!("link set eth0 netns {} name m0", there.pid()))?;
    ip(&attic, &format!("link set m0 netns {here} name eth0"))?;
    there.kill()?;
    ip(&pair.b.host, "link set eth0 up")?;
    ip(&pair.b.host, "address add 10.0.0.2/24 dev eth0")?;
    ip(&pair.b.host, "address add fd00::2/64 dev eth0 nodad")?;
    check(identity(&pair.b, "ifindex")? == index, "it has another index")?;
    pair.b.signal(Signal::SIGCONT)?;
    std::thread::sleep(Duration::from_millis(200) + 2 * INTERVAL);
    pair.b.wait_for_phase("backup")?;
    hears(&pair, 0)?;
    hears(&pair, 1)
}

fn identity(node: &Node, file: &str) -> Result<String, libtest_mimic::Failed> {
    let path = format!("/sys/class/net/eth0/{file}");
    let read = || std::fs::read_to_string(&path);
    Ok(node.host.run(read)??.trim().to_owned())
}
