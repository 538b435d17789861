//! The deadlines of many machines: a binary heap in which each machine's entry can be moved.

use alloc::vec::Vec;

use crate::Instant;

/// A machine, by its place in the router's table.
pub(super) type Slot = usize;

/// A min-heap of deadlines with the place of each slot in it: moving a deadline costs a few swaps and
/// never allocates. Ties are broken by slot, so that equal runs give equal orders.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    heap: Vec<(Instant, Slot)>,
    places: Vec<Option<usize>>,
}

impl Deadlines {
    /// Makes room for slots below `slots`.
    pub(super) fn reserve(&mut self, slots: usize) {
        if self.places.len() < slots {
            self.places.resize(slots, None);
        }
        self.heap.reserve(slots.saturating_sub(self.heap.len()));
    }

    pub(super) fn first(&self) -> Option<(Instant, Slot)> {
        self.heap.first().copied()
    }

    /// Sets, moves or removes the deadline of `slot`.
    pub(super) fn set(&mut self, slot: Slot, at: Option<Instant>) {
        let place = self.places.get(slot).copied().flatten();
        match (place, at) {
            (None, None) => {}
            (None, Some(at)) => {
                let last = self.heap.len();
                self.heap.push((at, slot));
                self.put(last, (at, slot));
                self.rise(last);
            }
            (Some(place), Some(at)) => {
                if self.heap.get(place) == Some(&(at, slot)) {
                    return;
                }
                self.put(place, (at, slot));
                self.rise(place);
                self.sink_slot(slot);
            }
            (Some(place), None) => self.remove(place, slot),
        }
    }

    fn remove(&mut self, place: usize, slot: Slot) {
        let last = self.heap.pop();
        if let Some(entry) = self.places.get_mut(slot) {
            *entry = None;
        }
        if let Some(last) = last
            && place < self.heap.len()
        {
            self.put(place, last);
            self.rise(place);
            self.sink_slot(last.1);
        }
    }

    fn put(&mut self, place: usize, entry: (Instant, Slot)) {
        if let Some(there) = self.heap.get_mut(place) {
            *there = entry;
        }
        if let Some(there) = self.places.get_mut(entry.1) {
            *there = Some(place);
        }
    }

    fn rise(&mut self, mut place: usize) {
        let Some(entry) = self.heap.get(place).copied() else { return };
        while place > 0 {
            let parent = place.saturating_sub(1) / 2;
            match self.heap.get(parent).copied() {
                Some(above) if entry < above => self.put(place, above),
                Some(_) | None => break,
            }
            place = parent;
        }
        self.put(place, entry);
    }

    fn sink_slot(&mut self, slot: Slot) {
        let Some(mut place) = self.places.get(slot).copied().flatten() else { return };
        let Some(entry) = self.heap.get(place).copied() else { return };
        loop {
            let left = place.saturating_mul(2).saturating_add(1);
            let right = left.saturating_add(1);
            let (child, below) = match (self.heap.get(left).copied(), self.heap.get(right).copied()) {
                (Some(a), Some(b)) if b < a => (right, b),
                (Some(a), _) => (left, a),
                (None, _) => break,
            };
            if entry <= below {
                break;
            }
            self.put(place, below);
            place = child;
        }
        self.put(place, entry);
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
