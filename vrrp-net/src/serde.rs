//! The status and the events of a node, as data: in the names and words of `vrrp status --json`.

mod event;

use std::{
    net::{IpAddr, Ipv4Addr},
    time::{Duration, SystemTime},
};

use serde::{Serialize, Serializer};
use vrrp_core::{
    Cidr, Claim, Condition, Counters, Family, Gates, GroupPolicy, Hold, Holds, MacAddr, Notice,
    Phase, Reason, Rejected, RivalCause, Weight,
};

use crate::{
    Drained, NodeStatus, NoticeStatus, PortStatus, Released, RivalStatus, RouterStatus,
    SpeakerStatus, backend::Label,
};

#[derive(Serialize)]
struct Node<'a> {
    virtual_routers: &'a [RouterStatus],
    ports: &'a [PortStatus],
}

impl Serialize for NodeStatus {
    /// `virtual_routers` and `ports`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Node { virtual_routers: &self.routers, ports: &self.ports }.serialize(serializer)
    }
}

#[derive(Serialize)]
struct Router<'a> {
    name: &'a str,
    interface: &'a str,
    vrid: u8,
    family: Family,
    version: u8,
    state: &'static str,
    phase: Phase,
    hold: Option<Hold>,
    fault: bool,
    since: String,
    reason: Reason,
    reason_source: Option<IpAddr>,
    reason_priority: Option<Claim>,
    condition: Condition,
    weight: Weight,
    holds: Holds,
    gates: Gates,
    group: Option<&'a str>,
    group_policy: Option<GroupPolicy>,
    group_first: bool,
    group_cause: Option<&'a str>,
    effective_priority: Claim,
    addresses: Vec<Cidr>,
    addresses_held: &'a [Cidr],
    placed: Vec<Placed<'a>>,
    routes: Vec<String>,
    unready: Vec<&'a str>,
    lease_seconds: Option<f64>,
    probation_seconds: Option<f64>,
    waits_seconds: Option<f64>,
    drained_until: Option<String>,
    active_peer: Option<IpAddr>,
    backend_error: Option<&'a str>,
    socket_error: Option<&'a str>,
    peers_heard: Vec<&'a SpeakerStatus>,
    peers_refused: Vec<&'a SpeakerStatus>,
    notices: &'a [NoticeStatus],
    rival: Option<&'a RivalStatus>,
    counters: Counters,
}

impl Serialize for RouterStatus {
    /// Of its configuration what others see: VRID, family, version and addresses. `since` is as in
    /// RFC 3339, in UTC; what ends in `_seconds` is for how long yet.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (hold, group) = (hold(self.phase), self.group.as_ref());
        let router = Router {
            name: &self.name,
            interface: &self.interface,
            vrid: self.router.vrid().get(),
            family: self.router.family(),
            version: self.router.version().get(),
            state: self.phase.state(),
            phase: self.phase,
            hold,
            fault: hold.is_some_and(Hold::is_fault),
            since: rfc3339(self.since),
            reason: self.reason,
            reason_source: self.sender.map(|sender| sender.source),
            reason_priority: self.sender.map(|sender| sender.claim),
            condition: self.health.condition,
            weight: self.health.weight,
            holds: self.holds,
            gates: self.gates,
            group: group.map(|group| &*group.name),
            group_policy: group.map(|group| group.policy),
            group_first: group.is_some_and(|group| group.is_first),
            group_cause: group.and_then(|group| group.cause.as_deref()),
            effective_priority: self.claim,
            addresses: self.router.addresses().collect(),
            addresses_held: &self.held,
            placed: placed(self),
            routes: self.routes.iter().map(ToString::to_string).collect(),
            unready: self.unready.iter().map(|name| &**name).collect(),
            lease_seconds: self.lease.map(seconds),
            probation_seconds: self.probation.map(seconds),
            waits_seconds: self.waits.map(seconds),
            drained_until: self.drained_until.map(rfc3339),
            active_peer: self.active_peer,
            backend_error: self.backend_error.as_deref(),
            socket_error: self.socket_error.as_deref(),
            peers_heard: heard(&self.speakers),
            peers_refused: refused(&self.speakers),
            notices: &self.notices,
            rival: self.rival.as_ref(),
            counters: self.counters,
        };
        router.serialize(serializer)
    }
}

