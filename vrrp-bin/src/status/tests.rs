//! What people read: everything that is wrong as a line, and no line that wraps.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use super::{overview, whole};
use crate::{
    report::{
        Check, Counters, Disagreement, Lateness, LeftBehind, PeerHeard, PeerRefused, Placed, Port,
        SCHEMA, Said, Status, Tracked, Transition, VirtualRouter,
    },
    text::wrap::WIDTH,
};

fn before(seconds: u64) -> String {
    let then = SystemTime::now() - Duration::from_secs(seconds);
    humantime::format_rfc3339_millis(then).to_string()
}

fn placed(address: &str) -> Placed {
    Placed {
        address: address.to_owned(),
        interface: "eth0".to_owned(),
        label: None,
        scope: "global".to_owned(),
        broadcast: None,
        advertised: true,
    }
}

fn router() -> VirtualRouter {
    VirtualRouter {
        name: "web".to_owned(),
        interface: "eth0".to_owned(),
        vrid: 51,
        family: "ipv4".to_owned(),
        version: 3,
        state: "active".to_owned(),
        phase: "held".to_owned(),
        since: before(200),
        reason: "acquired".to_owned(),
        why: "no active node was heard, and the backend holds the addresses".to_owned(),
        condition: "good".to_owned(),
        configured_priority: 150,
        effective_priority: 150,
        priority_sentence: "150, as configured".to_owned(),
        addresses: vec!["192.0.2.10/24".to_owned(), "192.0.2.11/24".to_owned()],
        addresses_held: vec!["192.0.2.10/24".to_owned(), "192.0.2.11/24".to_owned()],
        placed: vec![placed("192.0.2.10/24"), placed("192.0.2.11/24")],
        lease_seconds: Some(2.96),
        ..VirtualRouter::default()
    }
}

fn of(virtual_routers: Vec<VirtualRouter>) -> Status {
    Status {
        schema: SCHEMA,
        version: "0".to_owned(),
        virtual_routers,
        ports: Vec::new(),
        lateness: Lateness::default(),
        leftovers: Vec::new(),
        checks: Vec::new(),
        reload: None,
    }
}

fn peer(address: &str, active: bool) -> PeerHeard {
    PeerHeard {
        address: address.parse().unwrap(),
        priority: 100,
        active,
        jitter_seconds: Some(0.0012),
        said: Said { version: 3, interval_seconds: Some(1.0), ..Said::default() },
        seconds_ago: 0.3,
        messages: 812,
    }
}

fn refused(address: &str) -> PeerRefused {
    PeerRefused {
        address: address.parse().unwrap(),
        reason: "wrong-interval".to_owned(),
        priority: Some(200),
        said: Said { detail: Some("interval 2 s, ours 1 s".to_owned()), ..Said::default() },
        seconds_ago: 0.25,
        messages: 12,
    }
}

fn notice(address: &str, line: &str) -> Disagreement {
    Disagreement {
        notice: "refused".to_owned(),
        reason: Some("wrong-interval".to_owned()),
        address: address.parse().unwrap(),
        priority: Some(200),
        seconds_ago: 0.25,
        messages: 12,
        sentence: "as it is in the log".to_owned(),
        detail: Some("interval 2 s, ours 1 s".to_owned()),
        line: line.to_owned(),
    }
}

fn tracked(check: &str, state: &str, adds: i16, text: &str) -> Tracked {
    Tracked {
        check: check.to_owned(),
        weight: (adds != 0).then_some(adds),
        reversed: false,
        state: state.to_owned(),
        adds,
        since: before(65),
        text: Some(text.to_owned()),
        last_run: Some(before(1)),
    }
}

fn check(name: &str, text: &str) -> Check {
    Check {
        name: name.to_owned(),
        description: "it answers".to_owned(),
        state: "bad".to_owned(),
        since: before(200),
        runs_now: true,
        outcome: Some("failed".to_owned()),
        text: Some(text.to_owned()),
        last_run: None,
        took_seconds: 0.0123,
        runs: 12,
        failures: 3,
        not_run: 0,
        virtual_routers: vec!["web".to_owned()],
    }
}

