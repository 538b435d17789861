//! Starting, leaving, and ending otherwise.

use std::{
    io,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, timeout};
use vrrp_core::{
    Centiseconds, Cidr, Family, Hold, InterfaceId, Ipv4Addresses, Phase, Protocol, Reason, Seconds,
    VirtualRouter,
};
use vrrp_net::{
    Drained, Error, Member, VipBackend,
    backend::memory::Call,
    link::{
        Announcement, Interest, Link, Outgoing, Port, Received,
        memory::{Hub, Memory as Wire},
    },
};

use crate::world::{
    Host, INTERVAL, LINGER, VIP, VRID, becomes, called, key, member, released, router, until,
};

const STOPPED: Phase = Phase::Initialize(Hold::Stopped);

#[tokio::test(start_paused = true)]
async fn a_node_that_leaves_serves_until_it_hears_its_successor() {
    let hub = Hub::new();
    let (one, two) = (Host::new(&hub, 1), Host::new(&hub, 2));
    let leaver = one.active(200).await;
    let mut successor = two.add(100).await;
    becomes(&mut successor, Phase::Backup).await;
    let start = Instant::now();
    one.node.shutdown().await.unwrap();
    let skew = INTERVAL * (256 - 100) / 256;
    // Nobody sees the successor's announcement here: see the tests of lingering.
    assert!(start.elapsed() - skew < LINGER + Duration::from_millis(20), "{:?}", start.elapsed());
    let calls = one.backend.calls();
    let [.., Call::Leaving(_), last] = &calls[..] else { panic!("{calls:?}") };
    let expected = Call::Release {
        key: key(VRID),
        reason: Reason::Successor,
        successor: Some(IpAddr::from(two.address)),
    };
    assert_eq!(*last, expected);
    assert!(!one.backend.holds());
    assert_eq!(leaver.phase(), STOPPED);
    becomes(&mut successor, Phase::Held).await;
    assert!(two.wire.sent()[0].at >= start + skew);
}

