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
    call::{Answer, BackendId, bounded},
    worker::BackendTask,
};
use crate::{
    Lease, VipBackend,
    driver::members::{MemberState, Members},
};

/// The least time between two rounds of renewals.
pub(in crate::driver) const PAUSE: Duration = Duration::from_millis(250);

/// Which leases are due, and which are being renewed.
#[derive(Default)]
pub(super) struct Renewals {
    due: BTreeSet<Key>,
    /// When the next round starts.
    at: Option<Instant>,
    /// When the last round started.
    last: Option<Instant>,
    /// By backend: one call at a time for each.
    running: BTreeMap<BackendId, Running>,
    rounds: u64,
}

struct Running {
    round: u64,
    keys: Vec<Key>,
    task: AbortHandle,
}

impl Renewals {
    pub(super) const fn next_round(&self) -> Option<Instant> {
        self.at
    }

    /// An advertisement of `key` was sent: what it holds is extended with the next round.
    pub(super) fn add(&mut self, key: Key, now: Instant) {
        self.due.insert(key);
        if self.at.is_none() {
            self.at = Some(self.last.map_or(now, |last| now.max(last + PAUSE)));
        }
    }

    /// Cuts off the renewal that `key` is part of. The others of the batch are renewed in the next
    /// round.
    pub(super) fn cut(&mut self, key: Key, now: Instant) {
        self.due.remove(&key);
        let Some(id) =
            self.running.iter().find(|(_, running)| running.keys.contains(&key)).map(|(id, _)| *id)
        else {
            return;
        };
        let Some(running) = self.running.remove(&id) else { return };
        running.task.abort();
        for other in running.keys.into_iter().filter(|other| *other != key) {
            self.add(other, now);
        }
    }

    /// A renewal is over.
    pub(super) fn done(&mut self, id: BackendId, round: u64) {
        if self.running.get(&id).is_some_and(|running| running.round == round) {
            self.running.remove(&id);
        }
    }

    /// Starts a round if one is due: a call for each backend that has no other renewal under way. A
    /// virtual router whose backend is busy waits for the next round.
    pub(super) fn start(
        &mut self,
        now: Instant,
        members: &Members,
        tasks: &BTreeMap<Key, BackendTask>,
        runtime: &runtime::Handle,
        answers: &mpsc::Sender<Answer>,
    ) {
        if self.at.is_none_or(|at| at > now) {
            return;
        }
        self.last = Some(now);
        let mut batches: BTreeMap<BackendId, Batch> = BTreeMap::new();
        for key in std::mem::take(&mut self.due) {
            let Some(entry) = members.get(&key).filter(|entry| entry.phase.is_active()) else {
                continue;
            };
            let id = id_of(&entry.backend);
            let turn = tasks.get(&key).and_then(|task| task.turn().try_lock_owned().ok());
            match turn {
                Some(turn) if !self.running.contains_key(&id) => {
                    batches.entry(id).or_insert_with(|| Batch::new(entry)).push(key, entry, turn);
                }
                _ => drop(self.due.insert(key)),
            }
        }
        self.at = (!self.due.is_empty()).then(|| now + PAUSE);
        for (id, batch) in batches {
            self.rounds = self.rounds.wrapping_add(1);
            let (round, keys) = (self.rounds, batch.leases.iter().map(|lease| lease.key).collect());
            let task = runtime.spawn(batch.renew(id, round, answers.clone())).abort_handle();
            self.running.insert(id, Running { round, keys, task });
        }
    }
}

struct Batch {
    backend: Arc<dyn VipBackend>,
    leases: Vec<Lease>,
    /// Held for as long as the renewal runs: nothing else is asked for these virtual routers
    /// meanwhile.
    turns: Vec<OwnedMutexGuard<()>>,
}

impl Batch {
    fn new(entry: &MemberState) -> Self {
        Self { backend: entry.backend.clone(), leases: Vec::new(), turns: Vec::new() }
    }

    fn push(&mut self, key: Key, entry: &MemberState, turn: OwnedMutexGuard<()>) {
        self.leases.push(entry.lease(key, &entry.router));
        self.turns.push(turn);
    }

    async fn renew(self, id: BackendId, round: u64, answers: mpsc::Sender<Answer>) {
        let Self { backend, leases, turns } = self;
        let result = bounded(&*backend, backend.renew(&leases)).await;
        drop(turns);
        let names = leases.iter().map(|lease| &*lease.name).collect::<Vec<_>>().join(", ");
        drop(answers.send(Answer::Renewed { id, round, names, result }).await);
    }
}

fn id_of(backend: &Arc<dyn VipBackend>) -> BackendId {
    Arc::as_ptr(backend).cast::<()>().addr()
}
