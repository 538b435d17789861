//! Two nodes with a virtual router of every kind, kept from one test to the next while it is as it
//! should be.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use libtest_mimic::Failed;
use serde_json::Value;
use vrrp_core::MacAddr;
use vrrp_net::lab::{Frame, Injector, Ticker, wait_until};

use crate::support::{
    Node, Outcome, Pair, SLACK, SOON, check, has_moved, now, priority, wait_for, within,
};

/// A virtual router of the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Router {
    pub(super) name: &'static str,
    pub(super) vrid: u8,
    pub(super) version: u8,
    /// In milliseconds.
    pub(super) interval: u16,
    /// The first is that of forged advertisements.
    pub(super) addresses: &'static [&'static str],
    pub(super) password: Option<&'static str>,
    /// More lines of its configuration.
    pub(super) more: &'static str,
}

const V3: Router = Router {
    name: "web",
    vrid: 51,
    version: 3,
    interval: 250,
    addresses: &["10.0.0.100"],
    password: None,
    more: "",
};
pub(super) const WEB: Router = V3;
pub(super) const SIX: Router = Router { name: "six", vrid: 52, addresses: &["fe80::100"], ..V3 };
/// Messages in either form of checksum are for this one: what it hears changes what it sends.
pub(super) const EITHER: Router =
    Router { name: "either", vrid: 53, addresses: &["10.0.0.101"], ..V3 };
pub(super) const RFC9568: Router = Router {
    name: "rfc9568",
    vrid: 54,
    addresses: &["10.0.0.102"],
    more: "checksum = \"rfc9568\"\n",
    ..V3
};
pub(super) const RFC5798: Router = Router {
    name: "rfc5798",
    vrid: 55,
    addresses: &["10.0.0.103"],
    more: "checksum = \"rfc5798\"\n",
    ..V3
};
/// It stays in Initialize: each node has the address already, and of itself.
pub(super) const IDLE: Router = Router { name: "idle", vrid: 56, addresses: &["10.0.0.1"], ..V3 };
pub(super) const PLAIN: Router = Router {
    name: "plain",
    vrid: 61,
    version: 2,
    interval: 1000,
    addresses: &["10.0.0.110"],
    ..V3
};
pub(super) const LOCKED: Router = Router {
    name: "locked",
    vrid: 62,
    addresses: &["10.0.0.111"],
    password: Some("d0cker"),
    ..PLAIN
};

const ALL: [Router; 8] = [WEB, SIX, EITHER, RFC9568, RFC5798, IDLE, PLAIN, LOCKED];

impl Router {
    pub(super) fn is_ipv6(self) -> bool {
        self.address().is_ipv6()
    }

    pub(super) fn address(self) -> IpAddr {
        let address = self.addresses[0].split('/').next().and_then(|text| text.parse().ok());
        address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }

    pub(super) fn period(self) -> Duration {
        Duration::from_millis(self.interval.into())
    }

    /// Who the attacker says that it is: an address above those of the nodes.
    pub(super) fn attacker(self) -> IpAddr {
        match self.is_ipv6() {
            false => IpAddr::from([10, 0, 0, 9]),
            true => IpAddr::from([0xfe80, 0, 0, 0, 0xffff, 0xffff, 0xffff, 9]),
        }
    }

    /// Its section of a configuration. Nothing is announced but a promotion.
    pub(super) fn config(self, priority: u8) -> String {
        let Self { name, vrid, version, interval, addresses, more, .. } = self;
        let password =
            self.password.map(|text| format!("password = \"{text}\"\n")).unwrap_or_default();
        format!(
            "[[virtual_router]]\nname = \"{name}\"\ninterface = \"eth0\"\nvrid = {vrid}\nversion = \
             {version}\n\
             addresses = {addresses:?}\npriority = {priority}\ninterval = \"{interval}ms\"\n\
             announce = {{ repeat = [\"0s\"], refresh = \"0s\" }}\n{password}{more}"
        )
    }

    /// When `mac` advertised it.
    pub(super) fn advert(self, frame: &Frame, mac: MacAddr) -> Option<Duration> {
        let vrrp = frame.vrrp()?;
        let is_ours =
            vrrp.payload.get(1) == Some(&self.vrid) && vrrp.source.is_ipv6() == self.is_ipv6();
        (is_ours && priority(frame, mac)? > 0).then_some(frame.at)
    }
}

/// The stages that no test has at the moment.
#[derive(Clone, Default)]
pub(super) struct Stages(Arc<Mutex<Vec<Stage>>>);

impl Stages {
    /// Runs `test` on a stage, which serves another test unless this one fails.
    pub(super) fn run(&self, test: impl FnOnce(&mut Stage) -> Outcome) -> Outcome {
        let free = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut stage = free.map_or_else(Stage::start, Ok)?;
        test(&mut stage)?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(stage);
        Ok(())
    }
}

/// Node a is Active for every virtual router and b is Backup, except for the idle one.
pub(super) struct Stage {
    pub(super) pair: Pair,
    pub(super) injector: Injector,
}

/// What `status` says of both nodes, in the order a, b.
pub(super) type Look = [Value; 2];

impl Stage {
    fn start() -> Result<Self, Failed> {
        let mut pair = Pair::new()?;
        let config = |priority, idle| {
            let routers = ALL.map(|router| if router == IDLE { idle } else { router });
            routers.map(|router| router.config(priority)).concat()
        };
        pair.a.start(&config(200, IDLE))?;
        pair.b.start(&config(100, Router { addresses: &["10.0.0.2", "10.0.0.1"], ..IDLE }))?;
        let injector = Injector::new(&pair.user, pair.user_cable.interface())?;
        Ok(Self { pair, injector })
    }

