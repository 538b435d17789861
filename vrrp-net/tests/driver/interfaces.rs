//! Interfaces that go and come back as they were, and names that nobody uses any more.

use std::{
    collections::BTreeSet,
    io,
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use vrrp_core::{Family, Hold, InterfaceDetails, InterfaceId, InterfaceStatus, MacAddr, Phase};
use vrrp_net::{
    Member, Node, VipBackend,
    backend::memory::{Call, Memory as Backend},
    clock::TokioClock,
    link::{
        Announcement, Interest, Link, Outgoing, Port, Received,
        memory::{Hub, Memory as Wire},
    },
    monitor::{self, ChannelMonitor, HostEvent, Incarnation, Monitor, Snapshot},
};

use crate::world::{Host, VRID, advert, becomes, called, key, router, until};

/// A wire that counts how often a port was opened that was closed before.
struct Counted {
    wire: Wire,
    openings: Arc<AtomicUsize>,
}

impl Link for Counted {
    fn open(&mut self, port: &Port, interest: &Interest) -> io::Result<()> {
        if self.wire.interest(port.interface, port.family).is_none() {
            self.openings.fetch_add(1, Ordering::Relaxed);
        }
        self.wire.open(port, interest)
    }

    fn close(&mut self, interface: InterfaceId, family: Family) {
        self.wire.close(interface, family);
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.wire.poll_readable(cx)
    }

    fn try_recv(&mut self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        self.wire.try_recv(buffer)
    }

    fn send(&mut self, outgoing: &Outgoing<'_>) -> io::Result<()> {
        self.wire.send(outgoing)
    }

    fn announce(&mut self, announcement: &Announcement<'_>) -> io::Result<()> {
        self.wire.announce(announcement)
    }
}

/// A host, and how often its ports were opened.
fn counted(hub: &Hub) -> (Host, Arc<AtomicUsize>) {
    let openings = Arc::new(AtomicUsize::new(0));
    let counter = openings.clone();
    (Host::with_link(hub, 1, |wire| Counted { wire, openings: counter }), openings)
}

fn snapshot(host: &Host, incarnation: Incarnation) -> Snapshot {
    let status =
        InterfaceStatus::Up(InterfaceDetails { ipv4: Some(host.address), ..Default::default() });
    Snapshot { index: 2, mac: MacAddr([2, 0, 0, 0, 0, 1]), incarnation, status }
}

/// A monitor that shows which names are watched.
struct Watched {
    monitor: ChannelMonitor,
    names: Arc<Mutex<BTreeSet<String>>>,
}

impl Monitor for Watched {
    fn watch(&mut self, name: &str) {
        self.names.lock().unwrap().insert(name.to_owned());
        self.monitor.watch(name);
    }

    fn unwatch(&mut self, name: &str) {
        self.names.lock().unwrap().remove(name);
        self.monitor.unwatch(name);
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<HostEvent> {
        self.monitor.poll_event(cx)
    }
}

/// A program that configures another interface each time, for years.
#[tokio::test(start_paused = true)]
async fn a12_interfaces_that_nobody_uses_are_forgotten() {
    let wire = Hub::new().link(&[IpAddr::from([192, 0, 2, 1])]);
    let (events, monitor) = monitor::channel();
    let names = Arc::<Mutex<BTreeSet<String>>>::default();
    let watched = Watched { monitor, names: names.clone() };
    let node = Node::with_parts(wire.clone(), TokioClock::new(), watched);
    let backend: Arc<dyn VipBackend> = Arc::new(Backend::new());
    let ipv4 = Some([192, 0, 2, 1].into());
    let status = InterfaceStatus::Up(InterfaceDetails { ipv4, ..Default::default() });
    let snapshot = Snapshot { index: 2, status, ..Snapshot::default() };
    let mut keys = BTreeSet::new();
    for name in ["eth0", "eth1", "eth0", "eth2"] {
        events.send(HostEvent::Interface { name: name.to_owned(), snapshot }).unwrap();
        let members = vec![Member::new(name, router(VRID, 100), backend.clone())];
        let mut handle = node.configure(members).await.unwrap().remove(0);
        becomes(&mut handle, Phase::Held).await;
        until("only it is watched", || names.lock().unwrap().iter().eq([name])).await;
        assert!(wire.interest(handle.key().interface, Family::Ipv4).is_some());
        assert!(keys.insert(handle.key()), "{name} has a number of its own, each time");
        let open = keys.iter().filter(|key| wire.interest(key.interface, Family::Ipv4).is_some());
        assert_eq!(open.count(), 1);
    }
    // Refused: one virtual router twice.
    let twice = ["eth3", "eth3"].map(|name| Member::new(name, router(VRID, 100), backend.clone()));
    assert!(node.configure(twice.into()).await.is_err());
    assert!(names.lock().unwrap().iter().eq(["eth2"]));
}

#[tokio::test(start_paused = true)]
async fn a2_a_port_is_opened_anew_when_its_family_is_back() {
    let (host, openings) = counted(&Hub::new());
    let mut handle = host.active(100).await;
    let before = openings.load(Ordering::Relaxed);
    let there = snapshot(&host, Incarnation::default());
    let without = Snapshot { status: there.status.with(|own| own.ipv4 = None), ..there };
    host.tell(without);
    becomes(&mut handle, Phase::Initialize(Hold::NoSource)).await;
    assert_eq!(openings.load(Ordering::Relaxed), before, "there is nothing to listen with");
    host.tell(there);
    becomes(&mut handle, Phase::Held).await;
    assert_eq!(openings.load(Ordering::Relaxed), before + 1);
    // Gone and back before anybody looked.
    host.tell(snapshot(&host, Incarnation { ipv4: 1, ..Incarnation::default() }));
    until("it is opened anew", || openings.load(Ordering::Relaxed) == before + 2).await;
    // The other family is nobody's business here.
    host.tell(snapshot(&host, Incarnation { ipv4: 1, ipv6: 1, ..Incarnation::default() }));
    tokio::time::sleep(crate::world::INTERVAL).await;
    assert_eq!((openings.load(Ordering::Relaxed), handle.phase()), (before + 2, Phase::Held));
}

#[tokio::test(start_paused = true)]
async fn a3_an_interface_that_came_back_as_it_was_is_another_one() {
    let (host, openings) = counted(&Hub::new());
    let handle = host.active(100).await;
    let (before, puts) = (openings.load(Ordering::Relaxed), host.backend.calls().len());
    host.tell(snapshot(&host, Incarnation { interface: 1, ..Incarnation::default() }));
    // What was held was on the one that is gone.
    called(&host.backend, |calls| calls[puts..].contains(&Call::Repair(key(VRID)))).await;
    assert_eq!((openings.load(Ordering::Relaxed), handle.phase()), (before + 1, Phase::Held));
}

/// Nobody knows whether any has gone and come back: ports are opened anew, once what they hold has
/// been read.
#[tokio::test(start_paused = true)]
async fn a3_after_missed_news_ports_are_opened_anew_and_nothing_is_lost() {
    let hub = Hub::new();
    let (host, openings) = counted(&hub);
    let mut handle = host.add(100).await;
    becomes(&mut handle, Phase::Backup).await;
    let before = openings.load(Ordering::Relaxed);
    // More than one batch lies before the advertisement that counts.
    for vrid in [200, VRID] {
        for _ in 0..200 {
            let (meta, payload) = advert(9, vrid, 200);
            hub.inject(meta, &payload);
        }
    }
    host.monitor.send(HostEvent::Missed).unwrap();
    until("the ports are opened anew", || openings.load(Ordering::Relaxed) == before + 1).await;
    let status = &host.node.status().await.unwrap().routers[0];
    assert_eq!((status.phase, status.counters.adverts_received), (Phase::Backup, 200));
    assert_eq!(openings.load(Ordering::Relaxed), before + 1);
}
