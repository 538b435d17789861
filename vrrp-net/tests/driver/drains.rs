//! Drains that end by themselves, and virtual routers that start drained.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::time::Instant;
use vrrp_core::{Hold, Phase, Reason};
use vrrp_net::{Drained, Member, NodeEvent, VipBackend, backend::memory::Call, link::memory::Hub};

use crate::world::{Host, INTERVAL, VRID, becomes, key, member, until};

const DRAINED: Phase = Phase::Initialize(Hold::Drained);
const MINUTE: Duration = Duration::from_secs(60);

fn member_of(host: &Host) -> Member {
    let backend: Arc<dyn VipBackend> = Arc::new(host.backend.clone());
    member(VRID, 100, &backend)
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_by_itself() {
    let host = Host::new(&Hub::new(), 1);
    let mut handle = host.active(100).await;
    let asked = Instant::now();
    assert_eq!(handle.drain_for(MINUTE, true).await.unwrap(), Drained::Done);
    let shown = handle.status().await.unwrap().drained_until.unwrap();
    assert!(shown <= SystemTime::now() + MINUTE, "{shown:?}");
    assert_eq!(handle.phase(), DRAINED);
    becomes_after(&mut handle, asked, MINUTE).await;
    assert_eq!(handle.status().await.unwrap().drained_until, None);
    becomes(&mut handle, Phase::Held).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_drain_replaces_the_end_of_the_first() {
    let host = Host::new(&Hub::new(), 1);
    let mut handle = host.active(100).await;
    assert_eq!(handle.drain_for(MINUTE, true).await.unwrap(), Drained::Done);
    let asked = Instant::now();
    assert_eq!(handle.drain_for(5 * MINUTE, false).await.unwrap(), Drained::Done);
    becomes_after(&mut handle, asked, 5 * MINUTE).await;

    becomes(&mut handle, Phase::Held).await;
    assert_eq!(handle.drain_for(MINUTE, true).await.unwrap(), Drained::Done);
    assert_eq!(handle.drain(false).await.unwrap(), Drained::Done);
    assert_eq!(handle.status().await.unwrap().drained_until, None);
    tokio::time::sleep(5 * MINUTE).await;
    assert_eq!(handle.phase(), DRAINED, "it has no end any more");
}

#[tokio::test(start_paused = true)]
async fn what_is_resumed_or_refused_does_not_end_a_second_time() {
    let host = Host::new(&Hub::new(), 1);
    let mut handle = host.active(100).await;
    assert_eq!(handle.drain_for(MINUTE, false).await.unwrap(), Drained::Refused);
    assert_eq!(handle.status().await.unwrap().drained_until, None);
    assert_eq!(handle.drain(true).await.unwrap(), Drained::Done);
    tokio::time::sleep(2 * MINUTE).await;
    assert_eq!(handle.phase(), DRAINED, "the end of the refused one counted");

    assert_eq!(handle.drain_for(MINUTE, true).await.unwrap(), Drained::Done);
    handle.resume().await.unwrap();
    becomes(&mut handle, Phase::Held).await;
    assert_eq!(handle.drain(true).await.unwrap(), Drained::Done);
    tokio::time::sleep(2 * MINUTE).await;
    assert_eq!(handle.phase(), DRAINED, "the end of the one that was resumed counted");
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_ends_before_its_handover_is_refused() {
    let host = Host::new(&Hub::new(), 1);
    let handle = host.active(100).await;
    assert_eq!(handle.drain_for(INTERVAL / 2, true).await.unwrap(), Drained::Refused);
    assert_eq!(handle.phase(), Phase::Held);
    assert!(host.backend.holds());
}

#[tokio::test(start_paused = true)]
async fn a_drain_with_an_end_survives_a_new_configuration() {
    let host = Host::new(&Hub::new(), 1);
    let mut handle = host.active(100).await;
    let asked = Instant::now();
    assert_eq!(handle.drain_for(MINUTE, true).await.unwrap(), Drained::Done);
    host.node.configure(vec![member_of(&host)]).await.unwrap();
    assert!(handle.status().await.unwrap().drained_until.is_some());
    becomes_after(&mut handle, asked, MINUTE).await;
}

#[tokio::test(start_paused = true)]
async fn an_end_beyond_all_clocks_is_none() {
    let host = Host::new(&Hub::new(), 1);
    let handle = host.active(100).await;
    assert_eq!(handle.drain_for(Duration::MAX, true).await.unwrap(), Drained::Done);
    assert_eq!(handle.status().await.unwrap().drained_until, None);
    tokio::time::sleep(100 * MINUTE).await;
    assert_eq!(handle.phase(), DRAINED);
}

#[tokio::test(start_paused = true)]
async fn who_starts_drained_adopts_nothing_and_says_nothing() {
    let host = Host::new(&Hub::new(), 1);
    host.backend.leave_behind(Duration::from_millis(100));
    let mut events = host.node.events();
    let mut handle = host.node.add_member(member_of(&host).drained(true)).await.unwrap();
    assert_eq!(handle.phase(), DRAINED);
    until("the leftovers are let go", || !host.backend.holds()).await;
    tokio::time::sleep(MINUTE).await;
    let released = Call::Release { key: key(VRID), reason: Reason::Startup, successor: None };
    assert_eq!(host.backend.calls(), [released]);
    assert_eq!(host.priorities(), [0; 0]);
    let passed =
        std::iter::from_fn(|| events.try_next()).filter_map(|event| match event.unwrap() {
            NodeEvent::Transition { to, .. } => Some(to),
            NodeEvent::Standing { holds, .. } => {
                assert!(holds.contains(Hold::Drained), "{holds}");
                None
            }
            other => panic!("{other:?}"),
        });
    assert_eq!(Vec::from_iter(passed), [DRAINED], "it took part for a moment");
    handle.resume().await.unwrap();
    becomes(&mut handle, Phase::Held).await;
}

#[tokio::test(start_paused = true)]
async fn who_starts_drained_for_a_while_takes_part_after_it() {
    let host = Host::new(&Hub::new(), 1);
    let asked = Instant::now();
    let start = member_of(&host).drained_for(MINUTE);
    let mut handle = host.node.add_member(start).await.unwrap();
    assert!(handle.status().await.unwrap().drained_until.is_some());
    becomes_after(&mut handle, asked, MINUTE).await;
}

#[tokio::test(start_paused = true)]
async fn who_is_there_already_does_not_start_again() {
    let host = Host::new(&Hub::new(), 1);
    let mut handle = host.node.add_member(member_of(&host)).await.unwrap();
    becomes(&mut handle, Phase::Held).await;
    host.node.configure(vec![member_of(&host).drained(true)]).await.unwrap();
    assert_eq!(handle.phase(), Phase::Held);
    assert_eq!(handle.drain(true).await.unwrap(), Drained::Done);
    host.node.configure(vec![member_of(&host).drained(false)]).await.unwrap();
    tokio::time::sleep(MINUTE).await;
    assert_eq!(handle.phase(), DRAINED);
}

/// Waits for its return to the election, `lasts` after `asked`.
async fn becomes_after(handle: &mut vrrp_net::Handle, asked: Instant, lasts: Duration) {
    assert_eq!(handle.phase(), DRAINED);
    becomes(handle, Phase::Backup).await;
    let lasted = asked.elapsed();
    assert!(lasted >= lasts && lasted < lasts + INTERVAL / 100, "{lasted:?} and not {lasts:?}");
}
