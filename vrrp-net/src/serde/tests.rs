//! The status as data.

use std::net::IpAddr;

use serde_json::{Value, json};
use vrrp_core::{
    Centiseconds, Cidr, Claim, Gate, Gates, GroupPolicy, Health, Holds, InterfaceId, Ipv4Addresses,
    Key, LeftOut, MacAddr, Notice, Priority, Reason, Rejected, RivalCause, Said, VirtualRouter,
};

use super::*;
use crate::{
    GroupStatus, Lateness, NoticeStatus, Reasons, RivalStatus, SpeakerStatus, Takeovers,
    TransitionStatus, VirtualAddress,
};

const SOURCE: &str = "192.0.2.2";

fn source() -> IpAddr {
    SOURCE.parse().unwrap()
}

fn status(phase: Phase) -> RouterStatus {
    let cidr: Cidr<_> = "192.0.2.10/24".parse().unwrap();
    let addresses = Ipv4Addresses::new([cidr]).unwrap();
    RouterStatus {
        name: "web".into(),
        key: Key {
            interface: InterfaceId::new(1.try_into().unwrap()),
            family: Family::Ipv4,
            vrid: 51.try_into().unwrap(),
        },
        interface: "eth0".into(),
        router: VirtualRouter::v3_ipv4(51.try_into().unwrap(), addresses, Centiseconds::ONE_SECOND),
        phase,
        since: SystemTime::UNIX_EPOCH + Duration::from_millis(1_500),
        reason: Reason::Acquired,
        sender: None,
        health: Health::default(),
        holds: Holds::EMPTY,
        gates: Gates::from_iter([Gate::Probation]),
        group: Some(GroupStatus {
            name: "lan-and-wan".into(),
            policy: GroupPolicy::Any,
            is_first: true,
            cause: Some("db".into()),
        }),
        configured: Claim::Contend(Priority::DEFAULT),
        claim: Claim::Contend(Priority::DEFAULT),
        held: vec![cidr.into()],
        addresses: [
            VirtualAddress::from(Cidr::from(cidr)),
            VirtualAddress::from("198.51.100.10/32".parse::<Cidr>().unwrap())
                .on("lo")
                .label("lo:web".parse().unwrap()),
        ]
        .into(),
        routes: ["default via 192.0.2.254".parse().unwrap()].into(),
        unready: vec!["eth1".into()],
        lease: Some(Duration::from_millis(2_750)),
        probation: None,
        waits: None,
        drained_until: None,
        active_peer: None,
        backend_error: None,
        socket_error: None,
        rival: None,
        send_error: None,
        counters: Counters::default(),
        speakers: vec![SpeakerStatus {
            source: source(),
            ago: Duration::from_millis(250),
            messages: 7,
            verdict: Err(Rejected::Ttl),
            claim: Some(Claim::from(200)),
            said: Said::default(),
            jitter: None,
            differing: None,
            detail: Some("TTL 254".to_owned()),
        }],
        left_out: LeftOut::default(),
        transitions: vec![TransitionStatus {
            at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_500),
            ago: Duration::from_millis(750),
            from: Phase::Backup,
            to: Phase::Initialize(Hold::LinkDown),
            reason: Reason::Interface,
            sender: None,
        }],
        reasons: Reasons::default(),
        takeovers: Takeovers::default(),
        notices: vec![NoticeStatus {
            notice: Notice::SamePriority,
            source: source(),
            claim: Some(Claim::Contend(Priority::DEFAULT)),
            ago: Duration::from_secs(1),
            messages: 3,
            detail: None,
        }],
    }
}

#[test]
fn a_virtual_router_is_told_in_stable_words() {
    let value = serde_json::to_value(status(Phase::Held)).unwrap();
    let mut expected = json!({
        "name": "web", "interface": "eth0", "vrid": 51, "family": "ipv4", "version": 3,
        "state": "active", "phase": "held", "hold": null, "fault": false,
        "since": "1970-01-01T00:00:01.500Z",
        "reason": "acquired", "reason_source": null, "reason_priority": null,
        "condition": "good", "weight": 0, "holds": [], "gates": ["probation"],
        "configured_priority": 100, "effective_priority": 100,
        "addresses": ["192.0.2.10/24"], "addresses_held": ["192.0.2.10/24"],
        "lease_seconds": 2.75, "probation_seconds": null, "waits_seconds": null,
        "drained_until": null,
        "active_peer": null, "backend_error": null, "socket_error": null,
        "peers_heard": [], "rival": null,
        "counters": serde_json::to_value(Counters::default()).unwrap(),
    });
    let of_the_why = json!({
        "why": "the backend holds the addresses", "hold_sentences": [],
        "gate_sentences": ["it had a fault of its own, and takes no address from another node for \
                            some time"],
        "priority_sentence": "100, as configured",
        "send_error": null, "left_out_heard": 0, "left_out_refused": 0,
        "transitions": [{
            "at": "1970-01-01T00:00:01.500Z", "seconds_ago": 0.75, "from": "backup",
            "to": "initialize", "hold": "link-down", "reason": "interface",
            "reason_source": null, "reason_priority": null,
            "sentence": "its interface went away, went down or lost its address",
        }],
    });
    let of_the_notices = json!({
        "peers_refused": [{
            "address": SOURCE, "reason": "wrong-ttl", "seconds_ago": 0.25, "messages": 7,
            "priority": 200, "version": 0, "interval_seconds": null, "ttl": 0,
            "authentication": null, "key": null, "detail": "TTL 254",
        }],
        "notices": [{
            "notice": "same-priority", "reason": null, "address": SOURCE, "priority": 100,
            "seconds_ago": 1.0, "messages": 3,
            "sentence": "192.0.2.2, priority 100: it has the priority of this node; give each \
                         node its own",
            "detail": null,
            "line": "192.0.2.2 (priority 100): it has the priority of this node; give each node \
                     its own",
        }],
    });
    let of_the_places = json!({
        "placed": [
            {
                "address": "192.0.2.10/24", "interface": "eth0", "label": null,
                "scope": "global", "broadcast": null, "advertised": true,
            },
            {
                "address": "198.51.100.10/32", "interface": "lo", "label": "lo:web",
                "scope": "global", "broadcast": null, "advertised": false,
            },
        ],
        "routes": ["default via 192.0.2.254"], "unready": ["eth1"],
    });
    let of_the_group = json!({
        "group": "lan-and-wan", "group_policy": "any", "group_first": true, "group_cause": "db",
    });
    let of_the_measures = json!({
        "transitions_by_reason": serde_json::to_value(Reasons::default()).unwrap(),
        "takeovers": { "count": 0, "total_seconds": 0.0, "last_seconds": null },
    });
    for part in [of_the_measures, of_the_why, of_the_notices, of_the_places, of_the_group] {
        expected.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
    }
    assert_eq!(value, expected);
}

