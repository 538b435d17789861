//! [`Tracks`]: what a virtual router or a group tracks.

use vrrp_net::check::Effect;

use super::super::{
    blocks::Statement,
    meaning::{Meaning, read},
    names::Names,
    report::Report,
};
use crate::config::{Located, Notation, Wrong, interface_fault};

/// What is tracked, each with its place.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Tracks(pub(in super::super) Vec<Located<Tracked>>);

/// Something that is tracked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Tracked {
    pub(in super::super) what: What,
    pub(in super::super) meaning: Meaning,
}

/// What it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum What {
    /// The check of this name, of a script.
    Script(String),
    /// The same of a file.
    File(String),
    /// The same of a process.
    Process(String),
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

    /// Takes the weights away, as keepalived does in a group: its members are as strong as each
    /// other. A script with a weight is not tracked, an interface or a file keeps the node out, and a
    /// process keeps its weight.
    pub(in super::super) fn unweigh(&mut self, report: &mut Report) {
        self.0.retain_mut(|Located { place, value: Tracked { what, meaning } }| {
            let message = match (&*what, meaning.effect) {
                (_, Effect::Hold) | (What::Process(_), Effect::Weight(_)) => return true,
                (What::Script(_), Effect::Weight(_)) => {
                    "this is left out, as keepalived does: its weight would make one member of the \
                     group stronger than the others; track it in the group"
                }
                (What::File(_) | What::Interface(_), Effect::Weight(_)) => {
                    "the weight is left out, as keepalived does: it would make one member of the \
                     group stronger than the others; track it in the group"
                }
            };
            report.warn(place, message);
            *meaning = Meaning::HOLD;
            !matches!(what, What::Script(_))
        });
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
        (What::Interface(name.to_owned()), Meaning::HOLD)
    } else {
        let (kind, defined, what): (_, _, fn(String) -> What) = match keyword {
            "track_file" => ("track_file", "vrrp_track_file", What::File),
            "track_process" => ("track_process", "vrrp_track_process", What::Process),
            _ => ("track_script", "vrrp_script", What::Script),
        };
        let Some(checked) = names.get(kind, name) else {
            let message = format!(
                "there is no {defined} {name:?} above, and it is left out, as keepalived does; \
                 define it before what tracks it"
            );
            return report.skip(&entry.place(), message);
        };
        (what(checked.name.clone()), checked.meaning)
    };
    let meaning = read(entry.arguments(), report).unwrap_or(default);
    Ok(Tracked { what, meaning })
}
