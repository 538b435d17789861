//! What is promised, on a kernel that has only the metric of an address to tell ours by.

use std::{env, time::Duration};

use libtest_mimic::Trial;
use vrrp_core::MacAddr;
use vrrp_net::{
    lab::{Cable, Signal, Ticker, wait_until},
    netlink::addresses::Mark,
};

use crate::{
    interfaces::{answered, client, counter, ip, settled, wait_for_hold},
    shim::has_taken,
    stage::{
        ADDRESSES, SECOND, STRONG, Standing, TENTH, WEAK, active_down, are_answered, clients,
        config, delete, elect, entries, is_adopted, wait_for_addresses, was_never_away, watch,
    },
    support::{Node, Outcome, Pair, SOON, adverts, check, now, priority, timed, wait_for},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        timed("quiet_seconds", |_| quiet()),
        timed("killed_for_good", |_| killed()),
        timed("killed_and_started_again", restarted),
        timed("killed_while_leaving", |_| killed_while_leaving()),
        timed("address_deleted", |_| deleted()),
        timed("without_a_lease", |_| without_a_lease()),
        timed("made_the_hosts_own", |_| made_the_hosts_own()),
        timed("backup_hears_on_another_interface_of_the_name", |_| hears()),
    ]
}

/// Nothing happens, and nothing is done but to renew. The shim has taken away what it is there for.
fn quiet() -> Outcome {
    let lasts = if env::var_os("VRRP_TEST_ALL").is_some() { 20 } else { 8 };
    let mut pair = Pair::new()?;
    elect(&mut pair, SECOND, "")?;
    let watches = watch(&pair.a)?;
    let before = [&pair.a, &pair.b].map(Standing::of);
    let (begun, mac) = (now(), pair.a.mac);
    let later = begun + Duration::from_secs(lasts);
    wait_later(&pair, later, mac)?;
    was_never_away(&watches)?;
    before[0].is_kept_by(&pair.a)?;
    before[1].is_kept_by(&pair.b)?;
    let said = adverts(&pair.capture, pair.b.mac, begun).len();
    check(said == 0, format!("the backup advertised {said} times"))?;
    for node in [&pair.a, &pair.b] {
        let log = node.log();
        check(
            !log.contains("WARN") && !log.contains("ERROR"),
            format!("{} complains:\n{log}", node.name),
        )?;
    }
    let found = entries(&pair.a)?;
    check(
        found.iter().all(|entry| entry.mark == Some(Mark::Held)),
        format!("not marked: {found:?}"),
    )?;
    is_old(&pair.a)
}

/// Waits for an advertisement at this time or later.
fn wait_later(pair: &Pair, later: Duration, mac: MacAddr) -> Outcome {
    // What is waited for may be further away than anything that is waited for elsewhere.
    wait_until(later.saturating_sub(now()), || now() >= later);
    wait_for(&pair.capture, "advertisement", later, |frame| priority(frame, mac).is_some())
        .map(drop)
}

fn is_old(node: &Node) -> Outcome {
    let (_, notes) = node.environment.last().ok_or("there is no shim")?;
    for what in ["protocol", "bind", "strict"] {
        check(has_taken(notes, what), format!("the shim has not met {what}"))?;
    }
    Ok(())
}

/// The lease ends by itself, and the other node has the addresses.
fn killed() -> Outcome {
    let mut pair = Pair::new()?;
    elect(&mut pair, TENTH, "")?;
    let clients = clients(&pair)?;
    pair.a.process()?.kill()?;
    pair.b.wait_for_phase("held")?;
    wait_for_addresses(&pair.a, false)?;
    wait_for_addresses(&pair.b, true)?;
    are_answered(&clients)
}

fn restarted(ticker: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    elect(&mut pair, SECOND, "")?;
    is_adopted(&mut pair, ticker, |node| node.start(&config(STRONG, SECOND, "")))
}

/// What has resigned may be at the other node by now: it is not gone on with.
fn killed_while_leaving() -> Outcome {
    let mut pair = Pair::new()?;
    elect(&mut pair, SECOND, "")?;
    let (begun, mac) = (now(), pair.a.mac);
    pair.a.signal(Signal::SIGTERM)?;
    for ip in ADDRESSES {
        let resigned = |frame: &vrrp_net::lab::Frame| {
            let is_of_family =
                frame.vrrp().is_some_and(|vrrp| vrrp.source.is_ipv6() == ip.is_ipv6());
            is_of_family && priority(frame, mac) == Some(0)
        };
        wait_for(&pair.capture, "resignation of a", begun, resigned)?;
    }
    // Before b takes over, after its Skew_Time of 0.6 s.
    let leaving = || {
        let found = entries(&pair.a).unwrap_or_default();
        !found.is_empty() && found.iter().all(|entry| entry.mark == Some(Mark::Leaving))
    };
    check(wait_until(SECOND / 2, leaving), format!("not marked: {:?}", entries(&pair.a)?))?;
    pair.a.process()?.kill()?;
    check(!entries(&pair.a)?.is_empty(), "there is nothing left that could be adopted")?;
    pair.a.start(&config(STRONG, SECOND, ""))?;
    pair.a.wait_for_phase("held")?;
    pair.b.wait_for_phase("backup")?;
    let log = pair.a.log();
    check(!log.contains("adopted"), format!("it was adopted:\n{log}"))
}

