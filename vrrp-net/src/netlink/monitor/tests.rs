//! What the tables make of single notifications.

use vrrp_core::Loss;

use super::*;
use crate::netlink::{addresses::Mark, links::HostLink, message::Change};

/// Tables with the interface eth0, which is watched, and no addresses.
fn tables() -> (Tables, Watched) {
    (Tables::of(vec![HostLink::eth0()], Vec::new()), BTreeMap::from([("eth0".into(), None)]))
}

/// The kernel tells of a new IPv6 address late. When it has been renewed by then it looks like a
/// renewal, and the filter drops that: the first that is heard of it is its end.
#[test]
fn the_end_of_a_virtual_address_is_told_although_its_beginning_was_not_heard() {
    let (mut tables, watched) = tables();
    let mut events = VecDeque::new();
    for (text, mark) in [("2001:db8::1/64", None), ("2001:db8::10/64", Some(Mark::Held))] {
        let address = HostAddress::new(1, text.parse().unwrap(), mark);
        tables.follow_address(Change::Gone(address), &watched, &mut events);
    }
    let address = "2001:db8::10".parse().unwrap();
    let (name, loss) = ("eth0".into(), Loss::Deleted);
    let expected = MonitorEvent::AddressRemoved { name, index: 1, address, ours: true, loss };
    assert_eq!(events, [expected]);
}
