//! [`Outbox`]: carrying out what the core puts out.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::IpAddr,
    sync::Arc,
    time::SystemTime,
};

use tokio::sync::broadcast;
use vrrp_core::{
    Advert, Announce, Cidr, Claim, Event, Family, Greet, Hold, Instant, Key, LeaseFailure,
    LeaseRequest, Output, Phase, Probe, Rival, Router, Sighting, Transmit, Want,
};

use super::{
    backends::{
        Backends,
        call::{Wish, longest, unanswered},
    },
    history::Transition,
    interfaces::Interfaces,
    log::log,
    members::{MemberState, Members},
    places::{elsewhere, held_by_others},
    probes::Probes,
};
use crate::{
    NodeEvent,
    link::{Announcement, Link, Outgoing},
};

/// Everything needed to carry out the core's outputs.
pub(super) struct Outbox<L> {
    pub(super) link: L,
    pub(super) interfaces: Interfaces,
    pub(super) members: Members,
    pub(super) backends: Backends,
    pub(super) events: broadcast::Sender<NodeEvent>,
    /// Where advertisements are encoded.
    buffer: Box<[u8]>,
    /// What backends are asked for once everything is sent.
    wishes: Vec<Wish>,
    /// Whose last advertisement did not leave this node, or found no way to anybody.
    unsent: Vec<(Key, Unsent)>,
    /// What may have another phase or bound than handles know.
    touched: BTreeSet<Key>,
    probes: Probes,
    /// What is told at the end of the turn, when handles know it.
    news: Vec<NodeEvent>,
}

impl<L: Link> Outbox<L> {
    pub(super) fn new(link: L, backends: Backends, events: broadcast::Sender<NodeEvent>) -> Self {
        Self {
            link,
            interfaces: Interfaces::default(),
            members: Members::new(),
            backends,
            events,
            buffer: vec![0; Advert::MAX_LEN].into(),
            wishes: Vec::new(),
            unsent: Vec::new(),
            touched: BTreeSet::new(),
            probes: Probes::default(),
            news: Vec::new(),
        }
    }

    /// Carries out one output. Returns when the timer of an advertisement ran out that has left because
    /// of it.
    pub(super) fn perform(&mut self, output: &Output<'_>, now: Instant) -> Option<Instant> {
        match output {
            Output::Transmit(transmit) => {
                let has_left = self.transmit(transmit, now);
                return transmit.due().filter(|_| has_left);
            }
            Output::Lease(request) => self.lease(request),
            Output::Announce(announce) => self.announce(announce, now),
            Output::Greet(greet) => self.greet(greet),
            Output::Probe(probe) => self.probe(probe, now),
            Output::Overhear { key, on } => self.overhear(*key, *on),
            Output::Event(event) => self.event(event, now),
        }
        None
    }

    fn touch(&mut self, key: Key) {
        self.touched.insert(key);
    }

    /// Sends an advertisement; whether a packet of it was handed to the kernel.
    fn transmit(&mut self, transmit: &Transmit<'_>, now: Instant) -> bool {
        let (key, source) = (transmit.key(), transmit.source());
        let entry = self.members.get(&key);
        let is_up = entry.is_some_and(|entry| self.interfaces.is_up(&entry.interface));
        let mut sending = Sending::default();
        for packet in transmit.packets() {
            let payload =
                packet.encode(&mut self.buffer).ok().and_then(|length| self.buffer.get(..length));
            let Some(payload) = payload else { continue };
            let (link, to) = (&mut self.link, packet.destination());
            let outgoing = Outgoing::new(key.interface, source, to, payload);
            let Err(mut error) = link.send(&outgoing) else {
                sending.sent = true;
                continue;
            };
            let has_source = link.has_source(key.interface, source);
            // The address that it sent from is gone, and the resignation carries it nevertheless:
            // peers know the node by that.
            if transmit.advert().claim == Claim::Resign && !has_source {
                match link.send_from_former(&outgoing) {
                    Ok(()) => {
                        sending.sent = true;
                        continue;
                    }
                    Err(other) => error = other,
                }
            }
            if is_up && has_source && is_destinations(&error, to) {
                sending.unreachable = Some(to);
            } else {
                sending.failed = Some((to, error));
            }
        }
        let has_left = sending.sent;
        self.conclude(key, transmit, sending, now);
        has_left
    }

