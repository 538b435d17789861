//! The deadlines of many machines: a heap in which each machine's entry can be moved.

use alloc::vec::Vec;
use core::num::NonZeroU32;

use crate::Instant;

/// A machine, by its place in the router's table.
pub(super) type Slot = usize;

/// Four children fit a cache line, and make the heap half as deep as two would.
const CHILDREN: usize = 4;

/// A min-heap of deadlines with the place of each slot in it: moving a deadline costs a few swaps
/// and never allocates. Ties are broken by slot, so that equal runs give equal orders.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    heap: Vec<Due>,
    places: Vec<Index>,
}

/// A deadline in the upper bits and its slot in the lower: one number, so that the least of several
/// is found without a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due(u128);

impl Due {
    fn new(at: Instant, slot: Slot) -> Self {
        Self((u128::from(at.as_nanos()) << 64) | u128::try_from(slot).unwrap_or(u128::MAX))
    }

    fn at(self) -> Instant {
        Instant::from_nanos(u64::try_from(self.0 >> 64).unwrap_or(u64::MAX))
    }

    fn slot(self) -> Slot {
        Slot::try_from(self.0 & u128::from(u64::MAX)).unwrap_or(Slot::MAX)
    }
}

/// An index into a table, or none, in four octets: tables of these stay in the cache.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Index(Option<NonZeroU32>);

impl Index {
    pub(super) const NONE: Self = Self(None);

    pub(super) fn new(index: usize) -> Self {
        Self(u32::try_from(index.saturating_add(1)).ok().and_then(NonZeroU32::new))
    }

    pub(super) fn get(self) -> Option<usize> {
        usize::try_from(self.0?.get().saturating_sub(1)).ok()
    }
}

impl Deadlines {
    /// Makes room for slots below `slots`.
    pub(super) fn reserve(&mut self, slots: usize) {
        if self.places.len() < slots {
            self.places.resize(slots, Index::NONE);
        }
        self.heap.reserve(slots.saturating_sub(self.heap.len()));
    }

    pub(super) fn first(&self) -> Option<(Instant, Slot)> {
        self.heap.first().map(|due| (due.at(), due.slot()))
    }

    /// Sets, moves or removes the deadline of `slot`.
    pub(super) fn set(&mut self, slot: Slot, at: Option<Instant>) {
        let place = self.places.get(slot).and_then(|place| place.get());
        match (place, at.map(|at| Due::new(at, slot))) {
            (None, None) => {}
            (None, Some(due)) => {
                self.heap.push(due);
                self.rise(self.heap.len().saturating_sub(1), due);
            }
            (Some(place), Some(due)) => self.replace(place, due),
            (Some(place), None) => {
                if let Some(there) = self.places.get_mut(slot) {
                    *there = Index::NONE;
                }
                if let Some(last) = self.heap.pop() {
                    self.replace(place, last);
                }
            }
        }
    }

    /// Replaces the deadline at `place` with `due` and moves that to where it belongs. Does nothing
    /// beyond the end.
    fn replace(&mut self, place: usize, due: Due) {
        match self.heap.get(place) {
            Some(there) if due < *there => self.rise(place, due),
            Some(there) if due > *there => self.sink(place, due),
            Some(_) | None => {}
        }
    }

    fn put(&mut self, place: usize, due: Due) {
        if let Some(there) = self.heap.get_mut(place) {
            *there = due;
        }
        if let Some(there) = self.places.get_mut(due.slot()) {
            *there = Index::new(place);
        }
    }

    fn rise(&mut self, mut place: usize, due: Due) {
        while place > 0 {
            let parent = place.saturating_sub(1) / CHILDREN;
            match self.heap.get(parent) {
                Some(above) if due < *above => self.put(place, *above),
                Some(_) | None => break,
            }
            place = parent;
        }
        self.put(place, due);
    }

    fn sink(&mut self, mut place: usize, due: Due) {
        while let Some((child, below)) = self.least_child(place)
            && below < due
        {
            self.put(place, below);
            place = child;
        }
        self.put(place, due);
    }

    fn least_child(&self, place: usize) -> Option<(usize, Due)> {
        let first = place.saturating_mul(CHILDREN).saturating_add(1);
        let children = self.heap.get(first..)?;
        let lesser =
            |one: (usize, Due), other: (usize, Due)| if other.1 < one.1 { other } else { one };
        if let Some([a, b, c, d]) = children.first_chunk::<CHILDREN>() {
            let left = lesser((first, *a), (first.saturating_add(1), *b));
            let right = lesser((first.saturating_add(2), *c), (first.saturating_add(3), *d));
            return Some(lesser(left, right));
        }
        (first..).zip(children.iter().copied()).reduce(lesser)
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;

    use super::*;

    #[test]
    fn it_agrees_with_a_sorted_map_over_many_moves() {
        let mut deadlines = Deadlines::default();
        deadlines.reserve(50);
        let mut model: BTreeMap<Slot, u64> = BTreeMap::new();
        let mut random = 1_u64;
        for _ in 0..20_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let slot = usize::try_from(random >> 33).unwrap() % 50;
            if (random >> 20).is_multiple_of(4) {
                model.remove(&slot);
                deadlines.set(slot, None);
            } else {
                let at = (random >> 40) % 1000;
                model.insert(slot, at);
                deadlines.set(slot, Some(Instant::from_nanos(at)));
            }
            let expected = model.iter().map(|(slot, at)| (Instant::from_nanos(*at), *slot)).min();
            assert_eq!(deadlines.first(), expected);
        }
    }
}
