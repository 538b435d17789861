//! One virtual router in the table: its machine, and what it has to say.

use core::net::IpAddr;

use super::{
    Announce, Event, Generation, LeaseRequest, Notice, Output, Rejected, Status, Transmit, Want,
    speakers::Speakers,
};
use crate::{
    AddressList, Advert, Authentication, Checksum, ChecksumForm, Claim, Counters, Instant, Key, Phase,
    Protocol, Reason, Transport, VirtualRouter,
    fsm::{self, Effects, Machine, Say, State},
};

/// What becomes of an entry once its machine has stopped.
#[derive(Clone, Debug)]
pub(super) enum Departure {
    Removed,
    ReplacedBy(VirtualRouter),
}

#[derive(Debug)]
pub(super) struct Entry {
    key: Key,
    config: VirtualRouter,
    machine: Machine,
    generation: Generation,
    pending: Pending,
    forms: HeardForms,
    since: Instant,
    reason: Reason,
    pub(super) counters: Counters,
    pub(super) speakers: Speakers,
    pub(super) departure: Option<Departure>,
    /// Whether it stands in the router's queue.
    pub(super) queued: bool,
}

/// What is to be polled: at most one of each kind.
#[derive(Clone, Copy, Debug)]
struct Pending {
    /// The phase that was last told.
    told: Phase,
    drain_refused: bool,
    leaving: bool,
    transmit: Option<Say>,
    lease: Option<Want>,
    announce: bool,
    notices: [Option<IpAddr>; Notice::ALL.len()],
    any_notice: bool,
    /// One bit for each notice that was told since the phase last changed.
    told_notices: u8,
}

/// The VRRPv3 IPv4 checksum forms in which valid advertisements came.
#[derive(Clone, Copy, Debug, Default)]
struct HeardForms {
    message_only: bool,
    pseudo_header: bool,
}

