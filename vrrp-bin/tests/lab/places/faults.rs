//! What is deleted, and interfaces and ways that go, while clients count what they lose: one of the
//! address on eth1, one whose way leads through the nodes.

use std::{net::Ipv4Addr, time::Duration};

use libtest_mimic::Trial;
use vrrp_core::MacAddr;
use vrrp_net::lab::{Client, Frame, Keepalived, Loss, Mark, Ticker, wait_until};

use super::{
    site::{Make, ROUTES, Site, Who, ours},
    table::without,
};
use crate::{
    faults::wait_for_hold,
    interfaces::{answered, counter, ip},
    support::{
        Outcome, SLACK, SOON, check, has_moved, milliseconds, now, priority, skew, timed, wait_for,
        within,
    },
};

pub(super) const QUICK: Duration = Duration::from_millis(100);
/// The reason for which a node stays out while another interface of it is missing or down.
const HOLD: &str = "other-interface";

pub(super) fn tests() -> Vec<Trial> {
    let mut tests = vec![
        timed("places_that_are_deleted", address_deleted),
        timed("places_that_are_deleted_with_their_routes", routes_go_with_their_source),
        timed("places_whose_routes_are_deleted", routes_deleted),
        timed("places_whose_subnet_goes", subnet_goes),
        timed("places_that_are_missing_at_start", missing_at_start),
    ];
    tests.extend(Going::ALL.map(|going| timed(going.name(), move |it| interface_goes(going, it))));
    let missing = Keepalived::missing();
    if let Some(reason) = &missing {
        println!("skipped: another interface of keepalived: {reason}");
    }
    tests.push(
        timed("places_that_go_down_of_keepalived", |_| keepalived_interface_goes())
            .with_ignored_flag(missing.is_some()),
    );
    tests
}

/// How many of 1,000 packets a second may be lost when something is put back at once.
pub(super) fn tolerable(ticker: &Ticker) -> u64 {
    let late = SLACK + ticker.worst_gap() + ticker.worst_answer();
    u64::try_from(late.as_millis()).unwrap_or(u64::MAX)
}

/// Active_Down_Interval of the weaker node.
pub(super) fn active_down() -> Duration {
    3 * QUICK + skew(QUICK, Who::B.priority())
}

/// What became of all packets since `from`.
pub(super) fn loss(client: &Client, from: Mark) -> Loss {
    let to = client.mark();
    wait_until(SOON, || client.between(from, to).pending == 0);
    client.between(from, to)
}

/// The stronger node is active since `before`, and the other one follows it.
fn nothing_moved(site: &Site, before: &serde_json::Value) -> Outcome {
    let after = site.pair.a.router(0);
    check(!has_moved(before, &after)?, format!("a was not active all the time: {after:#}"))?;
    check(site.pair.b.phase() == "backup", "the other node took over")
}

fn announces_outer(frame: &Frame, mac: MacAddr) -> bool {
    frame.garp() == Some((mac, Ipv4Addr::new(10, 0, 1, 100)))
}

/// Somebody deletes the address on eth1: it is put back and announced there.
fn address_deleted(ticker: &Ticker) -> Outcome {
    const ROUNDS: u64 = 3;
    let mut site = Site::new()?;
    site.settle(QUICK, &ROUTES)?;
    let [outer, far] = site.clients()?;
    let (all, before) = (site.lines(Who::A)?, site.pair.a.router(0));
    let (mark, far_mark, mac) = (outer.mark(), far.mark(), site.eth1(Who::A).mac()?);
    for round in 1..=ROUNDS {
        let begun = now();
        ip(&site.pair.a.host, "address del 10.0.1.100/24 dev eth1")?;
        wait_for(&site.capture, "announcement", begun, |frame| announces_outer(frame, mac))?;
        let repaired = || counter(&site.pair.a.router(0), "repairs") == round;
        check(wait_until(SOON, repaired), format!("round {round}: {:#}", site.pair.a.router(0)))?;
        site.wait_for_lines(Who::A, "after a deletion", &all)?;
    }
    nothing_moved(&site, &before)?;
    let (direct, through) = (loss(&outer, mark), loss(&far, far_mark));
    println!("deleted {ROUNDS} times: the address on eth1: {direct}; through the nodes: {through}");
    let most = ROUNDS * tolerable(ticker);
    check(direct.lost <= most, format!("the client of the address lost packets: {direct}"))?;
    // Its way back is through that address.
    check(through.lost <= most, format!("the client through the nodes lost packets: {through}"))
}

/// The kernel takes the routes along with the address that is their source: all of it is put back.
fn routes_go_with_their_source(ticker: &Ticker) -> Outcome {
    let mut site = Site::new()?;
    site.settle(QUICK, &ROUTES)?;
    let [outer, far] = site.clients()?;
    let (all, before) = (site.lines(Who::A)?, site.pair.a.router(0));
    let (mark, far_mark) = (outer.mark(), far.mark());
    ip(&site.pair.a.host, "address del 10.0.0.100/24 dev eth0")?;
    site.wait_for_lines(Who::A, "after a deletion", &all)?;
    answered(&far)?;
    nothing_moved(&site, &before)?;
    let (direct, through) = (loss(&outer, mark), loss(&far, far_mark));
    println!("the source of the routes deleted: eth1: {direct}; through the nodes: {through}");
    check(direct.lost == 0, format!("the client of the address on eth1 lost packets: {direct}"))?;
    let most = tolerable(ticker);
    check(through.lost <= most, format!("the client through the nodes lost packets: {through}"))
}

