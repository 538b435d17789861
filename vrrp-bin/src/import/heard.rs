//! Checks of what keepalived hears of at once: one result decides, and it is looked at often. And its
//! weights.

use std::{num::NonZeroU8, time::Duration};

use vrrp_core::Weight;
use vrrp_net::check::Effect;

use crate::config::{CheckDraft, Found, Located, Look, Place};

/// How often is looked at what keepalived hears of at once.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A check that one result decides, as keepalived's unless its file says otherwise.
pub(super) fn every(interval: Duration, place: &Place) -> CheckDraft {
    let mut draft = CheckDraft::new(place.clone());
    draft.interval = Found::Value(Located::new(place.clone(), interval));
    (draft.rise, draft.fall) = (Found::Value(NonZeroU8::MIN), Found::Value(NonZeroU8::MIN));
    draft
}

/// A check of an interface.
pub(super) fn interface(name: &str, place: &Place) -> CheckDraft {
    let mut draft = every(LOOK_EVERY, place);
    let look = Look::Interface(name.to_owned());
    draft.looks = vec![("interface", Found::Value(Located::new(place.clone(), look)))];
    draft
}

/// A weight in digits.
pub(super) fn weight(text: &str) -> Option<Weight> {
    Weight::try_from(text.parse::<i16>().ok()?).ok()
}

/// A weight of 0 is no weight: what is tracked keeps this node out.
pub(super) fn effect(weight: Weight) -> Effect {
    if weight == Weight::ZERO { Effect::Hold } else { Effect::Weight(weight) }
}
