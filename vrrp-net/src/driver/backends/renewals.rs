//! Renewing what is held: seldom, and many leases in one call.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio::{
    runtime,
    sync::{OwnedMutexGuard, mpsc},
    task::AbortHandle,
};
use vrrp_core::{Instant, Key};

use super::{
    call::{Answer, BackendId, bounded, to_end},
    worker::BackendTask,
};
use crate::{
    Lease, VipBackend,
    backend::{Method, Unwanted},
    driver::members::{MemberState, Members},
};

/// Which leases are due, and which are being renewed.
#[derive(Default)]
pub(super) struct Renewals {
    /// By pace: backends of one pace are renewed in the same rounds, which saves wake-ups.
    rounds: BTreeMap<Duration, Rounds>,
    /// When the first of them starts: a driver asks in each of its turns.
    next: Option<Instant>,
    /// By backend: one call at a time for each.
    underway: BTreeMap<BackendId, Underway>,
    started: u64,
}

/// The rounds of one pace.
#[derive(Default)]
struct Rounds {
    due: BTreeSet<Key>,
    /// When the next one starts.
    at: Option<Instant>,
    /// When the last one started.
    last: Option<Instant>,
}

/// A renewal that runs.
struct Underway {
    number: u64,
    pace: Duration,
    keys: Vec<Key>,
    task: AbortHandle,
}

impl Renewals {
    pub(super) const fn next_round(&self) -> Option<Instant> {
        self.next
    }

    /// An advertisement of `key` was sent: what it holds is extended with the next round.
    pub(super) fn add(&mut self, key: Key, pace: Duration, now: Instant) {
        let Rounds { due, at, last } = self.rounds.entry(pace).or_default();
        due.insert(key);
        // The first one is extended at once, and those that come soon after it go together.
        let at = *at.get_or_insert_with(|| last.map_or(now, |last| now.max(last + pace)));
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }

    /// Cuts off the renewal that `key` is part of. The others of the batch are renewed in the next
    /// round.
    pub(super) fn cut(&mut self, key: Key, now: Instant) {
        for rounds in self.rounds.values_mut() {
            rounds.due.remove(&key);
        }
        let mut underway = self.underway.iter();
        let id = underway.find(|(_, underway)| underway.keys.contains(&key)).map(|(id, _)| *id);
        let Some(cut) = id.and_then(|id| self.underway.remove(&id)) else { return };
        cut.task.abort();
        for other in cut.keys.into_iter().filter(|other| *other != key) {
            self.add(other, cut.pace, now);
        }
    }

    /// A renewal is over; returns whose it was. One that was cut off may have been so after it had
    /// answered: then another one of its backend can be under way by now.
    pub(super) fn done(&mut self, id: BackendId, number: u64) -> Vec<Key> {
        let is_it = self.underway.get(&id).is_some_and(|underway| underway.number == number);
        let ended = if is_it { self.underway.remove(&id) } else { None };
        ended.map(|underway| underway.keys).unwrap_or_default()
    }

    /// Starts the rounds that are due: a call for each backend that has no other renewal under way.
    /// A virtual router whose backend is busy waits for the next round.
    pub(super) fn start(
        &mut self,
        now: Instant,
        members: &Members,
        tasks: &BTreeMap<Key, BackendTask>,
        runtime: &runtime::Handle,
        answers: &mpsc::Sender<Answer>,
    ) {
        let mut batches = BTreeMap::new();
        for (pace, rounds) in &mut self.rounds {
            if rounds.at.is_some_and(|at| at <= now) {
                rounds.start(*pace, now, members, tasks, &self.underway, &mut batches);
            }
        }
        // A pace that nobody has any more is forgotten once it can keep nobody waiting. A last one
        // is no burden.
        if self.rounds.len() > 1 {
            self.rounds.retain(|pace, rounds| {
                rounds.at.is_some() || rounds.last.is_some_and(|last| last + *pace > now)
            });
        }
        self.next = self.rounds.values().filter_map(|rounds| rounds.at).min();
        for (id, batch) in batches {
            self.started = self.started.wrapping_add(1);
            let (number, pace) = (self.started, batch.pace);
            let keys = batch.leases.iter().map(|lease| lease.key).collect();
            let task = runtime.spawn(batch.renew(id, number, answers.clone())).abort_handle();
            self.underway.insert(id, Underway { number, pace, keys, task });
        }
    }
}

impl Rounds {
    /// Puts what is due into batches, and leaves the rest to the next round.
    fn start(
        &mut self,
        pace: Duration,
        now: Instant,
        members: &Members,
        tasks: &BTreeMap<Key, BackendTask>,
        underway: &BTreeMap<BackendId, Underway>,
        batches: &mut BTreeMap<BackendId, Batch>,
    ) {
        self.last = Some(now);
        for key in std::mem::take(&mut self.due) {
            // Whoever is no longer active holds nothing that is to last.
            let Some(entry) = members.get(&key).filter(|entry| entry.phase.is_active()) else {
                continue;
            };
            let id = id_of(&entry.backend);
            // The turn is free unless something else is asked of the backend for this virtual
            // router: that goes first, and a driver does not wait.
            let turn = tasks.get(&key).and_then(|task| task.turn().try_lock_owned().ok());
            match turn {
                Some(turn) if !underway.contains_key(&id) => {
                    let batch = batches.entry(id).or_insert_with(|| Batch::new(entry, pace));
                    batch.push(key, entry, turn);
                }
                _ => drop(self.due.insert(key)),
            }
        }
        self.at = (!self.due.is_empty()).then(|| now + pace);
    }
}

/// The leases of one backend that are renewed in one call.
struct Batch {
    backend: Arc<dyn VipBackend>,
    pace: Duration,
    leases: Vec<Lease>,
    /// Held for as long as the renewal runs: nothing else is asked for these virtual routers
    /// meanwhile.
    turns: Vec<OwnedMutexGuard<()>>,
}

impl Batch {
    fn new(entry: &MemberState, pace: Duration) -> Self {
        Self { backend: entry.backend.clone(), pace, leases: Vec::new(), turns: Vec::new() }
    }

    fn push(&mut self, key: Key, entry: &MemberState, turn: OwnedMutexGuard<()>) {
        self.leases.push(entry.lease(key, &entry.router));
        self.turns.push(turn);
    }

    async fn renew(self, id: BackendId, number: u64, answers: mpsc::Sender<Answer>) {
        let Self { backend, leases, turns, .. } = self;
        let result = match backend.when_unwanted(Method::Renew) {
            Unwanted::Drop => {
                let result = bounded(&*backend, Method::Renew, backend.renew(&leases)).await;
                drop(turns);
                result
            }
            Unwanted::RunToEnd => {
                let own = backend.clone();
                let call = async move { own.renew(&leases).await };
                bounded(&*backend, Method::Renew, to_end(turns, call)).await
            }
        };
        drop(answers.send(Answer::Renewed { id, number, result }).await);
    }
}

fn id_of(backend: &Arc<dyn VipBackend>) -> BackendId {
    Arc::as_ptr(backend).cast::<()>().addr()
}
