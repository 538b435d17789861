//! [`Track`]: what a check means to a virtual router, and the sum of several.

use std::sync::Arc;

use vrrp_core::{Condition, Health, Weight};

use super::tally::State;

/// What a check means to a virtual router.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Track {
    /// The name of the check.
    pub check: Arc<str>,
    /// What it does.
    pub effect: Effect,
    /// Whether it does so the other way round: what is good counts as bad, what is bad as good, and
    /// a [`Number`](super::Outcome::Number) with the other sign.
    pub is_reversed: bool,
}

impl Track {
    /// Returns one that has the check of this name do this.
    pub fn new(check: impl Into<Arc<str>>, effect: Effect) -> Self {
        Self { check: check.into(), effect, is_reversed: false }
    }

    /// Returns the same, the other way round: a weight of 5 is then added while the check is bad,
    /// and without a weight this node should not hold the addresses while it is good.
    ///
    /// ```
    /// use vrrp_core::Weight;
    /// use vrrp_net::check::{Effect, Track};
    /// let spare = Track::new("primary-site", Effect::Weight(Weight::try_from(50)?)).reversed();
    /// assert!(spare.is_reversed);
    /// # Ok::<(), vrrp_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn reversed(mut self) -> Self {
        self.is_reversed = !self.is_reversed;
        self
    }
}

/// What a check does to a virtual router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever shows one decides on each")]
pub enum Effect {
    /// While it is bad, this node should not hold the addresses: how strictly, [`Last`] says.
    Hold,
    /// It moves the priority: a negative weight is added while it is bad, a positive one while it is
    /// good, and it is taken off again when that ends. While nothing is known it adds nothing. Of a
    /// [`Number`](super::Outcome::Number) the weight is added that many times, and what comes to
    /// less than [`Weight::MIN`] is a bad [`Hold`](Self::Hold).
    Weight(Weight),
}

/// What becomes of the addresses when every node is ill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a node stays, or it leaves")]
pub enum Last {
    /// The last node holds them all the same: an ill service is better than none.
    #[default]
    Stay,
    /// Nobody holds them: an ill service must not be reached.
    Leave,
}

/// What one check has to say of a virtual router at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Share {
    /// What it means to the virtual router.
    pub track: Track,
    /// Whether it speaks for the virtual router, or against it; what is reversed is reversed here.
    pub state: State,
    /// What it adds to the priority.
    pub adds: Weight,
}

impl Share {
    pub(super) fn new(track: &Track, reading: Reading) -> Self {
        let reading = if track.is_reversed { reading.reversed() } else { reading };
        let (held, adds) = share(track.effect, reading);
        // A number that is very low is a hold, too.
        let state = if held == State::Bad { held } else { reading.state };
        Self { track: track.clone(), state, adds }
    }
}

/// What is known of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "written as a literal by whoever sums checks up")]
pub struct Reading {
    /// The state.
    pub state: State,
    /// The last number, if it read one.
    pub number: Option<i32>,
}

impl Reading {
    /// Returns what a check without a number says.
    #[must_use]
    pub const fn of(state: State) -> Self {
        Self { state, number: None }
    }

    fn reversed(self) -> Self {
        let state = match self.state {
            State::Good => State::Bad,
            State::Bad => State::Good,
            State::Unknown => State::Unknown,
        };
        Self { state, number: self.number.map(i32::saturating_neg) }
    }
}

/// Returns what the checks of one virtual router say together: a level, whatever came before.
///
/// Any bad [`Effect::Hold`] makes it [`Condition::Ill`], or [`Condition::Out`] with [`Last::Leave`];
/// if none is bad and one unknown, it is [`Condition::Unknown`] or [`Condition::Unproven`]. The
/// weights are added up.
#[must_use]
pub fn health<'a>(tracks: impl IntoIterator<Item = (&'a Track, Reading)>, last: Last) -> Health {
    let (mut worst, mut weights) = (State::Good, Vec::new());
    for (track, reading) in tracks {
        let reading = if track.is_reversed { reading.reversed() } else { reading };
        let (state, weight) = share(track.effect, reading);
        weights.push(weight);
        worst = match (worst, state) {
            (State::Bad, _) | (_, State::Bad) => State::Bad,
            (State::Unknown, _) | (_, State::Unknown) => State::Unknown,
            (State::Good, State::Good) => State::Good,
        };
    }
    let condition = match (worst, last) {
        (State::Good, _) => Condition::Good,
        (State::Unknown, Last::Stay) => Condition::Unknown,
        (State::Unknown, Last::Leave) => Condition::Unproven,
        (State::Bad, Last::Stay) => Condition::Ill,
        (State::Bad, Last::Leave) => Condition::Out,
    };
    Health { condition, weight: weights.into_iter().sum() }
}

/// What one check has to say about the addresses, and what it adds.
fn share(effect: Effect, reading: Reading) -> (State, Weight) {
    match (effect, reading) {
        (Effect::Hold, Reading { state, .. }) => (state, Weight::ZERO),
        (Effect::Weight(weight), Reading { number: Some(number), .. }) => times(weight, number),
        (Effect::Weight(weight), Reading { state, number: None }) => {
            let counts = match state {
                State::Good => weight > Weight::ZERO,
                State::Bad => weight < Weight::ZERO,
                State::Unknown => false,
            };
            (State::Good, if counts { weight } else { Weight::ZERO })
        }
    }
}

