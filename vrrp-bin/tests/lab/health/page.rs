//! The three examples of `docs/health.md`, as they are written there: two hosts with a file each,
//! the service, and a client.

use std::{fs, net::Ipv4Addr, path::Path, process::Command, time::Duration};

use libtest_mimic::{Failed, Trial};
use vrrp_core::MacAddr;
use vrrp_net::lab::{Cable, Frame, Host, Switch, Ticker, wait_until};

use super::server::{Server, Service};
use crate::{
    client::Client,
    postgres::{self, Postgres},
    support::{Node, Outcome, Pair, SOON, check, now, skew, timed, wait_for, within},
};

/// What a handover may take beyond the arithmetic.
const SLACK: Duration = Duration::from_millis(100);
/// Of the page's virtual routers.
const INTERVAL: Duration = Duration::from_secs(1);
const HOSTS: [&[&str]; 3] = [
    &["192.0.2.1/24", "2001:db8::1/64"],
    &["192.0.2.2/24", "2001:db8::2/64"],
    &["192.0.2.9/24", "2001:db8::9/64"],
];

type Play = fn(&Ticker) -> Outcome;

/// They are as slow as the page's intervals: where everything is played.
pub(crate) fn tests(everything: bool) -> Vec<Trial> {
    let trials: [(&str, Play, Option<String>); 3] = [
        ("health_page_dns_pair", dns, Service::Dns.missing()),
        ("health_page_proxy", proxy, None),
        ("health_page_database", database, postgres::missing()),
    ];
    let mut tests = Vec::new();
    for (name, play, missing) in trials.into_iter().filter(|_| everything) {
        if let Some(reason) = &missing {
            println!("skipped: {name}: {reason}");
        }
        tests.push(timed(name, play).with_ignored_flag(missing.is_some()));
    }
    tests
}

/// Unbound dies on the host that has the address.
fn dns(ticker: &Ticker) -> Outcome {
    let config = example("dns")?;
    let mut pair = Pair::of(HOSTS)?;
    let folder = pair.folder.path();
    let mut a = Server::start(Service::Dns, &pair.a.host, "192.0.2.1", folder)?;
    let _b = Server::start(Service::Dns, &pair.b.host, "192.0.2.2", folder)?;
    let client = Client::of_dns(&pair.user, Ipv4Addr::new(192, 0, 2, 53))?;
    start(&mut pair, &config, &config, &["unbound"])?;
    client.wait_for(1, client.mark())?;

    let (mark, died) = (client.mark(), now());
    a.kill()?;
    let bound = 2 * Duration::from_secs(1) + Duration::from_millis(500) + skew(INTERVAL, 100);
    moved(&pair, pair.b.mac, 100, died, bound, ticker)?;
    client.wait_for(2, mark)?;
    println!("the client got no answer to {:?}", client.since(mark));
    // Equal ones do not preempt each other.
    a.revive(&pair.a.host)?;
    pair.a.wait_for_check("unbound", "good", 2 * SOON)?;
    let mark = client.mark();
    client.wait_for(2, mark)?;
    pair.a.wait_for_phase("backup")
}

/// The uplink of the better host goes down, and comes back; then its proxy hangs.
fn proxy(ticker: &Ticker) -> Outcome {
    let config = example("web")?;
    let other = instead(&config, "priority = 150", "priority = 100")?;
    let mut pair = Pair::of(HOSTS)?;
    let folder = pair.folder.path();
    let a = Server::start(Service::Http, &pair.a.host, "192.0.2.1", folder)?;
    let _b = Server::start(Service::Http, &pair.b.host, "192.0.2.2", folder)?;
    let upstream = Switch::new()?;
    let uplink = Cable::new(&pair.a.host, "eth1", &upstream, &["198.51.100.1/24"])?;
    let _other = Cable::new(&pair.b.host, "eth1", &upstream, &["198.51.100.2/24"])?;
    let client = Client::of_http(&pair.user, Ipv4Addr::new(192, 0, 2, 80))?;
    start(&mut pair, &config, &other, &["site", "uplink"])?;
    client.wait_for(1, client.mark())?;
    check(pair.a.has_address("2001:db8::80")?, "a has no IPv6 address")?;

    // The defaults of a check: every 2 s, a timeout of 1 s, three failures or two passes in a row.
    // Then the stronger one discards what the other says (RFC 9568 6.4.2), until its
    // Active_Down_Timer runs out.
    let (mark, down) = (client.mark(), now());
    uplink.unplug()?;
    let bound =
        3 * Duration::from_secs(2) + Duration::from_secs(1) + 3 * INTERVAL + skew(INTERVAL, 100);
    moved(&pair, pair.b.mac, 100, down, bound, ticker)?;
    client.wait_for(2, mark)?;
    pair.b.wait_for_phase("held")?;
    println!("the client got no answer to {:?}", client.since(mark));
    let (mark, up) = (client.mark(), now());
    uplink.plug()?;
    let bound =
        2 * Duration::from_secs(2) + Duration::from_secs(1) + 3 * INTERVAL + skew(INTERVAL, 150);
    moved(&pair, pair.a.mac, 150, up, bound, ticker)?;
    client.wait_for(1, mark)?;
    pair.a.wait_for_phase("held")?;
    pair.b.wait_for_phase("backup")?;
    println!("the client got no answer to {:?}", client.since(mark));

    let (mark, hung) = (client.mark(), now());
    a.hang()?;
    let bound = 3 * Duration::from_secs(2) + Duration::from_secs(1) + skew(INTERVAL, 100);
    moved(&pair, pair.b.mac, 100, hung, bound, ticker)?;
    client.wait_for(2, mark)?;
    println!("the client got no answer to {:?}", client.since(mark));
    a.go_on()?;
    pair.a.wait_for_check("site", "good", 2 * SOON)
}

