//! How a program tests its own failover: a job that only the active node does, two hosts, no
//! network, and no waiting.
#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use vrrp_core::{Centiseconds, Cidr, Ipv4Addresses, Phase, VirtualRouter};
use vrrp_net::{Error, Handle, Inactive, testing::Wire};

/// What the program does, and what is to be tested: a line each second while it is active.
async fn work(name: &'static str, handle: Handle, log: Arc<Mutex<Vec<&'static str>>>) -> Error {
    let margin = Duration::from_millis(200);
    loop {
        if let Err(error) = handle.wait_active(margin).await {
            return error;
        }
        let job = async {
            loop {
                log.lock().unwrap().push(name);
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        // It ends when this node is not the active one any more.
        let _inactive: Result<(), Inactive> = handle.while_active(margin, job).await;
    }
}

fn router(priority: u8) -> VirtualRouter {
    let address: Cidr<_> = "192.0.2.10/24".parse().unwrap();
    let addresses = Ipv4Addresses::new([address]).unwrap();
    VirtualRouter::v3_ipv4(51.try_into().unwrap(), addresses, Centiseconds::ONE_SECOND)
        .with_priority(priority.try_into().unwrap())
}

#[tokio::test(start_paused = true)]
async fn one_node_works_and_the_other_goes_on_after_a_planned_leave() {
    let wire = Wire::new();
    let (a, b) = (wire.host([192, 0, 2, 1].into()), wire.host([192, 0, 2, 2].into()));
    let (one, other) = (a.add(router(200)).await.unwrap(), b.add(router(100)).await.unwrap());
    let log = Arc::<Mutex<Vec<_>>>::default();
    let worker = tokio::spawn(work("a", one.clone(), log.clone()));
    tokio::spawn(work("b", other.clone(), log.clone()));
    one.wait_for(Phase::is_active).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(one.active().is_some() && other.active().is_none());
    let lines = log.lock().unwrap().clone();
    assert!(lines.len() >= 55 && lines.iter().all(|name| *name == "a"), "{lines:?}");

    a.node().shutdown().await.unwrap();
    assert!(matches!(worker.await.unwrap(), Error::Stopped));
    other.wait_for(Phase::is_active).await.unwrap();
    log.lock().unwrap().clear();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let lines = log.lock().unwrap();
    assert!(lines.len() >= 55 && lines.iter().all(|name| *name == "b"), "{lines:?}");
}

/// The bound of the one that nobody hears any more ends before the other one begins.
#[tokio::test(start_paused = true)]
async fn nobody_works_twice_when_a_node_cannot_send() {
    let wire = Wire::new();
    let (a, b) = (wire.host([192, 0, 2, 1].into()), wire.host([192, 0, 2, 2].into()));
    let (one, other) = (a.add(router(200)).await.unwrap(), b.add(router(100)).await.unwrap());
    one.wait_for(Phase::is_active).await.unwrap();
    let log = Arc::<Mutex<Vec<_>>>::default();
    tokio::spawn(work("a", one.clone(), log.clone()));
    tokio::spawn(work("b", other.clone(), log.clone()));
    tokio::time::sleep(Duration::from_secs(10)).await;
    a.link().fail_sends(true);
    one.active_ended().await;
    assert!(other.active().is_none());
    other.wait_for(Phase::is_active).await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let lines = log.lock().unwrap();
    let first_of_b = lines.iter().position(|name| *name == "b").unwrap();
    assert!(first_of_b >= 10 && lines[first_of_b..].iter().all(|name| *name == "b"), "{lines:?}");
}