#[derive(Serialize)]
struct Port<'a> {
    interface: &'a str,
    family: Family,
    rejected: Rejections<'a>,
    peers_refused: Vec<&'a SpeakerStatus>,
    overflow_heard: u64,
    overflow_refused: u64,
}

impl Serialize for PortStatus {
    /// What was received that belongs to no virtual router, and what the kernel dropped.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let port = Port {
            interface: &self.interface,
            family: self.family,
            rejected: Rejections(&self.counters),
            peers_refused: refused(&self.speakers),
            overflow_heard: self.overflow.heard,
            overflow_refused: self.overflow.refused,
        };
        port.serialize(serializer)
    }
}

/// What was rejected, by reason, zeros included.
struct Rejections<'a>(&'a Counters);

impl Serialize for Rejections<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.rejections())
    }
}

#[derive(Serialize)]
struct Speaker {
    address: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<Claim>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Rejected>,
    seconds_ago: f64,
    messages: u64,
}

impl Serialize for SpeakerStatus {
    /// With its `priority`, or with the `reason` for which it was refused.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let speaker = Speaker {
            address: self.source,
            priority: self.verdict.ok(),
            reason: self.verdict.err(),
            seconds_ago: seconds(self.ago),
            messages: self.messages,
        };
        speaker.serialize(serializer)
    }
}

#[derive(Serialize)]
struct Disagreement {
    notice: Notice,
    reason: Option<Rejected>,
    address: IpAddr,
    priority: Option<Claim>,
    seconds_ago: f64,
    messages: u64,
    sentence: String,
}

impl Serialize for NoticeStatus {
    /// Its fields, with the [`refusal`](Notice::refusal) as `reason` and the
    /// [`sentence`](Self::sentence).
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let disagreement = Disagreement {
            notice: self.notice,
            reason: self.notice.refusal(),
            address: self.source,
            priority: self.claim,
            seconds_ago: seconds(self.ago),
            messages: self.messages,
            sentence: self.sentence(),
        };
        disagreement.serialize(serializer)
    }
}

#[derive(Serialize)]
struct Rival {
    mac: MacAddr,
    address: IpAddr,
    since_seconds_ago: f64,
    seconds_ago: f64,
    cause: RivalCause,
    reason: Option<Rejected>,
    source: Option<IpAddr>,
    sentence: String,
}

impl Serialize for RivalStatus {
    /// Its fields, with why messages are refused as `reason`, whose they are as `source`, and the
    /// [`sentence`](Self::sentence).
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rival = Rival {
            mac: self.mac,
            address: self.address,
            since_seconds_ago: seconds(self.since),
            seconds_ago: seconds(self.ago),
            cause: self.cause,
            reason: self.cause.reason(),
            source: self.cause.source(),
            sentence: self.sentence(),
        };
        rival.serialize(serializer)
    }
}

#[derive(Serialize)]
struct Left<'a> {
    unreleased: Vec<&'a str>,
}

impl Serialize for Released {
    /// The names that it holds.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Left { unreleased: self.unreleased.iter().map(AsRef::as_ref).collect() }
            .serialize(serializer)
    }
}

impl Serialize for Drained {
    /// Its word.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn hold(phase: Phase) -> Option<Hold> {
    match phase {
        Phase::Initialize(hold) => Some(hold),
        _ => None,
    }
}

/// An address, and how it is put.
#[derive(Serialize)]
struct Placed<'a> {
    address: Cidr,
    interface: &'a str,
    label: Option<&'a str>,
    scope: String,
    broadcast: Option<Ipv4Addr>,
    advertised: bool,
}

/// The addresses of `status`: those that are not advertised come last.
fn placed(status: &RouterStatus) -> Vec<Placed<'_>> {
    let advertised = status.router.addresses().count();
    let all = status.addresses.iter().enumerate();
    all.map(|(index, address)| Placed {
        address: address.cidr,
        interface: address.interface.as_ref().unwrap_or(&status.interface),
        label: address.label.as_ref().map(Label::as_str),
        scope: address.scope.to_string(),
        broadcast: address.broadcast,
        advertised: index < advertised,
    })
    .collect()
}