#[tokio::test(start_paused = true)]
async fn a_second_shutdown_lets_go_at_once() {
    let host = Host::new(&Hub::new(), 1);
    let mut handle = host.active(100).await;
    let node = host.node.clone();
    let first = tokio::spawn(async move { node.shutdown().await });
    becomes(&mut handle, Phase::Resigning).await;
    assert!(handle.active().is_none());
    let start = Instant::now();
    host.node.shutdown().await.unwrap();
    first.await.unwrap().unwrap();
    assert!(start.elapsed() < Duration::from_millis(10), "{:?}", start.elapsed());
    assert!(!host.backend.holds());
    assert!(matches!(host.node.status().await, Err(Error::Stopped)));
    assert!(matches!(handle.drain(false).await, Err(Error::Stopped)));
    host.node.shutdown().await.unwrap();
    while let Ok(phase) = handle.changed().await {
        assert_eq!(phase, STOPPED);
    }
    assert!(matches!(handle.changed().await, Err(Error::Stopped)));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_a_slow_release_but_not_for_ever() {
    let host = Host::new(&Hub::new(), 1);
    host.backend.set_timeout(Duration::from_secs(5));
    let _handle = host.active(100).await;
    host.backend.delay(Duration::from_secs(3));
    let start = Instant::now();
    host.node.shutdown().await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(4), "{:?}", start.elapsed());
    assert!(!host.backend.holds());

    let host = Host::new(&Hub::new(), 1);
    host.backend.set_timeout(Duration::from_secs(5));
    let _handle = host.active(100).await;
    host.backend.delay(Duration::from_secs(1_000_000));
    let start = Instant::now();
    host.node.shutdown().await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn another_version_changes_nothing_but_the_advertisements() {
    let host = Host::new(&Hub::new(), 1);
    let backend: Arc<dyn VipBackend> = Arc::new(host.backend.clone());
    let mut handle = host.node.add_member(member(VRID, 100, &backend)).await.unwrap();
    becomes(&mut handle, Phase::Held).await;
    let asked = || -> Vec<Call> {
        let calls = host.backend.calls().into_iter();
        calls.filter(|call| !matches!(call, Call::Renew(_))).collect()
    };
    let before = asked();
    host.node.configure(vec![another_version(&backend)]).await.unwrap();
    assert_eq!(handle.phase(), Phase::Held);
    assert_eq!(asked(), before);
    timeout(Duration::from_secs(60), host.node.shutdown())
        .await
        .expect("the shutdown ends")
        .unwrap();
    assert_eq!(handle.phase(), STOPPED);
    assert!(!host.backend.holds());
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_handle_is_a_shutdown() {
    let Host { node, backend, wire, monitor: _monitor, .. } = {
        let host = Host::new(&Hub::new(), 1);
        drop(host.active(100).await);
        host
    };
    assert!(backend.holds());
    let another = node.clone();
    drop(node);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(backend.holds(), "a clone is left");
    drop(another);
    called(&backend, |calls| calls.iter().any(released)).await;
    until("it let go", || !backend.holds()).await;
    assert_eq!(wire.sent().last().unwrap().payload[2], 0, "it resigned");
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_nobody_answers_is_taken_back() {
    let host = Host::new(&Hub::new(), 1);
    let mut handle = host.active(100).await;
    assert_eq!(handle.drain(false).await.unwrap(), Drained::Refused);
    becomes(&mut handle, Phase::Held).await;
    assert!(host.backend.holds());
    assert_eq!(handle.drain(true).await.unwrap(), Drained::Done);
    assert_eq!(handle.phase(), Phase::Initialize(Hold::Drained));
    assert!(!host.backend.holds());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(handle.phase(), Phase::Initialize(Hold::Drained));
    handle.resume().await.unwrap();
    becomes(&mut handle, Phase::Held).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_drained_stays_drained_when_its_addresses_change() {
    let host = Host::new(&Hub::new(), 1);
    let backend: Arc<dyn VipBackend> = Arc::new(host.backend.clone());
    let mut handle = host.active(100).await;
    assert_eq!(handle.drain(true).await.unwrap(), Drained::Done);
    host.node.configure(vec![elsewhere(&backend)]).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(handle.phase(), Phase::Initialize(Hold::Drained));
    handle.resume().await.unwrap();
    becomes(&mut handle, Phase::Held).await;
}

/// The virtual router in VRRPv2.
fn another_version(backend: &Arc<dyn VipBackend>) -> Member {
    let addresses = Ipv4Addresses::new([VIP.parse::<Cidr<_>>().unwrap()]).unwrap();
    let protocol = Protocol::V2 { addresses, interval: Seconds::ONE, password: None };
    Member::new("eth0", VirtualRouter::new(VRID.try_into().unwrap(), protocol), backend.clone())
}

/// The virtual router with another address.
fn elsewhere(backend: &Arc<dyn VipBackend>) -> Member {
    let addresses = Ipv4Addresses::new(["192.0.2.101/24".parse::<Cidr<_>>().unwrap()]).unwrap();
    let other =
        VirtualRouter::v3_ipv4(VRID.try_into().unwrap(), addresses, Centiseconds::ONE_SECOND);
    Member::new("eth0", other, backend.clone())
}

#[tokio::test(start_paused = true)]
async fn a_drain_hands_over_to_a_peer() {
    let hub = Hub::new();
    let (one, two) = (Host::new(&hub, 1), Host::new(&hub, 2));
    let handle = one.active(200).await;
    let mut successor = two.add(100).await;
    becomes(&mut successor, Phase::Backup).await;
    assert_eq!(handle.drain(false).await.unwrap(), Drained::Done);
    assert!(!one.backend.holds());
    becomes(&mut successor, Phase::Held).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_configuration_is_said_and_changes_nothing() {
    let host = Host::new(&Hub::new(), 1);
    let backend: Arc<dyn VipBackend> = Arc::new(host.backend.clone());
    let twice = vec![
        member(1, 100, &backend),
        member(2, 100, &backend),
        member(1, 50, &backend).name("other"),
    ];
    let error = host.node.configure(twice).await.unwrap_err();
    assert!(matches!(error, Error::Duplicate { vrid: 1, .. }), "{error}");
    let named = vec![member(1, 100, &backend).name("web"), member(2, 100, &backend).name("web")];
    assert!(
        matches!(host.node.configure(named).await, Err(Error::DuplicateName(name)) if name == "web")
    );
    assert!(host.node.status().await.unwrap().routers.is_empty());

    let web = host.node.add_member(member(1, 100, &backend).name("web")).await.unwrap();
    let again = host.node.add_member(member(1, 100, &backend)).await;
    assert!(matches!(again, Err(Error::Duplicate { vrid: 1, .. })));
    let named = host.node.add_member(member(2, 100, &backend).name("web")).await;
    assert!(matches!(named, Err(Error::DuplicateName(_))));
    assert_eq!(host.node.handle("web").await.unwrap().key(), web.key());
    assert!(matches!(host.node.handle("db").await, Err(Error::Unknown(name)) if name == "db"));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_longer_configured_leaves_and_the_rest_stays() {
    let host = Host::new(&Hub::new(), 1);
    let backend: Arc<dyn VipBackend> = Arc::new(host.backend.clone());
    let both = vec![member(1, 100, &backend), member(2, 100, &backend)];
    let mut handles = host.node.configure(both).await.unwrap();
    for handle in &mut handles {
        becomes(handle, Phase::Held).await;
    }
    let [gone, stays] = &mut handles[..] else { panic!("two") };
    host.node.configure(vec![member(2, 100, &backend)]).await.unwrap();
    assert_eq!(gone.phase(), Phase::Resigning);
    let ended = timeout(Duration::from_secs(60), async {
        loop {
            if let Err(error) = gone.changed().await {
                return error;
            }
        }
    });
    assert!(matches!(ended.await.unwrap(), Error::Unknown(_)));
    assert!(!host.backend.holds_for(key(1)) && host.backend.holds_for(key(2)));
    assert_eq!(stays.phase(), Phase::Held);
    let interest = host.wire.interest(key(1).interface, Family::Ipv4).unwrap();
    assert_eq!(interest.vrids.len(), 1);
    let [status] = &host.node.status().await.unwrap().routers[..] else { panic!("one is left") };
    assert_eq!(status.counters.became_active, 1, "its state was kept");
}

/// A wire that makes its driver panic on request, and again when that driver tries to resign.
struct Mined {
    wire: Wire,
    mine: Arc<AtomicBool>,
    sends_panic: bool,
}

impl Link for Mined {
    fn open(&mut self, port: &Port, interest: &Interest) -> io::Result<()> {
        self.wire.open(port, interest)
    }

    fn close(&mut self, interface: InterfaceId, family: Family) {
        self.wire.close(interface, family);
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        assert!(!self.mine.load(Ordering::Relaxed), "planted");
        self.wire.poll_readable(cx)
    }

    fn try_recv(&mut self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        self.wire.try_recv(buffer)
    }

    fn send(&mut self, outgoing: &Outgoing<'_>) -> io::Result<()> {
        assert!(!self.sends_panic || !self.mine.load(Ordering::Relaxed), "planted, too");
        self.wire.send(outgoing)
    }

    fn announce(&mut self, announcement: &Announcement<'_>) -> io::Result<()> {
        self.wire.announce(announcement)
    }
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_panics_resigns_and_releases() {
    for sends_panic in [false, true] {
        let mine = Arc::new(AtomicBool::new(false));
        let planted = mine.clone();
        let mined = |wire| Mined { wire, mine: planted, sends_panic };
        let host = Host::with_link(&Hub::new(), 1, mined);
        let mut handle = host.active(100).await;
        mine.store(true, Ordering::Relaxed);
        until("it let go", || !host.backend.holds()).await;
        assert_eq!(host.priorities().last() == Some(&0), !sends_panic, "it resigned, if it could");
        assert!(handle.active().is_none());
        assert!(matches!(handle.resume().await, Err(Error::Stopped)));
        while handle.changed().await.is_ok() {}
        assert!(host.node.events().next().await.is_none());
    }
}

/// In real time, because the bound is one of `CLOCK_BOOTTIME`.
#[tokio::test]
async fn nobody_is_active_whose_driver_is_starved() {
    let host = Host::new(&Hub::new(), 1);
    let Protocol::V3Ipv4 { addresses, .. } = router(VRID, 100).protocol().clone() else {
        panic!("it is v3")
    };
    let interval = Duration::from_millis(100).try_into().unwrap();
    let router = VirtualRouter::v3_ipv4(VRID.try_into().unwrap(), addresses, interval);
    let mut handle = host.node.add("eth0", router, host.backend.clone()).await.unwrap();
    becomes(&mut handle, Phase::Held).await;
    let remaining = handle.active().expect("it was promoted a moment ago").remaining();
    assert!(remaining <= Duration::from_millis(300), "{remaining:?}");
    // The only thread of this runtime sleeps, and with it the driver.
    let start = std::time::Instant::now();
    while handle.active().is_some() {
        assert!(start.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(handle.phase(), Phase::Held, "the driver could not say anything");
    assert!(start.elapsed() <= Duration::from_secs(1), "{:?}", start.elapsed());
    becomes(&mut handle, Phase::Backup).await;
    becomes(&mut handle, Phase::Held).await;
    assert!(handle.active().is_some());
}
