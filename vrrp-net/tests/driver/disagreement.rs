//! Nodes that disagree: the event, the line of log and the status, each with who it is and what to
//! do.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use tracing::subscriber::DefaultGuard;
use vrrp_core::{Claim, Notice, Phase, Reason, Rejected, Sender};
use vrrp_net::{Events, NodeEvent, link::memory::Hub};

use crate::world::*;

/// What is logged by this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn start() -> (Self, DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let lines = tracing_subscriber::fmt().with_writer(move || writer.clone());
        let lines = lines.with_ansi(false).without_time().with_target(false).finish();
        (log, tracing::subscriber::set_default(lines))
    }

    /// The lines with this word of `event`.
    fn lines(&self, event: &str) -> Vec<String> {
        let octets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = format!("event=\"{event}\"");
        let text = String::from_utf8_lossy(&octets);
        text.lines()
            .filter(|line| line.contains(&wanted))
            .map(|line| line.trim().to_owned())
            .collect()
    }
}

/// The notices among the events that were told so far.
fn notices(events: &mut Events) -> Vec<(Notice, String, Option<Claim>, u32)> {
    let mut found = Vec::new();
    while let Some(event) = events.try_next() {
        if let NodeEvent::Notice { notice, source, claim, others, .. } = event.unwrap() {
            found.push((notice, source.to_string(), claim, others));
        }
    }
    found
}

#[tokio::test(start_paused = true)]
async fn a_refused_speaker_is_an_event_a_line_of_log_and_a_line_of_status() {
    let (log, _guard) = Log::start();
    let hub = Hub::new();
    let host = Host::new(&hub, 1);
    let mut handle = host.add(100).await;
    becomes(&mut handle, Phase::Backup).await;
    let mut events = host.node.events();
    for _ in 0..3 {
        let (mut meta, payload) = advert(9, VRID, 200);
        meta.ttl = 254;
        hub.inject(meta, &payload);
        tokio::time::sleep(INTERVAL / 2).await;
    }
    let status = host.node.status().await.unwrap();
    let told = (Notice::Refused(Rejected::Ttl), "192.0.2.9".to_owned(), Some(Claim::from(200)), 0);
    assert_eq!(notices(&mut events), [told]);
    let lines = log.lines("notice");
    let name = handle.name();
    let expected = format!(
        "WARN {name}: 192.0.2.9, priority 200: its messages are refused: its TTL or hop limit is \
         lower than 255 (or than the peer's min_ttl); both may be active until that ends: if there \
         is a router between the nodes, set min_ttl for the peer on both (254 for one router) \
         event=\"notice\" name=\"{name}\" notice=\"refused\" reason=\"wrong-ttl\" source=192.0.2.9 \
         priority=200"
    );
    assert_eq!(lines, [expected]);
    let [notice] = &status.routers[0].notices[..] else {
        panic!("{:?}", status.routers[0].notices)
    };
    assert_eq!((notice.notice, notice.messages), (Notice::Refused(Rejected::Ttl), 3));
    assert!(lines[0].contains(&notice.sentence()), "{}", notice.sentence());

    // Who has fallen silent is in no way any more.
    becomes(&mut handle, Phase::Held).await;
    tokio::time::sleep(INTERVAL * 11).await;
    assert!(host.node.status().await.unwrap().routers[0].notices.is_empty());
}

/// F-12, F-50.
#[tokio::test(start_paused = true)]
async fn a_weaker_active_that_does_not_give_way_is_told_within_four_intervals() {
    let (log, _guard) = Log::start();
    let hub = Hub::new();
    let host = Host::new(&hub, 1);
    let _handle = host.active(100).await;
    let mut events = host.node.events();
    let (meta, payload) = advert(9, VRID, 50);
    for _ in 0..4 {
        hub.inject(meta, &payload);
        tokio::time::sleep(INTERVAL).await;
    }
    let told = (Notice::WeakerActive, "192.0.2.9".to_owned(), Some(Claim::from(50)), 0);
    assert_eq!(notices(&mut events), [told]);
    let lines = log.lines("notice");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains("192.0.2.9, priority 50: it is active and does not give way"),
        "{lines:?}"
    );
    let status = host.node.status().await.unwrap();
    assert_eq!(status.routers[0].notices[0].notice, Notice::WeakerActive);
}

#[tokio::test(start_paused = true)]
async fn a_transition_that_a_message_caused_says_whose_and_with_what_priority() {
    let (log, _guard) = Log::start();
    let hub = Hub::new();
    let host = Host::new(&hub, 1);
    let mut handle = host.active(100).await;
    let mut events = host.node.events();
    let (meta, payload) = advert(9, VRID, 200);
    hub.inject(meta, &payload);
    becomes(&mut handle, Phase::Backup).await;
    let sender = Some(Sender { source: meta.source, claim: Claim::from(200) });
    let yielded = events.next().await.unwrap().unwrap();
    assert!(
        matches!(yielded, NodeEvent::Transition { reason: Reason::StrongerClaim, sender: by, .. } if by == sender),
        "{yielded:?}"
    );
    assert_eq!(host.node.status().await.unwrap().routers[0].sender, sender);
    let (meta, payload) = advert(9, VRID, 0);
    hub.inject(meta, &payload);
    becomes(&mut handle, Phase::Held).await;
    let lines = log.lines("transition");
    let line = |sentence: &str, fields: &str| {
        let found =
            lines.iter().filter(|line| line.contains(sentence) && line.contains(fields)).count();
        assert_eq!(found, 1, "{sentence}: {lines:#?}");
    };
    line(
        "held -> backup: stronger claim of 192.0.2.9, priority 200 ",
        "source=192.0.2.9 priority=200",
    );
    line("backup -> acquiring: resignation of 192.0.2.9 ", "source=192.0.2.9 priority=0");
    let silent = lines.iter().filter(|line| !line.contains("source="));
    assert!(silent.clone().all(|line| !line.contains("priority")), "{lines:#?}");
}

/// Finding 7: 300 sources made a line for one of them; they are named within the bound, and
/// counted.
#[tokio::test(start_paused = true)]
async fn three_hundred_sources_are_a_few_lines_with_a_count() {
    let (log, _guard) = Log::start();
    let hub = Hub::new();
    let host = Host::new(&hub, 1);
    let mut handle = host.add(100).await;
    becomes(&mut handle, Phase::Backup).await;
    for second in 0..70 {
        for octet in 2..=151 {
            let (mut meta, payload) = advert(octet, VRID, 200);
            meta.ttl = 254;
            meta.source = std::net::Ipv4Addr::new(10, 0, second % 2, octet).into();
            hub.inject(meta, &payload);
        }
        tokio::time::sleep(INTERVAL).await;
    }
    let lines = log.lines("notice");
    let refused: Vec<_> =
        lines.iter().filter(|line| line.contains("reason=\"wrong-ttl\"")).collect();
    assert_eq!(refused.len(), 2, "{lines:#?}");
    assert!(!refused[0].contains("others="), "{lines:#?}");
    assert!(refused[1].contains(" others="), "{lines:#?}");
}