/// Somebody deletes the routes: each is put back, and told once.
fn routes_deleted(ticker: &Ticker) -> Outcome {
    const DELETIONS: [(&str, &str); 4] = [
        ("198.51.100.0/24", "-4 route del 198.51.100.0/24 via 10.0.1.254 dev eth1"),
        ("198.18.0.0/15", "-4 route del 198.18.0.0/15 table 100"),
        ("2001:db8:7::/48", "-6 route del 2001:db8:7::/48 via fd00::9 dev eth0"),
        ("203.0.113.0/24", "-4 route del blackhole 203.0.113.0/24"),
    ];
    let mut site = Site::new()?;
    site.settle(QUICK, &ROUTES)?;
    let [outer, far] = site.clients()?;
    let (all, before) = (site.lines(Who::A)?, site.pair.a.router(0));
    let (mark, far_mark) = (outer.mark(), far.mark());
    for (_, deletion) in DELETIONS {
        ip(&site.pair.a.host, deletion)?;
        site.wait_for_lines(Who::A, deletion, &all)?;
    }
    answered(&far)?;
    nothing_moved(&site, &before)?;
    let (direct, through) = (loss(&outer, mark), loss(&far, far_mark));
    println!("the routes deleted: eth1: {direct}; through the nodes: {through}");
    check(direct.lost == 0, format!("the client of the address lost packets: {direct}"))?;
    let most = tolerable(ticker);
    check(through.lost <= most, format!("the client through the nodes lost packets: {through}"))?;
    let log = site.pair.a.log();
    for (destination, _) in DELETIONS {
        let is_it = |line: &&str| line.contains("event=route-lost") && line.contains(destination);
        let told = log.lines().filter(is_it).count();
        check(told == 1, format!("that {destination} was lost is told {told} times:\n{log}"))?;
    }
    Ok(())
}

/// The host's own address of the gateway's subnet is deleted: the kernel takes the virtual one and
/// the way to the gateway along. Both are put back, and it goes on.
fn subnet_goes(ticker: &Ticker) -> Outcome {
    let mut site = Site::new()?;
    site.settle(QUICK, &ROUTES)?;
    let [outer, far] = site.clients()?;
    let before = site.pair.a.router(0);
    let (mark, far_mark) = (outer.mark(), far.mark());
    ip(&site.pair.a.host, "address del 10.0.1.1/24 dev eth1")?;
    let is_back = || site.pair.a.has_address("10.0.1.100").unwrap_or_default();
    check(wait_until(SOON, is_back), "the address on eth1 does not come back")?;
    answered(&outer)?;
    answered(&far)?;
    let (direct, through) = (loss(&outer, mark), loss(&far, far_mark));
    println!("the gateway's subnet gone: eth1: {direct}; through the nodes: {through}");
    let most = 2 * tolerable(ticker);
    check(direct.lost <= most, format!("the client of the address lost packets: {direct}"))?;
    check(through.lost <= most, format!("the client through the nodes lost packets: {through}"))?;

    ip(&site.pair.a.host, "address add 10.0.1.1/24 dev eth1")?;
    answered(&outer)?;
    answered(&far)?;
    nothing_moved(&site, &before)
}

/// How the other interface goes.
#[derive(Clone, Copy, Debug)]
enum Going {
    /// An operator takes it down.
    Down,
    /// It loses its carrier.
    Unplugged,
    /// It is deleted, and made anew with another index.
    Destroyed,
}

impl Going {
    const ALL: [Self; 3] = [Self::Down, Self::Unplugged, Self::Destroyed];

    const fn name(self) -> &'static str {
        match self {
            Self::Down => "places_whose_interface_is_taken_down",
            Self::Unplugged => "places_whose_interface_loses_its_carrier",
            Self::Destroyed => "places_whose_interface_is_made_anew",
        }
    }

    /// How late the kernel tells of it: of carriers it tells once a second at most, by a worker that
    /// waits for others.
    const fn is_told_after(self) -> Duration {
        match self {
            Self::Unplugged => Duration::from_millis(1500),
            Self::Down | Self::Destroyed => Duration::ZERO,
        }
    }

    fn begin(self, site: &Site) -> Outcome {
        match self {
            Self::Down => ip(&site.pair.a.host, "link set eth1 down"),
            Self::Unplugged => Ok(site.eth1(Who::A).unplug()?),
            Self::Destroyed => Ok(site.eth1(Who::A).destroy()?),
        }
    }

    fn end(self, site: &Site) -> Outcome {
        match self {
            Self::Down => ip(&site.pair.a.host, "link set eth1 up"),
            Self::Unplugged => Ok(site.eth1(Who::A).plug()?),
            Self::Destroyed => Ok(site.eth1(Who::A).restore()?),
        }
    }
}

