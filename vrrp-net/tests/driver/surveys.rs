//! The status of many virtual routers, while the driver goes on.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use tokio::time::timeout;
use vrrp_core::{
    Centiseconds, Cidr, InterfaceDetails, InterfaceStatus, Ipv6Addresses, MacAddr, Phase,
    VirtualRouter,
};
use vrrp_net::{
    Handle, Lateness, Member, NodeStatus, VipBackend,
    backend::Memory,
    link::memory::Hub,
    monitor::{HostEvent, Snapshot},
};

use crate::{
    slow::{self, Pace},
    world::{Host, INTERVAL, VRID, becomes, member, router},
};

const MANY: usize = 1000;
const READING: Duration = Duration::from_micros(100);

/// Virtual routers on interfaces that are not there: they have nothing to do.
fn idle(count: usize) -> Vec<Member> {
    let backend: Arc<dyn VipBackend> = Arc::new(Memory::new());
    let places = (0..4).flat_map(|interface| (1..=250).map(move |vrid| (interface, vrid)));
    let member = |(interface, vrid)| {
        Member::new(&format!("gone{interface}"), router(vrid, 100), backend.clone())
    };
    places.map(member).take(count).collect()
}

/// A node of a thousand that have nothing to do, and one that is Active, half of the time that a
/// look at all of them takes before its next advertisement.
async fn busy(hub: &Hub) -> (Host, Pace, Handle) {
    let (host, pace) = slow::host(hub);
    let backend: Arc<dyn VipBackend> = Arc::new(host.backend.clone());
    let members = idle(MANY).into_iter().chain([member(VRID, 100, &backend)]).collect();
    let mut handles = host.node.configure(members).await.unwrap();
    let mut handle = handles.pop().unwrap();
    becomes(&mut handle, Phase::Held).await;
    let next = handle.active().unwrap().remaining() - 2 * INTERVAL;
    tokio::time::sleep(next - Duration::from_millis(50)).await;
    pace.reading_takes(READING);
    (host, pace, handle)
}

/// The most by which an advertisement was late: the bound of its bucket.
fn latest(lateness: &Lateness) -> Option<Duration> {
    assert_eq!(lateness.beyond(), 0);
    let late = lateness.buckets().filter(|(_, count)| *count > 0);
    late.map(|(bound, _)| bound).max()
}

fn assert_whole(status: &NodeStatus) {
    let keys: BTreeSet<_> = status.routers.iter().map(|router| router.key).collect();
    assert_eq!((status.routers.len(), keys.len()), (MANY + 1, MANY + 1));
    assert!(status.routers.is_sorted_by_key(|router| router.name.clone()));
}

/// A look at all of them takes 100 ms here.
#[tokio::test(start_paused = true)]
async fn an_advertisement_leaves_on_time_while_a_thousand_are_looked_at() {
    let (host, pace, handle) = busy(&Hub::new()).await;
    assert_whole(&host.node.status().await.unwrap());
    pace.reading_takes(Duration::ZERO);
    let adverts = handle.status().await.unwrap().counters.adverts_sent;
    assert_eq!(adverts, 2, "one was due meanwhile");
    let lateness = host.node.status().await.unwrap().lateness;
    assert_eq!(lateness.count(), 1);
    assert!(latest(&lateness) <= Some(Duration::from_millis(10)), "{lateness:?}");
}

#[tokio::test(start_paused = true)]
async fn a_hundred_who_ask_at_once_share_answers_and_delay_nothing() {
    let (host, pace, _handle) = busy(&Hub::new()).await;
    let begun = pace.ahead();
    let asking = (0..100).map(|_| {
        let node = host.node.clone();
        tokio::spawn(async move { node.status().await })
    });
    for asked in asking.collect::<Vec<_>>() {
        assert_whole(&asked.await.unwrap().unwrap());
    }
    pace.reading_takes(Duration::ZERO);
    let took = pace.ahead() - begun;
    assert!(took < Duration::from_secs(2), "one for each would have taken ten seconds: {took:?}");
    let lateness = host.node.status().await.unwrap().lateness;
    assert!(lateness.count() >= 1, "{lateness:?}");
    assert!(latest(&lateness) <= Some(Duration::from_millis(10)), "{lateness:?}");
}

