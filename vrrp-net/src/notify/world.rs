//! [`World`]: what is known of the virtual routers and groups of a node, and was told of them.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use vrrp_core::{Gate, GroupPolicy, Hold, Phase, Reason, Sender};

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
    groups: BTreeMap<Arc<str>, Group>,
}

#[derive(Debug, Default)]
struct Router {
    course: Course,
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
        let details = Details::of(status);
        let router = self.routers.entry(status.name.clone()).or_default();
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
        }
    }

    /// A virtual router went from one phase to another: returns what is to be told.
    pub(super) fn transition(
        &mut self,
        name: &Arc<str>,
        (from, to): (Phase, Phase),
        reason: Reason,
        sender: Option<Sender>,
    ) -> Vec<Told> {
        let router = self.routers.entry(name.clone()).or_default();
        let steps = router.course.transition(from, to, reason);
        let source = sender.map(|sender| sender.source);
        steps.into_iter().flat_map(|step| self.step(name, step, source)).collect()
    }

    /// A virtual router is like this, whatever was seen of it.
    pub(super) fn level(&mut self, status: &RouterStatus) -> Vec<Told> {
        let router = self.routers.entry(status.name.clone()).or_default();
        let is_asking = status.gates.contains(Gate::Asking);
        let step = router.course.level(status.phase, is_asking, status.reason);
        let steps = step.into_iter();
        steps.flat_map(|step| self.step(&status.name, step, None)).collect()
    }

    /// A virtual router was in this phase before the events that are known of it, whatever was seen
    /// of it before. One that was told nothing yet begins with those events.
    pub(super) fn level_before(&mut self, status: &RouterStatus, from: Phase) -> Vec<Told> {
        let router = self.routers.entry(status.name.clone()).or_default();
        if router.course.told().is_none() {
            return Vec::new();
        }
        let steps = router.course.level(from, false, status.reason).into_iter();
        steps.flat_map(|step| self.step(&status.name, step, None)).collect()
    }

    /// Of a virtual router that has just started: its backend may have answered.
    pub(super) fn decide(&mut self, status: &RouterStatus) -> Vec<Told> {
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
        let phase = Phase::Held.as_str();
        let cause = Cause { phase, reason: "reasserted", peer: None, again: true };
        self.tell(name, State::Active, cause)
    }

    /// The events that would say how these ended are lost, and they are gone.
    pub(super) fn stop_all(&mut self, is_gone: impl Fn(&str) -> bool) -> Vec<Told> {
        let stopped = Phase::Initialize(Hold::Stopped);
        let names: Vec<Arc<str>> =
            self.routers.keys().filter(|name| is_gone(name)).cloned().collect();
        let stop = |name| self.transition(&name, (stopped, stopped), Reason::Shutdown, None);
        names.into_iter().flat_map(stop).collect()
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
