//! Addresses that go from one virtual router of this node to another.

use vrrp_core::Key;

use super::members::Members;
use crate::backend::Place;

/// What a virtual router had, and another one has since, which must not lose it.
pub(super) fn elsewhere(members: &Members, key: &Key) -> Vec<Place> {
    let Some(entry) = members.get(key) else { return Vec::new() };
    let is_there = |(place, other): &&(Place, Key)| {
        members.get(other).is_some_and(|other| other.is_about(place))
    };
    entry.moved.iter().filter(is_there).map(|(place, _)| place.clone()).collect()
}

/// What another virtual router of this node had, and may hold still: no earlier process has left
/// that behind, and it stays until that one has handed it over.
pub(super) fn held_by_others(members: &Members, key: &Key) -> Vec<Place> {
    let Some(entry) = members.get(key) else { return Vec::new() };
    let holds = |(_, other): &&(Place, Key)| {
        members.get(other).is_some_and(|other| other.phase.is_on_the_wire())
    };
    entry.taken_over.iter().filter(holds).map(|(place, _)| place.clone()).collect()
}
