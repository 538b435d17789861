//! One virtual router in the table: its machine, and its pending output.

use alloc::{boxed::Box, vec::Vec};
use core::net::IpAddr;

use super::{
    Announce, Event, Greet, LeaseRequest, Output, Probe, Sender, Status, Transmit,
    forms::HeardForms, rivalry::Rivalry, speakers::Tally, telling::Telling,
};
use crate::{
    AddressList, Advert, Answer, Authentication, Claim, Gates, Generation, Health, Holds, Instant,
    InterfaceId, Key, Phase, Protocol, Reason, Transport, VirtualRouter,
    fsm::{self, Effects, Machine, Say, State, Want},
};

/// What a packet needs is kept together, from the start of a cache line on: with many virtual
/// routers, fetching it into the cache takes most of a packet's time.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Entry {
    key: Key,
    pending: Pending,
    pub(super) forms: HeardForms,
    /// Whether it is in the router's queue.
    pub(super) queued: bool,
    config: VirtualRouter,
    machine: Machine,
    pub(super) rest: Box<Rest>,
    pub(super) tally: Tally,
}

/// What few packets need.
#[derive(Debug)]
pub(super) struct Rest {
    generation: Generation,
    /// The request that was polled last, until it is answered.
    asked: Option<Want>,
    pub(super) since: Instant,
    reason: Reason,
    /// Whether the repair under way puts addresses that are newly configured, not lost ones.
    readdressing: bool,
    /// Whose advertisement was the reason.
    sender: Option<Sender>,
    /// When Adver_Timer ran out for the advertisement that is to be polled.
    due: Option<Instant>,
    /// The Active that last resigned while this node was a Backup, and when.
    pub(super) resigned: Option<(IpAddr, Instant)>,
    /// Its holds and gates.
    standing: Standing,
    /// Those that were last reported.
    told_standing: Standing,
    /// The notices to be polled.
    pub(super) telling: Telling,
    pub(super) rivalry: Rivalry,
    /// What checks say of it alone.
    pub(super) health: Health,
    /// The number of its group.
    pub(super) group: Option<usize>,
    /// The other interfaces that it relies on.
    pub(super) others: Vec<InterfaceId>,
    /// The number of what belongs to its addresses.
    pub(super) revision: u64,
    /// Whether it leaves the table once its machine has stopped.
    pub(super) is_removed: bool,
}

/// What keeps it out, and what has it listen only.
type Standing = (Holds, Gates);

/// What is to be polled: at most one of each kind.
#[derive(Clone, Copy, Debug)]
struct Pending {
    /// The phase that was last reported.
    told: Phase,
    drain_refused: bool,
    unrelieved: bool,
    reasserted: bool,
    /// Whether its holds or gates are others than those that were last reported.
    standing: bool,
    leaving: bool,
    transmit: Option<Say>,
    /// A release that an inspection must not supersede.
    release: Option<(Want, Generation)>,
    lease: Option<Want>,
    announce: bool,
    greet: bool,
    probe: bool,
    /// Whether it was last said to overhear.
    overhears: bool,
    /// Whether there are notices to be polled.
    notices: bool,
}

impl Entry {
    /// Creates an entry whose requests are numbered from after `generation` on.
    pub(super) fn new(
        now: Instant,
        key: Key,
        config: VirtualRouter,
        machine: Machine,
        generation: Generation,
    ) -> Self {
        let pending = Pending {
            told: machine.phase(),
            drain_refused: false,
            unrelieved: false,
            reasserted: false,
            standing: false,
            leaving: false,
            transmit: None,
            release: None,
            lease: None,
            announce: false,
            greet: false,
            probe: false,
            overhears: false,
            notices: false,
        };
        let standing = (machine.holds(), machine.gates(now));
        let rest = Rest {
            generation,
            asked: None,
            since: now,
            reason: Reason::Startup,
            readdressing: false,
            sender: None,
            due: None,
            resigned: None,
            standing,
            told_standing: standing,
            telling: Telling::default(),
            rivalry: Rivalry::default(),
            health: Health::default(),
            group: None,
            others: Vec::new(),
            revision: 0,
            is_removed: false,
        };
        Self {
            key,
            config,
            machine,
            pending,
            forms: HeardForms::default(),
            queued: false,
            tally: Tally::default(),
            rest: Box::new(rest),
        }
    }

