//! A router with its driver played by the test: inputs go in, outputs come out as lines of text.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU32,
    time::Duration,
};

use vrrp_core::{
    AddressList, Advert, Answer, Authentication, Centiseconds, ChecksumForm, Claim, Counters,
    Desired, Event, Family, Gates, Generation, Holds, IPV4_GROUP, IPV6_GROUP, Input, Instant,
    InterfaceDetails, InterfaceId, InterfaceStatus, Interval, Ipv4Addresses, Ipv6Addresses, Key,
    LeaseFailure, Look, Output, Phase, Preempt, Reach, Rejected, Role, Router, RxMeta, Seconds,
    Speaker, VirtualRouter, Vrid, Want,
};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
/// Active_Down_Interval of priority 100 at an interval of 1 s.
pub(crate) const ACTIVE_DOWN: Duration = Duration::from_nanos(3_609_375_000);
pub(crate) const OWN: &str = "192.0.2.2";
pub(crate) const OWN_IPV6: &str = "fe80::2";

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(crate) fn interface(number: u32) -> InterfaceId {
    InterfaceId::new(NonZeroU32::new(number).unwrap())
}

pub(crate) fn up() -> InterfaceStatus {
    InterfaceStatus::Up(InterfaceDetails {
        ipv4: OWN.parse().ok(),
        ipv6_link_local: OWN_IPV6.parse().ok(),
        ipv6_routable: "2001:db8::2".parse().ok(),
        ..InterfaceDetails::default()
    })
}

/// The same, but down.
pub(crate) fn down() -> InterfaceStatus {
    match up() {
        InterfaceStatus::Up(details) => InterfaceStatus::Down(details),
        status => status,
    }
}

pub(crate) fn vrid(octet: u8) -> Vrid {
    Vrid::try_from(octet).unwrap()
}

pub(crate) fn ipv4(addresses: &[&str]) -> Ipv4Addresses {
    Ipv4Addresses::new(addresses.iter().map(|text| text.parse::<Ipv4Addr>().unwrap())).unwrap()
}

pub(crate) fn ipv6(addresses: &[&str]) -> Ipv6Addresses {
    Ipv6Addresses::new(addresses.iter().map(|text| text.parse::<Ipv6Addr>().unwrap())).unwrap()
}

pub(crate) fn contender(priority: u8, preempt: Preempt) -> Role {
    Role::Contender { priority: priority.try_into().unwrap(), preempt }
}

/// VRID 51, 192.0.2.1, 1 s, priority 100, preempting. It does not look, so that the deadline of a
/// Backup is that of its timer.
pub(crate) fn v3() -> VirtualRouter {
    VirtualRouter::v3_ipv4(vrid(51), ipv4(&["192.0.2.1"]), Centiseconds::ONE_SECOND)
        .with_look(Look::Off)
}

pub(crate) fn v3_ipv6() -> VirtualRouter {
    VirtualRouter::v3_ipv6(vrid(51), ipv6(&["fe80::1", "2001:db8::1"]), Centiseconds::ONE_SECOND)
        .with_look(Look::Off)
}

pub(crate) fn v2() -> VirtualRouter {
    VirtualRouter::v2(vrid(51), ipv4(&["192.0.2.1"]), Seconds::ONE).with_look(Look::Off)
}

/// On the first interface.
pub(crate) fn key(config: &VirtualRouter) -> Key {
    config.key(interface(1))
}

/// A message of a peer: VRRPv3 for VRID 51 over IPv4, as RFC 9568 has it, unless changed.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) meta: RxMeta,
    pub(crate) vrid: u8,
    pub(crate) priority: u8,
    pub(crate) interval: Interval,
    pub(crate) authentication: Authentication,
    pub(crate) addresses: Vec<&'static str>,
    pub(crate) form: ChecksumForm,
}

impl Message {
    pub(crate) fn v3(priority: u8, source: &str) -> Self {
        let source = ip(source);
        let (destination, addresses) = match source {
            IpAddr::V4(_) => (IPV4_GROUP.into(), vec!["192.0.2.1"]),
            IpAddr::V6(_) => (IPV6_GROUP.into(), vec!["fe80::1", "2001:db8::1"]),
        };
        Self {
            meta: RxMeta { interface: interface(1), source, destination, ttl: 255 },
            vrid: 51,
            priority,
            interval: Interval::V3(Centiseconds::ONE_SECOND),
            authentication: Authentication::None,
            addresses,
            form: ChecksumForm::MessageOnly,
        }
    }

    pub(crate) fn v2(priority: u8, source: &str) -> Self {
        Self { interval: Interval::V2(Seconds::ONE), ..Self::v3(priority, source) }
    }

