//! [`Board`]: what is known of every check, and what that is for every virtual router.

mod entry;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    sync::{broadcast, watch},
    time::Instant,
};
use vrrp_core::{Health, Phase};

use super::{
    log::Line,
    plan::{Planned, Setup, Tracked},
    schedule::When,
    status::CheckStatus,
    tally::State,
    track::{Reading, Share, Track},
};
use entry::{Begins, Entry};
pub(super) use entry::{Id, Run, Task};

/// The health of each virtual router that something is tracked for.
pub(super) type Levels = BTreeMap<Arc<str>, Health>;

/// How many changes of checks a slow receiver may be behind before it loses the oldest.
const CHANGES: usize = 256;

/// What is known of every check.
pub(super) struct Board {
    /// Locked for moments only, and no code of others runs meanwhile.
    known: Mutex<Known>,
    changes: broadcast::Sender<Change>,
}

/// A check that has another state.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) name: Arc<str>,
    pub(crate) state: State,
    /// What the run that changed it said.
    pub(crate) text: Arc<str>,
}

struct Known {
    checks: BTreeMap<Arc<str>, Entry>,
    routers: BTreeMap<Arc<str>, Tracked>,
    /// The virtual routers that are active, and since when.
    active: BTreeMap<Arc<str>, Instant>,
    levels: watch::Sender<Levels>,
    next: Id,
}

/// A check that is to begin.
pub(super) struct Begin {
    pub(super) id: Id,
    pub(super) planned: Planned,
    /// From when on it counts, as long as it does.
    pub(super) counts_from: watch::Receiver<Option<Instant>>,
}

impl Board {
    pub(super) fn new() -> Self {
        let known = Mutex::new(Known {
            checks: BTreeMap::new(),
            routers: BTreeMap::new(),
            active: BTreeMap::new(),
            levels: watch::Sender::default(),
            next: Id::default(),
        });
        Self { known, changes: broadcast::Sender::new(CHANGES) }
    }

    /// Takes a configuration. What is the same goes on, and `spawn` is given what begins; what is
    /// gone is cut off.
    pub(super) fn configure(&self, setup: Setup, at_run_time: bool, spawn: impl Fn(Begin) -> Task) {
        let described: BTreeMap<Arc<str>, Arc<str>> = setup
            .checks
            .values()
            .map(|planned| (planned.name.clone(), planned.check.describe().into()))
            .collect();
        let kept = self.kept(&setup);
        let mut known = self.lock();
        let mut before = std::mem::take(&mut known.checks);
        known.routers = setup.routers;
        for (name, planned) in setup.checks {
            let begins = match before.get(&name) {
                Some(entry) => Begins::After(entry.reading().state),
                None if at_run_time => Begins::AtRunTime,
                None => Begins::AtStart,
            };
            // One that is replaced runs until the other one has begun.
            let same = if kept.contains(&name) { before.remove(&name) } else { None };
            let entry = same.unwrap_or_else(|| {
                let description = described.get(&name).cloned().unwrap_or_default();
                let id = known.next.take();
                let (mut entry, counts_from) = Entry::new(id, &planned, description, begins);
                entry.task = Some(spawn(Begin { id, planned, counts_from }));
                entry
            });
            known.checks.insert(name, entry);
        }
        known.note_starters();
        known.appoint_all();
        let now = Instant::now();
        let levels = known.routers.values();
        let levels =
            levels.map(|tracked| (tracked.router.clone(), known.health(tracked, now))).collect();
        known.levels.send_if_modified(|old| replaced(old, levels));
        // What is gone may be of a type with a drop of its own.
        drop(known);
        drop(before);
    }

    /// The checks that are the same in what is configured and in `setup`. Whoever made them says
    /// so, unlocked.
    fn kept(&self, setup: &Setup) -> BTreeSet<Arc<str>> {
        let old: Vec<Planned> =
            self.lock().checks.values().map(|entry| entry.planned.clone()).collect();
        let is_kept =
            |old: &Planned| setup.checks.get(&old.name).is_some_and(|new| old.is_same(new));
        old.into_iter().filter(is_kept).map(|old| old.name).collect()
    }

    /// Notes what a virtual router does.
    pub(super) fn set_phase(&self, router: &str, phase: Phase) {
        let mut known = self.lock();
        let changed = match (phase.is_active(), known.active.contains_key(router)) {
            (true, false) => known.active.insert(router.into(), Instant::now()).is_none(),
            (false, true) => known.active.remove(router).is_some(),
            (true, true) | (false, false) => false,
        };
        if changed {
            known.appoint_all();
            known.sum_up(|tracked| &*tracked.router == router);
        }
    }

    /// Forgets what virtual routers do that have another name by now, or are gone.
    pub(super) fn keep_phases(&self, is_there: impl Fn(&str) -> bool) {
        let mut known = self.lock();
        let before = known.active.len();
        known.active.retain(|router, _| is_there(router));
        if known.active.len() != before {
            known.appoint_all();
            known.sum_up(|tracked| !is_there(&tracked.router));
        }
    }