    /// What came of the packets of one advertisement.
    fn conclude(&mut self, key: Key, transmit: &Transmit<'_>, sending: Sending, now: Instant) {
        self.touch(key);
        let Some(entry) = self.members.get_mut(&key) else { return };
        let (name, interface) = (&*entry.name, &*entry.interface);
        let Sending { sent, unreachable, failed } = sending;
        entry.send_error = send_error(unreachable, failed.as_ref());
        if let Some((destination, error)) = &failed
            && let Some(suppressed) = entry.send_warning.pass(now)
        {
            tracing::warn!(
                event = "send-failed", name, interface, %destination, %error, suppressed,
                "{name}: an advertisement to {destination} could not be sent on {interface}: \
                 {error}"
            );
        }
        if let Some(destination) = unreachable
            && let Some(suppressed) = entry.unreachable_warning.pass(now)
        {
            tracing::warn!(
                event = "peer-unreachable", name, interface, %destination, suppressed,
                "{name}: there is no way to the peer {destination}; it does not hear this node, \
                 and both may be active until there is one again"
            );
        }
        // With nobody in the list but this node there is nobody to reach, which is no failure.
        let is_alone = transmit.packets().next().is_none();
        match (sent || is_alone, failed.is_none()) {
            (true, _) => {}
            (false, true) => self.unsent.push((key, Unsent::Unreachable)),
            (false, false) => {
                self.unsent.push((key, Unsent::Failed));
                return;
            }
        }
        if entry.phase.is_active() {
            self.backends.renewal_due(key, entry.backend.pace(), now);
        }
    }

    /// Announces this node's own address to the neighbours.
    fn greet(&mut self, greet: &Greet) {
        let Greet { key, source } = *greet;
        let own = [Cidr::from(source)];
        let announcement = Announcement::new(key.interface, Family::of(source), &own);
        if let Err(error) = self.link.announce(&announcement) {
            tracing::debug!(event = "greeting-failed", %source, %error, "{source} could not be \
                announced: {error}");
        }
    }

    /// Asks who has an address. What is beyond the limit of the interface is not asked: others who
    /// lost the same peer ask for it.
    fn probe(&mut self, probe: &Probe, now: Instant) {
        if self.probes.pass(probe.key.interface, now)
            && let Err(error) = self.link.probe(probe)
        {
            let address = probe.address;
            tracing::debug!(event = "probe-failed", %address, %error, "nobody could be asked for \
                {address}: {error}");
        }
    }

    /// Another host has an address. Whoever releases that in its favour waits no longer.
    pub(super) fn note_sighting(&self, sighting: &Sighting) {
        let Sighting { interface, address, mac, .. } = *sighting;
        for (key, entry) in &self.members {
            let is_about_it = key.interface == interface
                && !self.backends.is_idle(*key)
                && entry.router.addresses().any(|own| own.address() == address);
            if is_about_it && !self.interfaces.is_own(&entry.interface, mac) {
                self.backends.end_linger(*key);
            }
        }
    }

    fn overhear(&mut self, key: Key, on: bool) {
        if let Err(error) = self.link.overhear(key, on) {
            tracing::debug!(event = "overhear-failed", %key, %error, "what reaches the interface \
                could not be looked at: {error}");
        }
    }

    fn lease(&mut self, request: &LeaseRequest<'_>) {
        let elsewhere = match request.want {
            Want::Adopt => held_by_others(&self.members, &request.key),
            _ => elsewhere(&self.members, &request.key),
        };
        if let Some(entry) = self.members.get_mut(&request.key) {
            entry.asked = request.generation;
            let wish = Wish::new(entry, request);
            self.wishes.push(Wish { lease: wish.lease.without(elsewhere), ..wish });
        }
        self.touch(request.key);
    }

    /// Asks the backends for what the core wanted, once everything is sent: to wake them takes
    /// time, and advertisements of other virtual routers may be due at the same moment.
    pub(super) fn ask_backends(&mut self, now: Instant) {
        for wish in self.wishes.drain(..) {
            self.backends.request(wish, now);
        }
    }

    fn announce(&mut self, announce: &Announce<'_>, now: Instant) {
        let Announce { key, config } = announce;
        let Some(entry) = self.members.get(key) else { return };
        let mut places: BTreeMap<(Arc<str>, Family), Vec<Cidr>> = BTreeMap::new();
        for held in &*entry.held(config) {
            let place = (entry.interface_of(held).clone(), Family::of(held.cidr.address()));
            places.entry(place).or_default().push(held.cidr);
        }
        let own = entry.interface.clone();
        for ((interface, family), addresses) in places {
            let result = if interface == own && family == key.family {
                self.link.announce(&Announcement::new(key.interface, family, &addresses))
            } else if let Some(port) = self.interfaces.port(&interface, family) {
                self.link.announce_on(&port, &addresses)
            } else {
                Ok(())
            };
            if let Err(error) = result {
                self.warn_unannounced(key, &interface, &error, now);
            }
        }
    }

    fn warn_unannounced(&mut self, key: &Key, interface: &str, error: &io::Error, now: Instant) {
        let Some(entry) = self.members.get_mut(key) else { return };
        if let Some(suppressed) = entry.send_warning.pass(now) {
            let name = &*entry.name;
            tracing::warn!(
                event = "announce-failed", name, interface, %error, suppressed,
                "{name}: the addresses could not be announced on {interface}: {error}"
            );
        }
    }