    pub(crate) fn ttl(mut self, ttl: u8) -> Self {
        self.meta.ttl = ttl;
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let (four, six);
        let addresses = match self.meta.source {
            IpAddr::V4(_) => {
                four = ipv4(&self.addresses);
                AddressList::from(&four)
            }
            IpAddr::V6(_) => {
                six = ipv6(&self.addresses);
                AddressList::from(&six)
            }
        };
        let advert = Advert {
            vrid: vrid(self.vrid),
            claim: Claim::from(self.priority),
            interval: self.interval,
            authentication: self.authentication,
            addresses,
        };
        let mut out = vec![0; Advert::MAX_LEN];
        let length =
            advert.encode(self.meta.source, self.meta.destination, self.form, &mut out).unwrap();
        out.truncate(length);
        out
    }
}

/// Everything of a `Status` that a rejected message must not move, and what it may.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Snapshot {
    pub(crate) phase: Phase,
    pub(crate) since: Instant,
    pub(crate) claim: Claim,
    pub(crate) active_until: Option<Instant>,
    pub(crate) active_peer: Option<IpAddr>,
    pub(crate) counters: Counters,
    pub(crate) speakers: Vec<Speaker>,
    pub(crate) deadline: Option<Instant>,
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) now: Instant,
    /// The last request to each backend.
    pub(crate) generations: BTreeMap<Key, Generation>,
    /// What it was about.
    pub(crate) wants: BTreeMap<Key, Want>,
    /// The backends that were asked something before their virtual router contends.
    asked: BTreeSet<Key>,
    /// What was told of holds and gates, where it has changed.
    pub(crate) standing: BTreeMap<Key, (Holds, Gates)>,
}

impl World {
    /// The first interface is up, and these are configured; what that led to was polled.
    pub(crate) fn new(configs: &[VirtualRouter]) -> Self {
        let now = Instant::EPOCH + 1000 * SECOND;
        let mut world = Self {
            router: Router::new(),
            now,
            generations: BTreeMap::new(),
            wants: BTreeMap::new(),
            asked: BTreeSet::new(),
            standing: BTreeMap::new(),
        };
        world.give(Input::Interface { id: interface(1), status: up() });
        world.configure(configs);
        world.vet();
        world
    }

    /// No earlier process left anything, and every backend would work.
    pub(crate) fn vet(&mut self) {
        while let Some(key) = self.asked.first().copied() {
            self.done(key, Ok(Reach::Routed));
        }
    }

    /// The same, held by this node.
    pub(crate) fn held(config: &VirtualRouter) -> Self {
        let mut world = Self::new(std::slice::from_ref(config));
        world.hold(key(config));
        world
    }

    /// Configures these, on the first interface, and nothing else.
    pub(crate) fn configure(&mut self, configs: &[VirtualRouter]) -> Vec<String> {
        self.configure_at(configs.iter().map(|config| (key(config), config.clone())))
    }

    pub(crate) fn configure_at(
        &mut self,
        desired: impl IntoIterator<Item = (Key, VirtualRouter)>,
    ) -> Vec<String> {
        let mut all = Desired::new();
        for (key, config) in desired {
            assert_eq!(all.insert(key.interface, config), Ok(key));
        }
        self.give(Input::Configure(&all))
    }

    /// Waits until `key` takes over, and lets its backend succeed.
    pub(crate) fn hold(&mut self, key: Key) {
        while self.phase(key) != Phase::Acquiring {
            assert_eq!(self.phase(key), Phase::Backup);
            self.vet();
            self.timeout();
        }
        self.done(key, Ok(Reach::OnLink));
        assert_eq!(self.phase(key), Phase::Held);
    }

    pub(crate) fn handle(&mut self, input: Input<'_>) {
        self.router.handle(self.now, input);
    }

    pub(crate) fn give(&mut self, input: Input<'_>) -> Vec<String> {
        self.handle(input);
        self.drain()
    }

    /// Lets time pass until the next deadline.
    pub(crate) fn timeout(&mut self) -> Vec<String> {
        self.now = self.router.next_deadline().unwrap();
        self.give(Input::Timeout)
    }

    pub(crate) fn wait(&mut self, duration: Duration) {
        self.now = self.now + duration;
    }

    /// The backend's answer to the last request.
    pub(crate) fn done(&mut self, key: Key, result: Result<Reach, LeaseFailure>) -> Vec<String> {
        let generation = self.generations[&key];
        self.asked.remove(&key);
        let answer = match result {
            Ok(reach) => self.wants[&key].done(reach).unwrap_or(Answer::Held(reach)),
            Err(failure) => Answer::Failed(failure),
        };
        self.give(Input::Answer { key, generation, answer })
    }

