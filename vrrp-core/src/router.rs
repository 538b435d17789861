//! [`Router`]: many virtual routers, one deadline, one ordered stream of outputs.

mod configure;
mod deadlines;
mod desired;
mod entry;
mod forms;
mod groups;
mod hearing;
mod input;
mod lists;
mod notices;
mod output;
mod receive;
mod rival;
mod rivalry;
mod said;
mod sightings;
mod speakers;
mod telling;

use alloc::{
    boxed::Box,
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};
use core::net::IpAddr;

pub use desired::{Desired, DuplicateKey, GroupPolicy, Ungroupable};
pub use groups::Membership;
pub use input::{Input, InterfaceDetails, InterfaceStatus};
pub use notices::{Notice, NoticeSet};
pub use output::{Announce, Event, Greet, LeaseRequest, Output, Packet, Sender, Transmit};
pub use rival::{NOBODYS, Probe, Rival, RivalCause, Sighting};
pub use said::{Differing, Jitter, LeftOut, Said};
pub use speakers::Speaker;

use deadlines::{Deadlines, Index, Slot};
use entry::Entry;
use speakers::Tally;

use crate::{
    Answer, Claim, Counters, Family, Gates, Generation, Health, Hold, Holds, Instant, InterfaceId,
    Key, Phase, Reason, Rejected, RxMeta,
    fsm::{self, Stand},
};

/// Many virtual routers, one deadline, one ordered stream of outputs.
///
/// The contract is three steps, in a loop: give it **one** input with [`handle`](Self::handle),
/// drain [`poll_output`](Self::poll_output) until it is empty, wait for the next input or for
/// [`next_deadline`](Self::next_deadline). Polling only drains, so the order of outputs is the
/// order of the protocol. The router never waits, never allocates for a packet, and uses neither a
/// clock nor randomness: the same inputs give the same outputs.
#[derive(Debug, Default)]
pub struct Router {
    /// The time of the last input.
    now: Instant,
    interfaces: BTreeMap<InterfaceId, InterfaceStatus>,
    /// Sorted by interface and family.
    ports: Vec<Port>,
    entries: Vec<Option<Entry>>,
    deadlines: Deadlines,
    /// Slots with outputs to poll, each once, in the order of their first output.
    dirty: VecDeque<Slot>,
    /// Slots that are forgotten once they have stopped.
    removed: Vec<Slot>,
    /// Slots of `entries` that are free.
    free: Vec<Slot>,
    groups: Vec<groups::Members>,
    /// The latest generation of any virtual router that is gone. New ones count on from there, so
    /// that a late answer never fits one of their requests.
    gone: Generation,
    /// Whether a shutdown was requested, and nothing was configured since.
    shutting_down: bool,
}

/// The virtual routers of one interface and family.
#[derive(Debug)]
struct Port {
    interface: InterfaceId,
    family: Family,
    /// By VRID. Looked up for every packet.
    slots: Box<[Index; 256]>,
    /// Messages that belong to none of them.
    other: Box<Tally>,
}

/// Everything about one virtual router at this moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Status<'a> {
    /// What it is doing.
    pub phase: Phase,
    /// Since when.
    pub since: Instant,
    /// Why it is in that phase.
    pub reason: Reason,
    /// Whose advertisement was the reason, if one was.
    pub sender: Option<Sender>,
    /// Every reason not to take part; [`phase`](Self::phase) names the first one.
    pub holds: Holds,
    /// What lets it listen, but keeps it from becoming Active, or from preempting.
    pub gates: Gates,
    /// What checks say.
    pub health: Health,
    /// How it stands in its group, if it is in one.
    pub group: Option<Membership>,
    /// The configured priority.
    pub configured: Claim,
    /// What its advertisements claim: the effective priority.
    pub claim: Claim,
    /// The end of the right to hold the addresses: three intervals after the last advertisement
    /// that was sent. `None` unless the addresses are held.
    pub active_until: Option<Instant>,
    /// Until when it will not preempt, because of a fault of its own.
    pub probation_until: Option<Instant>,
    /// Until when it waits, as an Active, for a link or a source address that is gone.
    pub waits_until: Option<Instant>,
    /// The Active that it follows, as a Backup.
    pub active_peer: Option<IpAddr>,
    /// Counters.
    pub counters: &'a Counters,
    /// Another host that holds the addresses beside it, or instead of the Active that it follows.
    pub rival: Option<Rival>,
    /// Up to four nodes whose messages were accepted, and up to four whose messages were refused. One
    /// that has been silent for four intervals makes room for another.
    pub speakers: &'a [Speaker],
    /// How many messages of further nodes there were.
    pub left_out: LeftOut,
    /// Of each speaker, in their order.
    differing: &'a [Differing],
}

