//! Backends that fail, hang, panic, and hold.

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::Instant;
use vrrp_core::{Hold, Key, LeaseFailure, Loss, Phase, Reach, Reason, VirtualRouter};
use vrrp_net::{
    BackendError, Lease, Member, Release, Renewed, VipBackend, backend::Method,
    backend::memory::Call, link::memory::Hub, monitor::HostEvent,
};

use crate::world::{Host, VRID, advert, becomes, called, key, released, router, until};

const FAULT: Phase = Phase::Initialize(Hold::Backend(LeaseFailure::Failed));

#[tokio::test(start_paused = true)]
async fn a_failing_backend_makes_its_node_resign_and_is_inspected_before_the_next_try() {
    let host = Host::new(&Hub::new(), 1);
    host.backend.fail_next(1, LeaseFailure::Failed);
    let mut handle = host.add(100).await;
    becomes(&mut handle, FAULT).await;
    host.backend.fail_inspections(LeaseFailure::Denied);
    called(&host.backend, |calls| {
        calls.iter().filter(|call| **call == Call::Inspect(key(VRID))).count() > 2
    })
    .await;
    assert_eq!(host.priorities(), [100, 0], "advertised, and resigned at once");
    assert!(host.wire.announced().is_empty());
    let calls = host.backend.calls();
    let failed = Reason::Backend(LeaseFailure::Failed);
    let expected = [
        Call::Adopt(key(VRID)),
        Call::Inspect(key(VRID)),
        Call::Acquire(key(VRID)),
        Call::Release { key: key(VRID), reason: failed, successor: None },
        Call::Inspect(key(VRID)),
    ];
    assert_eq!(calls[..5], expected);
    assert_eq!(calls.iter().filter(|call| matches!(call, Call::Acquire(_))).count(), 1);
    let status = host.node.status().await.unwrap();
    assert!(status.routers[0].backend_error.is_some());
    assert!(status.routers[0].probation.is_some());

    host.backend.work();
    becomes(&mut handle, Phase::Held).await;
    assert_eq!(host.node.status().await.unwrap().routers[0].backend_error, None);
}

#[tokio::test(start_paused = true)]
async fn a_healthy_peer_takes_over_from_a_broken_backend_and_keeps_the_address() {
    let hub = Hub::new();
    let (broken, healthy) = (Host::new(&hub, 1), Host::new(&hub, 2));
    broken.backend.fail_always(LeaseFailure::Failed);
    let mut strong = broken.add(200).await;
    let mut weak = healthy.add(100).await;
    becomes(&mut strong, FAULT).await;
    becomes(&mut weak, Phase::Held).await;
    broken.backend.work();
    becomes(&mut strong, Phase::Backup).await;
    let mut events = healthy.node.events();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(events.try_next().is_none(), "on probation it does not preempt");
    becomes(&mut strong, Phase::Held).await;
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_hangs_is_given_up_and_told_to_release() {
    let host = Host::new(&Hub::new(), 1);
    host.backend.set_timeout(Duration::from_secs(2));
    host.backend.hang();
    let mut handle = host.add(100).await;
    becomes(&mut handle, Phase::Acquiring).await;
    let start = Instant::now();
    becomes(&mut handle, Phase::Initialize(Hold::Backend(LeaseFailure::TimedOut))).await;
    assert!(
        start.elapsed() - Duration::from_secs(2) < Duration::from_millis(20),
        "{:?}",
        start.elapsed()
    );
    called(&host.backend, |calls| calls.iter().any(released)).await;
    assert_eq!(host.priorities().last(), Some(&0));
    assert!(host.node.status().await.unwrap().routers[0].backend_error.is_some());
}

/// Records when a call begins, and when it ends or is dropped.
#[derive(Clone, Default)]
struct Trace {
    log: Arc<Mutex<Vec<String>>>,
    renewals: Arc<Mutex<Vec<Renewal>>>,
    slow: bool,
    pace: Option<Duration>,
}

type Renewal = (Instant, Vec<Key>);

struct Ended(Trace, &'static str);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.log(self.1);
    }
}

