//! The host's own addresses change: the source of advertisements follows, and the virtual address
//! stays.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use libtest_mimic::Trial;
use serde_json::Value;
use vrrp_net::lab::{Frame, Signal, Ticker, wait_until};

use super::{
    Family, INTERVAL, STRONG, WEAK, answered, client, config, counter, ip, set, settle, settled,
    skew, wait_for_hold,
};
use crate::support::{
    Outcome, Pair, SLACK, SOON, adverts, check, has_moved, now, priority, timed, wait_for, within,
};

/// `RTF_EXPIRES` of `linux/ipv6_route.h`.
const EXPIRES: u32 = 0x0040_0000;

pub(super) fn tests() -> Vec<Trial> {
    let mut tests: Vec<Trial> = Change::ALL
        .into_iter()
        .map(|change| timed(change.name(), move |ticker| own_address_changes(change, ticker)))
        .collect();
    tests.extend([
        timed("interface_own_address_removed", |ticker| own_address_goes(Removal::Deleted, ticker)),
        timed("interface_own_addresses_flushed", |ticker| {
            own_address_goes(Removal::Flushed, ticker)
        }),
        timed("interface_own_address_comes_back", own_address_comes_back),
        timed("interface_own_ipv6_address_comes_and_goes", own_ipv6_address_comes_and_goes),
    ]);
    tests
}

/// How the host comes to have other addresses. At first it has 10.0.0.1/24.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// By one of another subnet. The kernel deletes the virtual address with its subnet's primary
    /// one.
    OtherSubnet,
    /// By a second one of the subnet, where the kernel keeps those when the first one goes.
    SameSubnet,
    /// The same, and the virtual address has no subnet.
    SameSubnetBare,
    /// A second one of the subnet comes and goes.
    SecondOnly,
}

impl Change {
    const ALL: [Self; 4] =
        [Self::OtherSubnet, Self::SameSubnet, Self::SameSubnetBare, Self::SecondOnly];

    const fn name(self) -> &'static str {
        match self {
            Self::OtherSubnet => "interface_own_address_replaced_by_another_subnets",
            Self::SameSubnet => "interface_own_address_replaced_in_its_subnet",
            Self::SameSubnetBare => "interface_own_address_replaced_beside_a_bare_address",
            Self::SecondOnly => "interface_own_second_address_comes_and_goes",
        }
    }

    fn config(self, priority: u8) -> String {
        match self {
            Self::SameSubnetBare => config("ipv4", "\"10.0.0.100\"", priority),
            Self::OtherSubnet | Self::SameSubnet | Self::SecondOnly => {
                Family::Ipv4.config(priority)
            }
        }
    }

    /// Whether the kernel keeps the other addresses of a subnet when the primary one is deleted.
    fn promotes(self) -> bool {
        matches!(self, Self::SameSubnet | Self::SameSubnetBare)
    }

    fn added(self) -> &'static str {
        match self {
            Self::OtherSubnet => "192.168.1.1/24",
            Self::SameSubnet | Self::SameSubnetBare | Self::SecondOnly => "10.0.0.7/24",
        }
    }

    fn deleted(self) -> &'static str {
        match self {
            Self::OtherSubnet | Self::SameSubnet | Self::SameSubnetBare => "10.0.0.1/24",
            Self::SecondOnly => "10.0.0.7/24",
        }
    }

    /// Where advertisements come from in the end.
    fn source(self) -> Ipv4Addr {
        match self {
            Self::OtherSubnet => Ipv4Addr::new(192, 168, 1, 1),
            Self::SameSubnet | Self::SameSubnetBare => Ipv4Addr::new(10, 0, 0, 7),
            Self::SecondOnly => Ipv4Addr::new(10, 0, 0, 1),
        }
    }

    /// How many packets of a client may be lost: the kernel takes the address away, or does not.
    fn tolerates(self, ticker: &Ticker) -> u64 {
        match self {
            Self::OtherSubnet => tolerable(SLACK, ticker),
            // It takes the routes of the subnet's addresses away and puts them back, in one go but
            // for a pause of the machine.
            Self::SameSubnet => tolerable(Duration::ZERO, ticker),
            Self::SameSubnetBare | Self::SecondOnly => 0,
        }
    }
}