#[test]
fn a_hold_stands_beside_its_phase() {
    let value = serde_json::to_value(status(Phase::Initialize(Hold::LinkDown))).unwrap();
    let told = [&value["phase"], &value["hold"], &value["fault"]];
    assert_eq!(told, [&json!("initialize"), &json!("link-down"), &json!(true)]);
}

#[test]
fn a_clock_before_1970_is_no_panic() {
    let early = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
    let value = serde_json::to_value(RouterStatus { since: early, ..status(Phase::Backup) });
    assert_eq!(value.unwrap()["since"], "1970-01-01T00:00:00.000Z");
}

#[test]
fn a_rival_is_told_with_its_cause() {
    let (mac, address) = (MacAddr([2, 0, 0, 0, 0, 9]), source());
    let cause = RivalCause::Firewall { source: source() };
    let (since, ago) = (Duration::from_secs(9), Duration::from_millis(500));
    let rival = RivalStatus { mac, address, since, ago, cause };
    let value =
        serde_json::to_value(RouterStatus { rival: Some(rival.clone()), ..status(Phase::Held) });
    let expected = json!({
        "mac": "02:00:00:00:00:09", "address": SOURCE, "since_seconds_ago": 9.0,
        "seconds_ago": 0.5, "cause": "firewall", "reason": null, "source": SOURCE,
        "sentence": rival.sentence(),
    });
    assert_eq!(value.unwrap()["rival"], expected);
}

#[test]
fn a_node_has_its_virtual_routers_and_its_ports() {
    let port = PortStatus {
        interface: "eth0".into(),
        family: Family::Ipv6,
        counters: Counters::default(),
        speakers: Vec::new(),
        left_out: LeftOut::default(),
        overflow: crate::link::Overflow { heard: 1, refused: 2 },
    };
    let node = NodeStatus {
        routers: vec![status(Phase::Backup)],
        ports: vec![port],
        lateness: Lateness::default(),
    };
    let value = serde_json::to_value(node).unwrap();
    assert_eq!(value["virtual_routers"][0]["phase"], "backup");
    let port = &value["ports"][0];
    assert_eq!(port["family"], "ipv6");
    assert_eq!(port["rejected"].as_object().unwrap().len(), Rejected::ALL.len());
    assert_eq!(
        [&port["overflow_heard"], &port["overflow_refused"]],
        [1, 2].map(Value::from).each_ref()
    );
}

#[test]
fn what_an_end_left_is_told() {
    let released = Released { unreleased: vec!["web".into()] };
    assert_eq!(serde_json::to_value(released).unwrap(), json!({ "unreleased": ["web"] }));
    assert_eq!(serde_json::to_value(Drained::Refused).unwrap(), "refused");
}

#[test]
fn a_reason_is_counted_under_the_word_that_it_is_told_by() {
    let words: Vec<Value> =
        Reason::ALL.into_iter().map(|reason| serde_json::to_value(reason).unwrap()).collect();
    let counted: Vec<Value> =
        Reasons::default().iter().map(|(word, _)| Value::from(word)).collect();
    assert_eq!(counted, words);
    let mut reasons = Reasons::default();
    reasons.count(Reason::StrongerClaim);
    let value = serde_json::to_value(reasons).unwrap();
    assert_eq!(value.as_object().unwrap().len(), words.len());
    assert_eq!((&value["stronger-claim"], &value["startup"]), (&json!(1), &json!(0)));
}

#[test]
fn what_was_measured_is_in_seconds_to_the_nanosecond() {
    let mut lateness = Lateness::default();
    lateness.note(Duration::from_micros(40));
    lateness.note(Duration::from_secs(2));
    let value = serde_json::to_value(lateness).unwrap();
    let sums = [&value["count"], &value["total_seconds"], &value["beyond"]];
    assert_eq!(sums, [&json!(2), &json!(2.00004), &json!(1)]);
    assert_eq!(value["buckets"].as_array().unwrap().len(), 13);
    assert_eq!(value["buckets"][0], json!({ "up_to_seconds": 0.0001, "count": 1 }));
    let mut takeovers = Takeovers::default();
    takeovers.note(Duration::from_micros(1_250));
    let expected = json!({ "count": 1, "total_seconds": 0.00125, "last_seconds": 0.00125 });
    assert_eq!(serde_json::to_value(takeovers).unwrap(), expected);
}