    pub(super) const fn key(&self) -> Key {
        self.key
    }

    pub(super) const fn config(&self) -> &VirtualRouter {
        &self.config
    }

    pub(super) const fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Replaces the configuration.
    pub(super) fn set_config(&mut self, config: VirtualRouter) {
        self.config = config;
    }

    /// Returns whether each advertisement may come twice, in both checksum forms.
    pub(super) const fn hears_both_forms(&self) -> bool {
        self.forms.are_both()
    }

    /// Returns what led to its phase.
    pub(super) const fn reason(&self) -> Reason {
        self.rest.reason
    }

    pub(super) const fn generation(&self) -> Generation {
        self.rest.generation
    }

    /// Returns whether this answers the last request, which must have this generation and have been
    /// polled. Each request takes one answer.
    pub(super) fn takes(&mut self, generation: Generation, answer: Answer) -> bool {
        let is_awaited = self.rest.generation == generation
            && self.pending.lease.is_none()
            && self.rest.asked.is_some_and(|want| want.is_answered_by(answer));
        if is_awaited {
            self.rest.asked = None;
        }
        is_awaited
    }

    pub(super) fn step(&mut self, now: Instant, input: fsm::Input) {
        let before = self.machine.phase();
        let rival = self.rival_mac();
        if matches!(input, fsm::Input::SendFailed) {
            self.tally.counters.send_failures = self.tally.counters.send_failures.wrapping_add(1);
        }
        let effects = self.machine.handle(now, input);
        let after = self.machine.phase();
        if matches!(input, fsm::Input::Readdress) && before.is_active() {
            self.rest.readdressing = true;
        }
        if before != after {
            self.rest.since = now;
            if let Some(reason) = effects.transition {
                (self.rest.reason, self.rest.sender) = (reason, self.sender(reason, input));
            }
        }
        self.count(before, after, &effects);
        // What an advertisement changes of them comes with a transition: most packets are spared
        // this.
        if !matches!(input, fsm::Input::Advert(_)) || effects.transition.is_some() {
            self.rest.standing = (self.machine.holds(), self.machine.gates(now));
            self.pending.standing = self.rest.standing != self.rest.told_standing;
        }
        if let fsm::Input::Advert(heard) = input {
            self.look_after(now, before, heard, effects.stranger_resigned);
        }
        if rival.is_some() || self.machine.suspect().is_some() {
            self.look_after_rival(now, rival);
        }
        self.merge(before, after, effects);
    }

    /// Returns the sender of the advertisement that led to a transition for this reason, if one
    /// did.
    fn sender(&self, reason: Reason, input: fsm::Input) -> Option<Sender> {
        match (reason, input) {
            (
                Reason::StrongerClaim | Reason::Successor | Reason::Fight | Reason::Unreached,
                fsm::Input::Advert(heard),
            ) => Some(Sender { source: heard.source, claim: heard.claim }),
            (Reason::Resignation, _) => {
                self.rest.resigned.map(|(source, _)| Sender { source, claim: Claim::Resign })
            }
            (Reason::Preemption, _) => self.tally.speakers.latest_weaker(self.machine.claim()),
            (_, _) => None,
        }
    }

    fn count(&mut self, before: Phase, after: Phase, effects: &Effects) {
        let counters = &mut self.tally.counters;
        let add = |counter: &mut u64, happened: bool| {
            if happened {
                *counter = counter.wrapping_add(1);
            }
        };
        add(&mut counters.answers_sent, effects.answered);
        add(&mut counters.answers_withheld, effects.withheld);
        let readdressed = effects.repaired && core::mem::take(&mut self.rest.readdressing);
        add(&mut counters.repairs, effects.repaired && !readdressed);
        let changed = before != after;
        add(&mut counters.became_active, changed && effects.transition == Some(Reason::Acquired));
        add(&mut counters.stalls, changed && effects.transition == Some(Reason::Stalled));
        let failed = matches!(effects.transition, Some(Reason::Backend(_)));
        add(&mut counters.backend_failures, failed);
    }