impl Trace {
    fn log(&self, word: &str) {
        self.log.lock().unwrap().push(word.to_owned());
    }

    fn words(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

#[async_trait]
impl VipBackend for Trace {
    async fn acquire(&self, _: &Lease) -> Result<Reach, BackendError> {
        self.log("acquire");
        let _ended = Ended(self.clone(), "acquire ends");
        if self.slow {
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        Ok(Reach::OnLink)
    }

    async fn release(&self, _: &Lease, _: &Release) -> Result<(), BackendError> {
        self.log("release");
        Ok(())
    }

    async fn renew(&self, leases: &[Lease]) -> Result<Renewed, BackendError> {
        let keys = leases.iter().map(|lease| lease.key).collect();
        self.renewals.lock().unwrap().push((Instant::now(), keys));
        self.log("renew");
        let _ended = Ended(self.clone(), "renew ends");
        if self.slow {
            tokio::time::sleep(Duration::from_secs(3600)).await;
        }
        Ok(Renewed::all())
    }

    fn pace(&self) -> Duration {
        self.pace.unwrap_or(Duration::from_millis(250))
    }

    fn timeout(&self, _: Method) -> Duration {
        Duration::from_secs(7200)
    }
}

/// Fails to acquire, and takes its time to release.
struct Sluggish(Trace);

#[async_trait]
impl VipBackend for Sluggish {
    async fn acquire(&self, _: &Lease) -> Result<Reach, BackendError> {
        self.0.log("acquire");
        Err(BackendError::new(LeaseFailure::Failed, "planted"))
    }

    async fn release(&self, _: &Lease, _: &Release) -> Result<(), BackendError> {
        self.0.log("release");
        tokio::time::sleep(Duration::from_secs(20)).await;
        self.0.log("released");
        Ok(())
    }

    async fn inspect(&self, _: &Lease) -> Result<(), BackendError> {
        self.0.log("inspect");
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn an_inspection_waits_for_a_release_that_runs() {
    let host = Host::new(&Hub::new(), 1);
    let trace = Trace::default();
    let _handle = host.node.add("eth0", router(VRID, 100), Sluggish(trace.clone())).await.unwrap();
    let inspected = || trace.words().iter().filter(|word| *word == "inspect").count();
    until("it was inspected again", || inspected() == 2).await;
    let expected = ["release", "released", "inspect", "acquire", "release", "released", "inspect"];
    assert_eq!(trace.words(), expected);
}

#[tokio::test(start_paused = true)]
async fn the_latest_wish_wins_and_one_call_runs_at_a_time() {
    let hub = Hub::new();
    let host = Host::new(&hub, 1);
    let trace = Trace { slow: true, ..Trace::default() };
    let mut handle = host.node.add("eth0", router(VRID, 100), trace.clone()).await.unwrap();
    becomes(&mut handle, Phase::Acquiring).await;
    until("the call began", || trace.words().ends_with(&["acquire".to_owned()])).await;
    let (meta, payload) = advert(9, VRID, 200);
    hub.inject(meta, &payload);
    becomes(&mut handle, Phase::Backup).await;
    until("it released", || trace.words().len() >= 4).await;
    assert_eq!(trace.words(), ["release", "acquire", "acquire ends", "release"]);
    // The acquire would have succeeded meanwhile: nothing comes of it.
    tokio::time::sleep(Duration::from_secs(2)).await;
    hub.inject(meta, &payload);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(handle.phase(), Phase::Backup);
    assert!(host.wire.announced().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_runs_is_gone_before_the_release() {
    let hub = Hub::new();
    let host = Host::new(&hub, 1);
    let trace = Trace { slow: true, ..Trace::default() };
    let mut handle = host.node.add("eth0", router(VRID, 100), trace.clone()).await.unwrap();
    becomes(&mut handle, Phase::Held).await;
    until("a renewal runs", || trace.words().ends_with(&["renew".to_owned()])).await;
    let (meta, payload) = advert(9, VRID, 200);
    hub.inject(meta, &payload);
    until("it released", || trace.words().ends_with(&["release".to_owned()])).await;
    let words = trace.words();
    assert_eq!(words[words.len() - 2], "renew ends", "{words:?}");
}

/// A virtual router that advertises every 10 ms.
fn fast(vrid: u8, backend: &Arc<dyn VipBackend>) -> Member {
    let vrrp_core::Protocol::V3Ipv4 { addresses, .. } = router(vrid, 100).protocol().clone() else {
        panic!("it is v3")
    };
    let interval = Duration::from_millis(10).try_into().unwrap();
    let router = VirtualRouter::v3_ipv4(vrid.try_into().unwrap(), addresses, interval);
    Member::new("eth0", router, backend.clone())
}

#[tokio::test(start_paused = true)]
async fn renewals_are_seldom_and_batched() {
    let host = Host::new(&Hub::new(), 1);
    let trace = Trace::default();
    let backend: Arc<dyn VipBackend> = Arc::new(trace.clone());
    let fast = |vrid: u8| fast(vrid, &backend);
    for handle in &mut host.node.configure(vec![fast(1), fast(2)]).await.unwrap() {
        becomes(handle, Phase::Held).await;
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    let renewals = trace.renewals.lock().unwrap().clone();
    assert!((35..=41).contains(&renewals.len()), "{} renewals in 10 s", renewals.len());
    for pair in renewals.windows(2) {
        assert!(pair[1].0 - pair[0].0 >= Duration::from_millis(249), "{pair:?}");
    }
    let both = renewals.iter().filter(|(_, keys)| *keys == [key(1), key(2)]).count();
    assert!(both >= renewals.len() - 1, "one call for all leases of a backend");
}

#[tokio::test(start_paused = true)]
async fn each_backend_is_renewed_at_its_own_pace() {
    let host = Host::new(&Hub::new(), 1);
    let paces = [50, 250].map(Duration::from_millis);
    let traces = paces.map(|pace| Trace { pace: Some(pace), ..Trace::default() });
    let backends = traces.clone().map(|trace| Arc::new(trace) as Arc<dyn VipBackend>);
    let members = vec![fast(1, &backends[0]), fast(2, &backends[1])];
    for handle in &mut host.node.configure(members).await.unwrap() {
        becomes(handle, Phase::Held).await;
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    for (trace, (pace, expected)) in traces.iter().zip(paces.into_iter().zip([150..=201, 35..=41]))
    {
        let renewals = trace.renewals.lock().unwrap().clone();
        assert!(expected.contains(&renewals.len()), "{} renewals in 10 s", renewals.len());
        for pair in renewals.windows(2) {
            let apart = pair[1].0 - pair[0].0 + Duration::from_millis(1);
            assert!(apart >= pace, "{pair:?}");
        }
    }
}

/// Panics when it is asked to acquire.
struct Panics(AtomicBool);

#[async_trait]
impl VipBackend for Panics {
    async fn acquire(&self, _: &Lease) -> Result<Reach, BackendError> {
        assert!(!self.0.swap(false, Ordering::Relaxed), "planted");
        Ok(Reach::Routed)
    }

    async fn release(&self, _: &Lease, _: &Release) -> Result<(), BackendError> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_panics_has_failed() {
    let host = Host::new(&Hub::new(), 1);
    let backend = Panics(AtomicBool::new(true));
    let mut handle = host.node.add("eth0", router(VRID, 100), backend).await.unwrap();
    becomes(&mut handle, FAULT).await;
    let status = host.node.status().await.unwrap();
    assert_eq!(status.routers[0].backend_error.as_deref(), Some("the backend panicked: planted"));
    becomes(&mut handle, Phase::Held).await;
    assert!(host.wire.announced().is_empty(), "nobody is told about an address that is routed");
}

#[tokio::test(start_paused = true)]
async fn a_removed_address_is_put_back_without_a_transition() {
    let host = Host::new(&Hub::new(), 1);
    host.backend.set_watched(true);
    let handle = host.active(100).await;
    let mut events = host.node.events();
    let removed = |address: [u8; 4]| {
        let address = IpAddr::from(address);
        let interface = "eth0".to_owned();
        host.monitor
            .send(HostEvent::AddressRemoved { interface, address, loss: Loss::Deleted })
            .unwrap();
    };
    removed([192, 0, 2, 77]);
    removed([192, 0, 2, 100]);
    called(&host.backend, |calls| calls.contains(&Call::Repair(key(VRID)))).await;
    assert_eq!(
        host.backend.calls().iter().filter(|call| matches!(call, Call::Repair(_))).count(),
        1
    );
    until("it is announced again", || host.wire.announced().len() >= 2).await;
    assert_eq!(handle.phase(), Phase::Held);
    assert!(events.try_next().is_none());
}

/// Ten deletions a second: the peer gets the address, and is left alone.
#[tokio::test(start_paused = true)]
async fn an_address_that_somebody_fights_for_is_handed_over() {
    let hub = Hub::new();
    let (host, peer) = (Host::new(&hub, 1), Host::new(&hub, 2));
    host.backend.set_watched(true);
    let mut strong = host.active(200).await;
    let mut weak = peer.add(100).await;
    let begun = Instant::now();
    while strong.phase() == Phase::Held {
        host.lose();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let fought = begun.elapsed();
    // It serves until the peer is heard.
    let repairs =
        |calls: &[Call]| calls.iter().filter(|call| matches!(call, Call::Repair(_))).count();
    let before = repairs(&host.backend.calls());
    host.lose();
    called(&host.backend, |calls| repairs(calls) == before + 1).await;
    assert_eq!(strong.phase(), Phase::Resigning);
    assert!(fought > Duration::from_secs(5) && fought < Duration::from_millis(5300), "{fought:?}");
    becomes(&mut weak, Phase::Held).await;
    becomes(&mut strong, Phase::Backup).await;
    until("it has released", || !host.backend.holds()).await;
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert_eq!((strong.phase(), weak.phase()), (Phase::Backup, Phase::Held), "it is on probation");
}

/// The route to the subnet of the address belongs to it.
#[tokio::test(start_paused = true)]
async fn a_removed_route_is_put_back_without_a_transition() {
    let host = Host::new(&Hub::new(), 1);
    host.backend.set_watched(true);
    let handle = host.active(100).await;
    let mut events = host.node.events();
    for (interface, prefix) in [
        ("eth0", "198.51.100.0/24"),
        ("eth0", "192.0.2.0/25"),
        ("eth1", "192.0.2.0/24"),
        ("eth0", "192.0.2.0/24"),
    ] {
        let (interface, prefix) = (interface.to_owned(), prefix.parse().unwrap());
        host.monitor
            .send(HostEvent::RouteRemoved { interface, prefix, loss: Loss::Deleted })
            .unwrap();
    }
    called(&host.backend, |calls| calls.contains(&Call::Repair(key(VRID)))).await;
    until("it is announced again", || host.wire.announced().len() >= 2).await;
    assert_eq!(
        host.backend.calls().iter().filter(|call| matches!(call, Call::Repair(_))).count(),
        1
    );
    assert_eq!(host.node.status().await.unwrap().routers[0].counters.repairs, 1);
    assert_eq!(handle.phase(), Phase::Held);
    assert!(events.try_next().is_none());
}

/// The loss is told before the answer of the backend that put the address there.
#[tokio::test(start_paused = true)]
async fn an_address_that_is_lost_before_the_answer_is_asked_for_again() {
    let host = Host::new(&Hub::new(), 1);
    host.backend.set_watched(true);
    host.backend.delay(Duration::from_millis(50));
    let mut handle = host.add(100).await;
    let acquires =
        |calls: &[Call]| calls.iter().filter(|call| matches!(call, Call::Acquire(_))).count();
    called(&host.backend, |calls| acquires(calls) == 1).await;
    host.lose();
    called(&host.backend, |calls| acquires(calls) == 2).await;
    assert_eq!(handle.phase(), Phase::Acquiring, "the first one holds nothing any more");
    becomes(&mut handle, Phase::Held).await;
}
