//! Drains: how they begin, how they end by themselves, and what whoever asked is told.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use vrrp_core::{Input, Instant, Key, Phase};

use super::{Driver, mailbox::Drain};
use crate::{Drained, Error, NodeEvent, clock::Clock, link::Link, monitor::Monitor};

/// The last second that RFC 3339 can write: the end of the year 9999.
const LAST_SECOND: Duration = Duration::from_secs(253_402_300_799);

/// When drains end by themselves. Most last until they are resumed, and are not here.
#[derive(Debug, Default)]
pub(super) struct Ends(BTreeMap<Key, End>);

#[derive(Clone, Copy, Debug)]
struct End {
    at: Instant,
    /// The same by the wall clock at the time of the request.
    shown: Option<SystemTime>,
}

impl Ends {
    /// Replaces the end of the drain of these.
    fn set(&mut self, keys: impl Iterator<Item = Key>, lasts: Option<Duration>, now: Instant) {
        let end = lasts.map(|lasts| {
            let last = SystemTime::UNIX_EPOCH + LAST_SECOND;
            let shown = SystemTime::now().checked_add(lasts).filter(|end| *end <= last);
            End { at: now + lasts, shown }
        });
        for key in keys {
            match end {
                None => self.0.remove(&key),
                Some(end) => self.0.insert(key, end),
            };
        }
    }

    pub(super) fn forget(&mut self, key: &Key) {
        self.0.remove(key);
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.0.values().map(|end| end.at).min()
    }

    /// When the drain of `key` ends, by the wall clock at the time of the request.
    pub(super) fn shown(&self, key: &Key) -> Option<SystemTime> {
        self.0.get(key)?.shown
    }

    fn due(&self, now: Instant) -> Vec<Key> {
        self.0.iter().filter(|(_, end)| end.at <= now).map(|(key, _)| *key).collect()
    }
}

impl<L: Link, C: Clock, M: Monitor> Driver<L, C, M> {
    /// Begins a drain. Its end replaces that of an earlier one.
    pub(super) fn drain(&mut self, drain: Drain, force: bool, lasts: Option<Duration>) {
        let key = drain.key;
        self.ends.set(self.router.moves_with(&key), lasts, self.clock.now());
        self.drains.push(drain);
        self.input(Input::Drain { key, force });
    }

    pub(super) fn resume(&mut self, key: Key) {
        for key in self.router.moves_with(&key) {
            self.ends.forget(&key);
        }
        self.input(Input::Resume { key });
    }

    /// Whether a virtual router hands over, or lets go of what it held.
    fn is_leaving(&self, key: Key) -> bool {
        match self.outbox.members.get(&key).map(|entry| entry.phase) {
            Some(Phase::Resigning) => true,
            Some(Phase::Initialize(_)) => !self.outbox.backends.is_idle(key),
            Some(Phase::Backup | Phase::Acquiring | Phase::Held | Phase::Adopted) | None => false,
        }
    }

    /// Gives the core its configuration. Who starts drained is drained before anything is polled,
    /// so that what an earlier process left is released and not adopted.
    pub(super) fn start(&mut self, drained: &[(Key, Option<Duration>)]) {
        let (now, desired) = (self.clock.now(), self.desired());
        self.handled_at = now;
        self.router.handle(now, Input::Configure(&desired));
        for (key, lasts) in drained {
            self.ends.set(self.router.moves_with(key), *lasts, now);
            self.router.handle(now, Input::Drain { key: *key, force: true });
        }
        self.settle();
    }

    /// Ends the drains whose time is over.
    pub(super) fn end_drains(&mut self, now: Instant) {
        for key in self.ends.due(now) {
            if let Some(entry) = self.outbox.members.get(&key) {
                let name = &*entry.name;
                tracing::info!(
                    event = "drain-over",
                    name,
                    "{name}: the time of its drain is over; it takes part again"
                );
            }
            self.resume(key);
        }
    }

    /// Answers the drains that have ended: nobody took over, or everything is let go.
    pub(super) fn answer_drains(&mut self, news: &[NodeEvent]) {
        for event in news {
            if let NodeEvent::DrainRefused { key, .. } = event {
                self.ends.forget(key);
            }
        }
        for drain in std::mem::take(&mut self.drains) {
            let refused = |event: &NodeEvent| matches!(event, NodeEvent::DrainRefused { name, .. } if *name == drain.name);
            // Until it is over for all of a group, it may be refused.
            let is_over = !self.router.moves_with(&drain.key).any(|key| self.is_leaving(key));
            let phase = self.outbox.members.get(&drain.key).map(|entry| entry.phase);
            let ended = match phase {
                None => Some(Err(Error::Unknown(drain.name.to_string()))),
                Some(_) if news.iter().any(refused) => Some(Ok(Drained::Refused)),
                Some(Phase::Initialize(_)) if is_over => Some(Ok(Drained::Done)),
                // It was resumed, or a stronger node took over before the drain began.
                Some(Phase::Backup | Phase::Held | Phase::Adopted | Phase::Acquiring) => {
                    Some(Ok(Drained::Refused))
                }
                Some(Phase::Initialize(_) | Phase::Resigning) => None,
            };
            match ended {
                Some(answer) => drop(drain.reply.send(answer)),
                None => self.drains.push(drain),
            }
        }
    }
}