/// The database crashes on the host that has the address, then on the other one, too; then an
/// operator wants to have a host for himself.
fn database(ticker: &Ticker) -> Outcome {
    let config = example("db")?;
    let mut pair = Pair::of(HOSTS)?;
    let runs = ["run-a", "run-b"].map(|name| pair.folder.path().join(name));
    let (mut a, mut b) = (Postgres::new(&runs[0])?, Postgres::new(&runs[1])?);
    a.start(&pair.a.host)?;
    b.start(&pair.b.host)?;
    start_beside(&mut pair.a, &config, &runs[0])?;
    pair.a.wait_for_phase("held")?;
    start_beside(&mut pair.b, &config, &runs[1])?;
    pair.b.wait_for_phase("backup")?;
    for node in [&pair.a, &pair.b] {
        node.wait_for_check("postgres", "good", 2 * SOON)?;
        node.wait_for_check("maintenance", "good", 2 * SOON)?;
    }
    check(accepts(&pair.user)?, "the database does not accept connections at the address")?;

    let died = now();
    a.kill()?;
    let bound = 3 * Duration::from_secs(2) + Duration::from_secs(1) + skew(INTERVAL, 100);
    moved(&pair, pair.b.mac, 100, died, bound, ticker)?;
    pair.b.wait_for_phase("held")?;
    check(accepts(&pair.user)?, "the other database does not accept connections at the address")?;

    // `last = "leave"`: a database that is broken is not served.
    b.kill()?;
    pair.b.wait_for_check("postgres", "bad", 2 * SOON)?;
    let nobody = || {
        let has = |node: &Node| node.has_address("192.0.2.54").unwrap_or(true);
        !has(&pair.a) && !has(&pair.b)
    };
    check(wait_until(SOON, nobody), "a node without a database has its address")?;
    check(!accepts(&pair.user)?, "a database that is not there accepts connections")?;

    a.start(&pair.a.host)?;
    pair.a.wait_for_phase("held")?;
    b.start(&pair.b.host)?;
    pair.b.wait_for_check("postgres", "good", 2 * SOON)?;
    let flagged = now();
    fs::write(runs[0].join("maintenance"), "")?;
    let bound = 2 * Duration::from_secs(1) + skew(INTERVAL, 100);
    moved(&pair, pair.b.mac, 100, flagged, bound, ticker)?;
    pair.b.wait_for_phase("held")?;
    check(accepts(&pair.user)?, "the other database does not accept connections at the address")
}

/// The block of the page whose virtual router has this name.
fn example(name: &str) -> Result<String, Failed> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/health.md"))?;
    let blocks = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let wanted = format!("name = \"{name}\"\ninterface");
    let block = blocks.into_iter().find(|block| block.contains(&wanted));
    Ok(block.ok_or_else(|| format!("docs/health.md has no example {name}"))?.to_owned())
}

fn instead(text: &str, old: &str, new: &str) -> Result<String, Failed> {
    check(text.contains(old), format!("the example has no {old}"))?;
    Ok(text.replace(old, new))
}

/// a has the address, b follows it, and all checks pass.
fn start(pair: &mut Pair, a: &str, b: &str, checks: &[&str]) -> Outcome {
    pair.a.start(a)?;
    pair.a.wait_for_phase("held")?;
    pair.b.start(b)?;
    pair.b.wait_for_phase("backup")?;
    for node in [&pair.a, &pair.b] {
        checks.iter().try_for_each(|check| node.wait_for_check(check, "good", SOON))?;
    }
    Ok(())
}

/// A node whose programs take this folder for /run.
fn start_beside(node: &mut Node, config: &str, run: &Path) -> Outcome {
    node.start_command(config, postgres::within(run, env!("CARGO_BIN_EXE_vrrp")))
}

/// `mac` advertises IPv4 with this priority within `bound`.
fn moved(
    pair: &Pair,
    mac: MacAddr,
    priority: u8,
    since: Duration,
    bound: Duration,
    ticker: &Ticker,
) -> Outcome {
    let of_it = |frame: &Frame| {
        frame.vrrp().is_some_and(|vrrp| {
            vrrp.source.is_ipv4()
                && vrrp.source_mac == mac
                && vrrp.payload.get(2) == Some(&priority)
        })
    };
    let at = wait_for(&pair.capture, "advertisement of the other node", since, of_it)?;
    within("until the address moved", at - since, (Duration::ZERO, bound), SLACK, ticker)
}

/// Whether the database at the virtual address accepts connections.
fn accepts(user: &Host) -> Result<bool, Failed> {
    let ask = || {
        let mut ready = Command::new("/usr/bin/pg_isready");
        ready.args(["-q", "-h", "192.0.2.54", "-t", "2"]).status()
    };
    Ok(user.run(ask)??.success())
}
