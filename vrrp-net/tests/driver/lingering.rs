//! A release in favour of a successor waits until that one has the addresses, or for a moment.

use std::{net::IpAddr, sync::Arc, time::Duration};

use tokio::time::Instant;
use vrrp_core::{LeaseFailure, Loss, MacAddr, Phase, Reach, Reason, Sighting};
use vrrp_net::{
    Drained, Handle, VipBackend,
    backend::{Memory as Backend, memory::Call},
    link::{Seen, memory::Hub},
};

use crate::world::{
    Host, INTERVAL, LINGER, VRID, advert, becomes, called, key, member, reaches, released,
    router_at, until,
};

const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 9]);
/// What a driver and a backend may take for something that is done at once.
const AT_ONCE: Duration = Duration::from_millis(3);

/// A host that holds the addresses, and a stronger one that has just advertised.
struct Preempted {
    host: Host,
    handle: Handle,
    at: Instant,
}

impl Preempted {
    async fn new() -> Self {
        Self::with_reach(Reach::OnLink).await
    }

    async fn with_reach(reach: Reach) -> Self {
        let hub = Hub::new();
        let host = Host { backend: Backend::with_reach(reach), ..Host::new(&hub, 1) };
        let mut handle = host.active(100).await;
        speak(&hub, 200);
        becomes(&mut handle, Phase::Backup).await;
        assert!(handle.active().is_none());
        Self { host, handle, at: Instant::now() }
    }

    /// Waits until the addresses are released, and returns how long after the advertisement.
    async fn released_after(&self) -> Duration {
        called(&self.host.backend, |calls| calls.iter().any(released)).await;
        until("it holds nothing", || !self.host.backend.holds()).await;
        self.at.elapsed()
    }

    fn is_released(&self) -> bool {
        self.host.backend.calls().iter().any(released)
    }
}

/// Asserts that the addresses are released now.
async fn released_at_once(host: &Host) {
    let at = Instant::now();
    called(&host.backend, |calls| calls.iter().any(released)).await;
    assert!(at.elapsed() < AT_ONCE, "{:?}", at.elapsed());
}

/// The stronger host, 192.0.2.9, advertises.
fn speak(hub: &Hub, priority: u8) {
    let (meta, payload) = advert(9, VRID, priority);
    hub.inject(meta, &payload);
}

/// A host says by itself that it has an address.
fn sighting(address: [u8; 4], mac: MacAddr) -> Seen {
    let (interface, address) = (key(VRID).interface, IpAddr::from(address));
    Seen::Sighting(Sighting { interface, address, mac, solicited: false })
}

#[tokio::test(start_paused = true)]
async fn it_is_carried_out_once_the_successor_is_seen_to_have_an_address() {
    let preempted = Preempted::new().await;
    tokio::time::sleep(LINGER / 2).await;
    assert!(!preempted.is_released() && preempted.host.backend.holds());
    preempted.host.wire.show(sighting([192, 0, 2, 100], MAC));
    let after = preempted.released_after().await;
    assert!(after >= LINGER / 2 && after < LINGER / 2 + AT_ONCE, "{after:?}");
    let successor = Some(IpAddr::from([192, 0, 2, 9]));
    let release = Call::Release { key: key(VRID), reason: Reason::StrongerClaim, successor };
    assert!(preempted.host.backend.calls().contains(&release));
}

