//! [`Meaning`]: what the result of a check means to whoever tracks it.

use vrrp_core::Weight;
use vrrp_net::check::{Effect, Track};

use super::{report::Report, words::Word};
use crate::import::heard;

/// What a result means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) effect: Effect,
    /// Whether it means that the other way round.
    pub(super) is_reversed: bool,
}

impl Meaning {
    /// What a check means that keeps this node out.
    pub(super) const HOLD: Self = Self { effect: Effect::Hold, is_reversed: false };

    /// What a weight means.
    pub(super) fn of_weight(weight: Weight) -> Self {
        Self { effect: heard::effect(weight), is_reversed: false }
    }

    /// This, for the check of some name.
    pub(super) fn track(self, check: String) -> Track {
        let track = Track::new(check, self.effect);
        if self.is_reversed { track.reversed() } else { track }
    }
}

/// What words such as `weight -5 reverse` say; `None` if it is nothing.
pub(super) fn read(words: &[Word], report: &mut Report) -> Option<Meaning> {
    let mut meaning = None;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match (&*word.text, meaning) {
            ("weight", _) => {
                let value = words.next();
                meaning =
                    value.and_then(|value| heard::weight(&value.text)).map(Meaning::of_weight);
                if meaning.is_none() {
                    let message = "this weight is left out; write a whole number from -253 to 253";
                    report.warn(&word.place, message);
                }
            }
            ("noweight", _) => {}
            ("reverse", Some(said)) => meaning = Some(Meaning { is_reversed: true, ..said }),
            (other, _) => {
                let message =
                    format!("{other:?} is left out; write `weight` and a number, or nothing");
                report.warn(&word.place, message);
            }
        }
    }
    meaning
}