    fn merge(&mut self, before: Phase, after: Phase, effects: Effects) {
        let pending = &mut self.pending;
        if effects.transmit.is_some() {
            self.rest.due = effects.due;
        }
        if effects.transition.is_some() && !after.is_on_the_wire() {
            // The pending output of an Active is void, except for the resignation with which it
            // left.
            let parting =
                pending.transmit.filter(|say| *say == Say::Resign && !before.is_on_the_wire());
            pending.transmit = effects.transmit.or(parting);
            pending.announce = false;
        } else {
            // A resignation that was taken back before it was polled is not sent.
            let is_void = after.is_active() && pending.transmit == Some(Say::Resign);
            let before = pending.transmit.filter(|_| !is_void);
            pending.transmit = effects.transmit.or(before);
            // Nor is anything announced by a node that leaves, whatever was due a moment ago.
            pending.announce = (pending.announce || effects.announce) && after.is_active();
        }
        if self.machine.source().is_none() {
            pending.transmit = None;
        }
        pending.greet = (pending.greet || effects.greet) && self.machine.source().is_some();
        pending.probe = (pending.probe || effects.probe) && self.machine.source().is_some();
        pending.drain_refused |= effects.drain_refused;
        pending.unrelieved |= effects.unrelieved;
        // One that left since has nothing to say.
        pending.reasserted = (pending.reasserted || effects.reasserted) && after.is_active();
        match effects.lease {
            None => {}
            Some(Want::Leaving) => {
                self.rest.generation = self.rest.generation.next();
                pending.leaving = true;
                pending.lease = None;
            }
            Some(Want::Inspect) => {
                let release = pending.lease.filter(|want| matches!(want, Want::Release { .. }));
                pending.release =
                    release.map(|want| (want, self.rest.generation)).or(pending.release);
                self.rest.generation = self.rest.generation.next();
                pending.lease = Some(Want::Inspect);
            }
            Some(want) => {
                // Every request but `Leaving` means that the addresses are not all held now.
                pending.announce = false;
                self.rest.generation = self.rest.generation.next();
                pending.leaving = false;
                pending.release = None;
                pending.lease = Some(want);
            }
        }
    }

    /// Has it told that its drain is refused.
    pub(super) const fn refuse_drain(&mut self) {
        self.pending.drain_refused = true;
    }

    /// Updates whether there are notices to be polled.
    pub(super) fn note_notices(&mut self) {
        self.pending.notices = self.rest.telling.is_due() || self.rest.rivalry.is_due();
    }

    pub(super) fn has_output(&self) -> bool {
        let pending = &self.pending;
        pending.told != self.machine.phase()
            || pending.drain_refused
            || pending.unrelieved
            || pending.reasserted
            || pending.standing
            || pending.leaving
            || pending.transmit.is_some()
            || pending.release.is_some()
            || pending.lease.is_some()
            || pending.announce
            || pending.greet
            || pending.probe
            || pending.overhears != self.is_suspicious()
            || pending.notices
    }

