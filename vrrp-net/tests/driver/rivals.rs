//! Another host holds the addresses: what the driver asks of its link, and what it tells.

use std::{net::IpAddr, time::Duration};

use tokio::time::timeout;
use vrrp_core::{MacAddr, Phase, RivalCause, Sighting};
use vrrp_net::{
    Events, Look, NodeEvent,
    link::{Seen, memory::Hub},
};

use super::world::*;

const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 9]);

fn vip() -> IpAddr {
    IpAddr::from([192, 0, 2, 100])
}

fn seen(solicited: bool) -> Seen {
    let interface = key(VRID).interface;
    Seen::Sighting(Sighting { interface, address: vip(), mac: MAC, solicited })
}

async fn told(events: &mut Events) -> NodeEvent {
    let found = async {
        loop {
            let event = events.next().await.unwrap().unwrap();
            if event.as_str().starts_with("rival") {
                return event;
            }
        }
    };
    timeout(Duration::from_secs(120), found).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_claim_is_defended_told_and_shown_until_it_is_gone() {
    let hub = Hub::new();
    let host = Host::new(&hub, 1);
    let handle = host.active(100).await;
    let interest = host.wire.interest(key(VRID).interface, key(VRID).family).unwrap();
    assert!(interest.addresses.contains(&vip()));
    tokio::time::sleep(10 * INTERVAL).await;
    let (mut events, announced) = (host.node.events(), host.wire.announced().len());
    host.wire.show(seen(false));
    let NodeEvent::Rival { mac, address, cause, .. } = told(&mut events).await else {
        panic!("not a rival")
    };
    assert_eq!((mac, address, cause), (MAC, vip(), RivalCause::Foreign));
    assert_eq!(host.wire.announced().len(), announced + 1);
    let rival = handle.status().await.unwrap().rival.unwrap();
    assert!(rival.sentence().contains("02:00:00:00:00:09"), "{}", rival.sentence());
    assert!(matches!(told(&mut events).await, NodeEvent::RivalGone { mac: MAC, .. }));
    assert_eq!(host.wire.probed().len(), 1 + 3, "one look, and whether it is still there");
    assert_eq!(handle.status().await.unwrap().rival, None);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_looks_asks_overhears_and_takes_over_in_time() {
    let hub = Hub::new();
    let [plain, looking] = [Host::new(&hub, 1), Host::new(&hub, 2)];
    plain.wire.partition(true);
    looking.wire.partition(true);
    let off = router(VRID, 100).with_look(Look::Off);
    let mut without = plain.node.add("eth0", off, plain.backend.clone()).await.unwrap();
    let mut with = looking.add(100).await;
    let mut events = looking.node.events();
    until("the question", || !looking.wire.probed().is_empty()).await;
    assert_eq!(looking.wire.probed()[0].1.address, vip());
    looking.wire.show(seen(true));
    until("the look at what arrives", || !looking.wire.overheard().is_empty()).await;
    looking.wire.show(Seen::Overheard { key: key(VRID), source: IpAddr::from([192, 0, 2, 3]) });
    becomes(&mut with, Phase::Held).await;
    becomes(&mut without, Phase::Held).await;
    let first = |host: &Host| host.wire.sent()[0].at;
    assert_eq!(first(&looking), first(&plain));
    until("the second question", || looking.wire.probed().len() == 2).await;
    looking.wire.show(seen(true));
    let NodeEvent::Rival { cause, .. } = told(&mut events).await else { panic!("not a rival") };
    assert_eq!(cause, RivalCause::Firewall { source: IpAddr::from([192, 0, 2, 3]) });
    assert!(looking.wire.overheard().is_empty());
    assert!(plain.wire.probed().is_empty());
}
