//! An interface is deleted and made anew, renamed, or replaced by another one of its name.

use std::{fs, process::Command};

use libtest_mimic::{Failed, Trial};
use vrrp_net::lab::{Cable, Ticker, wait_until};

use super::{Family, STRONG, answered, both, client, counter, ip, settle, settled, wait_for_hold};
use crate::support::{
    Node, Outcome, Pair, SOON, check, milliseconds, now, priority, timed, wait_for,
};

/// How often an interface is deleted and made anew.
const CYCLES: usize = 10;

pub(super) fn tests() -> Vec<Trial> {
    vec![
        timed("interface_made_anew_ten_times", made_anew),
        timed("interface_renamed_while_up", |_| renamed(Way::Up)),
        timed("interface_renamed_while_down", |_| renamed(Way::Down)),
        timed("interface_replaced_by_another", |_| replaced()),
    ]
}

/// With another index and another MAC address each time.
fn made_anew(_: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    settle(&mut pair, both)?;
    let before = [descriptors(&mut pair.a)?, descriptors(&mut pair.b)?];
    for cycle in 1..=CYCLES {
        pair.a.cable.destroy()?;
        wait_for_hold(&pair.a, "interface-missing")?;
        pair.b.wait_for_phase("held")?;
        let heard =
            |pair: &Pair| [0, 1].map(|index| counter(&pair.a.router(index), "adverts_received"));
        let heard_before = heard(&pair);
        pair.a.cable.restore()?;
        settled(&pair)?;
        // It preempted whom it heard.
        let is_heard = heard(&pair).iter().zip(heard_before).all(|(after, before)| *after > before);
        check(is_heard, format!("cycle {cycle}: a took over without having heard b"))?;
        for family in Family::BOTH {
            pair.a.wait_for_address(family.address(), true)?;
            pair.b.wait_for_address(family.address(), false)?;
        }
    }
    for (node, before) in [&mut pair.a, &mut pair.b].into_iter().zip(before) {
        let mut after = 0;
        // There was one more, if it was still answering then.
        let is_no_more = wait_until(SOON, || {
            after = descriptors(node).unwrap_or(usize::MAX);
            after <= before
        });
        check(is_no_more, format!("{} had {before} open files and has {after}", node.name))?;
    }
    for family in Family::BOTH {
        client(&pair, family.address())?;
    }
    Ok(())
}

/// How many files the program has open.
fn descriptors(node: &mut Node) -> Result<usize, Failed> {
    let pid = node.process()?.pid();
    Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count())
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Up,
    Down,
}

impl Way {
    fn rename(self, node: &Node, from: &str, to: &str) -> Outcome {
        match self {
            Self::Up => ip(&node.host, &format!("link set {from} name {to}")),
            Self::Down => {
                ip(&node.host, &format!("link set {from} down"))?;
                ip(&node.host, &format!("link set {from} name {to}"))?;
                ip(&node.host, &format!("link set {to} up"))
            }
        }
    }
}

/// While the interface has another name there is none, and nothing of ours is on it.
fn renamed(way: Way) -> Outcome {
    let mut pair = Pair::new()?;
    settle(&mut pair, both)?;
    for _ in 0..3 {
        if let Err(refused) = way.rename(&pair.a, "eth0", "away0") {
            check(matches!(way, Way::Up), refused.message().unwrap_or_default())?;
            println!("this kernel renames only what is down");
            return Ok(());
        }
        wait_for_hold(&pair.a, "interface-missing")?;
        pair.b.wait_for_phase("held")?;
        for family in Family::BOTH {
            pair.a.wait_for_address(family.address(), false)?;
            client(&pair, family.address())?;
        }
        check(pair.a.has_address("10.0.0.1")?, "the host lost its own address")?;
        way.rename(&pair.a, "away0", "eth0")?;
        settled(&pair)?;
        for family in Family::BOTH {
            pair.a.wait_for_address(family.address(), true)?;
            client(&pair, family.address())?;
        }
    }
    Ok(())
}

/// Two interfaces change places in one moment: the virtual router is on the one that has the name.
fn replaced() -> Outcome {
    let mut pair = Pair::new()?;
    let other = Cable::new(&pair.a.host, "eth1", &pair.switch, &["10.0.0.11/24", "fd00::11/64"])?;
    settle(&mut pair, both)?;
    let clients = [client(&pair, Family::Ipv4.address())?, client(&pair, Family::Ipv6.address())?];
    let mac = other.mac()?;
    let begun = now();
    swap_names(&pair.a)?;
    let sent = wait_for(&pair.capture, "advertisement of the other interface", begun, |frame| {
        priority(frame, mac) == Some(STRONG)
    })?;
    settled(&pair)?;
    for (family, client) in Family::BOTH.into_iter().zip(&clients) {
        let address = family.address().to_string();
        let moved = || {
            let at = |interface| is_on(&pair.a, &address, interface).unwrap_or_default();
            at("eth0") && !at("away0")
        };
        check(wait_until(SOON, moved), format!("{address} did not move\n{}", pair.a.log()))?;
        answered(client)?;
    }
    println!("advertised on the other interface after {}", milliseconds(sent - begun));
    Ok(())
}

fn swap_names(node: &Node) -> Outcome {
    let batch = "link set eth0 name away0\nlink set eth1 name eth0\n";
    let path = node.host.run(|| {
        let mut file = tempfile::NamedTempFile::new()?;
        std::io::Write::write_all(&mut file, batch.as_bytes())?;
        Command::new("ip").arg("-batch").arg(file.path()).status()
    })??;
    check(path.success(), "the interfaces could not be renamed")
}

fn is_on(node: &Node, address: &str, interface: &'static str) -> Result<bool, Failed> {
    let show =
        || Command::new("ip").args(["-oneline", "address", "show", "dev", interface]).output();
    let output = node.host.run(show)??;
    Ok(String::from_utf8_lossy(&output.stdout).contains(&format!(" {address}/")))
}