/// Another make answers from the virtual hardware address.
#[tokio::test(start_paused = true)]
async fn the_virtual_hardware_address_is_the_successors() {
    let preempted = Preempted::new().await;
    let key = key(VRID);
    let virtual_mac = key.vrid.virtual_mac(key.family);
    preempted.host.wire.show(sighting([192, 0, 2, 100], virtual_mac));
    let after = preempted.released_after().await;
    assert!(after < AT_ONCE, "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn it_waits_no_longer_than_its_bound() {
    let preempted = Preempted::new().await;
    let after = preempted.released_after().await;
    assert!(after >= LINGER - AT_ONCE && after < LINGER + AT_ONCE, "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_said_of_other_addresses_or_by_this_host_ends_no_wait() {
    let preempted = Preempted::new().await;
    preempted.host.wire.show(sighting([192, 0, 2, 101], MAC));
    preempted.host.wire.show(sighting([192, 0, 2, 100], MacAddr([2, 0, 0, 0, 0, 1])));
    let after = preempted.released_after().await;
    assert!(after >= LINGER - AT_ONCE, "{after:?}");
}

/// What was seen before the successor's advertisement is not of its addresses.
#[tokio::test(start_paused = true)]
async fn an_earlier_sighting_ends_no_wait() {
    let hub = Hub::new();
    let host = Host::new(&hub, 1);
    let mut handle = host.active(100).await;
    host.wire.show(sighting([192, 0, 2, 100], MAC));
    tokio::time::sleep(INTERVAL / 8).await;
    speak(&hub, 200);
    becomes(&mut handle, Phase::Backup).await;
    tokio::time::sleep(LINGER / 2).await;
    assert!(host.backend.holds());
}

#[tokio::test(start_paused = true)]
async fn addresses_that_are_routed_are_released_at_once() {
    let preempted = Preempted::with_reach(Reach::Routed).await;
    let after = preempted.released_after().await;
    assert!(after < AT_ONCE, "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn without_a_successor_they_are_released_at_once() {
    let host = Host::new(&Hub::new(), 1);
    let mut handle = host.active(100).await;
    let node = host.node.clone();
    let shutdown = tokio::spawn(async move { node.shutdown().await });
    reaches(&mut handle, |phase| matches!(phase, Phase::Initialize(_))).await;
    let at = Instant::now();
    shutdown.await.unwrap().unwrap();
    assert!(at.elapsed() < AT_ONCE && !host.backend.holds(), "{:?}", at.elapsed());
}

/// A fault of this node is no planned leave, although another node may be there.
#[tokio::test(start_paused = true)]
async fn after_a_fault_they_are_released_at_once() {
    let hub = Hub::new();
    let host = Host::new(&hub, 1);
    host.backend.set_watched(true);
    let mut handle = host.active(100).await;
    host.backend.fail_next(1, LeaseFailure::Failed);
    host.lose();
    reaches(&mut handle, |phase| matches!(phase, Phase::Initialize(_))).await;
    released_at_once(&host).await;
}

/// Nobody is served yet, and what is on its way has to be undone.
#[tokio::test(start_paused = true)]
async fn addresses_that_are_being_put_are_released_at_once() {
    let hub = Hub::new();
    let host = Host::new(&hub, 1);
    let mut handle = host.add(100).await;
    host.backend.delay(Duration::from_secs(1));
    becomes(&mut handle, Phase::Acquiring).await;
    speak(&hub, 200);
    becomes(&mut handle, Phase::Backup).await;
    released_at_once(&host).await;
}

/// So are those of which some may be gone.
#[tokio::test(start_paused = true)]
async fn addresses_that_are_being_repaired_are_released_at_once() {
    let hub = Hub::new();
    let host = Host::new(&hub, 1);
    let mut handle = host.active(100).await;
    host.backend.hang();
    host.backend.lose(key(VRID), Loss::Lapsed);
    called(&host.backend, |calls| calls.contains(&Call::Repair(key(VRID)))).await;
    speak(&hub, 200);
    becomes(&mut handle, Phase::Backup).await;
    released_at_once(&host).await;
}

/// The stronger node has failed: the addresses were never away.
#[tokio::test(start_paused = true)]
async fn a_promotion_meanwhile_takes_its_place() {
    let hub = Hub::new();
    let host = Host::new(&hub, 1);
    // Its Skew_Time is shorter than the wait.
    let mut handle = host.active(253).await;
    speak(&hub, 254);
    becomes(&mut handle, Phase::Backup).await;
    let at = Instant::now();
    speak(&hub, 0);
    becomes(&mut handle, Phase::Held).await;
    let skew = INTERVAL * (256 - 253) / 256;
    assert!(at.elapsed() < skew + AT_ONCE, "{:?}", at.elapsed());
    tokio::time::sleep(10 * INTERVAL).await;
    assert!(host.backend.holds());
    assert!(!host.backend.calls().iter().any(released), "{:?}", host.backend.calls());
}

/// A newer wish ends the wait and what it was for.
#[tokio::test(start_paused = true)]
async fn another_backend_meanwhile_has_this_one_release_at_once() {
    let preempted = Preempted::new().await;
    let other: Arc<dyn VipBackend> = Arc::new(Backend::new());
    preempted.host.node.configure(vec![member(VRID, 100, &other)]).await.unwrap();
    let after = preempted.released_after().await;
    assert!(after < AT_ONCE, "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_and_a_drain_wait_for_it() {
    let preempted = Preempted::new().await;
    preempted.host.node.shutdown().await.unwrap();
    let after = preempted.at.elapsed();
    assert!(after >= LINGER - AT_ONCE && after < LINGER + AT_ONCE, "{after:?}");
    assert!(!preempted.host.backend.holds());

    let hub = Hub::new();
    let (one, two) = (Host::new(&hub, 1), Host::new(&hub, 2));
    let handle = one.active(200).await;
    let mut successor = two.add(100).await;
    becomes(&mut successor, Phase::Backup).await;
    let draining = tokio::spawn({
        let handle = handle.clone();
        async move { handle.drain(false).await }
    });
    becomes(&mut successor, Phase::Held).await;
    assert!(one.backend.holds(), "two hold the addresses, so that nobody is without them");
    one.wire.show(sighting([192, 0, 2, 100], MAC));
    assert_eq!(draining.await.unwrap().unwrap(), Drained::Done);
    assert!(!one.backend.holds());
}

#[tokio::test(start_paused = true)]
async fn a_second_shutdown_and_one_that_is_late_wait_for_nobody() {
    let preempted = Preempted::new().await;
    let node = preempted.host.node.clone();
    let first = tokio::spawn(async move { node.shutdown().await });
    tokio::time::sleep(LINGER / 10).await;
    assert!(preempted.host.backend.holds());
    preempted.host.node.shutdown().await.unwrap();
    first.await.unwrap().unwrap();
    let after = preempted.at.elapsed();
    assert!(after < LINGER / 10 + AT_ONCE && !preempted.host.backend.holds(), "{after:?}");

    let preempted = Preempted::new().await;
    assert!(preempted.host.node.shutdown_within(LINGER / 10).await.unwrap().all());
    let after = preempted.at.elapsed();
    assert!(after < LINGER / 10 + AT_ONCE && !preempted.host.backend.holds(), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_dropped_or_abandoned_waits_for_nobody() {
    let Preempted { host, handle, at, .. } = Preempted::new().await;
    let Host { node, backend, .. } = host;
    drop((node, handle));
    until("it has released", || !backend.holds()).await;
    assert!(at.elapsed() < AT_ONCE, "{:?}", at.elapsed());

    let Preempted { host, at, .. } = Preempted::new().await;
    host.node.abandon().await.unwrap();
    until("it has released", || !host.backend.holds()).await;
    assert!(at.elapsed() < AT_ONCE, "{:?}", at.elapsed());
}

/// An address may be another virtual router's from now on.
#[tokio::test(start_paused = true)]
async fn a_new_configuration_ends_it() {
    let preempted = Preempted::new().await;
    let backend: Arc<dyn VipBackend> = Arc::new(preempted.host.backend.clone());
    preempted.host.node.configure(vec![member(VRID, 100, &backend)]).await.unwrap();
    let after = preempted.released_after().await;
    assert!(after < AT_ONCE, "{after:?}");
    assert_eq!(preempted.handle.phase(), Phase::Backup);
}

/// The next advertisement of the successor is the end in any case.
#[tokio::test(start_paused = true)]
async fn it_lasts_for_no_longer_than_an_interval() {
    let hub = Hub::new();
    let host = Host::new(&hub, 1);
    let interval = Duration::from_millis(20);
    let fast = router_at(interval, VRID, 100);
    let mut handle = host.node.add("eth0", fast, host.backend.clone()).await.unwrap();
    becomes(&mut handle, Phase::Held).await;
    speak(&hub, 200);
    becomes(&mut handle, Phase::Backup).await;
    let at = Instant::now();
    called(&host.backend, |calls| calls.iter().any(released)).await;
    let after = at.elapsed();
    assert!(after >= interval - AT_ONCE && after < interval + AT_ONCE, "{after:?}");
}
