//! [`World`]: what is known of the virtual routers and groups of a node, and was told of them.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use vrrp_core::{Gate, GroupPolicy, Hold, Key, Phase, Reason, Sender};

use super::{
    State,
    course::{Course, Step},
    group,
    told::{Details, GROUP_PRIORITY, Kind, Subject, Told},
};
use crate::RouterStatus;

/// How many virtual routers are kept that are there no more: their generations go on if they come
/// back.
const GONE: usize = 4096;

/// All virtual routers and groups.
#[derive(Debug, Default)]
pub(super) struct World {
    routers: BTreeMap<Arc<str>, Router>,
    /// The name that each has, or had last.
    names: BTreeMap<Key, Arc<str>>,
    /// Those whose name another one has by now, until their new name is seen.
    displaced: BTreeMap<Key, Router>,
    groups: BTreeMap<Arc<str>, Group>,
}

#[derive(Debug, Default)]
struct Router {
    key: Option<Key>,
    course: Course,
    /// The phase that was seen last.
    phase: Option<Phase>,
    generation: u64,
    details: Arc<Details>,
}

#[derive(Debug, Default)]
struct Group {
    told: Option<State>,
    generation: u64,
}

/// Why something is told: a step, in the words of scripts.
#[derive(Clone, Copy)]
struct Cause {
    phase: &'static str,
    reason: &'static str,
    peer: Option<IpAddr>,
    /// It is told again, though nothing has changed.
    again: bool,
}

