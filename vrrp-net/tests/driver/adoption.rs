//! A process that starts where an earlier one ended.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use vrrp_core::{Phase, Reason};
use vrrp_net::{VipBackend, backend::memory::Call, link::memory::Hub};

use crate::world::{Host, VRID, advert, becomes, called, key, member};

/// What an earlier process left behind is let go.
fn cleared() -> Call {
    Call::Release { key: key(VRID), reason: Reason::Startup, successor: None }
}

/// A host that has been up for a while.
async fn host(hub: &Hub) -> Host {
    let host = Host::new(hub, 1);
    tokio::time::sleep(Duration::from_secs(60)).await;
    host
}

#[tokio::test(start_paused = true)]
async fn what_is_held_is_gone_on_with_at_once_and_nobody_is_told() {
    let host = host(&Hub::new()).await;
    host.backend.leave_behind(Duration::from_millis(900));
    let begun = tokio::time::Instant::now();
    let mut handle = host.add(100).await;
    becomes(&mut handle, Phase::Adopted).await;
    assert!(begun.elapsed() < Duration::from_millis(10), "{:?}", begun.elapsed());
    assert!(handle.phase().is_active());
    called(&host.backend, |calls| calls.contains(&Call::Renew(key(VRID)))).await;
    assert_eq!(host.backend.calls(), [Call::Adopt(key(VRID)), Call::Renew(key(VRID))]);
    assert_eq!(host.priorities(), [100]);
    assert!(host.wire.announced().is_empty());
    // It is an Active like any other from here on.
    tokio::time::sleep(Duration::from_millis(5500)).await;
    assert_eq!(handle.phase(), Phase::Adopted);
    assert_eq!(host.priorities(), [100; 6]);
}

/// A renewal follows the advertisement by up to half a second, and a peer may take over three
/// intervals after that.
#[tokio::test(start_paused = true)]
async fn what_is_too_old_is_let_go() {
    for (renewed_ago, adopted) in [(2490, true), (2510, false)] {
        let host = host(&Hub::new()).await;
        host.backend.leave_behind(Duration::from_millis(renewed_ago));
        let handle = host.add(100).await;
        called(&host.backend, |calls| calls.len() > 1).await;
        let second = if adopted { Call::Renew(key(VRID)) } else { cleared() };
        assert_eq!(
            host.backend.calls(),
            [Call::Adopt(key(VRID)), second],
            "renewed {renewed_ago} ms ago"
        );
        assert_eq!(handle.phase(), if adopted { Phase::Adopted } else { Phase::Backup });
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_that_the_answer_takes_counts() {
    let host = host(&Hub::new()).await;
    host.backend.leave_behind(Duration::from_secs(2));
    host.backend.delay(Duration::from_secs(1));
    let handle = host.add(100).await;
    called(&host.backend, |calls| calls.contains(&cleared())).await;
    assert_eq!(handle.phase(), Phase::Backup);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_is_heard_before_the_answer_counts() {
    let hub = Hub::new();
    let host = host(&hub).await;
    host.backend.leave_behind(Duration::from_millis(100));
    host.backend.delay(Duration::from_millis(50));
    let handle = host.add(200).await;
    called(&host.backend, |calls| calls.contains(&Call::Adopt(key(VRID)))).await;
    let (meta, payload) = advert(2, VRID, 100);
    hub.inject(meta, &payload);
    called(&host.backend, |calls| calls.contains(&cleared())).await;
    assert_eq!(handle.phase(), Phase::Backup);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_leaves_before_the_answer_leaves_nothing_behind() {
    let host = host(&Hub::new()).await;
    host.backend.leave_behind(Duration::from_millis(100));
    host.backend.delay(Duration::from_secs(1));
    let _handle = host.add(100).await;
    called(&host.backend, |calls| calls.contains(&Call::Adopt(key(VRID)))).await;
    host.node.shutdown().await.unwrap();
    assert!(!host.backend.holds());
    let released = Call::Release { key: key(VRID), reason: Reason::Shutdown, successor: None };
    assert_eq!(host.backend.calls(), [Call::Adopt(key(VRID)), released]);
}

/// The kernel may have been about to take it away.
#[tokio::test(start_paused = true)]
async fn what_is_lost_before_the_answer_is_not_gone_on_with() {
    let host = host(&Hub::new()).await;
    host.backend.set_watched(true);
    host.backend.leave_behind(Duration::from_millis(100));
    host.backend.delay(Duration::from_millis(50));
    let handle = host.add(100).await;
    called(&host.backend, |calls| calls.contains(&Call::Adopt(key(VRID)))).await;
    host.lose();
    called(&host.backend, |calls| calls.contains(&cleared())).await;
    assert_eq!(handle.phase(), Phase::Backup);
}

/// Where the program before made room for this one, the age of a renewal does not matter.
#[tokio::test(start_paused = true)]
async fn what_a_predecessor_said_counts() {
    for (left, adopted) in [(Some(500), true), (Some(0), false), (None, false)] {
        let host = host(&Hub::new()).await;
        host.backend.leave_behind(Duration::from_millis(2990));
        let backend: Arc<dyn VipBackend> = Arc::new(host.backend.clone());
        let member = member(VRID, 100, &backend);
        let member = match left {
            Some(left) => member.succeeding(Instant::now() + Duration::from_millis(left)),
            None => member,
        };
        let handle = host.node.add_member(member).await.unwrap();
        called(&host.backend, |calls| calls.len() > 1).await;
        let second = if adopted { Call::Renew(key(VRID)) } else { cleared() };
        assert_eq!(host.backend.calls(), [Call::Adopt(key(VRID)), second], "{left:?} ms are left");
        assert_eq!(handle.phase(), if adopted { Phase::Adopted } else { Phase::Backup });
    }
}
