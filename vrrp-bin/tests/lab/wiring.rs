//! Interfaces on which a node sends and hears nobody, or not everybody: `check` and the log say
//! why.

use std::process::{Command, Output};

use libtest_mimic::{Failed, Trial};
use vrrp_net::lab::{Cable, wait_until};

use crate::{
    interfaces::{ip, wait_for_hold},
    support::{Node, Outcome, Pair, SOON, check, timed},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        timed("f12_a_port_of_a_bridge_that_kept_its_address_is_named", |_| port_with_address()),
        timed("f11_a_port_of_a_bridge_that_lost_its_address_is_named", |_| port_without_address()),
        timed("another_name_of_an_interface_is_said_to_be_one", |_| another_name()),
        timed("a_strict_filter_that_drops_multicast_is_named", |_| strict_multicast()),
        timed("a_strict_filter_that_drops_a_peer_is_named", |_| strict_unicast()),
    ]
}

const BRIDGE: &str =
    "eth0 is a port of the bridge br9: what arrives goes to br9; write `interface = \"br9\"`";

fn config(interface: &str, priority: u8) -> String {
    format!(
        "[[virtual_router]]\nname = \"web\"\ninterface = \"{interface}\"\nvrid = 51\n\
         addresses = [\"10.0.0.100/24\"]\npriority = {priority}\ninterval = \"100ms\"\n"
    )
}

/// What `vrrp check` says on the host of a.
fn checked(pair: &Pair, config: &str) -> Result<Output, Failed> {
    let file = pair.folder.path().join("checked.toml");
    std::fs::write(&file, config)?;
    let run = || Command::new(env!("CARGO_BIN_EXE_vrrp")).args(["check", "-c"]).arg(&file).output();
    Ok(pair.a.host.run(run)??)
}

/// `check` has this warning among what it says, and ends as with warnings.
fn warns(pair: &Pair, config: &str, warning: &str) -> Outcome {
    let output = checked(pair, config)?;
    let said = String::from_utf8_lossy(&output.stderr);
    check(said.contains(warning), format!("check says:\n{said}and not:\n{warning}"))?;
    check(output.status.code() == Some(3), format!("check ends with {}", output.status))
}

/// Nothing of the kind is said.
fn is_silent(pair: &Pair, config: &str, words: &str) -> Outcome {
    let output = checked(pair, config)?;
    let said = String::from_utf8_lossy(&output.stderr);
    check(!said.contains(words), format!("check says:\n{said}"))
}

/// The log of a node has this line once.
fn is_logged(node: &Node, sentence: &str) -> Outcome {
    let lines = || {
        let log = node.log();
        log.lines()
            .filter(|line| line.contains("event=unusable-interface") && line.contains(sentence))
            .count()
    };
    check(
        wait_until(SOON, || lines() == 1),
        format!("it is logged {} times:\n{}", lines(), node.log()),
    )
}

fn set(node: &Node, setting: &str, value: &str) -> Outcome {
    Ok(node.host.run(|| std::fs::write(format!("/proc/sys/net/{setting}"), value))??)
}

fn into_bridge(pair: &Pair) -> Outcome {
    for change in ["link add br9 type bridge", "link set br9 up", "link set eth0 master br9"] {
        ip(&pair.a.host, change)?;
    }
    Ok(())
}

/// The weaker node sends from the port and does not hear the stronger one.
fn port_with_address() -> Outcome {
    let mut pair = Pair::new()?;
    is_silent(&pair, &config("eth0", 50), "is a port of")?;
    pair.b.start(&config("eth0", 100))?;
    pair.b.wait_for_phase("held")?;
    into_bridge(&pair)?;
    warns(&pair, &config("eth0", 50), BRIDGE)?;
    pair.a.start(&config("eth0", 50))?;
    pair.a.wait_for_phase("held")?;
    is_logged(&pair.a, BRIDGE)
}

