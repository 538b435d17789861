//! The status says why: the last transitions, both sides of what differs, and what to do.

use std::{sync::Arc, time::Duration};

use vrrp_core::{Gate, Hold, Phase, Reason, Rejected};
use vrrp_net::{RouterStatus, VipBackend, backend::Memory, link::memory::Hub};

use crate::world::*;

/// What led where, the latest first.
fn transitions(status: &RouterStatus) -> Vec<(Reason, Phase)> {
    status.transitions.iter().map(|it| (it.reason, it.to)).collect()
}

#[tokio::test(start_paused = true)]
async fn the_last_ten_transitions_are_known_whatever_is_configured_meanwhile() {
    let hub = Hub::new();
    let host = Host::new(&hub, 1);
    let backend: Arc<dyn VipBackend> = Arc::new(Memory::new());
    let mut handles = host.node.configure(vec![member(VRID, 100, &backend)]).await.unwrap();
    becomes(&mut handles[0], Phase::Held).await;
    let status = handles[0].status().await.unwrap();
    let rise = [
        (Reason::Acquired, Phase::Held),
        (Reason::Silence, Phase::Acquiring),
        (Reason::Startup, Phase::Backup),
    ];
    assert_eq!(transitions(&status), rise);
    assert_eq!(status.why(), "no active node was heard, and the backend holds the addresses");

    host.node.configure(vec![member(VRID, 120, &backend)]).await.unwrap();
    assert_eq!(transitions(&handles[0].status().await.unwrap()), rise);
    for _ in 0..4 {
        host.interface(2, false);
        reaches(&mut handles[0], |phase| phase == Phase::Initialize(Hold::LinkDown)).await;
        host.interface(2, true);
        becomes(&mut handles[0], Phase::Held).await;
    }
    let status = handles[0].status().await.unwrap();
    assert_eq!(status.transitions.len(), 10);
    assert_eq!(transitions(&status)[..2], rise[..2]);
    assert!(status.transitions.is_sorted_by_key(|transition| transition.ago));
    let down = status.transitions.iter().find(|it| it.to == Phase::Initialize(Hold::LinkDown));
    let down = down.unwrap();
    assert_eq!(down.sentence(), "its interface went away, went down or lost its address");
}

#[tokio::test(start_paused = true)]
async fn both_sides_of_a_difference_are_named() {
    let hub = Hub::new();
    let host = Host::new(&hub, 1);
    let mut handle = host.add(100).await;
    becomes(&mut handle, Phase::Backup).await;
    let (mut meta, payload) = advert(9, VRID, 200);
    meta.ttl = 254;
    hub.inject(meta, &payload);
    let (meta, payload) = advert(8, VRID, 200);
    for _ in 0..2 {
        hub.inject(meta, &payload);
        tokio::time::sleep(Duration::from_millis(1016)).await;
    }
    let status = handle.status().await.unwrap();
    let of = |octet: u8| {
        let is_it =
            |it: &&vrrp_net::SpeakerStatus| it.source.to_string().ends_with(&format!(".{octet}"));
        status.speakers.iter().find(is_it).unwrap()
    };
    assert_eq!(of(9).verdict, Err(Rejected::Ttl));
    let detail = "TTL 254 where 255 is needed: a router has passed it on, or it is forged";
    assert_eq!(of(9).detail.as_deref(), Some(detail));
    assert_eq!(
        status.notices[0].line(),
        format!(
            "192.0.2.9 (priority 200) is refused: {detail}; both may be active until that ends: if \
             there is a router between the nodes, set min_ttl for the peer on both (254 for one \
             router)"
        )
    );
    assert_eq!((of(8).detail.as_deref(), of(8).jitter), (None, Some(Duration::from_millis(16))));
    assert_eq!(status.active_peer, Some(of(8).source));
}

#[tokio::test(start_paused = true)]
async fn holds_and_gates_say_what_to_do() {
    let hub = Hub::new();
    let host = Host::new(&hub, 1);
    let mut handle = host.active(100).await;
    host.interface(2, false);
    reaches(&mut handle, |phase| phase == Phase::Initialize(Hold::LinkDown)).await;
    let status = handle.status().await.unwrap();
    let sentence = "eth0 is down or has no carrier; set it up, look at its cable";
    assert_eq!(status.hold_sentence(Hold::LinkDown), sentence);
    assert_eq!(status.obstacle(), Some(format!("{}: {sentence}", handle.name())));
    assert!(status.gate_sentence(Gate::Unknown).contains("takes no address from another node"));
    assert_eq!(status.priority_sentence(), "100, as configured");
}
