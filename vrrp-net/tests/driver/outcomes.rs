//! Every outcome that the documentation of `VipBackend` defines, but those of `backends.rs`: what
//! the node does, what it says, and what the backend is asked next.

use std::{
    future,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::Instant;
use vrrp_core::{Hold, LeaseFailure, Loss, Phase, Reach};
use vrrp_net::{
    BackendError, Handle, Lease, Release, Renewed, VipBackend, backend::Method, link::memory::Hub,
    monitor::HostEvent,
};

use crate::world::{Host, INTERVAL, VRID, advert, becomes, router, until};

const LIMIT: Duration = Duration::from_secs(2);

/// What a call comes to.
#[derive(Clone, Copy, Debug)]
enum Does {
    Well,
    Takes(Duration),
    Fails,
    Hangs,
    Panics,
}

/// A backend each of whose methods does what it is told, and which notes what it was asked.
#[derive(Clone)]
struct Scripted(Arc<Mutex<Script>>);

struct Script {
    acquire: Does,
    release: Does,
    renew: Does,
    leaving: Does,
    inspect: Does,
    repair: Does,
    asked: Vec<&'static str>,
}

/// Notes that a call was dropped before its end.
struct CutOff(Scripted, &'static str);

impl Drop for CutOff {
    fn drop(&mut self) {
        self.0.note(self.1);
    }
}

impl Scripted {
    fn new(change: impl FnOnce(&mut Script)) -> Self {
        let well = Does::Well;
        let mut script = Script {
            acquire: well,
            release: well,
            renew: well,
            leaving: well,
            inspect: well,
            repair: well,
            asked: Vec::new(),
        };
        change(&mut script);
        Self(Arc::new(Mutex::new(script)))
    }

    fn set(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.0.lock().unwrap());
    }

    fn note(&self, word: &'static str) {
        self.set(|script| script.asked.push(word));
    }

    /// What it was asked, without renewals unless they are what it is about.
    fn asked(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().asked.clone()
    }

    fn count(&self, word: &str) -> usize {
        self.asked().iter().filter(|asked| **asked == word).count()
    }

    async fn call(
        &self,
        word: &'static str,
        cut: &'static str,
        pick: fn(&Script) -> Does,
    ) -> Result<(), BackendError> {
        self.note(word);
        let does = pick(&self.0.lock().unwrap());
        match does {
            Does::Well => {}
            Does::Takes(time) => tokio::time::sleep(time).await,
            Does::Fails => {
                return Err(BackendError::new(
                    LeaseFailure::Failed,
                    format!("{word} was told to fail"),
                ));
            }
            Does::Hangs => {
                let _cut_off = CutOff(self.clone(), cut);
                future::pending::<()>().await;
            }
            Does::Panics => panic!("planted"),
        }
        Ok(())
    }
}

#[async_trait]
impl VipBackend for Scripted {
    async fn acquire(&self, _: &Lease) -> Result<Reach, BackendError> {
        self.call("acquire", "acquire dropped", |script| script.acquire)
            .await
            .map(|()| Reach::OnLink)
    }

    async fn release(&self, _: &Lease, _: &Release) -> Result<(), BackendError> {
        self.call("release", "release dropped", |script| script.release).await
    }

    async fn renew(&self, _: &[Lease]) -> Result<Renewed, BackendError> {
        self.call("renew", "renew dropped", |script| script.renew).await.map(|()| Renewed::all())
    }

    async fn leaving(&self, _: &Lease) -> Result<(), BackendError> {
        self.call("leaving", "leaving dropped", |script| script.leaving).await
    }

    async fn inspect(&self, _: &Lease) -> Result<(), BackendError> {
        self.call("inspect", "inspect dropped", |script| script.inspect).await
    }

    async fn repair(&self, _: &Lease) -> Result<Reach, BackendError> {
        self.call("repair", "repair dropped", |script| script.repair).await.map(|()| Reach::OnLink)
    }

    fn watched(&self, lease: &Lease) -> Option<Arc<str>> {
        Some(lease.interface.clone())
    }

    fn timeout(&self, _: Method) -> Duration {
        LIMIT
    }
}

async fn add(host: &Host, priority: u8, backend: &Scripted) -> Handle {
    host.node.add("eth0", router(VRID, priority), backend.clone()).await.unwrap()
}

async fn error(host: &Host) -> Option<String> {
    host.node.status().await.unwrap().routers[0].backend_error.clone()
}

/// A stronger advertisement comes.
fn outdo(hub: &Hub) {
    let (meta, payload) = advert(9, VRID, 200);
    hub.inject(meta, &payload);
}

#[tokio::test(start_paused = true)]
async fn slow_to_acquire_peers_are_quiet_and_nobody_is_told_before_it_is_held() {
    let hub = Hub::new();
    let (strong, weak) = (Host::new(&hub, 1), Host::new(&hub, 2));
    let mut old = weak.active(100).await;
    let time = LIMIT - Duration::from_millis(100);
    let backend = Scripted::new(|script| script.acquire = Does::Takes(time));
    let mut handle = add(&strong, 199, &backend).await;
    becomes(&mut handle, Phase::Acquiring).await;
    let begun = Instant::now();
    becomes(&mut old, Phase::Backup).await;
    let sent = weak.priorities().len();
    assert!(handle.active().is_none() && strong.wire.announced().is_empty());
    becomes(&mut handle, Phase::Held).await;
    assert!(begun.elapsed() >= time, "{:?}", begun.elapsed());
    assert_eq!(weak.priorities().len(), sent, "the peer is quiet");
    // At once, in answer to the last word of the peer, and on its schedule.
    assert_eq!(strong.priorities(), [199; 3], "it advertises all the while");
    assert_eq!(strong.wire.announced().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn failing_on_release_is_told_and_the_node_makes_way_all_the_same() {
    for does in [Does::Fails, Does::Panics] {
        let hub = Hub::new();
        let (host, peer) = (Host::new(&hub, 1), Host::new(&hub, 2));
        let backend = Scripted::new(|_| {});
        let mut handle = add(&host, 100, &backend).await;
        becomes(&mut handle, Phase::Held).await;
        backend.set(|script| script.release = does);
        let _stronger = peer.active(150).await;
        becomes(&mut handle, Phase::Backup).await;
        until("it released", || backend.count("release") >= 2).await;
        // Its last words have been said by then, so that the winner announces.
        tokio::time::sleep(INTERVAL).await;
        let sent = host.priorities().len();
        tokio::time::sleep(INTERVAL).await;
        let said = error(&host).await.unwrap();
        assert!(
            said.contains("was told to fail") || said.contains("panicked: planted"),
            "{does:?}: {said}"
        );
        assert_eq!(handle.phase(), Phase::Backup);
        assert_eq!(host.priorities().len(), sent, "it goes on advertising");
        // A fault in letting go is no reason not to take over.
        peer.node.shutdown().await.unwrap();
        becomes(&mut handle, Phase::Held).await;
        assert_eq!(error(&host).await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn hanging_on_release_is_cut_off_by_its_limit_or_by_the_next_acquire() {
    let hub = Hub::new();
    let host = Host::new(&hub, 1);
    let backend = Scripted::new(|_| {});
    let mut handle = add(&host, 100, &backend).await;
    becomes(&mut handle, Phase::Held).await;
    backend.set(|script| script.release = Does::Hangs);
    outdo(&hub);
    until("it releases", || backend.count("release") == 2).await;
    let begun = Instant::now();
    until("it is cut off", || backend.count("release dropped") == 1).await;
    assert!(begun.elapsed() - LIMIT < Duration::from_millis(20), "{:?}", begun.elapsed());
    until("it said so", || handle.phase() == Phase::Backup).await;
    assert_eq!(error(&host).await.as_deref(), Some("the backend did not answer within 2s"));

    becomes(&mut handle, Phase::Held).await;
    let (released, cut) = (backend.count("release"), backend.count("release dropped"));
    outdo(&hub);
    until("it releases again", || backend.count("release") > released).await;
    // A resignation: it takes over after Skew_Time, before the limit.
    let (meta, payload) = advert(9, VRID, 0);
    hub.inject(meta, &payload);
    becomes(&mut handle, Phase::Held).await;
    assert_eq!(backend.count("release dropped"), cut + 1);
    let asked: Vec<_> = backend.asked().into_iter().filter(|word| *word != "renew").collect();
    assert!(asked.ends_with(&["release", "release dropped", "acquire"]), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn failing_on_renew_is_told_and_tried_again_and_the_node_stays() {
    for does in [Does::Fails, Does::Panics, Does::Hangs] {
        let host = Host::new(&Hub::new(), 1);
        let backend = Scripted::new(|script| script.renew = does);
        let mut handle = add(&host, 100, &backend).await;
        becomes(&mut handle, Phase::Held).await;
        let mut events = host.node.events();
        tokio::time::sleep(10 * INTERVAL).await;
        assert_eq!(handle.phase(), Phase::Held);
        assert!(events.try_next().is_none(), "{does:?}: a transition");
        let renewed = backend.count("renew");
        assert!(renewed >= 3, "{does:?}: {renewed} renewals");
        let expected = if matches!(does, Does::Hangs) { renewed - 1..=renewed } else { 0..=0 };
        assert!(
            expected.contains(&backend.count("renew dropped")),
            "{does:?}: {:?}",
            backend.asked()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn failing_on_leaving_does_not_stop_the_handover() {
    for does in [Does::Fails, Does::Hangs, Does::Panics] {
        let hub = Hub::new();
        let (leaves, stays) = (Host::new(&hub, 1), Host::new(&hub, 2));
        let backend = Scripted::new(|script| script.leaving = does);
        let mut handle = add(&leaves, 150, &backend).await;
        becomes(&mut handle, Phase::Held).await;
        let mut successor = stays.add(100).await;
        leaves.node.shutdown().await.unwrap();
        becomes(&mut successor, Phase::Held).await;
        assert_eq!(backend.count("leaving"), 1, "{does:?}");
        assert_eq!(backend.asked().last(), Some(&"release"), "{does:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn failing_on_inspect_keeps_the_node_out_and_is_asked_again() {
    for (does, failure) in [
        (Does::Fails, LeaseFailure::Failed),
        (Does::Panics, LeaseFailure::Failed),
        (Does::Hangs, LeaseFailure::TimedOut),
    ] {
        let host = Host::new(&Hub::new(), 1);
        let backend = Scripted::new(|script| script.acquire = Does::Fails);
        let mut handle = add(&host, 100, &backend).await;
        becomes(&mut handle, Phase::Initialize(Hold::Backend(LeaseFailure::Failed))).await;
        backend.set(|script| script.inspect = does);
        until("it was inspected", || backend.count("inspect") >= 5).await;
        let hold = Hold::Backend(failure);
        becomes(&mut handle, Phase::Initialize(hold)).await;
        assert_eq!(host.priorities(), [100, 0], "{does:?}: it tried once, and resigned");
        assert_eq!(backend.count("acquire"), 1, "{does:?}");
        backend.set(|script| (script.acquire, script.inspect) = (Does::Well, Does::Well));
        becomes(&mut handle, Phase::Held).await;
    }
}

/// The node that has the address is not disturbed by one that could not hold it, at any start.
#[tokio::test(start_paused = true)]
async fn a9_failing_on_inspect_at_the_start_leaves_the_address_to_the_one_that_has_it() {
    for does in [Does::Fails, Does::Panics, Does::Hangs] {
        let hub = Hub::new();
        let (weak, strong) = (Host::new(&hub, 2), Host::new(&hub, 1));
        let mut active = weak.add(100).await;
        becomes(&mut active, Phase::Held).await;
        let backend = Scripted::new(|script| script.inspect = does);
        let mut handle = add(&strong, 200, &backend).await;
        let failure =
            if matches!(does, Does::Hangs) { LeaseFailure::TimedOut } else { LeaseFailure::Failed };
        becomes(&mut handle, Phase::Initialize(Hold::Backend(failure))).await;
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(strong.priorities(), [0_u8; 0], "{does:?}: not a word");
        assert_eq!((active.phase(), backend.count("acquire")), (Phase::Held, 0));
        backend.set(|script| script.inspect = Does::Well);
        becomes(&mut handle, Phase::Held).await;
        becomes(&mut active, Phase::Backup).await;
    }
}

#[tokio::test(start_paused = true)]
async fn failing_on_repair_is_failing_to_hold() {
    for (does, failure) in [
        (Does::Fails, LeaseFailure::Failed),
        (Does::Panics, LeaseFailure::Failed),
        (Does::Hangs, LeaseFailure::TimedOut),
    ] {
        let host = Host::new(&Hub::new(), 1);
        let backend = Scripted::new(|script| script.repair = does);
        let mut handle = add(&host, 100, &backend).await;
        becomes(&mut handle, Phase::Held).await;
        let released = backend.count("release");
        let address = IpAddr::from([192, 0, 2, 100]);
        host.monitor
            .send(HostEvent::AddressRemoved {
                interface: "eth0".to_owned(),
                address,
                loss: Loss::Deleted,
            })
            .unwrap();
        becomes(&mut handle, Phase::Initialize(Hold::Backend(failure))).await;
        assert_eq!(host.priorities().last(), Some(&0), "{does:?}: it resigned");
        until("it released", || backend.count("release") > released).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_let_go_of_is_asked_for_again_until_it_is_or_is_wanted() {
    let hub = Hub::new();
    let (host, peer) = (Host::new(&hub, 1), Host::new(&hub, 2));
    let backend = Scripted::new(|_| {});
    let mut handle = add(&host, 100, &backend).await;
    becomes(&mut handle, Phase::Held).await;
    backend.set(|script| script.release = Does::Fails);
    let begun = Instant::now();
    let mut stronger = peer.active(150).await;
    becomes(&mut handle, Phase::Backup).await;
    until("it tried four times", || backend.count("release") == 5).await;
    // After 1, 2 and 4 s.
    let elapsed = begun.elapsed();
    assert!(elapsed >= 7 * INTERVAL && elapsed < 12 * INTERVAL, "{elapsed:?}");
    assert!(error(&host).await.is_some());
    backend.set(|script| script.release = Does::Well);
    until("it let go", || backend.count("release") == 6).await;
    tokio::time::sleep(60 * INTERVAL).await;
    assert_eq!(backend.count("release"), 6, "what is let go of is not asked for again");
    assert_eq!(error(&host).await, None);

    // It is wanted again before it is let go of.
    peer.node.shutdown().await.unwrap();
    becomes(&mut handle, Phase::Held).await;
    backend.set(|script| script.release = Does::Fails);
    outdo(&hub);
    until("it tried", || backend.count("release") == 7).await;
    let (meta, payload) = advert(9, VRID, 0);
    hub.inject(meta, &payload);
    becomes(&mut handle, Phase::Held).await;
    let released = backend.count("release");
    tokio::time::sleep(60 * INTERVAL).await;
    assert_eq!((backend.count("release"), handle.phase()), (released, Phase::Held));
    assert!(stronger.changed().await.is_err() || !stronger.phase().is_active());
}