fn heard(speakers: &[SpeakerStatus]) -> Vec<&SpeakerStatus> {
    speakers.iter().filter(|speaker| speaker.verdict.is_ok()).collect()
}

fn refused(speakers: &[SpeakerStatus]) -> Vec<&SpeakerStatus> {
    speakers.iter().filter(|speaker| speaker.verdict.is_err()).collect()
}

/// Seconds to the millisecond.
fn seconds(duration: Duration) -> f64 {
    Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)).as_secs_f64()
}

/// A clock that nobody has set may stand before 1970, which the format cannot say.
fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time.max(SystemTime::UNIX_EPOCH)).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use vrrp_core::{Centiseconds, Gate, Health, Ipv4Addresses, Priority, Reason, VirtualRouter};

    use super::*;
    use crate::{GroupStatus, VirtualAddress};

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
            router: VirtualRouter::v3_ipv4(
                51.try_into().unwrap(),
                addresses,
                Centiseconds::ONE_SECOND,
            ),
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
            counters: Counters::default(),
            speakers: vec![SpeakerStatus {
                source: source(),
                ago: Duration::from_millis(250),
                messages: 7,
                verdict: Err(Rejected::Ttl),
            }],
            notices: vec![NoticeStatus {
                notice: Notice::SamePriority,
                source: source(),
                claim: Some(Claim::Contend(Priority::DEFAULT)),
                ago: Duration::from_secs(1),
                messages: 3,
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
            "effective_priority": 100,
            "addresses": ["192.0.2.10/24"], "addresses_held": ["192.0.2.10/24"],
            "lease_seconds": 2.75, "probation_seconds": null, "waits_seconds": null,
            "drained_until": null,
            "active_peer": null, "backend_error": null, "socket_error": null,
            "peers_heard": [], "rival": null,
            "peers_refused": [{
                "address": SOURCE, "reason": "wrong-ttl", "seconds_ago": 0.25, "messages": 7,
            }],
            "notices": [{
                "notice": "same-priority", "reason": null, "address": SOURCE, "priority": 100,
                "seconds_ago": 1.0, "messages": 3,
                "sentence": "192.0.2.2, priority 100: it has the priority of this node; give each \
                             node its own",
            }],
            "counters": serde_json::to_value(Counters::default()).unwrap(),
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
        expected.as_object_mut().unwrap().extend(of_the_places.as_object().unwrap().clone());
        let of_the_group = json!({
            "group": "lan-and-wan", "group_policy": "any", "group_first": true, "group_cause": "db",
        });
        let of_the_group = of_the_group.as_object().unwrap().clone();
        expected.as_object_mut().unwrap().extend(of_the_group);
        assert_eq!(value, expected);
    }

    #[test]
    fn a_rival_is_told_with_its_cause() {
        let (mac, address) = (MacAddr([2, 0, 0, 0, 0, 9]), source());
        let cause = RivalCause::Firewall { source: source() };
        let (since, ago) = (Duration::from_secs(9), Duration::from_millis(500));
        let rival = RivalStatus { mac, address, since, ago, cause };
        let value = serde_json::to_value(RouterStatus {
            rival: Some(rival.clone()),
            ..status(Phase::Held)
        });
        let expected = json!({
            "mac": "02:00:00:00:00:09", "address": SOURCE, "since_seconds_ago": 9.0,
            "seconds_ago": 0.5, "cause": "firewall", "reason": null, "source": SOURCE,
            "sentence": rival.sentence(),
        });
        assert_eq!(value.unwrap()["rival"], expected);
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
    fn a_node_has_its_virtual_routers_and_its_ports() {
        let port = PortStatus {
            interface: "eth0".into(),
            family: Family::Ipv6,
            counters: Counters::default(),
            speakers: Vec::new(),
            overflow: crate::link::Overflow { heard: 1, refused: 2 },
        };
        let node = NodeStatus { routers: vec![status(Phase::Backup)], ports: vec![port] };
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
}
