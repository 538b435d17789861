//! Groups: virtual routers that become Active together and leave together.
//!
//! The first member that takes part decides. While it is Active here, the others follow, even where
//! a weaker Active may not be preempted; while it is Active elsewhere, the others hand over, and
//! they do so with it. So two nodes that each hold a part never wait for each other: whoever has the
//! first member gets all.
//!
//! What a member may do follows from how all of them stand at the moment, and is told anew whenever
//! that changes: there are no messages between them that could be lost.

use alloc::vec::Vec;

use super::{Router, deadlines::Slot, desired::GroupPolicy, entry::Entry};
use crate::{
    Condition, Gate, Gates, Health, Hold, Holds, Key, Reason,
    fsm::{self, Group, Stand},
};

/// How often what a group says may change in one turn, for each member; a bound against a mistake
/// here.
const ROUNDS: usize = 4;

/// How a virtual router stands in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Membership {
    /// What a hold of one member means to the others.
    pub policy: GroupPolicy,
    /// Whether it is the first member, which decides for all while it takes part.
    pub is_first: bool,
    /// The member because of which [`Hold::Group`] or [`Gate::Group`] stands: one that is held, or
    /// that is not ready. `None` if neither stands, and if it waits for itself: the first member of
    /// a node that follows another one.
    pub cause: Option<Key>,
}

/// The members of a group, in their order.
#[derive(Clone, Debug)]
pub(super) struct Members {
    policy: GroupPolicy,
    slots: Vec<Slot>,
}

impl Router {
    /// Takes over which virtual routers move together.
    pub(super) fn regroup(&mut self, groups: &[(GroupPolicy, Vec<Key>)]) {
        let members = |(policy, keys): &(GroupPolicy, Vec<Key>)| Members {
            policy: *policy,
            slots: keys.iter().filter_map(|key| self.slot(key)).collect(),
        };
        let groups: Vec<Members> = groups.iter().map(members).collect();
        for entry in self.entries.iter_mut().flatten() {
            entry.rest.group = None;
        }
        for (index, group) in groups.iter().enumerate() {
            for slot in &group.slots {
                if let Some(Some(entry)) = self.entries.get_mut(*slot) {
                    entry.rest.group = Some(index);
                }
            }
        }
        self.groups = groups;
        // Whoever has left a group is its own again, in what it may do and in its health.
        for slot in 0..self.entries.len() {
            let Some(entry) = self.entry(slot).filter(|entry| entry.rest.group.is_none()) else {
                continue;
            };
            let (machine, health) = (entry.machine(), entry.rest.health);
            let (group, told) = (machine.group(), machine.health());
            if group != Group::Free {
                self.step_alone(slot, fsm::Input::Group(Group::Free));
            }
            if told != health {
                self.step_alone(slot, fsm::Input::Health(health));
            }
        }
        for index in 0..self.groups.len() {
            self.share_health(index);
            self.judge_group(index);
        }
    }

    /// Returns the virtual routers that move with this one, itself among them.
    pub(super) fn together(&self, slot: Slot) -> Vec<Slot> {
        let group = self.entry(slot).and_then(|entry| entry.rest.group);
        match group.and_then(|index| self.groups.get(index)) {
            Some(group) => group.slots.clone(),
            None => Vec::from([slot]),
        }
    }

    /// Returns how a virtual router with these holds and gates stands in its group.
    pub(super) fn membership(&self, slot: Slot, holds: Holds, gates: Gates) -> Option<Membership> {
        let group = self.groups.get(self.entry(slot)?.rest.group?)?;
        let others = group.slots.iter().filter(|other| **other != slot);
        let mut others = others.filter_map(|other| self.entry(*other));
        let cause = if holds.contains(Hold::Group) {
            others.find(|other| other.machine().is_held_itself())
        } else if gates.contains(Gate::Group) {
            others.find(|other| {
                !other.machine().is_held_itself() && !is_ready(other.machine().stand())
            })
        } else {
            None
        };
        let is_first = group.slots.first() == Some(&slot);
        Some(Membership { policy: group.policy, is_first, cause: cause.map(Entry::key) })
    }

    /// Has the others of a group follow the first one of them whose handover for a drain is over.
    /// It has heard its successor: they let go when their own time is over, heard or not. Nobody
    /// took over: all take back, so that the group is drained as a whole or not at all.
    pub(super) fn decide_drain(&mut self, slot: Slot) {
        let Some(entry) = self.entry(slot) else { return };
        let is_drained = entry.machine().is_drained();
        let is_over = is_drained && entry.reason() == Reason::Successor;
        let others = self.together(slot).into_iter().filter(|other| *other != slot);
        for other in others {
            let Some(machine) = self.entry(other).map(Entry::machine) else { continue };
            match (machine.is_drained(), machine.stand()) {
                (true, Stand::Leaves) if is_over => {
                    self.step_alone(other, fsm::Input::Drain { force: true });
                }
                (true, _) if !is_drained => {
                    if let Some(Some(entry)) = self.entries.get_mut(other) {
                        entry.refuse_drain();
                    }
                    self.step_alone(other, fsm::Input::Resume);
                }
                (_, _) => {}
            }
        }
    }

