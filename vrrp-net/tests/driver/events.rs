//! What a node reports beside its transitions.

use std::time::Duration;

use tokio::time::timeout;
use vrrp_core::{Centiseconds, Cidr, Hold, Ipv4Addresses, LeaseFailure, Phase, VirtualRouter};
use vrrp_net::{
    Events, Handle, NodeEvent,
    testing::{Host, Wire},
};

const LONG: Duration = Duration::from_secs(60);

fn router(priority: u8) -> VirtualRouter {
    let address: Cidr<_> = "192.0.2.10/24".parse().unwrap();
    let addresses = Ipv4Addresses::new([address]).unwrap();
    VirtualRouter::v3_ipv4(51.try_into().unwrap(), addresses, Centiseconds::ONE_SECOND)
        .with_priority(priority.try_into().unwrap())
}

fn hosts(wire: &Wire) -> [Host; 2] {
    ["192.0.2.1", "192.0.2.2"].map(|own| wire.host(own.parse().unwrap()))
}

async fn until(handle: &Handle, wanted: impl Fn(Phase) -> bool) {
    timeout(LONG, handle.wait_for(wanted)).await.unwrap().unwrap();
}

/// The next event for which `pick` returns something.
async fn next<T>(events: &mut Events, pick: impl Fn(&NodeEvent) -> Option<T>) -> T {
    let found = async {
        loop {
            let event = events.next().await.unwrap().unwrap();
            if let Some(found) = pick(&event) {
                return found;
            }
        }
    };
    timeout(LONG, found).await.unwrap()
}

fn count(events: &mut Events, word: &str) -> usize {
    std::iter::from_fn(|| events.try_next())
        .filter(|event| event.as_ref().is_ok_and(|event| event.as_str() == word))
        .count()
}

#[tokio::test(start_paused = true)]
async fn the_one_that_stays_after_a_partition_says_so_once_and_the_other_does_not() {
    let wire = Wire::new();
    let [strong_host, weak_host] = hosts(&wire);
    let strong = strong_host.add(router(200)).await.unwrap();
    let weak = weak_host.add(router(100)).await.unwrap();
    until(&strong, Phase::is_active).await;
    weak_host.cut();
    until(&weak, Phase::is_active).await;
    let (mut of_strong, mut of_weak) = (strong_host.node().events(), weak_host.node().events());
    weak_host.mend();
    until(&weak, |phase| phase == Phase::Backup).await;
    let name = next(&mut of_strong, |event| match event {
        NodeEvent::Reasserted { name, .. } => Some(name.clone()),
        _ => None,
    })
    .await;
    assert_eq!((&*name, strong.phase()), ("eth0-51-ipv4", Phase::Held));
    tokio::time::sleep(LONG).await;
    assert_eq!((count(&mut of_strong, "reasserted"), count(&mut of_weak, "reasserted")), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_fails_and_works_again_is_told_once_each() {
    let wire = Wire::new();
    let [host, _other] = hosts(&wire);
    let mut events = host.node().events();
    host.backend().fail_next(1, LeaseFailure::Failed);
    let handle = host.add(router(200)).await.unwrap();
    let backend = |event: &NodeEvent| match event {
        NodeEvent::Backend { error, .. } => Some(error.clone()),
        _ => None,
    };
    assert!(next(&mut events, backend).await.is_some());
    assert!(next(&mut events, backend).await.is_none());
    until(&handle, Phase::is_active).await;
    tokio::time::sleep(LONG).await;
    assert_eq!(count(&mut events, "backend"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_does_not_answer_is_told_in_words() {
    let wire = Wire::new();
    let [host, _other] = hosts(&wire);
    let handle = host.add(router(200)).await.unwrap();
    let mut events = host.node().events();
    host.backend().hang();
    let error = next(&mut events, |event| match event {
        NodeEvent::Backend { error, .. } => Some(error.clone()),
        _ => None,
    })
    .await;
    assert!(error.is_some_and(|error| !error.is_empty()));
    assert!(!handle.phase().is_active());
}

#[tokio::test(start_paused = true)]
async fn what_keeps_a_node_out_is_told_with_every_reason() {
    let wire = Wire::new();
    let [host, _other] = hosts(&wire);
    let handle = host.add(router(200)).await.unwrap();
    until(&handle, Phase::is_active).await;
    let mut events = host.node().events();
    assert!(handle.drain(true).await.is_ok());
    let holds = |event: &NodeEvent| match event {
        NodeEvent::Standing { holds, .. } => Some(*holds),
        _ => None,
    };
    assert!(next(&mut events, holds).await.contains(Hold::Drained));
    handle.resume().await.unwrap();
    while next(&mut events, holds).await.contains(Hold::Drained) {}
}