#[tokio::test(start_paused = true)]
async fn who_comes_goes_or_is_renamed_meanwhile_is_there_once_at_most_under_the_last_name() {
    let host = Host::new(&Hub::new(), 1);
    let named = |members: Vec<Member>, early: &str, late: &str| -> Vec<Member> {
        let name = |(place, member): (usize, Member)| match place {
            10 => member.name(early),
            150 => member.name(late),
            _ => member,
        };
        members.into_iter().enumerate().map(name).collect()
    };
    let mut first = named(idle(200), "early", "late");
    first.remove(5);
    host.node.configure(first).await.unwrap();
    let names = |status: &NodeStatus| -> Vec<Arc<str>> {
        status.routers.iter().map(|router| router.name.clone()).collect()
    };
    let before = names(&host.node.status().await.unwrap());
    assert_eq!(before.len(), 199);

    // Places 20 and 160 go, 5 comes, and one comes after all of them.
    let mut second = named(idle(201), "late", "early");
    second.remove(160);
    second.remove(20);
    let (status, configured) = tokio::join!(host.node.status(), host.node.configure(second));
    configured.unwrap();
    let status = status.unwrap();
    let told = names(&status);
    let once: BTreeSet<_> = told.iter().cloned().collect();
    assert_eq!(once.len(), told.len(), "no name twice");
    assert!(told.is_sorted());
    let keys: BTreeSet<_> = status.routers.iter().map(|router| router.key).collect();
    assert_eq!(keys.len(), told.len(), "nor a virtual router");

    let after = names(&host.node.status().await.unwrap());
    assert_eq!(after.len(), 199);
    // The answer came between: who was looked at before that has gone again, and who came late, or
    // behind the page that was reached, is missing.
    let missing: Vec<_> = after.iter().filter(|name| !told.contains(name)).collect();
    assert_eq!(missing.len(), 2, "{missing:?}");
    assert!(told.iter().all(|name| after.contains(name)));
    let vrid = |name: &str| {
        let router = status.routers.iter().find(|router| &*router.name == name).unwrap();
        router.key.vrid.get()
    };
    assert_eq!((vrid("late"), vrid("early")), (11, 151), "the names were exchanged");
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_waiting_is_no_hindrance_to_the_next() {
    let host = Host::new(&Hub::new(), 1);
    host.node.configure(idle(300)).await.unwrap();
    for _ in 0..3 {
        let asked = timeout(Duration::ZERO, host.node.status()).await;
        assert!(asked.is_err(), "the driver has not run yet");
    }
    assert_eq!(host.node.status().await.unwrap().routers.len(), 300);
    let (asked, stopped) = tokio::join!(host.node.status(), host.node.shutdown());
    stopped.unwrap();
    // It was answered, or learned that there is no node any more.
    assert!(asked.is_err() || asked.unwrap().routers.len() <= 300);
}

/// 71 virtual routers and 70 ports: the third page begins within an interface.
#[tokio::test(start_paused = true)]
async fn every_port_is_there_once_however_many_pages_that_takes() {
    let host = Host::new(&Hub::new(), 1);
    let backend: Arc<dyn VipBackend> = Arc::new(host.backend.clone());
    let ipv6: Cidr<Ipv6Addr> = "fe80::100/64".parse().unwrap();
    let ipv6 = Ipv6Addresses::new([ipv6]).unwrap();
    let ipv6 = VirtualRouter::v3_ipv6(1.try_into().unwrap(), ipv6, Centiseconds::ONE_SECOND);
    let mut members = vec![Member::new("port00", router(2, 100), backend.clone())];
    for index in 0..35 {
        let name = format!("port{index:02}");
        let details = InterfaceDetails {
            ipv4: Some(Ipv4Addr::new(192, 0, 2, 1)),
            ipv6_link_local: Some("fe80::1".parse().unwrap()),
            ..InterfaceDetails::default()
        };
        members.push(Member::new(&name, router(1, 100), backend.clone()));
        members.push(Member::new(&name, ipv6.clone(), backend.clone()));
        let snapshot = Snapshot {
            index: 10 + index,
            mac: MacAddr([2, 0, 0, 0, 0, 1]),
            status: InterfaceStatus::Up(details),
            ..Snapshot::default()
        };
        host.monitor.send(HostEvent::Interface { name, snapshot }).unwrap();
    }
    let handles = host.node.configure(members).await.unwrap();
    let waited = timeout(60 * INTERVAL, async {
        for handle in &handles {
            handle.wait_for(Phase::is_active).await.unwrap();
        }
    });
    waited.await.unwrap();
    let status = host.node.status().await.unwrap();
    assert_eq!((status.routers.len(), status.ports.len()), (71, 70));
    let ports: Vec<_> =
        status.ports.iter().map(|port| (port.interface.clone(), port.family)).collect();
    assert!(ports.is_sorted());
    assert_eq!(ports.into_iter().collect::<BTreeSet<_>>().len(), 70);
}
