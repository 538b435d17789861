//! What a reader of events sees.

use std::time::Duration;

use axum::{Router, routing::get};
use http_body_util::BodyExt;
use hyper::{Request, service::Service};
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tokio::time::{Instant, timeout};
use vrrp_core::{
    Centiseconds, Cidr, InterfaceDetails, InterfaceStatus, Ipv4Addresses, MacAddr, VirtualRouter,
};
use vrrp_net::{
    Handle, Member, Node,
    backend::Memory,
    clock::TokioClock,
    link::memory::Hub,
    monitor::{self, HostEvent, Snapshot},
};

use super::{feed::BEHIND, *};
use crate::{control::asking::Asking, kept::Kept, snapshot::Snapshots};

/// A lone node on a network in memory, with two virtual routers; and what answers for it.
struct Daemon {
    node: Node,
    web: Handle,
    mail: Handle,
    app: App,
    told: Told,
}

impl Daemon {
    async fn start() -> Self {
        let (monitor, events) = monitor::channel();
        let own = "192.0.2.1".parse().unwrap();
        let details = InterfaceDetails { ipv4: Some(own), ..InterfaceDetails::default() };
        let status = InterfaceStatus::Up(details);
        let mac = MacAddr([2, 0, 0, 0, 0, 1]);
        let snapshot = Snapshot { index: 2, mac, status, ..Snapshot::default() };
        monitor.send(HostEvent::Interface { name: "eth0".to_owned(), snapshot }).unwrap();
        let node = Node::with_parts(Hub::new().link(&[own.into()]), TokioClock::new(), events);
        let (feed, told) = Feed::start(node.events());
        let web = node.add_member(member("web", 51)).await.unwrap();
        let mail = node.add_member(member("mail/v4", 52)).await.unwrap();
        let kept = Arc::new(Kept::open(None));
        let (asking, _) = Asking::new();
        let checks = Arc::default();
        let snapshots = Snapshots::new(node.clone(), Arc::clone(&kept), Arc::clone(&checks));
        let app = App { node: node.clone(), kept, checks, asking, snapshots, feed };
        Self { node, web, mail, app, told }
    }

    async fn ask(&self, target: &str) -> (StatusCode, Body) {
        let routes = Router::new().route("/events", get(events)).with_state(self.app.clone());
        let mut request = Request::get(target).body(Body::empty()).unwrap();
        request.extensions_mut().insert(Arc::new(Pulse::new()));
        let answer = TowerToHyperService::new(routes).call(request).await.unwrap();
        (answer.status(), answer.into_body())
    }

    /// Follows, past the comment that says that nothing is missed from now on.
    async fn follow(&self, target: &str) -> Body {
        let (status, mut body) = self.ask(target).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(line(&mut body).await.unwrap(), ":\n");
        body
    }

    async fn refusal(&self, target: &str) -> (StatusCode, String) {
        let (status, body) = self.ask(target).await;
        let body = body.collect().await.unwrap().to_bytes();
        let failure: Value = serde_json::from_slice(&body).unwrap();
        (status, failure["error"].as_str().unwrap().to_owned())
    }
}

fn member(name: &str, vrid: u8) -> Member {
    let address: Cidr<_> = format!("192.0.2.{vrid}/24").parse().unwrap();
    let addresses = Ipv4Addresses::new([address]).unwrap();
    let vrid = vrid.try_into().unwrap();
    let router = VirtualRouter::v3_ipv4(vrid, addresses, Centiseconds::ONE_SECOND);
    Member::new("eth0", router, Arc::new(Memory::new())).name(name)
}

/// What comes next; `None` when it has ended.
async fn line(body: &mut Body) -> Option<String> {
    let frame = timeout(Duration::from_secs(60), body.frame()).await.expect("silence")?;
    Some(String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap())
}