/// eth1 of the active node goes: the other one takes over, and nothing is left behind. It returns:
/// so does the node.
fn interface_goes(going: Going, ticker: &Ticker) -> Outcome {
    let mut site = Site::new()?;
    site.settle(QUICK, &ROUTES)?;
    let [outer, far] = site.clients()?;
    let all = site.lines(Who::A)?;
    let (mark, far_mark, b) = (outer.mark(), far.mark(), site.pair.b.mac);
    let begun = now();
    going.begin(&site)?;
    let took = wait_for(&site.pair.capture, "advertisement of b", begun, |frame| {
        priority(frame, b) == Some(Who::B.priority())
    })?;
    // It may be gone for two intervals before the node leaves, and by then peers may have heard
    // nothing for that long.
    let most = going.is_told_after() + 2 * QUICK + active_down();
    within("takeover", took - begun, (Duration::ZERO, most), SLACK, ticker)?;
    site.pair.b.wait_for_phase("held")?;
    let router = wait_for_hold(&site.pair.a, HOLD)?;
    check(router["phase"] == "initialize" && router["fault"] == true, format!("{router:#}"))?;
    let is_bare = || site.lines(Who::A).is_ok_and(|now| now.len() == without(&now, &all).len());
    check(wait_until(SOON, is_bare), format!("left behind: {:#?}", site.lines(Who::A)))?;
    answered(&outer)?;
    answered(&far)?;
    println!(
        "{going:?}: eth1: {}; through the nodes: {}",
        loss(&outer, mark),
        loss(&far, far_mark)
    );

    let (mark, far_mark) = (outer.mark(), far.mark());
    going.end(&site)?;
    site.settled()?;
    let is_complete = || site.lines(Who::A).is_ok_and(|now| without(&all, &now).is_empty());
    check(wait_until(SOON, is_complete), format!("missing: {:#?}", site.lines(Who::A)))?;
    answered(&outer)?;
    answered(&far)?;
    let (direct, through) = (loss(&outer, mark), loss(&far, far_mark));
    println!("{going:?}, back again: eth1: {direct}; through the nodes: {through}");
    Ok(())
}

/// The same of keepalived: measured, and nothing asserted but that the other node has it then.
fn keepalived_interface_goes() -> Outcome {
    let mut site = Site::new()?;
    site.start(Make::Keepalived, Who::A, QUICK)?;
    let is_active = || site.pair.a.has_address("10.0.1.100").unwrap_or_default();
    check(wait_until(SOON, is_active), format!("a is not active:\n{}", site.log(Who::A)))?;
    site.start(Make::Keepalived, Who::B, QUICK)?;
    let [outer, far] = site.clients()?;
    let (mark, far_mark) = (outer.mark(), far.mark());
    let begun = now();
    site.eth1(Who::A).unplug()?;
    let took = || site.pair.b.has_address("10.0.1.100").unwrap_or_default();
    check(wait_until(SOON, took), format!("b does not take over:\n{}", site.log(Who::A)))?;
    let took = now() - begun;
    answered(&outer)?;
    answered(&far)?;
    let (direct, through) = (loss(&outer, mark), loss(&far, far_mark));
    let took = milliseconds(took);
    println!("keepalived: b has it after {took}; eth1: {direct}; through the nodes: {through}");
    Ok(())
}

/// The stronger node starts without its eth1: it stays out, and says nothing. Once eth1 is there it
/// takes part.
fn missing_at_start(_: &Ticker) -> Outcome {
    let mut site = Site::new()?;
    site.eth1(Who::A).destroy()?;
    site.pair.b.start(&ours(Who::B, QUICK, &ROUTES))?;
    site.pair.b.wait_for_phase("held")?;
    let [outer, far] = site.clients()?;
    let (mark, far_mark, a) = (outer.mark(), far.mark(), site.pair.a.mac);
    let begun = now();
    site.pair.a.start(&ours(Who::A, QUICK, &ROUTES))?;
    wait_for_hold(&site.pair.a, HOLD)?;
    // Longer than it would listen before it contends.
    let until = now() + 2 * active_down();
    wait_for(&site.pair.capture, "advertisement of b", until, |frame| {
        priority(frame, site.pair.b.mac).is_some()
    })?;
    let said = site.pair.capture.frames();
    let said = said.iter().filter(|frame| frame.at >= begun && priority(frame, a).is_some());
    check(said.count() == 0, "a sent VRRP messages without its eth1")?;
    let (direct, through) = (loss(&outer, mark), loss(&far, far_mark));
    check(direct.lost == 0 && through.lost == 0, format!("lost: {direct}; {through}"))?;

    site.eth1(Who::A).restore()?;
    site.settled()?;
    check(site.pair.a.has_address("10.0.1.100")?, "the address is not on eth1")?;
    answered(&outer)?;
    answered(&far)
}
