//! The events of a node, as data.

use std::net::IpAddr;

use serde::{Serialize, Serializer};
use vrrp_core::{
    Claim, Gates, Hold, Holds, Key, MacAddr, Notice, Phase, Reason, Rejected, RivalCause,
};

use super::hold;
use crate::NodeEvent;

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Event<'a> {
    Transition {
        name: &'a str,
        key: Key,
        from: Phase,
        to: Phase,
        hold: Option<Hold>,
        reason: Reason,
        reason_source: Option<IpAddr>,
        reason_priority: Option<Claim>,
    },
    Notice {
        name: &'a str,
        key: Key,
        notice: Notice,
        reason: Option<Rejected>,
        address: IpAddr,
        priority: Option<Claim>,
        others: u32,
    },
    DrainRefused {
        name: &'a str,
        key: Key,
    },
    Unrelieved {
        name: &'a str,
        key: Key,
    },
    Reasserted {
        name: &'a str,
        key: Key,
    },
    Rival {
        name: &'a str,
        key: Key,
        mac: MacAddr,
        address: IpAddr,
        cause: RivalCause,
        reason: Option<Rejected>,
        source: Option<IpAddr>,
        others: u32,
    },
    RivalGone {
        name: &'a str,
        key: Key,
        mac: MacAddr,
    },
    Standing {
        name: &'a str,
        key: Key,
        holds: Holds,
        gates: Gates,
    },
    Backend {
        name: &'a str,
        key: Key,
        error: Option<&'a str>,
    },
    Check {
        name: &'a str,
        state: &'a str,
        text: &'a str,
    },
}

impl Serialize for NodeEvent {
    /// `event` is the word of [`NodeEvent::as_str`]. The `hold` of a transition is that of the phase
    /// now.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let event = match self {
            Self::Transition { name, key, from, to, reason, sender } => Event::Transition {
                name,
                key: *key,
                from: *from,
                to: *to,
                hold: hold(*to),
                reason: *reason,
                reason_source: sender.map(|sender| sender.source),
                reason_priority: sender.map(|sender| sender.claim),
            },
            Self::Notice { name, key, notice, source, claim, others } => Event::Notice {
                name,
                key: *key,
                notice: *notice,
                reason: notice.refusal(),
                address: *source,
                priority: *claim,
                others: *others,
            },
            Self::DrainRefused { name, key } => Event::DrainRefused { name, key: *key },
            Self::Unrelieved { name, key } => Event::Unrelieved { name, key: *key },
            Self::Reasserted { name, key } => Event::Reasserted { name, key: *key },
            Self::Rival { name, key, mac, address, cause, others } => Event::Rival {
                name,
                key: *key,
                mac: *mac,
                address: *address,
                cause: *cause,
                reason: cause.reason(),
                source: cause.source(),
                others: *others,
            },
            Self::RivalGone { name, key, mac } => Event::RivalGone { name, key: *key, mac: *mac },
            Self::Standing { name, key, holds, gates } => {
                Event::Standing { name, key: *key, holds: *holds, gates: *gates }
            }
            Self::Backend { name, key, error } => {
                Event::Backend { name, key: *key, error: error.as_deref() }
            }
            Self::Check { name, state, text } => Event::Check { name, state: state.as_str(), text },
        };
        event.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};
    use vrrp_core::{Family, InterfaceId, Sender};

    use super::*;
    use crate::check::State;

    const SOURCE: &str = "192.0.2.2";

    fn source() -> IpAddr {
        SOURCE.parse().unwrap()
    }

    #[test]
    fn an_event_says_which_it_is() {
        let key = Key {
            interface: InterfaceId::new(1.try_into().unwrap()),
            family: Family::Ipv4,
            vrid: 51.try_into().unwrap(),
        };
        let transition = NodeEvent::Transition {
            name: "web".into(),
            key,
            from: Phase::Held,
            to: Phase::Backup,
            reason: Reason::StrongerClaim,
            sender: Some(Sender { source: source(), claim: Claim::Own }),
        };
        let expected = json!({
            "event": "transition", "name": "web",
            "key": { "interface": 1, "family": "ipv4", "vrid": 51 },
            "from": "held", "to": "backup", "hold": null, "reason": "stronger-claim",
            "reason_source": SOURCE, "reason_priority": 255,
        });
        assert_eq!(to_value(transition).unwrap(), expected);
        let refused = NodeEvent::DrainRefused { name: "web".into(), key };
        let expected = json!({
            "event": "drain-refused", "name": "web",
            "key": { "interface": 1, "family": "ipv4", "vrid": 51 },
        });
        assert_eq!(to_value(refused).unwrap(), expected);
    }

    #[test]
    fn the_word_of_each_is_the_one_that_it_says_of_itself() {
        let key = Key {
            interface: InterfaceId::new(1.try_into().unwrap()),
            family: Family::Ipv4,
            vrid: 51.try_into().unwrap(),
        };
        let holds = Holds::from_iter([Hold::Drained]);
        let events = [
            (NodeEvent::Unrelieved { name: "web".into(), key }, json!({})),
            (NodeEvent::Reasserted { name: "web".into(), key }, json!({})),
            (
                NodeEvent::Rival {
                    name: "web".into(),
                    key,
                    mac: MacAddr([2, 0, 0, 0, 0, 9]),
                    address: source(),
                    cause: RivalCause::Refused { source: source(), reason: Rejected::Password },
                    others: 0,
                },
                json!({
                    "mac": "02:00:00:00:00:09", "address": SOURCE, "cause": "refused",
                    "reason": "wrong-password", "source": SOURCE, "others": 0,
                }),
            ),
            (
                NodeEvent::RivalGone { name: "web".into(), key, mac: MacAddr::default() },
                json!({ "mac": "00:00:00:00:00:00" }),
            ),
            (
                NodeEvent::Standing { name: "web".into(), key, holds, gates: Gates::EMPTY },
                json!({ "holds": ["drained"], "gates": [] }),
            ),
            (
                NodeEvent::Backend { name: "web".into(), key, error: Some("no".into()) },
                json!({ "error": "no" }),
            ),
            (
                NodeEvent::Check { name: "web".into(), state: State::Bad, text: "503".into() },
                json!({ "state": "bad", "text": "503" }),
            ),
        ];
        for (event, fields) in events {
            let value = to_value(&event).unwrap();
            assert_eq!((&value["event"], &value["name"]), (&event.as_str().into(), &"web".into()));
            for (name, expected) in fields.as_object().unwrap() {
                assert_eq!(&value[name], expected, "{event}");
            }
            assert!(event.to_string().starts_with("web: "), "{event}");
        }
    }
}
