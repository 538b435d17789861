//! The same configuration, written by hand for either program, on hosts that are the same: what the
//! kernels of the active node and of the backup have, and what is left after a stop, a kill and a
//! lapse. What differs is listed with its reason.

use std::{collections::BTreeSet, net::Ipv4Addr, time::Duration};

use libtest_mimic::{Failed, Trial};
use vrrp_net::lab::{Host, Keepalived, Ticker};

use super::{
    site::{Make, Site, Who},
    table::{Table, marked},
};
use crate::{
    interfaces::ip,
    support::{Outcome, SOON, check, timed, wait_for},
};

/// A lease of two seconds: long enough to look at what a dead process left.
const INTERVAL: Duration = Duration::from_secs(1);

pub(super) fn tests() -> Vec<Trial> {
    let missing = Keepalived::missing();
    if let Some(reason) = &missing {
        println!("skipped: addresses and routes of keepalived: {reason}");
    }
    vec![
        Trial::test("places_differ_from_keepalived_for_a_reason", differences_have_reasons),
        timed("places_beside_keepalived_here", |ticker| play(Make::Ours, ticker)),
        timed("places_beside_keepalived_there", |ticker| play(Make::Keepalived, ticker))
            .with_ignored_flag(missing.is_some()),
    ]
}

/// What stands in the kernel of an active node, as [`Table`] writes it.
struct Entry {
    what: &'static str,
    /// The marks of ours; `None`: we put no such thing.
    ours: Option<&'static str>,
    theirs: Option<&'static str>,
    /// Why the kernel does not take it away when the process of ours dies, if it does not.
    left: Option<&'static str>,
}

const fn both(what: &'static str, ours: &'static str, theirs: &'static str) -> Entry {
    Entry { what, ours: Some(ours), theirs: Some(theirs), left: None }
}

const fn only_here(what: &'static str, marks: &'static str) -> Entry {
    Entry { what, ours: Some(marks), theirs: None, left: None }
}

const fn only_there(what: &'static str, marks: &'static str) -> Entry {
    Entry { what, ours: None, theirs: Some(marks), left: None }
}

const MARKED: &str = "deprecated dynamic expires metric=1987211888 noprefixroute";
const MARKED_SECOND: &str = "deprecated dynamic expires metric=1987211888 noprefixroute secondary";
const LOCAL_OF_OWN: &str = "proto=kernel scope=host src=own";
const OUR_ROUTE: &str = "proto=112 scope=global src=10.0.0.100";
const THEIR_ROUTE: &str = "proto=keepalived scope=global";
/// Newer kernels take them, too (`fib_table_flush`).
const NOWHERE: &str = "older kernels do not take a route that leads nowhere along with its source";