    pub(crate) fn hear(&mut self, message: &Message) -> Result<Vec<String>, Rejected> {
        self.receive(message.meta, &message.bytes())
    }

    pub(crate) fn receive(&mut self, meta: RxMeta, bytes: &[u8]) -> Result<Vec<String>, Rejected> {
        self.router.receive(self.now, meta, bytes)?;
        Ok(self.drain())
    }

    pub(crate) fn drain(&mut self) -> Vec<String> {
        let (mut lines, mut told) = (Vec::new(), Vec::new());
        while let Some(output) = self.router.poll_output() {
            if let Output::Lease(request) = &output {
                self.generations.insert(request.key, request.generation);
                self.wants.insert(request.key, request.want);
                match request.want {
                    Want::Adopt | Want::Inspect => self.asked.insert(request.key),
                    _ => self.asked.remove(&request.key),
                };
            }
            match output {
                // Told after nearly everything, so that it is looked at apart.
                Output::Event(Event::Standing { key, holds, gates, .. }) => {
                    told.push((key, (holds, gates)));
                }
                output => lines.push(line(&output)),
            }
        }
        for (key, standing) in told {
            let before = self.standing.insert(key, standing);
            assert_ne!(before, Some(standing), "told twice");
            if let Some(status) = self.router.status(&key) {
                assert_eq!((status.holds, status.gates), standing);
            }
        }
        lines
    }

    pub(crate) fn phase(&self, key: Key) -> Phase {
        self.router.status(&key).unwrap().phase
    }

    pub(crate) fn snapshot(&self, key: Key) -> Snapshot {
        let status = self.router.status(&key).unwrap();
        Snapshot {
            phase: status.phase,
            since: status.since,
            claim: status.claim,
            active_until: status.active_until,
            active_peer: status.active_peer,
            counters: *status.counters,
            speakers: status.speakers.to_vec(),
            deadline: self.router.next_deadline(),
        }
    }
}

/// An output in words. The interface and family are named where they are not the first and IPv4.
fn line(output: &Output<'_>) -> String {
    let name = |key: Key| match (key.interface.get(), key.family) {
        (1, Family::Ipv4) => format!("{}", key.vrid),
        (1, Family::Ipv6) => format!("{}-ipv6", key.vrid),
        (other, _) => format!("{}-{other}", key.vrid),
    };
    match output {
        Output::Event(Event::Transition { key, from, to, reason, .. }) => {
            format!("{}: {} -> {} ({})", name(*key), word(*from), word(*to), reason.as_str())
        }
        Output::Event(Event::Notice { key, notice, source, .. }) => match notice.refusal() {
            None => format!("{}: {} {source}", name(*key), notice.as_str()),
            Some(reason) => {
                format!("{}: {} {} {source}", name(*key), notice.as_str(), reason.as_str())
            }
        },
        Output::Event(Event::Unrelieved { key, .. }) => format!("{}: unrelieved", name(*key)),
        Output::Event(Event::DrainRefused { key, .. }) => format!("{}: drain refused", name(*key)),
        Output::Transmit(transmit) => {
            format!("{}: advertise {}", name(transmit.key()), transmit.advert().claim)
        }
        Output::Lease(request) => {
            let want = match request.want {
                Want::Release { reason, successor: Some(to) } => {
                    format!("release ({} to {to})", reason.as_str())
                }
                Want::Release { reason, successor: None } => {
                    format!("release ({})", reason.as_str())
                }
                want => format!("{want:?}").to_lowercase(),
            };
            format!("{}: {want}", name(request.key))
        }
        Output::Event(Event::Rival { key, rival, others, .. }) => {
            let (mac, cause) = (rival.mac, rival.cause.as_str());
            format!("{}: rival {mac} with {}: {cause}, {others} others", name(*key), rival.address)
        }
        Output::Event(Event::RivalGone { key, mac, .. }) => {
            format!("{}: rival {mac} gone", name(*key))
        }
        Output::Probe(probe) => {
            let proxy = if probe.is_proxy_asked { " and a proxy" } else { "" };
            format!("{}: probe {}{proxy}", name(probe.key), probe.address)
        }
        Output::Overhear { key, on } => format!("{}: overhear {on}", name(*key)),
        Output::Announce(announce) => format!("{}: announce", name(announce.key)),
        other => format!("{other:?}"),
    }
}

fn word(phase: Phase) -> &'static str {
    match phase {
        Phase::Initialize(hold) => hold.as_str(),
        phase => phase.as_str(),
    }
}