impl Entry {
    pub(super) fn new(now: Instant, key: Key, config: VirtualRouter, machine: Machine) -> Self {
        let pending = Pending {
            told: machine.phase(),
            drain_refused: false,
            leaving: false,
            transmit: None,
            lease: None,
            announce: false,
            notices: [None; Notice::ALL.len()],
            any_notice: false,
            told_notices: 0,
        };
        Self {
            key,
            config,
            machine,
            generation: Generation::default(),
            pending,
            forms: HeardForms::default(),
            since: now,
            reason: Reason::Startup,
            counters: Counters::default(),
            speakers: Speakers::default(),
            departure: None,
            queued: false,
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

    /// Replaces the configuration by one that has the same addresses and protocol.
    pub(super) fn set_config(&mut self, config: VirtualRouter) {
        self.config = config;
    }

    /// Whether the answer to a request of `generation` is still of interest.
    pub(super) fn awaits(&self, generation: Generation) -> bool {
        self.generation == generation && self.pending.lease.is_none()
    }

    pub(super) fn step(&mut self, now: Instant, input: fsm::Input) {
        let before = self.machine.phase();
        if input == fsm::Input::SendFailed {
            self.counters.send_failures = self.counters.send_failures.wrapping_add(1);
        }
        let effects = self.machine.handle(now, input);
        let after = self.machine.phase();
        if before != after {
            self.since = now;
            self.reason = effects.transition.unwrap_or(self.reason);
            self.pending.told_notices = 0;
        }
        self.count(before, after, &effects);
        self.merge(after, effects);
    }

    fn count(&mut self, before: Phase, after: Phase, effects: &Effects) {
        let counters = &mut self.counters;
        let mut add = |counter: fn(&mut Counters) -> &mut u64, happened: bool| {
            let counter = counter(counters);
            *counter = counter.wrapping_add(u64::from(happened));
        };
        add(|c| &mut c.answers_sent, effects.answered);
        add(|c| &mut c.answers_withheld, effects.withheld);
        add(|c| &mut c.repairs, effects.repaired);
        let changed = before != after;
        add(|c| &mut c.became_active, changed && effects.transition == Some(Reason::Acquired));
        add(|c| &mut c.stalls, changed && effects.transition == Some(Reason::Stalled));
        let failed = matches!(effects.transition, Some(Reason::Backend(_)));
        add(|c| &mut c.backend_failures, failed);
    }

    fn merge(&mut self, phase: Phase, effects: Effects) {
        let pending = &mut self.pending;
        let on_the_wire = matches!(phase, Phase::Acquiring | Phase::Held | Phase::Adopted | Phase::Resigning);
        if effects.transition.is_some() && !on_the_wire {
            // What an Active had still to say is void.
            pending.transmit = effects.transmit;
            pending.announce = false;
        } else {
            pending.transmit = effects.transmit.or(pending.transmit);
            pending.announce |= effects.announce;
        }
        pending.drain_refused |= effects.drain_refused;
        match effects.lease {
            None => {}
            Some(Want::Leaving) => {
                self.generation = self.generation.next();
                pending.leaving = true;
                pending.lease = None;
            }
            Some(want) => {
                self.generation = self.generation.next();
                pending.leaving = false;
                pending.lease = Some(want);
            }
        }
    }

    pub(super) fn notice(&mut self, notice: Notice, source: IpAddr) {
        let bit = 1_u8.checked_shl(u32::from(notice.index())).unwrap_or(0);
        if self.pending.told_notices & bit == 0
            && let Some(place) = self.pending.notices.get_mut(usize::from(notice.index()))
        {
            *place = Some(source);
            self.pending.told_notices |= bit;
            self.pending.any_notice = true;
        }
    }

    pub(super) fn was_told(&self, notice: Notice) -> bool {
        let bit = 1_u8.checked_shl(u32::from(notice.index())).unwrap_or(0);
        self.pending.told_notices & bit != 0
    }

    pub(super) fn heard_form(&mut self, form: Option<ChecksumForm>, source: IpAddr) {
        match form {
            Some(ChecksumForm::MessageOnly) => self.forms.message_only = true,
            Some(ChecksumForm::PseudoHeader) => self.forms.pseudo_header = true,
            None => {}
        }
        let v3_ipv4 = matches!(self.config.protocol(), Protocol::V3Ipv4 { .. });
        if v3_ipv4 && self.forms.message_only && self.forms.pseudo_header {
            self.notice(Notice::BothChecksums, source);
        }
    }

    pub(super) fn has_output(&self) -> bool {
        let pending = &self.pending;
        pending.told != self.machine.phase()
            || pending.drain_refused
            || pending.leaving
            || pending.transmit.is_some()
            || pending.lease.is_some()
            || pending.announce
            || pending.any_notice
    }

    /// The next output. The order in which these stand is the order of the protocol.
    pub(super) fn take_output(&mut self) -> Option<Output<'_>> {
        let key = self.key;
        let to = self.machine.phase();
        let from = core::mem::replace(&mut self.pending.told, to);
        if from != to {
            return Some(Output::Event(Event::Transition { key, from, to, reason: self.reason }));
        }
        if core::mem::take(&mut self.pending.drain_refused) {
            return Some(Output::Event(Event::DrainRefused { key }));
        }
        if core::mem::take(&mut self.pending.leaving) {
            return Some(self.lease_request(Want::Leaving));
        }
        if let (Some(say), Some(source)) = (self.pending.transmit.take(), self.machine.source()) {
            return Some(Output::Transmit(self.transmit(say, source)));
        }
        if let Some(want) = self.pending.lease.take() {
            return Some(self.lease_request(want));
        }
        if core::mem::take(&mut self.pending.announce) {
            self.counters.announcements = self.counters.announcements.wrapping_add(1);
            return Some(Output::Announce(Announce { key, config: &self.config }));
        }
        self.take_notice().map(Output::Event)
    }

    fn take_notice(&mut self) -> Option<Event> {
        for notice in Notice::ALL {
            let place = self.pending.notices.get_mut(usize::from(notice.index()));
            if let Some(source) = place.and_then(Option::take) {
                return Some(Event::Notice { key: self.key, notice, source });
            }
        }
        self.pending.any_notice = false;
        None
    }

    const fn lease_request(&self, want: Want) -> Output<'_> {
        Output::Lease(LeaseRequest { key: self.key, generation: self.generation, want, config: &self.config })
    }