const ENTRIES: &[Entry] = &[
    both("address eth0 10.0.0.100/24 scope global", MARKED_SECOND, "secondary"),
    both("address eth0 10.0.0.101/24 scope global", MARKED_SECOND, "secondary"),
    both(
        "address eth1 10.0.1.100/24 brd 10.0.1.255 scope global label eth1:web",
        MARKED_SECOND,
        "secondary",
    ),
    both("address lo 10.9.9.9/32 scope link", MARKED, ""),
    both("address eth0 fd00::101/64 scope global", MARKED, ""),
    // The host has no address in that subnet.
    only_here("address eth1 172.16.1.20/32 scope global", MARKED),
    only_there("address eth1 172.16.1.20/24 scope global", ""),
    only_there(
        "route broadcast 172.16.1.255 dev eth1 table local",
        "proto=kernel scope=link src=172.16.1.20",
    ),
    both(
        "route unicast 172.16.1.0/24 dev eth1",
        "proto=112 scope=link src=172.16.1.20",
        "proto=kernel scope=link src=172.16.1.20",
    ),
    // What the kernel makes of each address.
    both("route local 10.0.0.100 dev eth0 table local", LOCAL_OF_OWN, LOCAL_OF_OWN),
    both("route local 10.0.0.101 dev eth0 table local", LOCAL_OF_OWN, LOCAL_OF_OWN),
    both("route local 10.0.1.100 dev eth1 table local", LOCAL_OF_OWN, LOCAL_OF_OWN),
    both(
        "route local 10.9.9.9 dev lo table local",
        "proto=kernel scope=host src=10.9.9.9",
        "proto=kernel scope=host src=10.9.9.9",
    ),
    both(
        "route local 172.16.1.20 dev eth1 table local",
        "proto=kernel scope=host src=172.16.1.20",
        "proto=kernel scope=host src=172.16.1.20",
    ),
    both(
        "route local fd00::101 dev eth0 table local metric 0",
        "proto=kernel scope=global",
        "proto=kernel scope=global",
    ),
    // The routes.
    both("route unicast 198.51.100.0/24 via 10.0.1.254 dev eth1", OUR_ROUTE, THEIR_ROUTE),
    Entry {
        what: "route unicast 198.18.0.0/15 via 10.0.1.254 dev eth1 table 100 metric 50",
        ours: Some(OUR_ROUTE),
        theirs: Some(THEIR_ROUTE),
        left: Some("it is in another table than those of the interface that its source is on"),
    },
    both(
        "route unicast 2001:db8:7::/48 via fd00::9 dev eth0 metric 1024",
        "expires proto=112 scope=global",
        THEIR_ROUTE,
    ),
    Entry {
        what: "route blackhole 203.0.113.0/24",
        ours: Some(OUR_ROUTE),
        theirs: Some(THEIR_ROUTE),
        left: Some(NOWHERE),
    },
];

/// Why a mark, or a thing, is only here or only there.
const REASONS: &[(&str, &str)] = &[
    ("metric=1987211888", "the mark: by it and `deprecated` an address is known to be ours"),
    ("deprecated", "the other half of the mark; and no connection of the host's starts from it"),
    ("dynamic", "it has a lifetime"),
    ("expires", "it has a lifetime: the kernel takes it from a process that is dead or hangs"),
    (
        "noprefixroute",
        "the kernel makes no route to its subnet: that would have the mark, or the lifetime, of \
         the address, where the host has a route of its own",
    ),
    ("proto=112", "a route of ours says so"),
    ("proto=keepalived", "and one of keepalived's"),
    ("proto=kernel", "the route to a subnet that only the virtual address brings: we put our own"),
    ("src=10.0.0.100", "the kernel takes a route away with the address that is its source"),
    (
        "address eth1 172.16.1.20/32 scope global",
        "an address that would be the first of its subnet is put without one: with it, it would \
         take others of that subnet along when it goes",
    ),
    ("address eth1 172.16.1.20/24 scope global", "the same"),
    ("route broadcast 172.16.1.255 dev eth1 table local", "the same: /32 has no broadcast"),
];

/// Whatever is only here or only there has a reason, and every reason is one of something.
fn differences_have_reasons() -> Outcome {
    let mut differing = BTreeSet::new();
    for Entry { what, ours, theirs, .. } in ENTRIES {
        match (ours, theirs) {
            (Some(ours), Some(theirs)) => {
                let words =
                    [ours, theirs].map(|marks| marks.split(' ').collect::<BTreeSet<&str>>());
                let [ours, theirs] = &words;
                differing.extend(ours.symmetric_difference(theirs).copied());
            }
            (Some(_), None) | (None, Some(_)) => {
                differing.insert(*what);
            }
            (None, None) => return Err(format!("{what} is nowhere").into()),
        }
    }
    differing.remove("");
    let reasons: BTreeSet<&str> = REASONS.iter().map(|(what, _)| *what).collect();
    check(differing == reasons, format!("{differing:#?} differ; there are reasons of {reasons:#?}"))
}

fn expected(make: Make, is_wanted: impl Fn(&Entry) -> bool) -> Vec<String> {
    let lines = ENTRIES.iter().filter(|entry| is_wanted(entry)).filter_map(|entry| {
        let marks = match make {
            Make::Ours => entry.ours,
            Make::Keepalived => entry.theirs,
        };
        let words = marks?.split_whitespace().map(str::to_owned).collect();
        Some(marked(entry.what.to_owned(), words))
    });
    lines.collect()
}

