//! The ends of a node: in time, and without a word; and calls that run to their end.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use vrrp_core::Phase;
use vrrp_net::{Error, Member, backend::memory::Call, link::memory::Hub};

use crate::world::{Host, INTERVAL, VRID, becomes, called, key, reaches, released, router, until};

#[tokio::test(start_paused = true)]
async fn a_shutdown_within_a_limit_is_over_by_then() {
    let host = Host::new(&Hub::new(), 1);
    let _handle = host.active(100).await;
    let start = Instant::now();
    // Nobody would follow for an interval and a tenth of a second.
    let released = host.node.shutdown_within(Duration::from_millis(400)).await.unwrap();
    assert!(released.all(), "{released:?}");
    assert!(start.elapsed() < Duration::from_millis(310), "{:?}", start.elapsed());
    assert!(!host.backend.holds());
    assert!(matches!(host.node.status().await, Err(Error::Stopped)));
    assert!(host.node.shutdown_within(Duration::ZERO).await.unwrap().all(), "it has stopped");
}

#[tokio::test(start_paused = true)]
async fn who_has_not_released_in_time_is_named_and_goes_on() {
    let host = Host::new(&Hub::new(), 1);
    let handle = host.active(100).await;
    host.backend.delay(Duration::from_secs(20));
    let start = Instant::now();
    let released = host.node.shutdown_within(Duration::from_secs(4)).await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 4);
    assert_eq!(released.unreleased, [handle.name().into()]);
    assert!(handle.active().is_none() && host.backend.holds());
    until("the backend has released", || !host.backend.holds()).await;
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_node_says_nothing_and_leaves_its_addresses() {
    let hub = Hub::new();
    let host = Host::new(&hub, 1);
    let handle = host.active(100).await;
    let sent = host.wire.sent().len();
    host.node.abandon().await.unwrap();
    assert_eq!((host.wire.sent().len(), host.backend.holds()), (sent, true));
    assert!(!host.backend.calls().iter().any(released));
    assert!(handle.active().is_none());
    assert!(matches!(handle.status().await, Err(Error::Stopped)));
    // The next process goes on with them.
    let next = Host::new(&hub, 1);
    next.backend.leave_behind(Duration::from_millis(300));
    let mut handle = next.add(100).await;
    becomes(&mut handle, Phase::Adopted).await;
}

/// A cloud that carries out its request late: whoever asks for the release has to wait for that.
#[tokio::test(start_paused = true)]
async fn a_call_that_runs_to_its_end_is_waited_for_by_the_release() {
    let host = Host::new(&Hub::new(), 1);
    host.backend.run_to_end();
    host.backend.set_timeout(Duration::from_secs(1));
    let mut handle = host.add(100).await;
    called(&host.backend, |calls| calls.contains(&Call::Inspect(key(VRID)))).await;
    host.backend.delay(Duration::from_secs(4));
    called(&host.backend, |calls| calls.contains(&Call::Acquire(key(VRID)))).await;
    assert_eq!(handle.phase(), Phase::Acquiring);
    let asked = Instant::now();
    reaches(&mut handle, |phase| matches!(phase, Phase::Initialize(_))).await;
    assert_eq!(asked.elapsed().as_secs(), 1, "it counts as failed in time");
    assert!(handle.status().await.unwrap().backend_error.unwrap().contains("within 1s"));
    called(&host.backend, |calls| calls.iter().any(released)).await;
    assert!(asked.elapsed() >= Duration::from_secs(4), "{:?}", asked.elapsed());
    assert!(host.backend.holds(), "the late call has come to its end before");
    until("the release has taken it away", || !host.backend.holds()).await;
}

/// The same, and it is dropped: then the release is asked for at once.
#[tokio::test(start_paused = true)]
async fn a_call_that_may_be_dropped_is_not_waited_for() {
    let host = Host::new(&Hub::new(), 1);
    host.backend.set_timeout(Duration::from_secs(1));
    host.backend.delay(Duration::from_secs(4));
    let _handle = host.add(100).await;
    called(&host.backend, |calls| calls.contains(&Call::Acquire(key(VRID)))).await;
    let asked = Instant::now();
    called(&host.backend, |calls| calls.iter().any(released)).await;
    assert_eq!(asked.elapsed().as_secs(), 1);
}

/// A daemon that reads its file again makes its backends anew.
#[tokio::test(start_paused = true)]
async fn a_backend_that_is_the_same_is_kept() {
    let host = Host::new(&Hub::new(), 1);
    let handle = host.active(200).await;
    let renewals = |call: &&Call| !matches!(call, Call::Renew(_));
    let before = host.backend.calls().iter().filter(renewals).count();
    let member = Member::new("eth0", router(VRID, 190), Arc::new(host.backend.clone()));
    host.node.configure(vec![member]).await.unwrap();
    tokio::time::sleep(5 * INTERVAL).await;
    assert_eq!(host.backend.calls().iter().filter(renewals).count(), before);
    assert_eq!(handle.phase(), Phase::Held);
    let other = vrrp_net::backend::Memory::new();
    let member = Member::new("eth0", router(VRID, 190), Arc::new(other.clone()));
    host.node.configure(vec![member]).await.unwrap();
    called(&host.backend, |calls| calls.iter().any(released)).await;
    called(&other, |calls| calls.contains(&Call::Repair(key(VRID)))).await;
}

#[cfg(target_os = "linux")]
#[test]
fn a_runtime_without_timers_is_refused() {
    use vrrp_net::Node;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let refused = runtime.block_on(async { Node::linux() });
    assert!(matches!(refused, Err(Error::NoTimers)), "{refused:?}");
    let refused = Node::linux();
    assert!(matches!(refused, Err(Error::Io { .. })), "{refused:?}");
}