/// The address moved to the bridge, as installers do it: the advice is to follow it, not to add
/// one.
fn port_without_address() -> Outcome {
    let mut pair = Pair::new()?;
    into_bridge(&pair)?;
    ip(&pair.a.host, "address del 10.0.0.1/24 dev eth0")?;
    ip(&pair.a.host, "address add 10.0.0.1/24 dev br9")?;
    warns(&pair, &config("eth0", 200), BRIDGE)?;
    is_silent(&pair, &config("eth0", 200), "has no IPv4 address of its own")?;
    pair.a.start(&config("eth0", 200))?;
    wait_for_hold(&pair.a, "no-source-address")?;
    is_logged(&pair.a, BRIDGE)?;
    // The advice is good.
    is_silent(&pair, &config("br9", 200), "is a port of")?;
    pair.a.signal(vrrp_net::lab::Signal::SIGTERM)?;
    pair.a.wait()?;
    pair.b.start(&config("eth0", 100))?;
    pair.b.wait_for_phase("held")?;
    pair.a.start(&config("br9", 200))?;
    pair.a.wait_for_phase("held")?;
    pair.b.wait_for_phase("backup")
}

fn another_name() -> Outcome {
    const SENTENCE: &str = "uplink is another name of eth0, and vrrp knows it only by that name; \
        write `interface = \"eth0\"`";
    let pair = Pair::new()?;
    ip(&pair.a.host, "link property add dev eth0 altname uplink")?;
    let output = checked(&pair, &config("uplink", 200))?;
    let said = String::from_utf8_lossy(&output.stderr);
    check(said.contains(SENTENCE), format!("check says:\n{said}"))?;
    check(output.status.code() == Some(2), format!("check ends with {}", output.status))
}

/// Host a with a second interface in the network of the first, by which nothing is sent.
fn twice(pair: &Pair) -> Result<Cable, Failed> {
    let cable = Cable::new(&pair.a.host, "eth1", &pair.switch, &["10.0.0.3/24"])?;
    set(&pair.a, "ipv4/conf/all/rp_filter", "0")?;
    set(&pair.a, "ipv4/conf/eth1/rp_filter", "1")?;
    Ok(cable)
}

/// The kernel drops multicast too: the weaker node becomes Active beside the stronger one, until
/// the filter is loose.
fn strict_multicast() -> Outcome {
    const SENTENCE: &str =
        "the kernel drops what nodes of 10.0.0.0/24 send to eth1: rp_filter is strict there";
    let mut pair = Pair::new()?;
    let _cable = twice(&pair)?;
    pair.b.start(&config("eth0", 200))?;
    pair.b.wait_for_phase("held")?;
    is_silent(&pair, &config("eth0", 100), "rp_filter")?;
    warns(&pair, &config("eth1", 100), SENTENCE)?;
    warns(
        &pair,
        &config("eth1", 100),
        "is through eth0; correct the route, or `sysctl -w net.ipv4.conf.eth1.rp_filter=2`",
    )?;
    pair.a.start(&config("eth1", 100))?;
    pair.a.wait_for_phase("held")?;
    is_logged(&pair.a, SENTENCE)?;
    // The larger one counts: strict for all is overruled by a loose one.
    set(&pair.a, "ipv4/conf/all/rp_filter", "1")?;
    set(&pair.a, "ipv4/conf/eth1/rp_filter", "2")?;
    is_silent(&pair, &config("eth1", 100), "rp_filter")?;
    pair.a.wait_for_phase("backup")?;
    set(&pair.a, "ipv4/conf/eth1/rp_filter", "0")?;
    warns(&pair, &config("eth1", 100), SENTENCE)
}

fn strict_unicast() -> Outcome {
    const SENTENCE: &str =
        "the kernel drops what the peer 10.0.0.2 sends to eth1: rp_filter is strict there";
    let config = |priority| {
        format!("{}peers = [\"10.0.0.2\"]\nsource = \"10.0.0.3\"\n", config("eth1", priority))
    };
    let pair = Pair::new()?;
    let _cable = twice(&pair)?;
    warns(&pair, &config(100), SENTENCE)?;
    // A way of its own makes it right.
    ip(&pair.a.host, "route add 10.0.0.2/32 dev eth1")?;
    is_silent(&pair, &config(100), "rp_filter")
}