/// Somebody deletes the addresses: they are back, and nobody else notices.
fn deleted() -> Outcome {
    let mut pair = Pair::new()?;
    elect(&mut pair, SECOND, "")?;
    let clients = clients(&pair)?;
    let before = [&pair.a, &pair.b].map(Standing::of);
    for (index, ip) in ADDRESSES.into_iter().enumerate() {
        for round in 1..=3 {
            delete(&pair.a, ip)?;
            let repaired = || counter(&pair.a.router(index), "repairs") == round;
            check(wait_until(SOON, repaired), format!("{ip} was not repaired:\n{}", pair.a.log()))?;
            wait_for_addresses(&pair.a, true)?;
        }
    }
    are_answered(&clients)?;
    before[0].is_kept_by(&pair.a)?;
    before[1].is_kept_by(&pair.b)
}

/// What has no lifetime goes when the node leaves, and does not keep it out when it comes back.
fn without_a_lease() -> Outcome {
    let mut pair = Pair::new()?;
    let config = config(STRONG, TENTH, "lease = false");
    for _ in 0..2 {
        pair.a.start(&config)?;
        pair.a.wait_for_phase("held")?;
        wait_for_addresses(&pair.a, true)?;
        pair.a.signal(Signal::SIGTERM)?;
        check(pair.a.wait()?, "a did not end with status 0")?;
        wait_for_addresses(&pair.a, false)?;
    }
    pair.a.start(&config)?;
    pair.a.wait_for_phase("held")?;
    pair.a.process()?.kill()?;
    wait_for_addresses(&pair.a, true)?;
    pair.a.start(&config)?;
    pair.a.wait_for_phase("held")?;
    wait_for_addresses(&pair.a, true)?;
    pair.a.signal(Signal::SIGTERM)?;
    check(pair.a.wait()?, "a did not end with status 0")?;
    wait_for_addresses(&pair.a, false)
}

/// An operator takes the addresses for the host (`ip address replace`): they are left alone from
/// then on.
fn made_the_hosts_own() -> Outcome {
    let mut pair = Pair::new()?;
    elect(&mut pair, TENTH, "")?;
    for address in ["10.0.0.100/24", "fd00::100/64"] {
        ip(&pair.a.host, &format!("address replace {address} dev eth0"))?;
    }
    wait_for_hold(&pair.a, "address-present")?;
    pair.b.wait_for_phase("held")?;
    let are_there = |node: &Node| {
        ADDRESSES.iter().all(|ip| node.has_address(&ip.to_string()).unwrap_or_default())
    };
    // Longer than a lease, which is a second at least.
    wait_later(&pair, now() + 2 * SECOND, pair.b.mac)?;
    check(are_there(&pair.a), "the host's addresses were taken away")?;
    pair.a.signal(Signal::SIGTERM)?;
    check(pair.a.wait()?, "a did not end with status 0")?;
    check(are_there(&pair.a), "the host's addresses went with the node")
}

/// The interface of the backup is renamed and another one gets its name. A socket that was bound by
/// name would stay with the old one, and the node would become Active beside the other.
fn hears() -> Outcome {
    let mut pair = Pair::new()?;
    let other = Cable::new(&pair.b.host, "eth1", &pair.switch, &["10.0.0.12/24", "fd00::12/64"])?;
    let mac = other.mac()?;
    elect(&mut pair, TENTH, "")?;
    for (from, to) in [("eth0", "away0"), ("eth1", "eth0")] {
        for change in [format!("{from} down"), format!("{from} name {to}"), format!("{to} up")] {
            ip(&pair.b.host, &format!("link set {change}"))?;
        }
        if from == "eth0" {
            wait_for_hold(&pair.b, "interface-missing")?;
        }
    }
    // Taken down, it has lost its IPv6 address.
    ip(&pair.b.host, "address replace fd00::12/64 dev eth0 nodad")?;
    settled(&pair)?;
    let begun = now();
    wait_later(&pair, begun + 3 * active_down(WEAK, TENTH), pair.a.mac)?;
    settled(&pair)?;
    let said = adverts(&pair.capture, mac, Duration::ZERO).len();
    check(said == 0, format!("b advertised {said} times beside a:\n{}", pair.b.log()))?;
    ADDRESSES.into_iter().try_for_each(|address| answered(&client(&pair, address)?))
}