    fn event(&mut self, event: &Event, now: Instant) {
        let (Event::Transition { key, .. }
        | Event::Notice { key, .. }
        | Event::DrainRefused { key, .. }
        | Event::Unrelieved { key, .. }
        | Event::Reasserted { key, .. }
        | Event::Rival { key, .. }
        | Event::RivalGone { key, .. }
        | Event::Standing { key, .. }) = *event
        else {
            return;
        };
        self.touch(key);
        let Some(entry) = self.members.get_mut(&key) else { return };
        let name = entry.name.clone();
        let failed = entry.error.is_some();
        self.news.push(match *event {
            Event::Transition { key, from, to, reason, sender, .. } => {
                let at = SystemTime::now();
                transition(entry, to, at);
                entry.history.push(Transition { at, when: now, from, to, reason, sender });
                NodeEvent::Transition { name, key, from, to, reason, sender }
            }
            Event::Notice { key, notice, source, claim, others, .. } => {
                NodeEvent::Notice { name, key, notice, source, claim, others }
            }
            Event::DrainRefused { key, .. } => NodeEvent::DrainRefused { name, key },
            Event::Unrelieved { key, .. } => NodeEvent::Unrelieved { name, key },
            Event::Reasserted { key, .. } => NodeEvent::Reasserted { name, key },
            Event::Rival { key, rival, others, .. } => {
                let Rival { mac, address, cause, .. } = rival;
                NodeEvent::Rival { name, key, mac, address, cause, others }
            }
            Event::RivalGone { key, mac, .. } => NodeEvent::RivalGone { name, key, mac },
            Event::Standing { key, holds, gates, .. } => {
                NodeEvent::Standing { name, key, holds, gates }
            }
            _ => return,
        });
        let fails = entry.error.is_some();
        if failed != fails {
            self.tell_backend(key);
        }
    }

    /// Has it told how the backend of a virtual router is.
    pub(super) fn tell_backend(&mut self, key: Key) {
        let Some(entry) = self.members.get(&key) else { return };
        let error = entry.error.as_deref().map(Arc::from);
        self.news.push(NodeEvent::Backend { name: entry.name.clone(), key, error });
    }

    /// Takes those whose advertisements reached nobody since the last call.
    pub(super) fn take_unsent(&mut self) -> Vec<(Key, Unsent)> {
        std::mem::take(&mut self.unsent)
    }

    /// Reports to handles and receivers of events what this turn has changed, and returns it.
    pub(super) fn publish(&mut self, router: &Router) -> Vec<NodeEvent> {
        for key in std::mem::take(&mut self.touched) {
            let until = router.status(&key).and_then(|status| status.active_until);
            if let Some(entry) = self.members.get(&key) {
                entry.publish(until);
            }
        }
        let news = std::mem::take(&mut self.news);
        for event in &news {
            log(event, &self.members);
            // Nobody may be listening.
            drop(self.events.send(event.clone()));
        }
        news
    }
}

/// Why an advertisement reached nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsent {
    /// This node could not send it.
    Failed,
    /// There was no way to any of the peers.
    Unreachable,
}

/// What has come of the packets of one advertisement.
#[derive(Default)]
struct Sending {
    sent: bool,
    /// A peer that there is no way to.
    unreachable: Option<IpAddr>,
    /// Where a packet could not be sent to, and why.
    failed: Option<(IpAddr, io::Error)>,
}

/// What came of an advertisement that did not reach everybody, as a sentence.
fn send_error(unreachable: Option<IpAddr>, failed: Option<&(IpAddr, io::Error)>) -> Option<String> {
    let failed = failed.map(|(destination, error)| {
        format!("its advertisement to {destination} could not be sent: {error}")
    });
    failed.or_else(|| {
        let destination = unreachable?;
        Some(format!(
            "there is no way to the peer {destination}; it does not hear this node, and both may \
             be active until there is one again"
        ))
    })
}

/// Whether an error is the destination's and not this node's: no route to a peer, or nobody there.
/// Of a group there is no such thing.
fn is_destinations(error: &io::Error, destination: IpAddr) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENETUNREACH | libc::EHOSTUNREACH))
        && !destination.is_multicast()
}

fn transition(entry: &mut MemberState, to: Phase, at: SystemTime) {
    (entry.phase, entry.since) = (to, at);
    if !to.is_active() {
        entry.withdraw();
    }
    match to {
        Phase::Held | Phase::Adopted => (entry.error, entry.unreleased) = (None, None),
        // The core's patience may end a moment before that of the backend's task, which would have
        // reported it in these words.
        Phase::Initialize(Hold::Backend(LeaseFailure::TimedOut)) => {
            entry.error = Some(unanswered(longest(&*entry.backend)));
        }
        _ => {}
    }
}
