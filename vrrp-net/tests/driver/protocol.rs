//! Who goes first: packets, deadlines, backends, announcements.

use std::{
    collections::BTreeSet,
    io,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use vrrp_core::{Centiseconds, Cidr, Family, Hold, InterfaceId, Phase, Reach, Reason, RxMeta};
use vrrp_net::{
    BackendError, Error, Lease, Member, NodeEvent, Release, VipBackend,
    backend::memory::{Call, Memory as Backend},
    link::{
        Announcement, Interest, Link, Outgoing, Port, Received,
        memory::{Hub, Memory as Wire},
    },
    monitor::Snapshot,
};

use crate::world::{Host, INTERVAL, VRID, advert, becomes, called, key, released, router, until};

#[tokio::test(start_paused = true)]
async fn a_promotion_advertises_then_acquires_then_announces() {
    let host = Host::new(&Hub::new(), 1);
    host.backend.delay(Duration::from_millis(500));
    let mut handle = host.add(100).await;
    called(&host.backend, |calls| calls.contains(&Call::Acquire(key(VRID)))).await;
    assert_eq!(handle.phase(), Phase::Acquiring);
    assert_eq!(host.priorities(), [100], "the advertisement leaves before the backend is asked");
    assert!(handle.active().is_none(), "nobody is told Active before the backend says so");
    assert!(host.wire.announced().is_empty());

    becomes(&mut handle, Phase::Held).await;
    let [announced] = &host.wire.announced()[..] else { panic!("{:?}", host.wire.announced()) };
    assert_eq!(announced.at - host.wire.sent()[0].at, Duration::from_millis(500));
    assert!(handle.active().is_some_and(|until| !until.remaining().is_zero()));
}

/// While it acquires, more packets than one batch arrive, and the last of them is a stronger claim.
struct Overtaken(Hub, Backend);

#[async_trait]
impl VipBackend for Overtaken {
    async fn acquire(&self, lease: &Lease) -> Result<Reach, BackendError> {
        for _ in 0..500 {
            let (meta, payload) = advert(9, 200, 1);
            self.0.inject(meta, &payload);
        }
        let (meta, payload) = advert(9, VRID, 200);
        self.0.inject(meta, &payload);
        self.1.acquire(lease).await
    }

    async fn release(&self, lease: &Lease, release: &Release) -> Result<(), BackendError> {
        self.1.release(lease, release).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_stronger_claim_that_arrived_meanwhile_cancels_the_announcement() {
    let hub = Hub::new();
    let host = Host::new(&hub, 1);
    let mut events = host.node.events();
    let backend = Overtaken(hub.clone(), host.backend.clone());
    let _handle = host.node.add("eth0", router(VRID, 100), backend).await.unwrap();
    called(&host.backend, |calls| calls.iter().any(released)).await;
    let successor = Some(IpAddr::from([192, 0, 2, 9]));
    let release = Call::Release { key: key(VRID), reason: Reason::StrongerClaim, successor };
    assert_eq!(host.backend.calls().last(), Some(&release));
    assert!(host.wire.announced().is_empty());
    while let Some(Ok(event)) = events.try_next() {
        assert!(!format!("{event:?}").contains("Held"), "{event:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stalled_backup_hears_what_is_queued_before_its_timer() {
    let hub = Hub::new();
    hears_what_is_queued(&hub, Host::new(&hub, 1)).await;
}

/// A wire whose stamps are of before the clock was set back by an hour.
struct Ahead(Wire);

impl Link for Ahead {
    fn open(&mut self, port: &Port, interest: &Interest) -> io::Result<()> {
        self.0.open(port, interest)
    }

    fn close(&mut self, interface: InterfaceId, family: Family) {
        self.0.close(interface, family);
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_readable(cx)
    }

    fn try_recv(&mut self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        let stamp = SystemTime::now() + Duration::from_secs(3600);
        Ok(self.0.try_recv(buffer)?.map(|received| Received { stamp: Some(stamp), ..received }))
    }

    fn send(&mut self, outgoing: &Outgoing<'_>) -> io::Result<()> {
        self.0.send(outgoing)
    }

    fn announce(&mut self, announcement: &Announcement<'_>) -> io::Result<()> {
        self.0.announce(announcement)
    }
}

#[tokio::test(start_paused = true)]
async fn a11_a_stalled_backup_hears_what_is_queued_when_the_clock_was_set_back() {
    let hub = Hub::new();
    hears_what_is_queued(&hub, Host::with_link(&hub, 1, Ahead)).await;
}

async fn hears_what_is_queued(hub: &Hub, host: Host) {
    let mut handle = host.add(100).await;
    becomes(&mut handle, Phase::Backup).await;
    for _ in 0..10 {
        // More than one batch of packets lies before the advertisement that counts.
        for _ in 0..500 {
            let (meta, payload) = advert(9, 200, 1);
            hub.inject(meta, &payload);
        }
        let (meta, payload) = advert(9, VRID, 200);
        hub.inject(meta, &payload);
        // The timer is long over when the driver runs again.
        tokio::time::advance(INTERVAL * 5).await;
        tokio::task::yield_now().await;
        let status = host.node.status().await.unwrap();
        assert_eq!(status.routers[0].phase, Phase::Backup);
    }
    assert!(host.wire.sent().is_empty(), "a false takeover");
    becomes(&mut handle, Phase::Held).await;
}

/// A laptop that sleeps for an hour, a paused virtual machine: the clock has gone on, and nothing
/// else has.
#[tokio::test(start_paused = true)]
async fn an_active_that_was_suspended_lets_go_before_it_says_anything() {
    let host = Host::new(&Hub::new(), 1);
    let mut handle = host.active(100).await;
    let mut events = host.node.events();
    let (said, announced) = (host.wire.sent().len(), host.wire.announced().len());
    tokio::time::advance(INTERVAL * 3600).await;
    let status = host.node.status().await.unwrap();
    assert_eq!(
        (status.routers[0].phase, status.routers[0].reason),
        (Phase::Backup, Reason::Stalled)
    );
    assert!(status.routers[0].probation.is_some());
    called(&host.backend, |calls| calls.last().is_some_and(released)).await;
    // Nobody counts on its last advertisement any more, so that it need not resign.
    assert_eq!((host.wire.sent().len(), host.wire.announced().len()), (said, announced));
    assert!(matches!(
        events.next().await,
        Some(Ok(NodeEvent::Transition { to: Phase::Backup, .. }))
    ));
    // Nobody is there: it is back within two intervals.
    let begun = tokio::time::Instant::now();
    becomes(&mut handle, Phase::Held).await;
    assert!(begun.elapsed() < INTERVAL * 2, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_receive_error_hides_no_advertisement_from_a_stalled_backup() {
    let hub = Hub::new();
    let host = Host::new(&hub, 1);
    let mut handle = host.add(100).await;
    becomes(&mut handle, Phase::Backup).await;
    let (meta, payload) = advert(9, VRID, 200);
    hub.inject(meta, &payload);
    host.wire.fail_receives(3);
    tokio::time::advance(INTERVAL * 5).await;
    tokio::task::yield_now().await;
    assert_eq!(host.node.status().await.unwrap().routers[0].phase, Phase::Backup);
    assert!(host.wire.sent().is_empty(), "a false takeover");
}

/// A wire on which there is always one more packet, received just now, on one port.
struct Endless {
    wire: Wire,
    /// How often the driver has read since it last asked whether there was anything, and at most.
    reads: usize,
    most_reads: Arc<AtomicUsize>,
}

impl Endless {
    fn new(wire: Wire) -> Self {
        Self { wire, reads: 0, most_reads: Arc::default() }
    }
}

impl Link for Endless {
    fn open(&mut self, port: &Port, interest: &Interest) -> io::Result<()> {
        self.wire.open(port, interest)
    }

    fn close(&mut self, interface: InterfaceId, family: Family) {
        self.wire.close(interface, family);
    }

    fn poll_readable(&mut self, _: &mut Context<'_>) -> Poll<()> {
        self.reads = 0;
        Poll::Ready(())
    }

    fn try_recv(&mut self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        self.reads += 1;
        self.most_reads.fetch_max(self.reads, Ordering::Relaxed);
        let (meta, payload) = advert(9, VRID, 1);
        buffer[..payload.len()].copy_from_slice(&payload);
        let stamp = Some(SystemTime::now());
        Ok(Some(Received { meta, len: payload.len(), stamp, refused: false }))
    }

    fn send(&mut self, outgoing: &Outgoing<'_>) -> io::Result<()> {
        self.wire.send(outgoing)
    }

    fn announce(&mut self, announcement: &Announcement<'_>) -> io::Result<()> {
        self.wire.announce(announcement)
    }
}

/// In real time: a flood never lets paused time go on.
#[tokio::test]
async fn a_flood_starves_neither_timers_nor_backends_nor_commands() {
    let host = Host::with_link(&Hub::new(), 1, Endless::new);
    let interval = Duration::from_millis(300).try_into().unwrap();
    let vrrp_core::Protocol::V3Ipv4 { addresses, .. } = router(VRID, 100).protocol().clone() else {
        panic!("it is v3")
    };
    let router = vrrp_core::VirtualRouter::v3_ipv4(VRID.try_into().unwrap(), addresses, interval);
    let mut handle = host.node.add("eth0", router, host.backend.clone()).await.unwrap();
    becomes(&mut handle, Phase::Held).await;
    let scheduled = |status: &vrrp_net::NodeStatus| {
        let counters = status.routers[0].counters;
        (counters.adverts_sent - counters.answers_sent, counters)
    };
    let mut adverts = 0;
    while adverts < 5 {
        let status = host.node.status().await.unwrap();
        let (sent, counters) = scheduled(&status);
        adverts = sent;
        assert_eq!(status.routers[0].phase, Phase::Held, "{counters:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (_, counters) = scheduled(&host.node.status().await.unwrap());
    assert!(counters.adverts_received > 10_000, "{counters:?}");
    host.node.shutdown().await.unwrap();
}

/// What is queued is read before a deadline, on every port; what keeps coming on one of them is
/// not.
#[tokio::test]
async fn a_flood_of_one_port_is_not_read_on_for_the_others() {
    let most_reads = Arc::<AtomicUsize>::default();
    let host = Host::with_link(&Hub::new(), 1, |wire| Endless {
        most_reads: Arc::clone(&most_reads),
        ..Endless::new(wire)
    });
    let addresses =
        vrrp_core::Ipv6Addresses::new(["fe80::100".parse::<Cidr<_>>().unwrap()]).unwrap();
    let quiet = vrrp_core::VirtualRouter::v3_ipv6(
        VRID.try_into().unwrap(),
        addresses,
        Centiseconds::ONE_SECOND,
    );
    let _quiet = host.node.add("eth0", quiet, host.backend.clone()).await.unwrap();
    let mut handle = host.add(100).await;
    becomes(&mut handle, Phase::Held).await;
    assert_eq!(host.node.status().await.unwrap().ports.len(), 2);
    // A turn reads one batch of 64, and then for a deadline and for a backend's answer.
    let most = most_reads.load(Ordering::Relaxed);
    assert!((64..80).contains(&most), "{most} packets in a turn");
    host.node.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_node_that_cannot_send_lets_go() {
    let host = Host::new(&Hub::new(), 1);
    let mut handle = host.active(100).await;
    host.wire.fail_sends(true);
    becomes(&mut handle, Phase::Initialize(Hold::Send)).await;
    assert!(handle.active().is_none());
    called(&host.backend, |calls| calls.iter().any(released)).await;
    host.wire.fail_sends(false);
    becomes(&mut handle, Phase::Held).await;
    assert!(host.node.status().await.unwrap().routers[0].counters.send_failures >= 2);
}

#[tokio::test(start_paused = true)]
async fn an_interface_may_vanish_and_come_back_as_another() {
    let host = Host::new(&Hub::new(), 1);
    let mut handle = host.active(100).await;
    let port = || host.wire.interest(key(VRID).interface, Family::Ipv4);
    assert!(port().is_some_and(|interest| interest.multicast));
    host.tell(Snapshot::default());
    becomes(&mut handle, Phase::Initialize(Hold::InterfaceMissing)).await;
    assert!(port().is_none());
    host.interface(7, false);
    becomes(&mut handle, Phase::Initialize(Hold::LinkDown)).await;
    assert!(port().is_some());
    host.interface(7, true);
    becomes(&mut handle, Phase::Held).await;
}

/// Nobody was told that the first one went: what was held there is let go all the same.
#[tokio::test(start_paused = true)]
async fn an_interface_may_be_replaced_in_one_moment() {
    let host = Host::new(&Hub::new(), 1);
    let mut handle = host.active(100).await;
    host.interface(7, true);
    // It is back at once: the addresses are put on the new one.
    called(&host.backend, |calls| calls.contains(&Call::Repair(key(VRID)))).await;
    assert_eq!(handle.phase(), Phase::Held);
    host.interface(8, false);
    becomes(&mut handle, Phase::Initialize(Hold::LinkDown)).await;
    called(&host.backend, |calls| calls.iter().any(released)).await;
    host.interface(8, true);
    becomes(&mut handle, Phase::Held).await;
    assert!(host.wire.interest(key(VRID).interface, Family::Ipv4).is_some());
}

/// A wire that cannot be opened for a while, and counts how often that was tried.
struct Stubborn(Wire, Arc<AtomicUsize>);

impl Link for Stubborn {
    fn open(&mut self, port: &Port, interest: &Interest) -> io::Result<()> {
        match self.1.fetch_add(1, Ordering::Relaxed) {
            0..4 => Err(io::ErrorKind::PermissionDenied.into()),
            _ => self.0.open(port, interest),
        }
    }

    fn close(&mut self, interface: InterfaceId, family: Family) {
        self.0.close(interface, family);
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_readable(cx)
    }

    fn try_recv(&mut self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        self.0.try_recv(buffer)
    }

    fn send(&mut self, outgoing: &Outgoing<'_>) -> io::Result<()> {
        self.0.send(outgoing)
    }

    fn announce(&mut self, announcement: &Announcement<'_>) -> io::Result<()> {
        self.0.announce(announcement)
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_contends_on_a_socket_that_could_not_be_opened() {
    let tries = Arc::default();
    let host = Host::with_link(&Hub::new(), 1, |wire| Stubborn(wire, Arc::clone(&tries)));
    let start = tokio::time::Instant::now();
    // Who adds one is told at once that a right is missing, and nothing of it is left.
    let refused = host.node.add("eth0", router(VRID, 100), host.backend.clone()).await;
    let Err(Error::Denied { name, reason, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!((&*name, &*reason), ("eth0-51-ipv4", "permission denied"));
    assert!(host.node.status().await.unwrap().routers.is_empty());
    // A daemon waits for it.
    let member = Member::new("eth0", router(VRID, 100), Arc::new(host.backend.clone()));
    let mut handle = host.node.configure(vec![member]).await.unwrap().remove(0);
    becomes(&mut handle, Phase::Initialize(Hold::NoSocket)).await;
    let status = handle.status().await.unwrap();
    assert_eq!(status.socket_error.as_deref(), Some("permission denied"));
    let obstacle = "eth0-51-ipv4: no socket could be opened on eth0: permission denied";
    assert_eq!(status.obstacle().as_deref(), Some(obstacle));
    becomes(&mut handle, Phase::Backup).await;
    assert_eq!(handle.status().await.unwrap().obstacle(), None);
    assert_eq!(tries.load(Ordering::Relaxed), 5, "tried at once and then every second");
    assert!(start.elapsed() >= Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn refusals_are_counted_where_status_shows_them() {
    let hub = Hub::new();
    let host = Host::new(&hub, 1);
    let _handle = host.active(100).await;
    let (meta, payload) = advert(9, VRID, 200);
    hub.inject(RxMeta { ttl: 254, ..meta }, &payload);
    let (meta, payload) = advert(8, 77, 200);
    hub.inject(meta, &payload);
    let mut status = host.node.status().await.unwrap();
    until("the packets were read", || host.wire.clone().try_recv(&mut [0; 64]).unwrap().is_none())
        .await;
    status = host.node.status().await.unwrap_or(status);
    let [router] = &status.routers[..] else { panic!("{status:?}") };
    assert_eq!(router.counters.rejected(vrrp_core::Rejected::Ttl), 1);
    assert_eq!(router.phase, Phase::Held);
    assert_eq!(router.held.len(), 1);
    let [port] = &status.ports[..] else { panic!("{status:?}") };
    assert_eq!(port.counters.rejected(vrrp_core::Rejected::UnknownVrid), 1);
    let sources: BTreeSet<IpAddr> = port.speakers.iter().map(|speaker| speaker.source).collect();
    assert_eq!(sources, [IpAddr::from([192, 0, 2, 8])].into());
}