/// The next event; `None` when it has ended.
async fn event(body: &mut Body) -> Option<Value> {
    loop {
        let line = line(body).await?;
        if !line.starts_with(':') {
            return Some(serde_json::from_str(&line).unwrap());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_happens_is_told_in_order() {
    let daemon = Daemon::start().await;
    let mut body = daemon.follow("/events?name=web").await;
    let mut phases = Vec::new();
    while phases.last().is_none_or(|phase| phase != "held") {
        let event = event(&mut body).await.unwrap();
        assert_eq!([&event["name"], &event["schema"]], [&Value::from("web"), &Value::from(1)]);
        assert!(humantime::parse_rfc3339(event["time"].as_str().unwrap()).is_ok(), "{event}");
        assert!(event["sentence"].as_str().unwrap().contains("web"), "{event}");
        if event["event"] == "transition" {
            phases.push(event["to"].as_str().unwrap().to_owned());
        }
    }
    assert!(phases.ends_with(&["acquiring".to_owned(), "held".to_owned()]), "{phases:?}");
}

#[tokio::test(start_paused = true)]
async fn without_a_name_everything_is_told() {
    let mut daemon = Daemon::start().await;
    let mut body = daemon.follow("/events").await;
    while !daemon.mail.changed().await.unwrap().is_active() {}
    let (mut web, mut mail) = (false, false);
    while !(web && mail) {
        let event = event(&mut body).await.unwrap();
        web |= event["name"] == "web" && event["to"] == "held";
        mail |= event["name"] == "mail/v4" && event["to"] == "held";
    }
}

#[tokio::test(start_paused = true)]
async fn a_comment_comes_whenever_nothing_else_does() {
    let mut daemon = Daemon::start().await;
    while !daemon.web.changed().await.unwrap().is_active() {}
    let mut body = daemon.follow("/events?name=web").await;
    for _ in 0..3 {
        let begun = Instant::now();
        assert_eq!(line(&mut body).await.unwrap(), ":\n");
        let waited = begun.elapsed();
        assert!(waited >= Duration::from_secs(5) && waited < Duration::from_secs(6), "{waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_not_read_in_time_is_counted() {
    let mut daemon = Daemon::start().await;
    while !daemon.web.changed().await.unwrap().is_active() {}
    while !daemon.mail.changed().await.unwrap().is_active() {}
    let mut slow = daemon.follow("/events?name=web").await;
    let mut fast = daemon.follow("/events?name=mail%2Fv4").await;
    let mut count = 0;
    // Each of the two is several events.
    while count <= 2 * BEHIND as u64 {
        for drained in [true, false] {
            if drained {
                let _ = daemon.mail.drain(true).await.unwrap();
            } else {
                daemon.mail.resume().await.unwrap();
            }
            let wanted = if drained { "initialize" } else { "backup" };
            loop {
                count += 1;
                let event = event(&mut fast).await.unwrap();
                if event["to"] == wanted {
                    break;
                }
            }
        }
    }
    // It asks for another virtual router, and may have lost events of that one nevertheless.
    let lagged = event(&mut slow).await.unwrap();
    assert_eq!([&lagged["event"], &lagged["schema"]], [&Value::from("lagged"), &Value::from(1)]);
    let lost = lagged["lost"].as_u64().unwrap();
    assert!(lost >= count - BEHIND as u64 && lost < 2 * count, "{lost} of {count}");
    assert!(lagged["sentence"].as_str().unwrap().starts_with(&format!("{lost} events were lost")));
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_the_node_and_everything_has_been_told() {
    let mut daemon = Daemon::start().await;
    while !daemon.web.changed().await.unwrap().is_active() {}
    let mut body = daemon.follow("/events?name=web").await;
    daemon.node.shutdown().await.unwrap();
    let mut told = std::pin::pin!(daemon.told.wait());
    let early = timeout(Duration::from_secs(1), &mut told).await;
    assert!(early.is_err(), "somebody has not read it yet");
    let mut last = Value::Null;
    while let Some(event) = event(&mut body).await {
        last = event["to"].clone();
    }
    assert_eq!(last, "initialize");
    drop(body);
    timeout(Duration::from_secs(1), told).await.expect("all has been told");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_question_is_refused() {
    let daemon = Daemon::start().await;
    let (status, said) = daemon.refusal("/events?name=wep").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(said, "there is no virtual router wep; did you mean web?");
    for (query, words) in [
        ("nam=web", "`nam=web` is not known here"),
        ("name", "`name` is not known here"),
        ("name=web&name=mail", "`name` is given twice"),
        ("name=%2", "`%2` cannot be decoded"),
        ("name=%2x", "`%2x` cannot be decoded"),
        ("name=%FF", "`%FF` cannot be decoded"),
    ] {
        let (status, said) = daemon.refusal(&format!("/events?{query}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
        assert!(said.starts_with(words), "{said}");
    }
}

#[test]
fn a_name_is_read_as_the_client_writes_it() {
    for name in ["web", "web/v6", "a b+c%d&e=f", "\u{e9}\u{20ac}"] {
        let query = format!("name={}", crate::control::client::escape(name));
        assert_eq!(wanted(&query), Ok(Some(name.to_owned())));
    }
    assert_eq!(wanted(""), Ok(None));
}