impl World {
    /// Whether a virtual router was seen already.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.routers.contains_key(name)
    }

    /// Notes how a virtual router is configured. Returns its state and its priority if that has
    /// changed.
    pub(super) fn look_at(&mut self, status: &RouterStatus) -> Option<(State, u8)> {
        self.settle(status.key, &status.name);
        let details = Details::of(status);
        let router = self.routers.entry(status.name.clone()).or_default();
        router.phase = Some(status.phase);
        let is_new = *router.details == Details::default();
        let priority = details.priority;
        let before = std::mem::replace(&mut router.details, Arc::new(details)).priority;
        router.course.told().filter(|_| !is_new && before != priority).map(|told| (told, priority))
    }

    /// Forgets those that have stopped, if they are many.
    pub(super) fn forget_gone(&mut self) {
        let has_stopped = |router: &Router| router.course.told() == Some(State::Stop);
        if self.routers.values().filter(|router| has_stopped(router)).count() > GONE {
            self.routers.retain(|_, router| !has_stopped(router));
            self.displaced.clear();
            let routers = &self.routers;
            self.names.retain(|key, name| {
                routers.get(name).is_some_and(|router| router.key == Some(*key))
            });
            let is_of = |router: &Router, name: &Arc<str>| {
                router.details.group.as_ref().is_some_and(|(group, _)| group == name)
            };
            let routers = &self.routers;
            self.groups.retain(|name, _| routers.values().any(|router| is_of(router, name)));
        }
    }

    /// A virtual router went from one phase to another: returns what is to be told.
    pub(super) fn transition(
        &mut self,
        (key, name): (Key, &Arc<str>),
        (from, to): (Phase, Phase),
        reason: Reason,
        sender: Option<Sender>,
    ) -> Vec<Told> {
        self.settle(key, name);
        let router = self.routers.entry(name.clone()).or_default();
        let steps = router.course.transition(from, to, reason);
        let source = sender.map(|sender| sender.source);
        steps.into_iter().flat_map(|step| self.step(name, step, source)).collect()
    }

    /// A virtual router is like this, whatever was seen of it.
    pub(super) fn level(&mut self, status: &RouterStatus) -> Vec<Told> {
        self.settle(status.key, &status.name);
        let router = self.routers.entry(status.name.clone()).or_default();
        let is_asking = status.gates.contains(Gate::Asking);
        let step = router.course.level(status.phase, is_asking, status.reason);
        let steps = step.into_iter();
        steps.flat_map(|step| self.step(&status.name, step, None)).collect()
    }

    /// A virtual router was in this phase before the events that are known of it, whatever was seen
    /// of it before. One that was told nothing yet begins with those events.
    pub(super) fn level_before(&mut self, status: &RouterStatus, from: Phase) -> Vec<Told> {
        self.settle(status.key, &status.name);
        let router = self.routers.entry(status.name.clone()).or_default();
        if router.course.told().is_none() {
            return Vec::new();
        }
        let steps = router.course.level(from, false, status.reason).into_iter();
        steps.flat_map(|step| self.step(&status.name, step, None)).collect()
    }

    /// Of a virtual router that has just started: its backend may have answered. It may have another
    /// name since then.
    pub(super) fn decide(&mut self, status: &RouterStatus) -> Vec<Told> {
        self.settle(status.key, &status.name);
        let asks = status.phase != Phase::Backup || status.gates.contains(Gate::Asking);
        let Some(router) = self.routers.get_mut(&status.name).filter(|_| !asks) else {
            return Vec::new();
        };
        let steps = router.course.decide().into_iter();
        steps.flat_map(|step| self.step(&status.name, step, None)).collect()
    }

    /// The node stays active after another one gave way.
    pub(super) fn reasserted(&mut self, name: &Arc<str>) -> Vec<Told> {
        let Some(router) = self.routers.get(name) else { return Vec::new() };
        if router.course.told() != Some(State::Active) {
            return Vec::new();
        }
        let phase = router.phase.filter(|phase| phase.is_active()).unwrap_or(Phase::Held);
        let cause = Cause { phase: phase.as_str(), reason: "reasserted", peer: None, again: true };
        self.tell(name, State::Active, cause)
    }

    /// Events are lost, and that this node stays active may be among them: to tell it once too often
    /// does no harm.
    pub(super) fn reasserted_all(&mut self) -> Vec<Told> {
        let names: Vec<Arc<str>> = self.routers.keys().cloned().collect();
        names.iter().flat_map(|name| self.reasserted(name)).collect()
    }

    /// The events that would say how these ended are lost, and they are gone.
    pub(super) fn stop_all(&mut self, is_gone: impl Fn(&str) -> bool) -> Vec<Told> {
        let names: Vec<Arc<str>> =
            self.routers.keys().filter(|name| is_gone(name)).cloned().collect();
        names.iter().flat_map(|name| self.stop(name)).collect()
    }

    fn stop(&mut self, name: &Arc<str>) -> Vec<Told> {
        let stopped = Phase::Initialize(Hold::Stopped);
        let Some(router) = self.routers.get_mut(name) else { return Vec::new() };
        let steps = router.course.transition(stopped, stopped, Reason::Shutdown);
        steps.into_iter().flat_map(|step| self.step(name, step, None)).collect()
    }

    /// Whether a virtual router has just started, and its backend has not answered yet.
    pub(super) fn is_undecided(&self) -> bool {
        self.routers.values().any(|router| router.course.is_undecided())
    }

    /// What a virtual router was told last, and its priority.
    pub(super) fn told(&self, name: &str) -> Option<(State, u8)> {
        let router = self.routers.get(name)?;
        Some((router.course.told()?, router.details.priority))
    }

    /// Has what was told of a virtual router go along with its name. Two that swap their names are
    /// seen one after the other.
    fn settle(&mut self, key: Key, name: &Arc<str>) {
        if self.routers.get(name).is_some_and(|router| router.key == Some(key)) {
            return;
        }
        let before = self.names.insert(key, name.clone());
        let own = self.displaced.remove(&key).or_else(|| {
            let before = before?;
            let is_own = self.routers.get(&before)?.key == Some(key);
            if is_own { self.routers.remove(&before) } else { None }
        });
        let had = self.routers.get(name).map(|router| router.generation).unwrap_or_default();
        // What is told under one name is numbered, whoever has it.
        let new = Router { key: Some(key), ..own.unwrap_or_default() };
        let new = Router { generation: new.generation.max(had), ..new };
        let Some(other) = self.routers.insert(name.clone(), new) else { return };
        match other.key {
            // It may be there under another name, which is seen next; of one that is not, nobody asks.
            Some(other_key) if self.displaced.len() < GONE => {
                self.displaced.insert(other_key, other);
            }
            Some(_) | None => {}
        }
    }

    fn step(&mut self, name: &Arc<str>, step: Step, source: Option<IpAddr>) -> Vec<Told> {
        let Step { state, phase, reason } = step;
        let (phase, reason) = (phase.as_str(), reason.as_str());
        self.tell(name, state, Cause { phase, reason, peer: source, again: false })
    }

    /// A state of a virtual router, and of its group if that has another one now.
    fn tell(&mut self, name: &Arc<str>, state: State, mut cause: Cause) -> Vec<Told> {
        let Some(router) = self.routers.get_mut(name) else { return Vec::new() };
        router.generation = router.generation.saturating_add(1);
        let details = router.details.clone();
        cause.peer = match state {
            State::Backup => cause.peer.or(details.peer),
            // Whoever was heard is not active, or is about not to be.
            State::Active | State::Fault | State::Stop => None,
        };
        let group = details.group.clone();
        let told = Told {
            subject: Subject { kind: Kind::Instance, name: name.clone() },
            state,
            generation: router.generation,
            priority: details.priority,
            phase: cause.phase,
            reason: cause.reason,
            peer: cause.peer,
            details: Some(details),
        };
        let of_group = group.and_then(|(name, policy)| self.tell_group(&name, policy, cause));
        [told].into_iter().chain(of_group).collect()
    }

    fn tell_group(&mut self, name: &Arc<str>, policy: GroupPolicy, cause: Cause) -> Option<Told> {
        let is_of = |router: &&Router| {
            router.details.group.as_ref().is_some_and(|(group, _)| group == name)
        };
        let members = self.routers.values().filter(is_of);
        let members: Vec<_> = members.map(|router| router.course.told()).collect();
        let state = group::state(policy, &members)?;
        let group = self.groups.entry(name.clone()).or_default();
        let is_same = group.told.replace(state) == Some(state);
        if is_same && !(cause.again && state == State::Active) {
            return None;
        }
        group.generation = group.generation.saturating_add(1);
        let Cause { phase, reason, peer, again: _ } = cause;
        Some(Told {
            subject: Subject { kind: Kind::Group, name: name.clone() },
            state,
            generation: group.generation,
            priority: GROUP_PRIORITY,
            phase,
            reason,
            peer,
            details: None,
        })
    }
}