impl Status<'_> {
    /// Returns how the addresses of the speaker at this place of [`speakers`](Self::speakers) differ
    /// from ours; `None` if they do not.
    #[must_use]
    pub fn differing(&self, place: usize) -> Option<Differing> {
        let speaker = self.speakers.get(place)?;
        let differs = speaker.verdict == Err(Rejected::NoCommonAddress)
            || speaker.notices.contains(Notice::AddressesDiffer);
        self.differing.get(place).copied().filter(|_| differs)
    }
}

impl Router {
    /// Creates a router without virtual routers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one input, at the time `now`, which must not be earlier than in the previous call.
    ///
    /// A rejected datagram is not an error of the caller: [`Status::counters`],
    /// [`Status::speakers`] and [`Event::Notice`] report it. [`receive`](Self::receive) returns the
    /// reason as well.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        self.begin(now);
        match input {
            Input::Datagram { meta, bytes } => drop(self.take_datagram(meta, bytes)),
            Input::Timeout => self.fire_deadlines(),
            Input::Answer { key, generation, answer } => self.answer(&key, generation, answer),
            Input::LeaseLost { key, loss } => self.step_key(&key, fsm::Input::LeaseLost(loss)),
            Input::SendFailed { key } => self.step_key(&key, fsm::Input::SendFailed),
            Input::Unreached { key } => self.step_key(&key, fsm::Input::Unreached),
            Input::Drain { key, force } => self.step_group(&key, fsm::Input::Drain { force }),
            Input::Resume { key } => self.step_group(&key, fsm::Input::Resume),
            Input::Health { key, health } => self.set_health(&key, health),
            Input::Sighting(sighting) => self.take_sighting(sighting),
            Input::Overheard { key, source } => self.overhear(&key, source),
            Input::Announce { key } => self.step_key(&key, fsm::Input::Announce),
            Input::Shutdown => self.shutdown(),
            Input::Configure(desired) => self.configure(desired),
            Input::Interface { id, status } => self.set_interface(id, status),
        }
    }

    /// Takes [`Input::Datagram`], and returns what became of it.
    ///
    /// # Errors
    /// [`Rejected`] for a datagram that was refused: it was counted, and nothing else changed. An
    /// interface and family that never had a virtual router have no counter either. The fault is
    /// the network's: if a caller ended because of it, anybody on the network could end it.
    pub fn receive(&mut self, now: Instant, meta: RxMeta, bytes: &[u8]) -> Result<(), Rejected> {
        self.begin(now);
        self.take_datagram(meta, bytes)
    }

    fn begin(&mut self, now: Instant) {
        self.now = self.now.max(now);
        if !self.removed.is_empty() {
            self.finish_removals();
        }
    }

    /// Returns the next thing to do, in order; `None` once everything was polled.
    pub fn poll_output(&mut self) -> Option<Output<'_>> {
        // Found first and taken afterwards, because the loop cannot return a borrow.
        let slot = loop {
            let slot = *self.dirty.front()?;
            match self.entries.get_mut(slot) {
                Some(Some(entry)) if entry.has_output() => break slot,
                Some(_) | None => {
                    self.dirty.pop_front();
                    if let Some(Some(entry)) = self.entries.get_mut(slot) {
                        entry.queued = false;
                    }
                }
            }
        };
        self.entries.get_mut(slot)?.as_mut()?.take_output()
    }

    /// Returns when [`Input::Timeout`] is due. While there is output to poll, that is the time of
    /// the last input, so that no driver sleeps on it.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        if !self.dirty.is_empty() || self.removed.iter().any(|slot| self.is_gone(*slot)) {
            return Some(self.now);
        }
        self.deadlines.first().map(|(at, _)| at)
    }

    /// Returns everything about one virtual router.
    #[must_use]
    pub fn status(&self, key: &Key) -> Option<Status<'_>> {
        let slot = self.slot(key)?;
        let status = self.entry(slot)?.status(self.now);
        Some(Status { group: self.membership(slot, status.holds, status.gates), ..status })
    }

    /// Returns the keys of the virtual routers that are drained and resumed with this one, itself
    /// among them: its group, or it alone. None of one that is not in the table.
    pub fn moves_with(&self, key: &Key) -> impl Iterator<Item = Key> + '_ {
        let slots = self.slot(key).map(|slot| self.together(slot)).unwrap_or_default();
        slots.into_iter().filter_map(|slot| self.entry(slot).map(Entry::key))
    }

    /// Returns the virtual routers, in the order of their keys.
    pub fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        self.ports.iter().flat_map(|port| {
            port.slots.iter().filter_map(|slot| self.entry(slot.get()?)).map(Entry::key)
        })
    }

    /// Returns whether every virtual router has stopped and everything was polled: the protocol's
    /// part of a shutdown is over. The backends may still be releasing the addresses: a driver
    /// itself waits for the last [`Want::Release`](crate::Want::Release) of each.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        let stopped = |entry: &Entry| entry.machine().phase() == Phase::Initialize(Hold::Stopped);
        self.dirty.is_empty() && self.entries.iter().flatten().all(stopped)
    }

    /// Returns the counters and the senders of messages that belong to no virtual router of an
    /// interface and family.
    #[must_use]
    pub fn unattributed(
        &self,
        interface: InterfaceId,
        family: Family,
    ) -> Option<(&Counters, &[Speaker])> {
        let port = self.ports.get(self.port(interface, family)?)?;
        Some((&port.other.counters, port.other.speakers.as_slice()))
    }

    /// Returns how many messages there were of senders that [`unattributed`](Self::unattributed) has
    /// no place for.
    #[must_use]
    pub fn unattributed_left_out(&self, interface: InterfaceId, family: Family) -> Option<LeftOut> {
        let port = self.ports.get(self.port(interface, family)?)?;
        Some(port.other.left_out())
    }

    fn fire_deadlines(&mut self) {
        // Each machine's next deadline lies after `now`, so the loop ends; the bound is defensive.
        for _ in 0..self.entries.len().saturating_mul(2) {
            match self.deadlines.first() {
                Some((at, slot)) if at <= self.now => self.step(slot, fsm::Input::Timeout),
                Some(_) | None => return,
            }
        }
    }

    /// Takes the backend's answer to the request of `generation`, unless a later request was made.
    fn answer(&mut self, key: &Key, generation: Generation, answer: Answer) {
        if let Some(slot) = self.slot(key)
            && let Some(Some(entry)) = self.entries.get_mut(slot)
            && entry.takes(generation, answer)
        {
            self.step(slot, fsm::Input::Answer(answer));
        }
    }

    fn step_key(&mut self, key: &Key, input: fsm::Input) {
        if let Some(slot) = self.slot(key) {
            self.step(slot, input);
        }
    }

    /// Gives one input to all machines that move with this one, before their group is told: what is
    /// asked of all of them is no news from one to the others.
    fn step_group(&mut self, key: &Key, input: fsm::Input) {
        let Some(slot) = self.slot(key) else { return };
        for slot in self.together(slot) {
            self.step_alone(slot, input);
        }
        self.tell_group(slot);
    }

    fn step_all(&mut self, which: impl Fn(&Entry) -> bool, input: impl Fn(&Entry) -> fsm::Input) {
        for slot in 0..self.entries.len() {
            if let Some(entry) = self.entry(slot)
                && which(entry)
            {
                let input = input(entry);
                self.step(slot, input);
            }
        }
    }

    /// Gives one input to one machine, and tells its group.
    fn step(&mut self, slot: Slot, input: fsm::Input) {
        if self.groups.is_empty() || self.shutting_down {
            self.step_alone(slot, input);
            return;
        }
        let stand = |router: &Self| {
            let machine = router.entry(slot).map(Entry::machine);
            machine.map(|machine| (machine.is_drained(), machine.is_held_itself(), machine.stand()))
        };
        let before = stand(self);
        self.step_alone(slot, input);
        let after = stand(self);
        if before == after {
            return;
        }
        if let Some((true, _, Stand::Leaves)) = before {
            self.decide_drain(slot);
        }
        self.tell_group(slot);
    }

    /// Tells the group of this machine what its members may do, if it has one.
    fn tell_group(&mut self, slot: Slot) {
        if let Some(index) = self.entry(slot).and_then(|entry| entry.rest.group)
            && !self.shutting_down
        {
            self.judge_group(index);
        }
    }

    /// Gives one input to one machine, and takes over its deadline and effects.
    fn step_alone(&mut self, slot: Slot, input: fsm::Input) {
        let Some(Some(entry)) = self.entries.get_mut(slot) else { return };
        entry.step(self.now, input);
        self.deadlines.set(slot, entry.machine().deadline());
        self.mark(slot);
    }

    fn mark(&mut self, slot: Slot) {
        if let Some(Some(entry)) = self.entries.get_mut(slot)
            && !entry.queued
            && entry.has_output()
        {
            entry.queued = true;
            self.dirty.push_back(slot);
        }
    }

    fn entry(&self, slot: Slot) -> Option<&Entry> {
        self.entries.get(slot)?.as_ref()
    }

    fn slot(&self, key: &Key) -> Option<Slot> {
        let port = self.ports.get(self.port(key.interface, key.family)?)?;
        port.slots.get(usize::from(key.vrid.get()))?.get()
    }

    fn port(&self, interface: InterfaceId, family: Family) -> Option<usize> {
        self.ports
            .binary_search_by_key(&(interface, family), |port| (port.interface, port.family))
            .ok()
    }
}
