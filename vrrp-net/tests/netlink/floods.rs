//! What the monitor makes of floods, of what it was not told, and of what comes back as it was.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, atomic::Ordering},
    task::{Context, Waker},
    time::{Duration, Instant},
};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::{
    RouteNetlinkMessage,
    link::{InfoKind, LinkAttribute, LinkInfo, LinkMessage},
};
use tokio::time::timeout;
use vrrp_core::Loss;
use vrrp_net::{
    monitor::Incarnation,
    netlink::{
        InterfaceSnapshot, Monitor, MonitorEvent,
        addresses::{self, Manner, Mark, Put},
        links,
    },
};

use crate::{
    monitor::{Wakes, Watch, has_own},
    world::{SOON, Test, World, cidr},
};

pub(crate) const TESTS: &[(&str, Test)] = &[
    (
        "a1_what_waited_through_an_overrun_is_not_believed",
        a1_what_waited_through_an_overrun_is_not_believed,
    ),
    (
        "a1_an_address_that_went_in_an_overrun_is_gone",
        a1_an_address_that_went_in_an_overrun_is_gone,
    ),
    (
        "a2_a_family_that_went_and_came_back_is_another",
        a2_a_family_that_went_and_came_back_is_another,
    ),
    (
        "a3_an_interface_that_came_back_as_it_was_is_another_one",
        a3_an_interface_that_came_back_as_it_was_is_another_one,
    ),
    ("a3_whatever_an_overrun_hides_is_told", a3_whatever_an_overrun_hides_is_told),
    (
        "a10_what_runs_out_while_others_change_is_told_apart",
        a10_what_runs_out_while_others_change_is_told_apart,
    ),
    (
        "a8_a_flood_that_concerns_nobody_leaves_the_caller_his_turn",
        a8_a_flood_that_concerns_nobody_leaves_the_caller_his_turn,
    ),
];

/// A monitor of eth0 with little room for notifications, which does not read any yet.
fn with_little_room() -> Watch {
    let mut watch = Watch::new(|| Monitor::with_receive_buffer(4096));
    watch.monitor.watch("eth0");
    assert!(matches!(watch.next(), MonitorEvent::Interface { snapshot: Some(_), .. }));
    watch
}

/// More notifications than there is room for.
fn overrun(world: &mut World) {
    let index = world.index("eth1");
    for number in 0..200 {
        let cidr = cidr(&format!("198.51.100.{number}/32"));
        let put = Put { index, cidr, mark: Mark::Held, valid: Some(30), manner: Manner::default() };
        world.socket.request(put.message(), NLM_F_CREATE | NLM_F_REPLACE).unwrap();
    }
}

/// How eth0 is once the monitor has read everything: it has told of two addresses, one after the
/// other.
fn at_last(world: &mut World, watch: &mut Watch) -> InterfaceSnapshot {
    world.add_own("eth0", "192.0.2.1/24");
    watch.until("eth0", has_own("192.0.2.1/24"));
    world.add_own("eth0", "192.0.2.2/24");
    watch.until("eth0", has_own("192.0.2.2/24")).unwrap()
}

/// What the kernel dropped may have undone what was in the queue.
fn a1_what_waited_through_an_overrun_is_not_believed(world: &mut World) {
    let mut watch = with_little_room();
    world.set_up("eth0", false);
    overrun(world);
    world.set_up("eth0", true);
    world.until("the carrier", |world| world.link("eth0").is_some_and(|link| link.is_up()));
    assert!(at_last(world, &mut watch).up, "it has been up for long");
}

fn a1_an_address_that_went_in_an_overrun_is_gone(world: &mut World) {
    let mut watch = with_little_room();
    world.add_own("eth0", "192.0.2.66/32");
    overrun(world);
    world.delete("eth0", "192.0.2.66/32").unwrap();
    let snapshot = at_last(world, &mut watch);
    assert!(!has_own("192.0.2.66/32")(Some(&snapshot)), "{snapshot:?}");
}

/// The addresses of a family are all deleted and put back between two looks.
fn a2_a_family_that_went_and_came_back_is_another(world: &mut World) {
    world.settle("eth0");
    world.add_own("eth0", "192.0.2.1/24");
    let (mut watch, before) = Watch::on("eth0");
    let before = before.unwrap();
    world.delete("eth0", "192.0.2.1/24").unwrap();
    world.add_own("eth0", "192.0.2.1/24");
    let after = watch.until("eth0", has_own("192.0.2.1/24")).unwrap();
    let expected = Incarnation { ipv4: before.incarnation.ipv4 + 1, ..before.incarnation };
    assert_eq!(after.incarnation, expected);
}

/// Deletes eth0 and makes it again, alike to the last octet.
fn make_anew(world: &mut World) {
    let old = world.link("eth0").unwrap();
    world.socket.request(links::delete(old.index), 0).unwrap();
    let mut link = LinkMessage::default();
    link.header.index = old.index;
    link.attributes = vec![
        LinkAttribute::IfName("eth0".to_owned()),
        LinkAttribute::Address(old.mac.0.to_vec()),
        LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Veth)]),
    ];
    world.socket.request(RouteNetlinkMessage::NewLink(link), NLM_F_CREATE | NLM_F_EXCL).unwrap();
    world.set_up("veth0", true);
    world.set_up("eth0", true);
    world.until("the carrier", |world| world.link("eth0").is_some_and(|link| link.is_up()));
    world.settle("eth0");
    assert_eq!(world.link("eth0").unwrap(), old);
}