fn times(weight: Weight, number: i32) -> (State, Weight) {
    let product = i32::from(weight.get()).saturating_mul(number);
    if product < Weight::MIN.get().into() {
        return (State::Bad, Weight::MIN);
    }
    let product = i16::try_from(product).ok().and_then(|product| Weight::try_from(product).ok());
    (State::Good, product.unwrap_or(Weight::MAX))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn weight(number: i16) -> Effect {
        Effect::Weight(Weight::try_from(number).unwrap())
    }

    fn of(last: Last, tracks: &[(Effect, Reading)]) -> (Condition, i16) {
        let tracks: Vec<(Track, Reading)> =
            tracks.iter().map(|(effect, reading)| (Track::new("it", *effect), *reading)).collect();
        let health = health(tracks.iter().map(|(track, reading)| (track, *reading)), last);
        (health.condition, health.weight.get())
    }

    const GOOD: Reading = Reading::of(State::Good);
    const BAD: Reading = Reading::of(State::Bad);
    const UNKNOWN: Reading = Reading::of(State::Unknown);

    #[test]
    fn a_hold_decides_on_the_condition() {
        for (last, unknown, bad) in [
            (Last::Stay, Condition::Unknown, Condition::Ill),
            (Last::Leave, Condition::Unproven, Condition::Out),
        ] {
            let of = |readings: &[Reading]| {
                let tracks: Vec<_> = readings.iter().map(|it| (Effect::Hold, *it)).collect();
                of(last, &tracks).0
            };
            assert_eq!(of(&[]), Condition::Good);
            assert_eq!(of(&[GOOD, GOOD]), Condition::Good);
            assert_eq!(of(&[GOOD, UNKNOWN]), unknown);
            assert_eq!(of(&[UNKNOWN, BAD]), bad);
        }
    }

    #[test]
    fn a_weight_is_added_for_what_it_is_about() {
        let (punishes, rewards) = (weight(-50), weight(20));
        let of = |reading| of(Last::Leave, &[(punishes, reading), (rewards, reading)]);
        assert_eq!(of(GOOD), (Condition::Good, 20));
        assert_eq!(of(BAD), (Condition::Good, -50));
        assert_eq!(of(UNKNOWN), (Condition::Good, 0));
    }

    #[test]
    fn a_number_is_how_often_a_weight_counts() {
        let of = |effect, number| {
            let state = if number == 0 { State::Good } else { State::Bad };
            of(Last::Stay, &[(effect, Reading { state, number: Some(number) })])
        };
        assert_eq!(of(weight(1), -20), (Condition::Good, -20));
        assert_eq!(of(weight(-10), 25), (Condition::Good, -250));
        assert_eq!(of(weight(-10), 26), (Condition::Ill, -253));
        assert_eq!(of(weight(2), i32::MAX), (Condition::Good, 253));
        assert_eq!(of(weight(2), 0), (Condition::Good, 0));
        assert_eq!(of(Effect::Hold, 1), (Condition::Ill, 0));
        assert_eq!(of(Effect::Hold, 0), (Condition::Good, 0));
    }

    fn effects() -> impl Strategy<Value = Vec<(Effect, bool)>> {
        let effect = prop_oneof![Just(Effect::Hold), (-253_i16..=253).prop_map(weight),];
        proptest::collection::vec((effect, any::<bool>()), 1..8)
    }

    proptest! {
        /// Two checks are bad and one of them recovers: it is still bad, whatever the order was.
        #[test]
        fn e7_the_sum_is_what_the_checks_are_now_and_not_how_they_came_to_it(
            effects in effects(),
            changes in proptest::collection::vec((0_usize..8, any::<bool>()), 0..40),
            leave in any::<bool>(),
        ) {
            let last = if leave { Last::Leave } else { Last::Stay };
            let mut is_bad: BTreeMap<usize, bool> =
                effects.iter().map(|(_, is_bad)| *is_bad).enumerate().collect();
            for (which, to) in changes {
                is_bad.entry(which % effects.len()).insert_entry(to);
                let now: Vec<(Effect, Reading)> = effects
                    .iter()
                    .zip(is_bad.values())
                    .map(|((effect, _), is_bad)| (*effect, if *is_bad { BAD } else { GOOD }))
                    .collect();
                let (condition, sum) = of(last, &now);
                let holds = now.iter().any(|(effect, it)| *effect == Effect::Hold && *it == BAD);
                let expected = match (holds, leave) {
                    (false, _) => Condition::Good,
                    (true, false) => Condition::Ill,
                    (true, true) => Condition::Out,
                };
                prop_assert_eq!(condition, expected);
                let expected: i32 = now.iter().map(|(effect, it)| match effect {
                    Effect::Weight(weight) if (weight.get() < 0) == (*it == BAD) => weight.get().into(),
                    _ => 0,
                }).sum();
                prop_assert_eq!(i32::from(sum), expected.clamp(-253, 253));
            }
        }
    }
}
