//! The addresses are announced when a program asks for it.

use std::time::Duration;

use vrrp_core::{Announcements, Phase, Reach};
use vrrp_net::{Error, backend::memory::Memory, link::memory::Hub};

use crate::world::{Host, INTERVAL, VRID, becomes, router};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_is_announced_at_once_and_once_a_second_at_most() {
    let host = Host::new(&Hub::new(), 1);
    let never = Announcements::new(&[], None).unwrap();
    let quiet = router(VRID, 100).with_announcements(never);
    let mut handle = host.node.add("eth0", quiet, host.backend.clone()).await.unwrap();
    becomes(&mut handle, Phase::Held).await;
    let announced = || host.wire.announced().len();
    assert_eq!(announced(), 0);
    handle.announce().await.unwrap();
    assert_eq!(announced(), 1);

    tokio::time::sleep(SECOND - Duration::from_millis(400)).await;
    let error = handle.announce().await.unwrap_err();
    let Error::TooSoon { wait, .. } = error else { panic!("{error}") };
    assert_eq!(wait, Duration::from_millis(400));
    assert!(error.to_string().ends_with("ask again in 400 ms"), "{error}");
    assert_eq!(announced(), 1, "it is not put off either");
    tokio::time::sleep(wait).await;
    handle.announce().await.unwrap();
    assert_eq!(announced(), 2);
    assert_eq!(handle.status().await.unwrap().counters.announcements, 2);

    // Another virtual router has a second of its own.
    let mut other =
        host.node.add("eth0", router(VRID + 1, 100), host.backend.clone()).await.unwrap();
    becomes(&mut other, Phase::Held).await;
    handle.announce().await.unwrap();
    other.announce().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_request_is_made_when_the_future_is_dropped_after_a_poll() {
    let host = Host::new(&Hub::new(), 1);
    let handle = host.active(100).await;
    tokio::time::sleep(10 * SECOND).await;
    let before = host.wire.announced().len();
    let polled = tokio::time::timeout(Duration::ZERO, handle.announce()).await;
    drop(polled);
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(host.wire.announced().len(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_serve_announces_nothing_and_says_so() {
    let hub = Hub::new();
    let host = Host::new(&hub, 1);
    let _other = Host::new(&hub, 2).active(200).await;
    let mut handle = host.add(100).await;
    becomes(&mut handle, Phase::Backup).await;
    let error = handle.announce().await.unwrap_err();
    assert!(matches!(error, Error::NotActive { phase: Phase::Backup, .. }), "{error}");
    let name = handle.name();
    assert!(
        error.to_string().starts_with(&format!("{name} is not the active node (backup)")),
        "{error}"
    );
    assert!(host.wire.announced().is_empty());
    handle.clone().remove().await.unwrap();
    assert!(matches!(handle.announce().await, Err(Error::Unknown(_))));

    let host = Host::new(&Hub::new(), 1);
    let routed = Memory::with_reach(Reach::Routed);
    let mut handle = host.node.add("eth0", router(VRID, 100), routed).await.unwrap();
    becomes(&mut handle, Phase::Held).await;
    assert!(matches!(handle.announce().await, Err(Error::Unannounced(_))));
    // What was refused was not an announcement.
    assert!(matches!(handle.announce().await, Err(Error::Unannounced(_))));

    let host = Host::new(&Hub::new(), 1);
    let handle = host.active(100).await;
    host.interface(2, false);
    tokio::time::sleep(INTERVAL / 100).await;
    assert_eq!(handle.phase(), Phase::Held, "it waits for the link");
    let error = handle.announce().await.unwrap_err();
    assert!(matches!(error, Error::Unannounced(_)), "{error}");
    host.node.shutdown().await.unwrap();
    assert!(matches!(handle.announce().await, Err(Error::Stopped)));
}