fn own_address_changes(change: Change, ticker: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    let promotes = if change.promotes() { "1" } else { "0" };
    for which in ["all", "eth0"] {
        set(&pair.a.host, &format!("ipv4/conf/{which}/promote_secondaries"), promotes)?;
    }
    settle(&mut pair, |priority| change.config(priority))?;
    let client = client(&pair, Family::Ipv4.address())?;
    let before = pair.a.router(0);

    ip(&pair.a.host, &format!("address add {} dev eth0", change.added()))?;
    let mark = client.mark();
    ip(&pair.a.host, &format!("address del {} dev eth0", change.deleted()))?;
    let begun = now();
    let (mac, source) = (pair.a.mac, IpAddr::from(change.source()));
    let mut last = begun;
    for _ in 0..3 {
        last = wait_for(&pair.capture, "advertisement from the new source", last, |frame| {
            frame.at > last && comes_from(frame, source) && priority(frame, mac) == Some(STRONG)
        })?;
    }
    pair.a.wait_for_address(Family::Ipv4.address(), true)?;
    answered(&client)?;
    let loss = client.since(mark);
    let after = pair.a.router(0);
    println!("{change:?}: {loss}; {} repairs", counter(&after, "repairs"));
    is_unmoved(&before, &after)?;
    check(loss.lost <= change.tolerates(ticker), format!("the client lost packets: {loss}"))?;
    let followed = || pair.b.router(0)["active_peer"].clone();
    let follows = wait_until(SOON, || followed() == source.to_string().as_str());
    check(follows, format!("b follows {}", followed()))?;
    let sent = adverts(&pair.capture, pair.b.mac, begun).len();
    check(sent == 0, format!("b advertised {sent} times"))?;
    leaves_alone_what_is_not_ours(&mut pair, source)
}

/// It has been Active all the time.
pub(super) fn is_unmoved(before: &Value, after: &Value) -> Outcome {
    for field in ["phase", "reason", "hold"] {
        check(
            before[field] == after[field],
            format!("{field} was {} and is {}", before[field], after[field]),
        )?;
    }
    check(
        !has_moved(before, after)?
            && counter(before, "became_active") == counter(after, "became_active"),
        format!("there was a transition: {after:#}"),
    )
}

/// When the node leaves, the host keeps what it has of its own.
fn leaves_alone_what_is_not_ours(pair: &mut Pair, own: IpAddr) -> Outcome {
    pair.a.signal(Signal::SIGTERM)?;
    check(pair.a.wait()?, "a did not end with status 0")?;
    check(
        !pair.a.has_address(&Family::Ipv4.address().to_string())?,
        "the address was left behind",
    )?;
    check(pair.a.has_address(&own.to_string())?, "the host's own address went with the virtual one")
}

fn comes_from(frame: &Frame, source: IpAddr) -> bool {
    frame.vrrp().is_some_and(|vrrp| vrrp.source == source)
}

/// How many of 1,000 packets a second may be lost in this time and the ticker's worst gap.
fn tolerable(slack: Duration, ticker: &Ticker) -> u64 {
    u64::try_from((slack + ticker.worst_gap()).as_millis()).unwrap_or(u64::MAX)
}

#[derive(Clone, Copy, Debug)]
enum Removal {
    Deleted,
    Flushed,
}

