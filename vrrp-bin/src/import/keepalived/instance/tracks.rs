//! [`Tracks`]: what a virtual router or a group tracks.

use vrrp_core::Weight;
use vrrp_net::check::Effect;

use super::super::{blocks::Statement, names::Names, report::Report};
use crate::config::{Located, Notation, Wrong, interface_fault};

/// What is tracked, each with its place.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Tracks(pub(in super::super) Vec<Located<Tracked>>);

/// Something that is tracked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Tracked {
    pub(in super::super) what: What,
    pub(in super::super) effect: Effect,
}

/// What it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum What {
    /// The check of this name.
    Check(String),
    /// An interface.
    Interface(String),
}

impl Tracks {
    /// Adds what a block names.
    pub(in super::super) fn take(&mut self, block: &Statement, names: &Names, report: &mut Report) {
        for entry in block.inner() {
            let Ok(tracked) = tracked(block.keyword(), entry, names, report) else { continue };
            if !self.add(Located::new(entry.place(), tracked)) {
                report.warn(&entry.place(), "this is tracked twice, and counts once");
            }
        }
    }

    /// Adds something, unless it is there already. Returns whether it was not.
    pub(in super::super) fn add(&mut self, tracked: Located<Tracked>) -> bool {
        let is_new = self.0.iter().all(|other| other.value.what != tracked.value.what);
        if is_new {
            self.0.push(tracked);
        }
        is_new
    }
}

fn tracked(
    keyword: &str,
    entry: &Statement,
    names: &Names,
    report: &mut Report,
) -> Result<Tracked, Wrong> {
    let name = entry.keyword();
    let (what, default) = if keyword == "track_interface" {
        if let Some(fault) = interface_fault(name, Notation::Keepalived) {
            return report.skip(&entry.place(), format!("{name:?} is left out, {fault}"));
        }
        (What::Interface(name.to_owned()), Effect::Hold)
    } else {
        let (kind, defined) = match keyword {
            "track_file" => ("track_file", "vrrp_track_file"),
            "track_process" => ("track_process", "vrrp_track_process"),
            _ => ("track_script", "vrrp_script"),
        };
        let Some(checked) = names.get(kind, name) else {
            let message = format!(
                "there is no {defined} {name:?} above, and it is left out, as keepalived does; \
                 define it before what tracks it"
            );
            return report.skip(&entry.place(), message);
        };
        (What::Check(checked.name.clone()), checked.effect)
    };
    let effect = effect(entry, report)?.unwrap_or(default);
    Ok(Tracked { what, effect })
}

/// What the words behind a name say: `[weight N] [reverse]`.
fn effect(entry: &Statement, report: &mut Report) -> Result<Option<Effect>, Wrong> {
    let mut effect = None;
    let mut words = entry.arguments().iter();
    while let Some(word) = words.next() {
        match &*word.text {
            "weight" => {
                let value = words.next();
                effect = value.and_then(|value| weight(&value.text)).map(of_weight);
                if effect.is_none() {
                    let message = "this weight is left out; write a whole number from -253 to 253";
                    report.warn(&word.place, message);
                }
            }
            "noweight" => {}
            "reverse" => {
                let message = "what is reversed cannot be tracked in this version, it is left out; \
                    turn the result of the check round";
                return report.skip(&word.place, message);
            }
            other => {
                let message =
                    format!("{other:?} is left out; write `weight` and a number, or nothing");
                report.warn(&word.place, message);
            }
        }
    }
    Ok(effect)
}

/// A weight in digits.
pub(in super::super) fn weight(text: &str) -> Option<Weight> {
    Weight::try_from(text.parse::<i16>().ok()?).ok()
}

/// A weight of 0 is no weight: what is tracked keeps this node out.
pub(in super::super) fn of_weight(weight: Weight) -> Effect {
    if weight == Weight::ZERO { Effect::Hold } else { Effect::Weight(weight) }
}