    /// The advertisement, from the state of this moment.
    fn transmit(&mut self, say: Say, source: IpAddr) -> Transmit<'_> {
        self.counters.adverts_sent = self.counters.adverts_sent.wrapping_add(1);
        let claim = match say {
            Say::Claim => self.machine.claim(),
            Say::Resign => {
                self.counters.resignations_sent = self.counters.resignations_sent.wrapping_add(1);
                Claim::Resign
            }
        };
        let (authentication, addresses) = match self.config.protocol() {
            Protocol::V2 { addresses, password, .. } => {
                let authentication = password
                    .map_or(Authentication::None, |password| Authentication::SimpleText(password.octets()));
                (authentication, AddressList::from(addresses))
            }
            Protocol::V3Ipv4 { addresses, .. } => (Authentication::None, AddressList::from(addresses)),
            Protocol::V3Ipv6 { addresses, .. } => (Authentication::None, AddressList::from(addresses)),
        };
        let interval = self.config.interval();
        let vrid = self.key.vrid;
        let peers = match self.config.transport() {
            Transport::Multicast => None,
            Transport::Unicast { peers, .. } => Some(&**peers),
        };
        let advert = Advert { vrid, claim, interval, authentication, addresses };
        Transmit { key: self.key, source, advert, peers, forms: self.forms() }
    }

    const fn forms(&self) -> &'static [ChecksumForm] {
        let checksum = match self.config.protocol() {
            Protocol::V2 { .. } => return &[ChecksumForm::MessageOnly],
            Protocol::V3Ipv6 { .. } => return &[ChecksumForm::PseudoHeader],
            Protocol::V3Ipv4 { checksum, .. } => *checksum,
        };
        match (checksum, self.forms.message_only, self.forms.pseudo_header) {
            (Checksum::Rfc9568, ..) | (Checksum::Auto, true, false) => &[ChecksumForm::MessageOnly],
            (Checksum::Rfc5798, ..) | (Checksum::Auto, false, _) => &[ChecksumForm::PseudoHeader],
            (Checksum::Auto, true, true) => &[ChecksumForm::PseudoHeader, ChecksumForm::MessageOnly],
        }
    }

    pub(super) fn reject(&mut self, now: Instant, source: IpAddr, reason: Rejected) {
        self.counters.count_rejected(reason);
        self.speakers.heard(now, source, Err(reason));
    }

    pub(super) fn status(&self) -> Status<'_> {
        let active_peer = match self.machine.state() {
            State::Backup(backup) => backup.active,
            State::Initialize | State::Active(_) => None,
        };
        Status {
            phase: self.machine.phase(),
            since: self.since,
            reason: self.reason,
            claim: self.machine.claim(),
            active_until: self.machine.active_until(),
            probation_until: self.machine.probation_until(),
            active_peer,
            counters: &self.counters,
            speakers: self.speakers.as_slice(),
        }
    }
}
#[cfg(test)]
mod sizes {
    extern crate std;
    use super::*;
    #[test]
    fn sizes() {
        macro_rules! p { ($($t:ty),*) => { $(std::println!("{} {}", core::any::type_name::<$t>(), size_of::<$t>());)* } }
        p!(Entry, Option<Entry>, Machine, Pending, Counters, VirtualRouter, Protocol, Transport, fsm::Params, State, fsm::Active, fsm::Backup, fsm::Lease, fsm::Announcing, fsm::Probation, fsm::Link, crate::Announcements, crate::Role, crate::Interval, Speakers, super::super::Speaker, Departure, Effects, fsm::Input, Output<'_>, Reason, Phase, Want, Option<crate::config::Password>);
        p!(Option<Want>);
        macro_rules! o { ($($f:ident),*) => { $(std::println!("{} at {}", stringify!($f), core::mem::offset_of!(Entry, $f));)* } }
        o!(key, config, machine, generation, pending, forms, since, reason, counters, speakers, departure, queued);
    }
}