fn play(make: Make, _: &Ticker) -> Outcome {
    let mut site = Site::new()?;
    let all = expected(make, |_| true);
    site.start(make, Who::A, INTERVAL)?;
    site.wait_for_lines(Who::A, "active", &all).map_err(|why| with_log(&site, &why))?;
    site.start(make, Who::B, INTERVAL)?;
    is_announced_behind(&site, Who::A)?;
    are_advertised(&site)?;
    site.wait_for_nothing(Who::B, "a backup")?;

    site.stop(Who::A)?;
    site.wait_for_nothing(Who::A, "after a stop")?;
    site.wait_for_lines(Who::B, "the other one has left", &all)?;
    is_announced_behind(&site, Who::B)?;

    site.start(make, Who::A, INTERVAL)?;
    site.wait_for_lines(Who::A, "active again", &all)?;
    site.wait_for_nothing(Who::B, "after it gave way")?;

    site.kill(Who::A)?;
    site.wait_for_lines(Who::A, "just killed", &all)?;
    site.wait_for_lines(Who::B, "the other one was killed", &all)?;
    // keepalived's stay until somebody removes them.
    let kernel_takes_all = takes_routes_that_lead_nowhere()?;
    let is_left = |why| why != NOWHERE || !kernel_takes_all;
    let left = expected(make, |entry| make == Make::Keepalived || entry.left.is_some_and(is_left));
    site.wait_for_lines(Who::A, "after the lapse", &left)?;
    report(make);
    Ok(())
}

/// Whether this kernel takes them along with the address that is their source.
fn takes_routes_that_lead_nowhere() -> Result<bool, Failed> {
    let host = Host::new("probe")?;
    ip(&host, "address add 192.0.2.1/32 dev lo")?;
    ip(&host, "route add blackhole 203.0.113.0/24 src 192.0.2.1")?;
    let before = Table::of(&host, &[])?;
    ip(&host, "address del 192.0.2.1/32 dev lo")?;
    let changes = Table::of(&host, &[])?.since(&before);
    Ok(changes.iter().any(|line| line.starts_with("gone: route blackhole")))
}

fn with_log(site: &Site, why: &Failed) -> Failed {
    let why = why.message().unwrap_or_default();
    format!("{why}\n{}", site.log(Who::A)).into()
}

/// The neighbours on the other interface are told of the address there.
fn is_announced_behind(site: &Site, who: Who) -> Outcome {
    let mac = site.eth1(who).mac()?;
    let address = Ipv4Addr::new(10, 0, 1, 100);
    wait_for(&site.capture, "announcement on eth1", Duration::ZERO, |frame| {
        frame.garp() == Some((mac, address))
    })?;
    Ok(())
}

/// An advertisement has the addresses on all interfaces, and those that are excluded not.
fn are_advertised(site: &Site) -> Outcome {
    let frame = site.pair.capture.wait_for(SOON, |frame| frame.vrrp().is_some());
    let payload = frame.and_then(|frame| frame.vrrp().map(|vrrp| vrrp.payload.to_vec()));
    let payload = payload.ok_or("no advertisement")?;
    let octets = payload.get(8..).unwrap_or_default().chunks_exact(4);
    let told: BTreeSet<Ipv4Addr> =
        octets.filter_map(|four| <[u8; 4]>::try_from(four).ok()).map(Ipv4Addr::from).collect();
    let expected =
        [[10, 0, 0, 100], [10, 0, 1, 100], [10, 9, 9, 9]].map(Ipv4Addr::from).into_iter().collect();
    check(told == expected, format!("{told:?} are advertised"))
}

fn report(make: Make) {
    for (what, why) in REASONS {
        println!("{what}: {why}");
    }
    for Entry { what, left, .. } in ENTRIES {
        match (make, left) {
            (Make::Ours, Some(why)) => println!("left after the lapse: {what}: {why}"),
            (Make::Ours, None) => {}
            (Make::Keepalived, _) => println!("left by keepalived: {what}"),
        }
    }
}
