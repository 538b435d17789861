//! How late advertisements leave is known, each by its own timer.

use std::{sync::Arc, time::Duration};

use vrrp_core::Phase;
use vrrp_net::{Lateness, VipBackend, link::memory::Hub};

use crate::{
    slow,
    world::{Host, INTERVAL, VRID, advert, becomes, member},
};

const MS: Duration = Duration::from_millis(1);

/// How many were late by at most this.
fn within(lateness: &Lateness, bound: Duration) -> u64 {
    lateness.buckets().filter(|(upper, _)| *upper <= bound).map(|(_, count)| count).sum()
}

async fn lateness(host: &Host) -> Lateness {
    host.node.status().await.unwrap().lateness
}

#[tokio::test(start_paused = true)]
async fn a_stall_of_30_ms_is_in_the_bucket_up_to_50_ms() {
    let host = Host::new(&Hub::new(), 1);
    let handle = host.active(100).await;
    assert_eq!(lateness(&host).await, Lateness::default(), "the first one has no timer");
    let next = handle.active().unwrap().remaining() - 2 * INTERVAL;
    tokio::time::sleep(3 * INTERVAL + next - 5 * MS).await;
    let before = lateness(&host).await;
    assert_eq!((before.count(), within(&before, MS)), (3, 3), "{before:?}");
    // Nothing runs meanwhile.
    tokio::time::advance(35 * MS).await;
    tokio::time::sleep(MS).await;
    let after = lateness(&host).await;
    assert_eq!((after.count(), within(&after, 25 * MS), within(&after, 50 * MS)), (4, 3, 4));
    let late = after.sum() - before.sum();
    assert!((30 * MS..=31 * MS).contains(&late), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn of_many_that_are_due_at_once_each_is_later_than_the_one_before() {
    const MANY: u8 = 10;
    let (host, pace) = slow::host(&Hub::new());
    let backend: Arc<dyn VipBackend> = Arc::new(host.backend.clone());
    let members = (1..=MANY).map(|vrid| member(vrid, 100, &backend)).collect();
    let mut handles = host.node.configure(members).await.unwrap();
    for handle in &mut handles {
        becomes(handle, Phase::Held).await;
    }
    pace.sending_takes(MS);
    tokio::time::sleep(INTERVAL).await;
    let status = host.node.status().await.unwrap();
    let adverts: u64 = status.routers.iter().map(|router| router.counters.adverts_sent).sum();
    assert_eq!(adverts, 2 * u64::from(MANY), "each has sent a first one and one by its timer");
    let lateness = status.lateness;
    assert_eq!(lateness.count(), u64::from(MANY));
    // 1 ms, 2 ms, ... 10 ms; tokio's timers are a millisecond coarse.
    let sum = (1..=u32::from(MANY)).map(|place| place * MS).sum();
    assert!((sum..=sum + u32::from(MANY) * MS).contains(&lateness.sum()), "{lateness:?}");
}

#[tokio::test(start_paused = true)]
async fn only_what_a_timer_sends_counts_and_only_what_has_left() {
    let hub = Hub::new();
    let host = Host::new(&hub, 1);
    let handle = host.active(100).await;
    let (meta, payload) = advert(9, VRID, 50);
    hub.inject(meta, &payload);
    tokio::time::sleep(INTERVAL / 4).await;
    let status = handle.status().await.unwrap();
    assert_eq!((status.counters.answers_sent, lateness(&host).await.count()), (1, 0));
    host.wire.fail_sends(true);
    tokio::time::sleep(INTERVAL).await;
    assert_eq!(handle.status().await.unwrap().counters.send_failures, 1);
    assert_eq!(lateness(&host).await.count(), 0, "it has not left");
    host.wire.fail_sends(false);
    tokio::time::sleep(INTERVAL).await;
    assert_eq!(lateness(&host).await.count(), 1);
    let _drained = handle.drain(true).await.unwrap();
    assert_eq!(lateness(&host).await.count(), 1, "a resignation is no timer's");
}
