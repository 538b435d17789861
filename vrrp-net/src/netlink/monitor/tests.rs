//! What the tables make of single notifications.

use netlink_packet_route::link::LinkFlags;
use nix::time::{ClockId, clock_gettime};

use super::*;
use crate::netlink::addresses::Mark;
use crate::netlink::links::HostLink;

/// Tables with the interface eth0, which is watched, and no addresses.
fn tables() -> (Tables, Watched) {
    let flags = LinkFlags::Up | LinkFlags::LowerUp;
    let link =
        HostLink { index: 1, name: "eth0".to_owned(), flags, mac: [2; 6], master: None, vrf_table: None };
    let tables = Tables::new(BTreeMap::from([(1, link)]), Vec::new());
    (tables, BTreeMap::from([("eth0".into(), None)]))
}

/// The kernel tells of a new IPv6 address late. When it has been renewed by then it looks like a renewal, and
/// the filter drops that: the first that is heard of it is its end.
#[test]
fn the_end_of_a_virtual_address_is_told_although_its_beginning_was_not_heard() {
    let (mut tables, watched) = tables();
    let mut events = VecDeque::new();
    for (text, mark) in [("2001:db8::1/64", None), ("2001:db8::10/64", Some(Mark::Held))] {
        let address = HostAddress::new(1, text.parse().unwrap(), mark);
        tables.follow_address(false, address, &watched, &mut events);
    }
    let address = "2001:db8::10".parse().unwrap();
    let (name, loss) = ("eth0".into(), Loss::Deleted);
    let expected = MonitorEvent::AddressRemoved { name, index: 1, address, ours: true, loss };
    assert_eq!(events, [expected]);
}

/// How an address that was put for three seconds was lost, so long after that.
fn lost_after(age: Duration) -> Loss {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap();
    let hundredths = |time: Duration| u32::try_from((time.as_millis() / 10) % (1 << 32)).unwrap();
    let mut address = HostAddress::new(1, "192.0.2.10/24".parse().unwrap(), Some(Mark::Held));
    // The kernel counts whole seconds.
    address.valid = Some(3 - u32::try_from(age.as_secs()).unwrap());
    address.stamp = hundredths(now).wrapping_sub(hundredths(age));
    let (mut tables, watched) = tables();
    let mut events = VecDeque::new();
    tables.follow_address(false, address, &watched, &mut events);
    match events.pop_front() {
        Some(MonitorEvent::AddressRemoved { loss, .. }) => loss,
        other => panic!("{other:?}"),
    }
}

/// The kernel's sweep is early by up to 20 ms where addresses change all the time.
#[test]
fn a10_an_expiry_is_told_from_a_deletion() {
    for (milliseconds, expected) in [
        (500, Loss::Deleted),
        (1950, Loss::Deleted),
        (2500, Loss::Deleted),
        (2800, Loss::Deleted),
        (2980, Loss::Lapsed),
        (3000, Loss::Lapsed),
    ] {
        assert_eq!(lost_after(Duration::from_millis(milliseconds)), expected, "after {milliseconds} ms");
    }
}