fn transition(seconds_ago: f64, to: &str, hold: Option<&str>, sentence: &str) -> Transition {
    Transition {
        at: before(0),
        seconds_ago,
        from: "backup".to_owned(),
        to: to.to_owned(),
        hold: hold.map(str::to_owned),
        reason: "silence".to_owned(),
        reason_source: None,
        reason_priority: None,
        sentence: sentence.to_owned(),
    }
}

#[test]
fn a_node_that_is_well_is_a_line_for_each() {
    let backup = VirtualRouter {
        name: "db".to_owned(),
        state: "backup".to_owned(),
        phase: "backup".to_owned(),
        addresses: vec!["192.0.2.20/24".to_owned()],
        addresses_held: Vec::new(),
        active_peer: Some("192.0.2.2".parse().unwrap()),
        ..router()
    };
    let expected = [
        "NAME  STATE   SINCE  PRIORITY  ADDRESSES",
        "web   active  3m20s  150       192.0.2.10/24 (+1)",
        "db    backup  3m20s  150       192.0.2.20/24 at 192.0.2.2",
    ];
    let text = overview::text(&of(vec![router(), backup]));
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    assert_eq!(overview::text(&of(Vec::new())), "no virtual routers\n");
}

#[test]
fn each_thing_that_is_wrong_is_a_line_of_its_own() {
    let wrong = VirtualRouter {
        phase: "initialize".to_owned(),
        hold: Some("link-down".to_owned()),
        fault: true,
        condition: "ill".to_owned(),
        holds: vec!["link-down".to_owned()],
        hold_sentences: vec!["eth0 is down or has no carrier; set it up".to_owned()],
        gates: ["asking", "ill", "probation"].map(str::to_owned).to_vec(),
        gate_sentences: ["it asks", "a check fails", "it had a fault"].map(str::to_owned).to_vec(),
        tracks: vec![
            tracked("http-ok", "good", 0, "status 200"),
            tracked("uplink", "bad", -50, "eth1 is down"),
            tracked("tcp-ok", "bad", 0, "connection refused"),
        ],
        backend_error: Some("what the hold has said already".to_owned()),
        notices: vec![notice("192.0.2.7", "192.0.2.7 (priority 200) is refused: password differs")],
        addresses_held: Vec::new(),
        ..router()
    };
    let mut status = of(vec![wrong]);
    let not_run =
        Check { outcome: Some("not-run".to_owned()), ..check("script", "/bin/x: no such file") };
    status.checks = vec![check("uplink", "eth1 is down"), not_run];
    let expected = [
        "NAME  STATE           SINCE  PRIORITY  ADDRESSES",
        "web   link-down, ill  3m20s  150       192.0.2.10/24 (+1)",
        "",
        "CHECK   STATE  SINCE  FAILED   LAST",
        "uplink  bad    3m20s  3 of 12  eth1 is down (12 ms)",
        "script  bad    3m20s  3 of 12  /bin/x: no such file (12 ms)",
        "",
        "web: eth0 is down or has no carrier; set it up",
        "web: it had a fault",
        "web: its check uplink fails (-50): eth1 is down",
        "web: its check tcp-ok fails, so that this node serves only where no healthy one",
        "     does: connection refused",
        "web: 192.0.2.7 (priority 200) is refused: password differs",
        "",
        "check script cannot be run: /bin/x: no such file",
    ];
    assert_eq!(overview::text(&status).lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_drain_says_how_it_ends() {
    let drained = VirtualRouter {
        phase: "initialize".to_owned(),
        hold: Some("drained".to_owned()),
        holds: vec!["drained".to_owned()],
        hold_sentences: vec!["it is drained".to_owned()],
        drained_until: Some("2026-01-31T12:00:00.250Z".to_owned()),
        ..router()
    };
    let sentence = "drained until 2026-01-31T12:00:00Z; `vrrp resume web` ends that";
    let text = overview::text(&of(vec![drained.clone()]));
    assert!(text.ends_with(&format!("\nweb: {sentence}\n")), "{text}");
    let text = whole::text(&drained);
    assert!(text.contains(&format!("\n  drain     {sentence}\n")), "{text}");
    assert!(!text.contains("  hold "), "{text}");
}

#[test]
fn all_of_one_is_told_in_lines_with_labels() {
    let all = VirtualRouter {
        priority_sentence: "100: configured 150, uplink -50".to_owned(),
        group: Some("pair".to_owned()),
        group_policy: Some("any".to_owned()),
        group_first: true,
        tracks: vec![tracked("uplink", "bad", -50, "eth1 is down")],
        peers_heard: vec![peer("192.0.2.2", true), peer("192.0.2.3", false)],
        peers_refused: vec![refused("192.0.2.7")],
        left_out_refused: 17,
        routes: vec!["default via 192.0.2.254".to_owned()],
        transitions: vec![
            transition(200.0, "held", None, "the backend holds the addresses"),
            transition(65.4, "initialize", Some("link-down"), "its interface went away"),
        ],
        counters: Counters {
            counted: BTreeMap::from([("adverts_sent".to_owned(), 200), ("repairs".to_owned(), 0)]),
            rejected: BTreeMap::from([("wrong-interval".to_owned(), 12)]),
        },
        ..router()
    };
    let text = whole::text(&all);
    let state = format!("  state     active (held) for 3m20s, since {}", all.since);
    let expected = [
        "web: VRRPv3 for IPv4, VRID 51 on eth0",
        &*state,
        "  why       no active node was heard, and the backend holds the addresses",
        "  group     pair",
        "  policy    any; this is its first member",
        "  priority  100: configured 150, uplink -50",
        "  lease     3.0 s left: so long it stays active if it can send nothing more",
        "  active    192.0.2.2: priority 100, interval 1 s, VRRPv3, heard 0.3 s ago,",
        "            jitter 1.2 ms, 812 messages",
        "  heard     192.0.2.3: priority 100, interval 1 s, VRRPv3, heard 0.3 s ago,",
        "            jitter 1.2 ms, 812 messages",
        "  refused   192.0.2.7: interval 2 s, ours 1 s (wrong-interval); 12 messages, the",
        "            last 0.2 s ago; it claims priority 200",
        "  refused   17 messages of further nodes",
        "  check     uplink is bad for 1m5s, -50: eth1 is down, ran 1s ago",
        "  address   192.0.2.10/24 on eth0, held",
        "  address   192.0.2.11/24 on eth0, held",
        "  route     default via 192.0.2.254",
        "  before    3m20s ago: backup -> held: the backend holds the addresses",
        "            1m5s ago: backup -> initialize (link-down): its interface went away",
        "  counted   adverts_sent 200",
        "  rejected  wrong-interval 12",
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected, "{text}");
}

#[test]
fn whoever_holds_it_up_in_its_group_is_named() {
    let waits = VirtualRouter {
        group: Some("pair".to_owned()),
        group_policy: Some("any".to_owned()),
        group_cause: Some("wan".to_owned()),
        gates: vec!["group".to_owned()],
        gate_sentences: vec!["wan of its group pair is not ready".to_owned()],
        ..router()
    };
    assert!(whole::text(&waits).contains("\n  waits for wan\n"));
    let held = VirtualRouter {
        holds: vec!["group".to_owned()],
        hold_sentences: vec!["wan of its group pair is held".to_owned()],
        ..waits
    };
    let text = whole::text(&held);
    assert!(text.contains("\n  held by   wan\n"), "{text}");
    assert!(text.contains("\n  hold      wan of its group pair is held (group)\n"), "{text}");
}

#[test]
fn ports_are_mentioned_once_they_have_refused_something() {
    let quiet = Port {
        interface: "eth0".to_owned(),
        family: "ipv4".to_owned(),
        rejected: BTreeMap::from([("unknown-vrid".to_owned(), 0)]),
        peers_refused: Vec::new(),
        left_out_refused: 0,
        overflow_heard: 0,
        overflow_refused: 0,
    };
    let busy = Port {
        interface: "eth1".to_owned(),
        rejected: BTreeMap::from([("unknown-vrid".to_owned(), 3)]),
        ..quiet.clone()
    };
    let text = overview::text(&Status { ports: vec![quiet, busy], ..of(vec![router()]) });
    assert!(!text.contains("eth0 ipv4:"), "{text}");
    let expected = "\neth1 ipv4: messages for no virtual router here: unknown-vrid 3\n";
    assert!(text.ends_with(expected), "{text}");
}

/// As long as it can be: names, addresses, output of checks, and ten transitions.
fn longest() -> VirtualRouter {
    let address = "2001:db8:ffff:ffff:ffff:ffff:ffff:fff";
    let name = "n".repeat(64);
    let long = "a sentence with so many words that it has to go on in the next line, ".repeat(3);
    let placed = |last: u8| Placed {
        interface: "enp0s31f6.4095a".to_owned(),
        label: Some("enp0s31f6.4095a".to_owned()),
        scope: "link".to_owned(),
        broadcast: Some("192.0.2.255".parse().unwrap()),
        advertised: false,
        ..placed(&format!("{address}{last}/128"))
    };
    let tracks = [("bad", -253), ("bad", 0), ("good", 100)];
    VirtualRouter {
        name: format!("{name}/v6"),
        interface: "enp0s31f6.4095a".to_owned(),
        family: "ipv6".to_owned(),
        phase: "initialize".to_owned(),
        condition: "unproven".to_owned(),
        why: long.clone(),
        hold: Some("address-present".to_owned()),
        holds: vec!["address-present".to_owned(), "no-source-address".to_owned()],
        hold_sentences: vec![long.clone(), long.clone()],
        gates: vec!["check-unproven".to_owned()],
        gate_sentences: vec![long.clone()],
        group: Some(name.clone()),
        group_policy: Some("any".to_owned()),
        group_first: true,
        group_cause: Some(format!("{name}/v6")),
        priority_sentence: format!("1: configured 254, {name} -253, {name} +100, within 1 to 254"),
        addresses: (1..5).map(|last| format!("{address}{last}/128")).collect(),
        addresses_held: (1..5).map(|last| format!("{address}{last}/128")).collect(),
        placed: (1..5).map(placed).collect(),
        routes: vec![format!("{address}::/48 via {address} dev enp0s31f6.4095a metric 4294967295")],
        tracks: tracks
            .map(|(state, adds)| tracked(&name, state, adds, &format!("{long}{}", "x".repeat(200))))
            .to_vec(),
        active_peer: Some(format!("{address}f").parse().unwrap()),
        backend_error: Some("/usr/local/bin/a-program-with-a-very-long-name".repeat(4)),
        peers_heard: (1..5).map(|last| peer(&format!("{address}{last}"), last == 1)).collect(),
        peers_refused: (1..5).map(|last| refused(&format!("{address}{last}"))).collect(),
        left_out_heard: u64::MAX,
        left_out_refused: u64::MAX,
        notices: (1..5).map(|last| notice(&format!("{address}{last}"), &long)).collect(),
        transitions: (0..10)
            .map(|number| transition(f64::from(number) * 1e6, "initialize", Some("x"), &long))
            .collect(),
        counters: Counters {
            counted: (0..12).map(|number| (format!("a_counter_{number}"), u64::MAX)).collect(),
            rejected: (0..21).map(|number| (format!("a-reason-{number}"), u64::MAX)).collect(),
        },
        waits_seconds: Some(1.0),
        ..router()
    }
}

#[test]
fn no_line_is_longer_than_eighty_characters() {
    let router = longest();
    let checks = vec![
        check(&"c".repeat(64), &"it says very much ".repeat(30)),
        Check { outcome: Some("not-run".to_owned()), ..check("c", &"/path".repeat(60)) },
    ];
    let port = Port {
        interface: "enp0s31f6.4095a".to_owned(),
        family: "ipv6".to_owned(),
        rejected: router.counters.rejected.clone(),
        peers_refused: router.peers_refused.clone(),
        left_out_refused: 3,
        overflow_heard: u64::MAX,
        overflow_refused: u64::MAX,
    };
    let left = LeftBehind {
        interface: "enp0s31f6.4095a".to_owned(),
        address: "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/128".to_owned(),
    };
    let status = Status {
        ports: vec![port],
        leftovers: vec![left],
        checks,
        ..of(vec![router.clone(), super::tests::router()])
    };
    for text in [whole::text(&router), overview::text(&status)] {
        for line in text.lines() {
            assert!(line.chars().count() <= WIDTH, "{}: {line}", line.chars().count());
        }
    }
    let ages = whole::text(&router).lines().filter(|line| line.contains(" ago: backup")).count();
    assert_eq!(ages, 10);
    assert!(overview::text(&status).contains("nnnnnnnnnnnnnnn…nnnnn/v6"));
}