    /// Notes what checks say of one virtual router, and tells it and its group.
    pub(super) fn set_health(&mut self, key: &Key, health: Health) {
        let Some(slot) = self.slot(key) else { return };
        let Some(Some(entry)) = self.entries.get_mut(slot) else { return };
        entry.rest.health = health;
        match entry.rest.group {
            None => self.step(slot, fsm::Input::Health(health)),
            Some(index) => {
                self.share_health(index);
                self.judge_group(index);
            }
        }
    }

    /// Tells each member how the service of the group is: an ill one makes all of them leave. What
    /// must not be reached is a hold, which the policy judges.
    fn share_health(&mut self, index: usize) {
        let Some(group) = self.groups.get(index).cloned() else { return };
        let own = |slot: &Slot| self.entry(*slot).map(|entry| entry.rest.health);
        let shared = group
            .slots
            .iter()
            .filter_map(own)
            .map(|health| health.condition)
            .filter(|condition| *condition != Condition::Out)
            .max_by_key(|condition| rank(*condition))
            .unwrap_or_default();
        for slot in group.slots {
            let Some(health) = self.entry(slot).map(|entry| entry.rest.health) else { continue };
            let condition =
                if health.condition == Condition::Out { Condition::Out } else { shared };
            self.step_alone(slot, fsm::Input::Health(Health { condition, ..health }));
        }
    }

    /// Tells the members of a group what they may do now, until that changes nothing more.
    pub(super) fn judge_group(&mut self, index: usize) {
        let Some(group) = self.groups.get(index).cloned() else { return };
        for _ in 0..group.slots.len().saturating_mul(ROUNDS) {
            let says = self.says(&group);
            let changed = group.slots.iter().zip(says).find(|(slot, says)| {
                self.entry(**slot).is_some_and(|entry| entry.machine().group() != *says)
            });
            let Some((slot, says)) = changed else { return };
            self.step_alone(*slot, fsm::Input::Group(says));
        }
    }

    /// Returns what each member may do.
    fn says(&self, group: &Members) -> Vec<Group> {
        let machines = || group.slots.iter().filter_map(|slot| self.entry(*slot));
        let stands: Vec<(bool, Stand)> = machines()
            .map(|entry| (entry.machine().is_held_itself(), entry.machine().stand()))
            .collect();
        let held = stands.iter().filter(|(is_held, _)| *is_held).count();
        if group.policy == GroupPolicy::All && held > 0 {
            let says = |(is_held, _): &(bool, Stand)| {
                if *is_held { Group::Wait } else { Group::Held }
            };
            return stands.iter().map(says).collect();
        }
        let first = stands.iter().position(|(is_held, _)| !is_held);
        let of_first = first.and_then(|first| stands.get(first)).map(|(_, stand)| *stand);
        let are_ready = stands.iter().all(|(is_held, stand)| *is_held || is_ready(*stand));
        let each = stands.iter().enumerate().map(|(place, (is_held, stand))| {
            match of_first {
                None => Group::Free,
                Some(_) if *is_held => Group::Wait,
                // Nobody else serves it, and nobody has to wait for a member that is left out.
                Some(_) if *stand == Stand::Silent && group.policy == GroupPolicy::Any => {
                    Group::Free
                }
                Some(Stand::Active) if first == Some(place) => Group::Free,
                Some(Stand::Active) => Group::Complete,
                Some(Stand::Silent | Stand::Ready) if are_ready => Group::Free,
                // A group is left as a whole: a successor of a part could not become Active.
                Some(Stand::Follows | Stand::Leaves) if first != Some(place) => Group::Leave,
                Some(
                    Stand::Out
                    | Stand::Listens
                    | Stand::Follows
                    | Stand::Silent
                    | Stand::Ready
                    | Stand::Leaves,
                ) => Group::Wait,
            }
        });
        each.collect()
    }
}

const fn is_ready(stand: Stand) -> bool {
    match stand {
        Stand::Active | Stand::Silent | Stand::Ready => true,
        Stand::Out | Stand::Listens | Stand::Follows | Stand::Leaves => false,
    }
}

/// Of several conditions the greatest counts.
const fn rank(condition: Condition) -> u8 {
    match condition {
        Condition::Good => 0,
        Condition::Unknown => 1,
        Condition::Unproven => 2,
        Condition::Ill => 3,
        Condition::Out => 4,
    }
}
