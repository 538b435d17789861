//! A program that embeds a node shows what `vrrp status` shows.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Value, to_value};
use vrrp_core::{
    Centiseconds, Cidr, InterfaceDetails, InterfaceStatus, Ipv4Addresses, MacAddr, VirtualRouter,
};
use vrrp_net::{
    Group, Member, Node,
    backend::Memory,
    clock::TokioClock,
    link::memory::Hub,
    monitor::{self, HostEvent, Snapshot},
};

use super::{Port, Status, VirtualRouter as Shown};

/// A lone node on a network in memory, once it is active.
async fn active() -> vrrp_net::NodeStatus {
    let (monitor, events) = monitor::channel();
    let own = "192.0.2.1".parse().unwrap();
    let details = InterfaceDetails { ipv4: Some(own), ..InterfaceDetails::default() };
    let status = InterfaceStatus::Up(details);
    let mac = MacAddr([2, 0, 0, 0, 0, 1]);
    let snapshot = Snapshot { index: 2, mac, status, ..Snapshot::default() };
    monitor.send(HostEvent::Interface { name: "eth0".to_owned(), snapshot }).unwrap();
    let addresses = Ipv4Addresses::new(["192.0.2.10/24".parse::<Cidr<_>>().unwrap()]).unwrap();
    let router =
        VirtualRouter::v3_ipv4(51.try_into().unwrap(), addresses, Centiseconds::ONE_SECOND);
    let node = Node::with_parts(Hub::new().link(&[own.into()]), TokioClock::new(), events);
    let member = Member::new("eth0", router, Arc::new(Memory::new())).group(Group::any("pair"));
    let mut web = node.add_member(member).await.unwrap();
    while !web.changed().await.unwrap().is_active() {}
    node.status().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_the_libraries_serialize_is_what_the_program_reports() {
    let node = active().await;
    let mut of_the_program =
        to_value(Status::new(&node, &[], &BTreeSet::new(), |_| Vec::new())).unwrap();
    // What outlasts a process is the program's affair.
    let router = of_the_program["virtual_routers"][0].as_object_mut().unwrap();
    assert_eq!(router.remove("drain_kept"), Some(false.into()));
    assert_eq!(router.remove("tracks"), Some(Value::Array(Vec::new())), "checks are not a node's");
    let of_the_library: Value = to_value(&node).unwrap();
    assert_eq!(of_the_library["virtual_routers"], of_the_program["virtual_routers"]);
    assert_eq!(of_the_library["ports"], of_the_program["ports"]);
    assert_eq!(of_the_library["lateness"], of_the_program["lateness"]);
    assert_eq!(of_the_library["virtual_routers"][0]["phase"], "held");
    assert_eq!(of_the_library["virtual_routers"][0]["group"], "pair");
    // What the library serializes is read as what the program's own client reads.
    let [router, ..] = &*node.routers else { panic!("a virtual router") };
    let read: Shown = serde_json::from_value(to_value(router).unwrap()).unwrap();
    assert_eq!(read, Shown::new(router, false, Vec::new()));
    let ports: Vec<Port> = serde_json::from_value(of_the_library["ports"].clone()).unwrap();
    assert_eq!(ports, node.ports.iter().map(Port::from).collect::<Vec<_>>());
}
