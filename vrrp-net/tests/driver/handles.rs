//! What a program does by a handle: changes, looks, waits, and works while it is active.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, timeout};
use vrrp_core::{Hold, LeaseFailure, Loss, Phase, Priority};
use vrrp_net::{Error, Inactive, backend::memory::Call, link::memory::Hub};

use crate::world::{Host, INTERVAL, VRID, advert, becomes, called, key, released, router};

fn priority(priority: u8) -> Priority {
    Priority::try_from(priority).unwrap()
}

/// The backend's calls, renewals left out.
fn asked(host: &Host) -> Vec<Call> {
    let calls = host.backend.calls().into_iter();
    calls.filter(|call| !matches!(call, Call::Renew(_))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_priority_changes_in_place_and_asks_the_backend_for_nothing() {
    let host = Host::new(&Hub::new(), 1);
    let handle = host.active(200).await;
    let before = asked(&host);
    handle.set_priority(priority(190)).await.unwrap();
    tokio::time::sleep(INTERVAL).await;
    assert_eq!(host.priorities().last(), Some(&190));
    assert_eq!((handle.phase(), asked(&host)), (Phase::Held, before));
    assert_eq!(handle.status().await.unwrap().claim, 190.into());
}

#[tokio::test(start_paused = true)]
async fn a_router_is_reconfigured_with_its_backend_and_never_into_another() {
    let host = Host::new(&Hub::new(), 1);
    let handle = host.active(200).await;
    let before = asked(&host);
    handle.reconfigure(router(VRID, 150)).await.unwrap();
    assert_eq!((handle.phase(), asked(&host)), (Phase::Held, before));
    let other = handle.reconfigure(router(VRID + 1, 150)).await;
    let Err(Error::OtherRouter { name, vrid, .. }) = other else { panic!("{other:?}") };
    assert_eq!((&*name, vrid), (handle.name(), VRID));
    assert_eq!(host.node.status().await.unwrap().routers.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_is_removed_and_the_others_stay() {
    let host = Host::new(&Hub::new(), 1);
    let mut removed = host.active(100).await;
    let other = host.node.add("eth0", router(VRID + 1, 100), host.backend.clone()).await.unwrap();
    other.wait_for(Phase::is_active).await.unwrap();
    removed.clone().remove().await.unwrap();
    assert!(asked(&host).iter().any(released), "{:?}", asked(&host));
    assert!(!host.backend.holds_for(key(VRID)) && host.backend.holds_for(key(VRID + 1)));
    while removed.changed().await.is_ok() {}
    for gone in [
        removed.status().await.map(drop),
        removed.set_priority(priority(1)).await,
        removed.report_lost(Loss::Lapsed).await,
        removed.wait_for(Phase::is_active).await.map(drop),
        removed.remove().await,
    ] {
        assert!(matches!(gone, Err(Error::Unknown(_))), "{gone:?}");
    }
    assert_eq!(other.phase(), Phase::Held);
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_is_taken_back_says_so() {
    let hub = Hub::new();
    let host = Host::new(&hub, 1);
    let handle = host.active(100).await;
    let removal = tokio::spawn(handle.clone().remove());
    handle.wait_for(|phase| phase == Phase::Resigning).await.unwrap();
    let again = host.node.add("eth0", router(VRID, 100), host.backend.clone()).await.unwrap();
    let removal = removal.await.unwrap();
    assert!(matches!(removal, Err(Error::Kept(_))), "{removal:?}");
    again.wait_for(Phase::is_active).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_reported_lost_is_put_back_without_a_transition() {
    let host = Host::new(&Hub::new(), 1);
    let handle = host.active(100).await;
    handle.report_lost(Loss::Lapsed).await.unwrap();
    called(&host.backend, |calls| calls.contains(&Call::Repair(key(VRID)))).await;
    assert_eq!(handle.phase(), Phase::Held);
    let status = handle.status().await.unwrap();
    assert_eq!((status.counters.repairs, status.counters.became_active), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_a_renewal_finds_lost_is_put_back() {
    let host = Host::new(&Hub::new(), 1);
    let handle = host.active(100).await;
    host.backend.lose(key(VRID), Loss::Deleted);
    called(&host.backend, |calls| calls.contains(&Call::Repair(key(VRID)))).await;
    assert!(host.backend.holds_for(key(VRID)));
    assert_eq!(handle.phase(), Phase::Held);
}

#[tokio::test(start_paused = true)]
async fn active_is_told_by_the_clock_of_the_node() {
    let host = Host::new(&Hub::new(), 1);
    let handle = host.active(100).await;
    let until = handle.active().unwrap();
    assert_eq!(until.remaining(), 3 * INTERVAL, "no real time has passed");
    // A driver that does not get to run: its deadlines pass, and this thread sees it.
    host.wire.fail_sends(true);
    handle.active_ended().await;
    assert_eq!((until.remaining(), handle.active().is_none()), (Duration::ZERO, true));
    handle.active_ended().await;
}

/// The timers of the tests' runtime go on while its only thread, and with it the driver, stands.
#[tokio::test]
async fn a_bound_that_passes_ends_the_work_also_without_the_driver() {
    let host = Host::new(&Hub::new(), 1);
    let handle = host.active(100).await;
    let before = handle.active().unwrap();
    std::thread::sleep(before.remaining() + Duration::from_millis(10));
    assert!(handle.active().is_none(), "no other task ran since");
    assert_eq!(handle.phase(), Phase::Held);
    let polled = AtomicU32::new(0);
    let work = async { polled.fetch_add(1, Ordering::Relaxed) };
    assert_eq!(handle.while_active(Duration::ZERO, work).await, Err(Inactive));
    assert_eq!(polled.load(Ordering::Relaxed), 0, "nothing was written");
}

#[tokio::test(start_paused = true)]
async fn work_goes_on_while_this_node_is_active_and_not_a_moment_longer() {
    let hub = Hub::new();
    let host = Host::new(&hub, 1);
    let mut handle = host.add(100).await;
    assert_eq!(handle.while_active(Duration::ZERO, async {}).await, Err(Inactive));
    becomes(&mut handle, Phase::Held).await;
    let done = handle.while_active(Duration::ZERO, tokio::time::sleep(10 * INTERVAL)).await;
    assert_eq!(done, Ok(()), "it outlasts any one bound");
    let written = Arc::new(AtomicU32::new(0));
    let (count, worker) = (written.clone(), handle.clone());
    let working = tokio::spawn(async move {
        let work = async {
            while count.fetch_add(1, Ordering::Relaxed) < u32::MAX {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        worker.while_active(INTERVAL, work).await
    });
    tokio::time::sleep(INTERVAL).await;
    // A stronger node.
    let (meta, payload) = advert(9, VRID, 200);
    hub.inject(meta, &payload);
    assert_eq!(working.await.unwrap(), Err(Inactive));
    let until_then = written.load(Ordering::Relaxed);
    assert!(until_then > 100);
    tokio::time::sleep(INTERVAL).await;
    assert_eq!(written.load(Ordering::Relaxed), until_then);
}

/// What takes a while after the last poll has to be over before a peer may take over.
#[tokio::test(start_paused = true)]
async fn work_with_a_margin_ends_so_much_before_the_bound() {
    let host = Host::new(&Hub::new(), 1);
    let handle = host.active(100).await;
    host.wire.fail_sends(true);
    let end = Instant::now() + handle.active().unwrap().remaining();
    let ended = handle.while_active(INTERVAL, std::future::pending::<()>()).await;
    assert_eq!(ended, Err(Inactive));
    assert!(Instant::now() + INTERVAL <= end + Duration::from_millis(2), "a tick of tokio's");
}

#[tokio::test(start_paused = true)]
async fn a_phase_is_waited_for() {
    let host = Host::new(&Hub::new(), 1);
    let handle = host.add(100).await;
    assert_eq!(handle.wait_for(Phase::holds_addresses).await.unwrap(), Phase::Held);
    let waited = timeout(INTERVAL, handle.wait_for(|phase| phase == Phase::Backup)).await;
    assert!(waited.is_err());
    host.node.shutdown().await.unwrap();
    let ended = handle.wait_for(Phase::is_active).await;
    assert!(matches!(ended, Err(Error::Stopped)), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn what_keeps_one_out_is_a_sentence() {
    let host = Host::new(&Hub::new(), 1);
    let typo = host.node.add("eht0", router(VRID, 100), host.backend.clone()).await.unwrap();
    let obstacle = typo.status().await.unwrap().obstacle().unwrap();
    assert!(obstacle.contains("there is no interface eht0"), "{obstacle}");
    host.backend.fail_inspections(LeaseFailure::Denied);
    let mut broken = host.add(100).await;
    becomes(&mut broken, Phase::Initialize(Hold::Backend(LeaseFailure::Denied))).await;
    let obstacle = broken.status().await.unwrap().obstacle().unwrap();
    assert!(obstacle.contains("was told to fail inspections"), "{obstacle}");
    host.interface(2, false);
    becomes(&mut broken, Phase::Initialize(Hold::LinkDown)).await;
    let obstacle = broken.status().await.unwrap().obstacle().unwrap();
    assert!(obstacle.contains("eth0 is down"), "{obstacle}");
}