fn a3_an_interface_that_came_back_as_it_was_is_another_one(world: &mut World) {
    world.settle("eth0");
    let (mut watch, before) = Watch::on("eth0");
    let before = before.unwrap();
    make_anew(world);
    let again = |snapshot: Option<&InterfaceSnapshot>| {
        snapshot.is_some_and(|snapshot| snapshot.up && snapshot.addresses == before.addresses)
    };
    let after = watch.until("eth0", again).unwrap();
    assert_ne!(after.incarnation.interface, before.incarnation.interface);
    assert_eq!((after.index, after.mac), (before.index, before.mac));
}

fn a3_whatever_an_overrun_hides_is_told(world: &mut World) {
    let mut watch = with_little_room();
    overrun(world);
    let begun = Instant::now();
    while watch.next() != MonitorEvent::Missed {}
    // Not only when something else happens, as the end of the time that it has.
    assert!(begun.elapsed() < SOON / 2, "told after {:?}", begun.elapsed());
}

/// Puts addresses of both families for a second or two, and deletes every other one half-way, while
/// others change on another interface.
fn a10_what_runs_out_while_others_change_is_told_apart(world: &mut World) {
    const EACH: u8 = 100;
    let (mut watch, _) = Watch::on("eth0");
    let (index, other) = (world.index("eth0"), world.index("eth1"));
    let (mut deletions, mut expected) = (VecDeque::new(), BTreeMap::new());
    let mut told = BTreeMap::new();
    let (begun, mut put, mut changes) = (Instant::now(), 0, 0);
    while told.len() < 2 * usize::from(EACH) {
        assert!(begun.elapsed() < 6 * SOON, "{} are told", told.len());
        if put < EACH && begun.elapsed() > Duration::from_millis(20) * put.into() {
            let seconds = 1 + put / 2 % 2;
            for text in [format!("198.18.0.{put}/32"), format!("2001:db8::{put}/128")] {
                let put_now = Put {
                    index,
                    cidr: cidr(&text),
                    mark: Mark::Held,
                    valid: Some(seconds.into()),
                    manner: Manner::default(),
                };
                world.socket.request(put_now.message(), NLM_F_CREATE | NLM_F_EXCL).unwrap();
                let is_deleted = put % 2 == 0;
                expected.insert(
                    cidr(&text).address(),
                    if is_deleted { Loss::Deleted } else { Loss::Lapsed },
                );
                if is_deleted {
                    // Long before its end.
                    let lasts = Duration::from_secs(seconds.into()) / 4;
                    deletions.push_back((Instant::now() + lasts, text));
                }
            }
            put += 1;
        }
        deletions.retain(|(at, text)| {
            let is_early = Instant::now() < *at;
            if !is_early {
                world.delete("eth0", text).unwrap();
            }
            is_early
        });
        // A change in each 3 ms or so, and the rest of the time the monitor reads.
        let cidr = cidr("203.0.113.1/32");
        let change = if changes % 2 == 0 {
            addresses::add_own(other, cidr)
        } else {
            addresses::delete(other, cidr)
        };
        world.socket.request(change, NLM_F_CREATE).unwrap();
        changes += 1;
        let Watch { runtime, monitor } = &mut watch;
        while let Ok(event) =
            runtime.block_on(async { timeout(Duration::from_millis(3), monitor.next()).await })
        {
            if let MonitorEvent::AddressRemoved { address, ours: true, loss, .. } = event {
                told.insert(address, loss);
            }
        }
    }
    let wrong: Vec<_> = told.iter().filter(|(address, loss)| expected[address] != **loss).collect();
    println!(
        "{changes} changes in {:?}, {} of {} told wrong",
        begun.elapsed(),
        wrong.len(),
        told.len()
    );
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// However many notifications wait, and whatever else is on the host: a call reads some of them,
/// and comes back.
fn a8_a_flood_that_concerns_nobody_leaves_the_caller_his_turn(world: &mut World) {
    const CHANGES: u32 = 1000;
    world.settle("eth0");
    let (mut watch, _) = Watch::on("eth0");
    let index = world.index("eth1");
    for number in 0..CHANGES / 2 {
        let [_, _, high, low] = number.to_be_bytes();
        let cidr = cidr(&format!("198.51.{high}.{low}/32"));
        world.socket.request(addresses::add_own(index, cidr), NLM_F_CREATE | NLM_F_EXCL).unwrap();
        world.socket.request(addresses::delete(index, cidr), 0).unwrap();
    }
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(wakes.clone());
    let Watch { runtime, monitor } = &mut watch;
    let mut calls = 0;
    while wakes.0.swap(0, Ordering::Relaxed) > 0 || calls == 0 {
        // The runtime learns that there is something to read.
        runtime.block_on(async { tokio::time::sleep(Duration::from_millis(1)).await });
        assert!(
            monitor.poll_event(&mut Context::from_waker(&waker)).is_pending(),
            "it concerns nobody"
        );
        calls += 1;
    }
    assert!(calls >= 8, "{CHANGES} notifications and more were read in {calls} calls");
}