    /// Takes the next output. The order of these statements is the order of the protocol.
    pub(super) fn take_output(&mut self) -> Option<Output<'_>> {
        let key = self.key;
        let to = self.machine.phase();
        let from = core::mem::replace(&mut self.pending.told, to);
        if from != to {
            return Some(Output::Event(Event::Transition {
                key,
                from,
                to,
                reason: self.rest.reason,
                sender: self.rest.sender,
            }));
        }
        if core::mem::take(&mut self.pending.drain_refused) {
            return Some(Output::Event(Event::DrainRefused { key }));
        }
        if core::mem::take(&mut self.pending.unrelieved) {
            return Some(Output::Event(Event::Unrelieved { key }));
        }
        if core::mem::take(&mut self.pending.leaving) {
            return Some(self.lease_request(Want::Leaving, self.rest.generation));
        }
        if let (Some(say), Some(source)) = (self.pending.transmit.take(), self.machine.source()) {
            return Some(Output::Transmit(self.transmit(say, source)));
        }
        if let Some((want, generation)) = self.pending.release.take() {
            return Some(self.lease_request(want, generation));
        }
        if let Some(want) = self.pending.lease.take() {
            self.rest.asked = Some(want);
            return Some(self.lease_request(want, self.rest.generation));
        }
        if core::mem::take(&mut self.pending.announce) {
            self.tally.counters.announcements = self.tally.counters.announcements.wrapping_add(1);
            return Some(Output::Announce(Announce { key, config: &self.config }));
        }
        if core::mem::take(&mut self.pending.greet)
            && let Some(source) = self.machine.source()
        {
            return Some(Output::Greet(Greet { key, source }));
        }
        if let Some(probe) = self.take_probe() {
            return Some(Output::Probe(probe));
        }
        let on = self.is_suspicious();
        if core::mem::replace(&mut self.pending.overhears, on) != on {
            return Some(Output::Overhear { key, on });
        }
        if core::mem::take(&mut self.pending.reasserted) {
            return Some(Output::Event(Event::Reasserted { key }));
        }
        if core::mem::take(&mut self.pending.standing) {
            let (holds, gates) = self.rest.standing;
            self.rest.told_standing = self.rest.standing;
            return Some(Output::Event(Event::Standing { key, holds, gates }));
        }
        let notice = self.rest.rivalry.take(key).or_else(|| self.rest.telling.take(key));
        self.note_notices();
        notice.map(Output::Event)
    }

    /// Returns whether somebody answers for the addresses, and it is to be found out why nothing is
    /// heard of it.
    fn is_suspicious(&self) -> bool {
        let suspect = self.machine.suspect();
        suspect.is_some_and(|suspect| suspect.is_looked_for() && !suspect.is_rival())
    }

    /// Takes the question who else has the first address.
    fn take_probe(&mut self) -> Option<Probe> {
        let is_due = core::mem::take(&mut self.pending.probe);
        let source = self.machine.source().filter(|_| is_due)?;
        let address = self.config.addresses().next()?.address();
        let is_proxy_asked = self.machine.suspect().is_some() && address.is_ipv4();
        Some(Probe { key: self.key, address, source, is_proxy_asked })
    }

    const fn lease_request(&self, want: Want, generation: Generation) -> Output<'_> {
        Output::Lease(LeaseRequest { key: self.key, generation, want, config: &self.config })
    }

    /// Builds the advertisement from the state at this moment.
    fn transmit(&mut self, say: Say, source: IpAddr) -> Transmit<'_> {
        self.tally.counters.adverts_sent = self.tally.counters.adverts_sent.wrapping_add(1);
        let claim = match say {
            Say::Claim => self.machine.claim(),
            Say::Resign => {
                self.tally.counters.resignations_sent =
                    self.tally.counters.resignations_sent.wrapping_add(1);
                Claim::Resign
            }
        };
        let (authentication, addresses) = match self.config.protocol() {
            Protocol::V2 { addresses, password, .. } => {
                let authentication = password.map_or(Authentication::None, |password| {
                    Authentication::SimpleText(password.octets())
                });
                (authentication, AddressList::from(addresses))
            }
            Protocol::V3Ipv4 { addresses, .. } => {
                (Authentication::None, AddressList::from(addresses))
            }
            Protocol::V3Ipv6 { addresses, .. } => {
                (Authentication::None, AddressList::from(addresses))
            }
        };
        let interval = self.config.interval();
        let vrid = self.key.vrid;
        let peers = match self.config.transport() {
            Transport::Multicast => None,
            Transport::Unicast { peers, .. } => Some(&**peers),
        };
        let advert = Advert { vrid, claim, interval, authentication, addresses };
        Transmit {
            key: self.key,
            source,
            advert,
            peers,
            due: self.rest.due.filter(|_| say == Say::Claim),
            wires: self.forms.sent(self.config.protocol()),
        }
    }

    /// Returns everything about it but its group, which the table knows.
    pub(super) fn status(&self, now: Instant) -> Status<'_> {
        let active_peer = match self.machine.state() {
            State::Backup(backup) => backup.active,
            State::Initialize | State::Active(_) => None,
        };
        Status {
            phase: self.machine.phase(),
            since: self.rest.since,
            reason: self.rest.reason,
            sender: self.rest.sender,
            holds: self.machine.holds(),
            gates: self.machine.gates(now),
            health: self.machine.health(),
            group: None,
            configured: self.config.role().claim(),
            claim: self.machine.claim(),
            active_until: self.machine.active_until(),
            waits_until: self.machine.waits_until(),
            probation_until: self.machine.probation_until().filter(|until| *until > now),
            active_peer,
            rival: self.rival(),
            counters: &self.tally.counters,
            speakers: self.tally.speakers.as_slice(),
            differing: self.tally.differing(),
            left_out: self.tally.left_out(),
        }
    }
}