    /// A check that counts only at times begins to run, good until it has failed often enough.
    pub(super) fn began(&self, name: &str, id: Id) {
        let mut known = self.lock();
        if let Some(entry) = known.entry(name, id) {
            entry.begin();
            known.sum_up_users(name);
        }
    }

    /// It stops again.
    pub(super) fn ended(&self, name: &str, id: Id) {
        let mut known = self.lock();
        if let Some(entry) = known.entry(name, id) {
            entry.end();
            known.sum_up_users(name);
        }
    }

    /// Notes a run of a check, and returns what is to be told. One of a check that is not
    /// configured any more counts for nothing.
    pub(super) fn note(&self, name: &str, id: Id, run: Run) -> Vec<Line> {
        let mut known = self.lock();
        let Some(entry) = known.entry(name, id) else { return Vec::new() };
        let before = entry.reading();
        let lines = entry.note(run);
        // A virtual router's grace may have ended meanwhile.
        let changed = entry.reading() != before || entry.planned.schedule.when != When::Always;
        if changed {
            known.sum_up_users(name);
        }
        lines
    }

    /// What each check of a virtual router has to say of it.
    pub(super) fn shares(&self, router: &str) -> Vec<Share> {
        let (known, now) = (self.lock(), Instant::now());
        let Some(tracked) = known.routers.get(router) else { return Vec::new() };
        let share =
            |track: &Track| Some(Share::new(track, known.reading(tracked, &track.check, now)?));
        tracked.tracks.iter().filter_map(share).collect()
    }

    pub(super) fn status(&self) -> Vec<CheckStatus> {
        self.lock().checks.values().map(Entry::status).collect()
    }

    /// Logs a line, and passes it on if it is a change.
    pub(super) fn tell(&self, line: Line) {
        line.tell();
        if let Line::Changed { name, to: state, text, .. } = line {
            // Nobody may be listening.
            drop(self.changes.send(Change { name, state, text: text.into() }));
        }
    }

    pub(super) fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    pub(super) fn levels(&self) -> watch::Receiver<Levels> {
        self.lock().levels.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // Every change is complete in itself.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn entry(&mut self, name: &str, id: Id) -> Option<&mut Entry> {
        self.checks.get_mut(name).filter(|entry| entry.id == id)
    }

    /// Notes which virtual routers start with a check.
    fn note_starters(&mut self) {
        for tracked in self.routers.values().filter(|tracked| tracked.starts) {
            for track in &tracked.tracks {
                if let Some(entry) = self.checks.get_mut(&track.check) {
                    entry.starters.insert(tracked.router.clone());
                }
            }
        }
    }

    /// Tells each check from when on it counts for any virtual router.
    fn appoint_all(&self) {
        for (name, entry) in &self.checks {
            let users = self.routers.values().filter(|tracked| uses(tracked, name));
            let from = users.filter_map(|tracked| self.counts_from(tracked, entry)).min();
            entry.appoint(from);
        }
    }

    /// From when on a check that counts only at times counts for a virtual router.
    fn counts_from(&self, tracked: &Tracked, entry: &Entry) -> Option<Instant> {
        let When::Active { grace } = entry.planned.schedule.when else { return None };
        self.active.get(&tracked.router).map(|since| *since + grace)
    }

    fn health(&self, tracked: &Tracked, now: Instant) -> Health {
        tracked.health(|check| self.reading(tracked, check, now))
    }

    /// What a check says to a virtual router.
    fn reading(&self, tracked: &Tracked, check: &str, now: Instant) -> Option<Reading> {
        let entry = self.checks.get(check)?;
        let counts = match entry.planned.schedule.when {
            When::Always => true,
            When::Active { .. } => self.counts_from(tracked, entry).is_some_and(|from| from <= now),
        };
        let reading = entry.reading_for(&tracked.router);
        Some(if counts { reading } else { Reading::of(State::Good) })
    }

    fn sum_up_users(&self, check: &str) {
        self.sum_up(|tracked| uses(tracked, check));
    }

    /// Sums up anew for these virtual routers.
    fn sum_up(&self, whose: impl Fn(&Tracked) -> bool) {
        let now = Instant::now();
        let these = self.routers.values().filter(|tracked| whose(tracked));
        let new: Levels =
            these.map(|tracked| (tracked.router.clone(), self.health(tracked, now))).collect();
        self.levels.send_if_modified(|levels| {
            let changed = new.iter().any(|(router, health)| levels.get(router) != Some(health));
            levels.extend(new);
            changed
        });
    }
}

fn uses(tracked: &Tracked, check: &str) -> bool {
    tracked.tracks.iter().any(|track| &*track.check == check)
}

fn replaced(old: &mut Levels, new: Levels) -> bool {
    let changed = *old != new;
    *old = new;
    changed
}