    pub(super) fn nodes(&self) -> [&Node; 2] {
        [&self.pair.a, &self.pair.b]
    }

    /// Waits until every virtual router is where it belongs.
    pub(super) fn settled(&self) -> Result<Look, Failed> {
        let is = |status: &Value, phase: &str, follows: bool| {
            ALL.iter().all(|router| {
                let state = of(status, router.name);
                let idle = *router == IDLE;
                state["phase"] == if idle { "initialize" } else { phase }
                    && (!follows || idle || state["active_peer"].is_string())
                    && state["active_peer"] != router.attacker().to_string()
            })
        };
        let mut look = Look::default();
        let settled = wait_until(SOON, || {
            look = self.look();
            is(&look[0], "held", false) && is(&look[1], "backup", true)
        });
        let [a, b] = self.nodes().map(Node::log);
        check(settled, format!("the nodes do not settle:\n{a}{b}"))?;
        Ok(look)
    }

    pub(super) fn look(&self) -> Look {
        self.nodes().map(|node| node.status().unwrap_or_default())
    }

    /// Since `begun` a has advertised `router` at each interval, and b nothing; nor has an address
    /// moved.
    pub(super) fn kept_on(&self, router: Router, begun: Duration, ticker: &Ticker) -> Outcome {
        let [a, b] = self.nodes();
        if router != IDLE {
            let ended = now();
            let is_next = |frame: &Frame| router.advert(frame, a.mac).is_some();
            wait_for(&self.pair.capture, "advertisement of a", ended, is_next)?;
            let frames = self.pair.capture.frames();
            let sent: Vec<Duration> =
                frames.iter().filter_map(|frame| router.advert(frame, a.mac)).collect();
            // With the one before.
            let first =
                sent.iter().rposition(|at| *at < begun).ok_or("a had not advertised before")?;
            for gap in sent.windows(2).skip(first).map(|pair| pair[1] - pair[0]) {
                within(router.name, gap, (router.period(), router.period()), SLACK, ticker)?;
            }
            check(a.has_address(&router.address().to_string())?, "a has lost the address")?;
        }
        check(!b.has_address(&router.address().to_string())?, "b has the address")?;
        let frames = self.pair.capture.frames();
        let from_b =
            frames.iter().filter(|frame| frame.at >= begun && priority(frame, b.mac).is_some());
        let from_b = from_b.count();
        check(from_b == 0, format!("b advertised {from_b} times"))
    }
}

/// What `status` says of the virtual router of this name.
pub(super) fn of<'a>(status: &'a Value, name: &str) -> &'a Value {
    let routers = status["virtual_routers"].as_array().map(Vec::as_slice).unwrap_or_default();
    routers.iter().find(|router| router["name"] == name).unwrap_or(&Value::Null)
}

/// Everything that `status` says, by its path, without what is new at every look.
pub(super) fn facts(status: &Value) -> BTreeMap<String, Value> {
    let mut facts = BTreeMap::new();
    flatten(String::new(), status, &mut facts);
    let is_backup = |name: &str| of(status, name)["phase"] == "backup";
    let goes_on = |path: &str| {
        let (name, rest) =
            path.trim_start_matches("/virtual_routers/").split_once('/').unwrap_or_default();
        let of_backup = rest == "counters/adverts_received" || rest.starts_with("peers_heard/");
        rest == "since"
            // There as long as the one that they are about speaks.
            || rest.starts_with("notices/")
            || name == IDLE.name && ["probation_seconds", "counters/backend_failures"].contains(&rest)
            || name == IDLE.name && rest.starts_with("gate_sentences/")
            || rest == "lease_seconds"
            || is_said(path)
            || path.ends_with("/seconds_ago")
            || path.starts_with("/lateness/")
            || (rest == "counters/adverts_sent" && !is_backup(name))
            || (is_backup(name) && of_backup)
    };
    facts.retain(|path, _| !goes_on(path));
    facts
}

/// What the last message of a refused node said, beside why it was refused.
fn is_said(path: &str) -> bool {
    let told = ["address", "reason", "messages"];
    let (_, field) = path.rsplit_once('/').unwrap_or_default();
    path.contains("/peers_refused/") && !told.contains(&field)
}

fn flatten(path: String, value: &Value, facts: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| flatten(format!("{path}/{name}"), value, facts));
        }
        Value::Array(entries) => entries.iter().for_each(|entry| {
            // A port has no name but its family; an address stands for itself.
            let name = ["name", "address", "family"].iter().find_map(|key| entry[key].as_str());
            flatten(
                format!("{path}/{}", name.or(entry.as_str()).unwrap_or_default()),
                entry,
                facts,
            );
        }),
        value => {
            facts.insert(path, value.clone());
        }
    }
}

/// Both nodes say exactly what was expected.
pub(super) fn are_as_expected(
    expected: &[BTreeMap<String, Value>; 2],
    before: &Look,
    after: &Look,
) -> Outcome {
    for ((name, expected), (before, after)) in
        ["a", "b"].iter().zip(expected).zip(before.iter().zip(after))
    {
        let found = facts(after);
        let paths = expected.keys().chain(found.keys());
        for path in paths {
            let (wanted, is) = (expected.get(path), found.get(path));
            check(wanted == is, format!("{name}: {path} should be {wanted:?}, is {is:?}"))?;
        }
        // The idle one is asked now and then whether it could go on.
        for router in ALL.iter().filter(|router| **router != IDLE) {
            let moved = has_moved(of(before, router.name), of(after, router.name))?;
            check(!moved, format!("{name}: {} had a transition", router.name))?;
        }
    }
    Ok(())
}
