//! What all transitions add up to: by reason, and the time that takeovers took.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use vrrp_core::{Hold, LeaseFailure, Phase, Reason};
use vrrp_net::{RouterStatus, VipBackend, backend::Memory, link::memory::Hub};

use crate::world::*;

/// Each reason that there was, with how often.
fn reasons(status: &RouterStatus) -> BTreeMap<&'static str, u64> {
    status.reasons.iter().filter(|(_, count)| *count > 0).collect()
}

#[tokio::test(start_paused = true)]
async fn transitions_are_counted_by_reason_whatever_is_configured_meanwhile() {
    let host = Host::new(&Hub::new(), 1);
    let backend: Arc<dyn VipBackend> = Arc::new(Memory::new());
    let mut handles = host.node.configure(vec![member(VRID, 100, &backend)]).await.unwrap();
    let [handle] = &mut handles[..] else { panic!("one") };
    becomes(handle, Phase::Held).await;
    let rise = BTreeMap::from([("startup", 1), ("silence", 1), ("acquired", 1)]);
    let status = handle.status().await.unwrap();
    assert_eq!(reasons(&status), rise);
    assert_eq!(status.reasons.iter().count(), Reason::ALL.len(), "zeros are there, too");

    let renamed = member(VRID, 120, &backend).name("web");
    host.node.configure(vec![renamed]).await.unwrap();
    let status = handle.status().await.unwrap();
    assert_eq!((&*status.name, reasons(&status)), ("web", rise));
    // More of them than the status lists one by one.
    for _ in 0..4 {
        host.interface(2, false);
        reaches(handle, |phase| phase == Phase::Initialize(Hold::LinkDown)).await;
        host.interface(2, true);
        becomes(handle, Phase::Held).await;
    }
    let status = handle.status().await.unwrap();
    let expected =
        [("startup", 1), ("silence", 5), ("acquired", 5), ("interface", 4), ("interface-back", 4)];
    assert_eq!(reasons(&status), BTreeMap::from(expected));
    assert_eq!(status.reasons.of(Reason::InterfaceBack), 4);
    assert_eq!(status.transitions.len(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_takeover_takes_what_the_backend_takes() {
    let host = Host::new(&Hub::new(), 1);
    let mut handle = host.add(100).await;
    assert_eq!(handle.status().await.unwrap().takeovers.last, None);
    for (times, took) in (1..).zip([300, 20].map(Duration::from_millis)) {
        host.backend.delay(Duration::ZERO);
        becomes(&mut handle, Phase::Backup).await;
        host.backend.delay(took);
        becomes(&mut handle, Phase::Held).await;
        let takeovers = handle.status().await.unwrap().takeovers;
        assert_eq!(takeovers.count, times);
        let last = takeovers.last.unwrap();
        assert!(last >= took && last < took + Duration::from_millis(5), "{last:?}");
        host.interface(2, false);
        reaches(&mut handle, |phase| phase == Phase::Initialize(Hold::LinkDown)).await;
        host.interface(2, true);
    }
    let total = handle.status().await.unwrap().takeovers.total;
    assert!(total >= Duration::from_millis(320) && total < Duration::from_millis(330), "{total:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_broken_off_or_was_served_all_the_while_is_no_takeover() {
    let host = Host::new(&Hub::new(), 1);
    host.backend.fail_next(1, LeaseFailure::Failed);
    let mut handle = host.add(100).await;
    let failed = Phase::Initialize(Hold::Backend(LeaseFailure::Failed));
    becomes(&mut handle, failed).await;
    let status = handle.status().await.unwrap();
    assert_eq!((status.takeovers.count, status.reasons.of(Reason::Silence)), (0, 1));
    // The pause after a fault is none of the next one's time.
    becomes(&mut handle, Phase::Held).await;
    let takeovers = handle.status().await.unwrap().takeovers;
    assert_eq!(takeovers.count, 1);
    assert!(takeovers.total < Duration::from_millis(5), "{takeovers:?}");

    let next = Host::new(&Hub::new(), 2);
    next.backend.leave_behind(Duration::ZERO);
    let mut adopted = next.add(100).await;
    becomes(&mut adopted, Phase::Adopted).await;
    assert_eq!(adopted.status().await.unwrap().takeovers.count, 0);
}