/// Without an address to send from there is no Active: after a moment it resigns from the address
/// that it had, and serves until the other node has taken over.
fn own_address_goes(removal: Removal, ticker: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    settle(&mut pair, |priority| Family::Ipv4.config(priority))?;
    let client = client(&pair, Family::Ipv4.address())?;
    let (a, b) = (pair.a.mac, pair.b.mac);
    let (mark, begun) = (client.mark(), now());
    match removal {
        Removal::Deleted => ip(&pair.a.host, "address del 10.0.0.1/24 dev eth0")?,
        Removal::Flushed => ip(&pair.a.host, "address flush dev eth0")?,
    }
    // It has gone by now.
    let ended = now();
    wait_for_hold(&pair.a, "no-source-address")?;
    pair.a.wait_for_address(Family::Ipv4.address(), false)?;
    let resigned =
        wait_for(&pair.capture, "resignation of a", begun, |frame| priority(frame, a) == Some(0))?;
    let latest = 2 * INTERVAL + (ended - begun);
    within("resignation", resigned - begun, (2 * INTERVAL, latest), SLACK, ticker)?;
    let took =
        wait_for(&pair.capture, "advertisement of b", begun, |frame| priority(frame, b).is_some())?;
    let last = adverts(&pair.capture, a, Duration::ZERO).into_iter().max().unwrap_or_default();
    check(last < resigned, "a advertised after its resignation")?;
    within("takeover", took - resigned, (skew(WEAK), skew(WEAK)), SLACK, ticker)?;
    pair.b.wait_for_phase("held")?;
    answered(&client)?;
    let loss = client.since(mark);
    check(loss.lost <= tolerable(SLACK, ticker), format!("the client lost packets: {loss}"))?;

    ip(&pair.a.host, "address add 10.0.0.1/24 dev eth0")?;
    settled(&pair)?;
    pair.a.wait_for_address(Family::Ipv4.address(), true)?;
    answered(&client)?;
    leaves_alone_what_is_not_ours(&mut pair, IpAddr::from([10, 0, 0, 1]))
}

/// The host gets its address back while the virtual one has been put in its place: it is the
/// host's, and does not go with the virtual one.
fn own_address_comes_back(_: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    set(&pair.a.host, "ipv4/conf/all/promote_secondaries", "0")?;
    set(&pair.a.host, "ipv4/conf/eth0/promote_secondaries", "0")?;
    settle(&mut pair, |priority| Family::Ipv4.config(priority))?;
    let before = pair.a.router(0);
    ip(&pair.a.host, "address add 192.168.1.1/24 dev eth0")?;
    ip(&pair.a.host, "address del 10.0.0.1/24 dev eth0")?;
    let repaired = || counter(&pair.a.router(0), "repairs") > 0;
    check(wait_until(SOON, repaired), "nothing was repaired")?;
    ip(&pair.a.host, "address add 10.0.0.1/24 dev eth0")?;
    client(&pair, Family::Ipv4.address())?;
    is_unmoved(&before, &pair.a.router(0))?;
    leaves_alone_what_is_not_ours(&mut pair, IpAddr::from([10, 0, 0, 1]))?;
    client(&pair, IpAddr::from([10, 0, 0, 1]))?;
    Ok(())
}

/// The subnet is the host's and then only the virtual address's: there is a route to it all the
/// time.
fn own_ipv6_address_comes_and_goes(_: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    settle(&mut pair, |priority| Family::Ipv6.config(priority))?;
    let client = client(&pair, Family::Ipv6.address())?;
    let before = pair.a.router(0);
    let mark = client.mark();
    for change in ["del fd00::1/64 dev eth0", "add fd00::1/64 dev eth0 nodad"] {
        ip(&pair.a.host, &format!("address {change}"))?;
        // With some renewals, each of which looks at the host's addresses.
        let (mac, later) = (pair.a.mac, now() + 10 * INTERVAL);
        wait_for(&pair.capture, "advertisement", later, |frame| priority(frame, mac).is_some())?;
        is_unmoved(&before, &pair.a.router(0))?;
    }
    let loss = client.since(mark);
    check(loss.lost == 0, format!("the client lost packets: {loss}"))?;
    pair.a.signal(Signal::SIGTERM)?;
    check(pair.a.wait()?, "a did not end with status 0")?;
    let routes = pair.a.host.run(|| fs::read_to_string("/proc/thread-self/net/ipv6_route"))??;
    let route = routes.lines().find(|line| line.starts_with("fd000000000000000000000000000000 40"));
    let flags =
        route.and_then(|line| line.split_whitespace().nth(8)).ok_or("the host's route is gone")?;
    check(u32::from_str_radix(flags, 16)? & EXPIRES == 0, "the host's route expires")
}
