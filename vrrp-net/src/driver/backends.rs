//! The backends' side of a driver: who is asked for what, and who has answered.

pub(super) mod call;
mod linger;
mod renewals;
mod worker;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{runtime, sync::mpsc};
use vrrp_core::{Instant, Key, Reason};

use super::members::{MemberState, Members};
use crate::{Lease, Release, VipBackend, backend::Method};
use call::{Answer, BackendId, Call, Wish};
use renewals::Renewals;
use worker::BackendTask;

/// All backends of a driver.
pub(super) struct Backends {
    /// Where backends run.
    runtime: runtime::Handle,
    answers: mpsc::Sender<Answer>,
    tasks: BTreeMap<Key, BackendTask>,
    renewals: Renewals,
    /// Nothing that is released waits for its successor any more.
    in_haste: bool,
}

impl Backends {
    pub(super) fn new(runtime: runtime::Handle, answers: mpsc::Sender<Answer>) -> Self {
        let (tasks, renewals) = (BTreeMap::new(), Renewals::default());
        Self { runtime, answers, tasks, renewals, in_haste: false }
    }

    /// Asks a backend for what the core wants.
    pub(super) fn request(&mut self, wish: Wish, now: Instant) {
        self.ask(wish, false, now);
    }

    /// Has a backend that was replaced release its addresses, before its successor is asked for
    /// anything.
    pub(super) fn retire(&mut self, backend: Arc<dyn VipBackend>, lease: Lease, now: Instant) {
        let call = Call::Release(Release::new(Reason::Reconfigured, None));
        self.ask(Wish { backend, lease, call }, true, now);
    }

    /// Asks the backend that replaced another one for what that one was asked last: to acquire.
    pub(super) fn acquire_instead(&mut self, entry: &MemberState, key: Key, now: Instant) {
        self.ask(Wish::of(entry, key, Call::Acquire), false, now);
    }

    /// Has everything released that may be held, without the core.
    pub(super) fn release_all(&mut self, members: &Members) {
        for (key, entry) in members {
            if !entry.phase.is_on_the_wire() && self.is_idle(*key) {
                continue;
            }
            let release = Call::Release(Release::new(Reason::Shutdown, None));
            self.ask(Wish::of(entry, *key, release), false, Instant::EPOCH);
        }
    }

    fn ask(&mut self, wish: Wish, uncut: bool, now: Instant) {
        let key = wish.lease.key;
        // A renewal that ran on could put back what a release takes away.
        self.renewals.cut(key, now);
        let Self { runtime, answers, tasks, .. } = self;
        let task = tasks.entry(key).or_insert_with(|| BackendTask::spawn(runtime, answers));
        // It waits for the release, and a node that contends again waits for it.
        if let Call::Adopt | Call::Inspect = wish.call {
            task.end_linger();
        }
        task.ask(wish, uncut, now);
        if self.in_haste {
            task.end_linger();
        }
    }

    /// The successor of `key` has the addresses: a release that waits for that is carried out.
    pub(super) fn end_linger(&self, key: Key) {
        if let Some(task) = self.tasks.get(&key) {
            task.end_linger();
        }
    }

    /// The same for every virtual router, whether the successors have the addresses or not.
    pub(super) fn end_all_lingers(&self) {
        self.tasks.values().for_each(BackendTask::end_linger);
    }

    /// The same, and nothing waits from now on: nobody has time for that.
    pub(super) fn hurry(&mut self) {
        self.in_haste = true;
        self.end_all_lingers();
    }

    /// Notes that an advertisement was sent for what `key` holds, whose backend renews at `pace`.
    pub(super) fn renewal_due(&mut self, key: Key, pace: Duration, now: Instant) {
        self.renewals.add(key, pace, now);
    }

    /// When [`renew`](Self::renew) has something to do.
    pub(super) fn next_renewal(&self) -> Option<Instant> {
        self.renewals.next_round()
    }

    /// Starts the renewals that are due.
    pub(super) fn renew(&mut self, now: Instant, members: &Members) {
        self.renewals.start(now, members, &self.tasks, &self.runtime, &self.answers);
    }

    /// Notes that a request was carried out.
    pub(super) fn answered(&mut self, key: Key, number: u64) {
        if let Some(task) = self.tasks.get_mut(&key) {
            task.answered(number);
        }
    }

    /// Notes that a renewal is over, and returns whose it was.
    pub(super) fn renewed(&mut self, id: BackendId, number: u64) -> Vec<Key> {
        self.renewals.done(id, number)
    }

    /// Whether everything that was asked for `key` is done.
    pub(super) fn is_idle(&self, key: Key) -> bool {
        self.tasks.get(&key).is_none_or(BackendTask::is_idle)
    }

    /// Whether everything that was asked is done.
    pub(super) fn all_idle(&self) -> bool {
        self.tasks.values().all(BackendTask::is_idle)
    }

    /// Forgets a virtual router that is gone.
    pub(super) fn forget(&mut self, key: Key, now: Instant) {
        self.renewals.cut(key, now);
        self.tasks.remove(&key);
    }
}

/// How long the slowest backend may take to release its addresses.
pub(super) fn patience(members: &Members) -> Duration {
    let limits = members.values().map(|entry| entry.backend.timeout(Method::Release));
    limits.max().unwrap_or_default() + Duration::from_secs(1)
}
