//! `vrrp_script` and its companions: what can be tracked.

use std::{num::NonZeroU8, time::Duration};

use vrrp_core::Weight;
use vrrp_net::check::{Effect, Initial};

use super::{
    blocks::Statement,
    instance::{of_weight, weight},
    keywords,
    names::Names,
    report::Report,
    scripts::command,
    values::{first, only, seconds, text, value},
};
use crate::config::{CheckDraft, Found, Located, Look, Wants, Wrong};

/// Reads a `vrrp_script`.
pub(super) fn script(
    block: &Statement,
    user: Option<&Located<String>>,
    names: &mut Names,
    report: &mut Report,
) {
    let Some(name) = block.arguments().first() else {
        return report.warn(&block.place(), "a vrrp_script must have a name; it is left out");
    };
    let mut draft = CheckDraft::new(block.place());
    let mut effect = Effect::Hold;
    // keepalived counts a script as bad until it has passed once.
    draft.initial = Found::Value(Located::new(block.place(), Initial::Unknown));
    for statement in block.inner() {
        let read = match statement.keyword() {
            "weight" => weight_of(statement, report).map(|weight| effect = of_weight(weight)),
            "user" => user_of(statement, report).map(|user| draft.user = Found::Value(user)),
            _ => take(&mut draft, statement, report),
        };
        // Whatever is left out, the rest counts.
        let _ = read;
    }
    if draft.looks.is_empty() {
        let message = format!("the vrrp_script {:?} has no `script`, and is left out", name.text);
        return report.warn(&block.place(), message);
    }
    if let (true, Some(user)) = (matches!(draft.user, Found::Absent), user) {
        draft.user = Found::Value(user.clone());
    }
    names.add("track_script", name, effect, draft, report);
}

fn take(draft: &mut CheckDraft, statement: &Statement, report: &mut Report) -> Result<(), Wrong> {
    match statement.keyword() {
        "script" => {
            let program = command(statement, None, report)?;
            draft.looks = vec![("command", Found::Value(program.map(Look::Command)))];
        }
        "interval" => draft.interval = Found::Value(time(statement, report)?),
        "timeout" => draft.timeout = Found::Value(time(statement, report)?),
        "rise" => draft.rise = Found::Value(count(statement, report)?),
        "fall" => draft.fall = Found::Value(count(statement, report)?),
        "init_fail" => {
            draft.initial = Found::Value(Located::new(statement.place(), Initial::Bad));
        }
        _ => keywords::other(statement, keywords::SCRIPT, report),
    }
    Ok(())
}

/// Reads a `vrrp_track_file`: the number in a file counts, as often as its weight says.
pub(super) fn file(block: &Statement, names: &mut Names, report: &mut Report) {
    let Some(name) = block.arguments().first() else {
        return report.warn(&block.place(), "a vrrp_track_file must have a name; it is left out");
    };
    let mut draft = CheckDraft::new(block.place());
    let mut effect = Weight::try_from(1).map_or(Effect::Hold, Effect::Weight);
    for statement in block.inner() {
        match statement.keyword() {
            "file" => {
                let Ok(word) = first(statement, report) else { continue };
                only(statement, 1, report);
                let look = Look::File { path: word.text.clone().into(), wants: Wants::Number };
                draft.looks = vec![("file", Found::Value(Located::new(word.place.clone(), look)))];
            }
            "weight" => {
                effect = weight_of(statement, report).map_or(effect, of_weight);
            }
            _ => keywords::other(statement, keywords::FILE, report),
        }
    }
    if draft.looks.is_empty() {
        let message = format!("the track file {:?} has no `file`, and is left out", name.text);
        return report.warn(&block.place(), message);
    }
    names.add("track_file", name, effect, draft, report);
}

/// Reads a `vrrp_track_process`.
pub(super) fn process(block: &Statement, names: &mut Names, report: &mut Report) {
    let Some(name) = block.arguments().first() else {
        return report
            .warn(&block.place(), "a vrrp_track_process must have a name; it is left out");
    };
    let mut draft = CheckDraft::new(block.place());
    let mut effect = Effect::Hold;
    for statement in block.inner() {
        match statement.keyword() {
            "process" => {
                let Ok(word) = first(statement, report) else { continue };
                let look = Look::Process(word.text.clone());
                draft.looks =
                    vec![("process", Found::Value(Located::new(word.place.clone(), look)))];
            }
            "weight" => {
                effect = weight_of(statement, report).map_or(effect, of_weight);
            }
            _ => keywords::other(statement, keywords::PROCESS, report),
        }
    }
    if draft.looks.is_empty() {
        let message =
            format!("the track process {:?} has no `process`, and is left out", name.text);
        return report.warn(&block.place(), message);
    }
    names.add("track_process", name, effect, draft, report);
}

fn weight_of(statement: &Statement, report: &mut Report) -> Result<Weight, Wrong> {
    let found = value(statement, "a whole number from -253 to 253", weight, report)?;
    Ok(found.value)
}

fn user_of(statement: &Statement, report: &mut Report) -> Result<Located<String>, Wrong> {
    only(statement, 2, report);
    text(statement, report)
}

/// Seconds, whole or not, as far as a check takes them.
fn time(statement: &Statement, report: &mut Report) -> Result<Located<Duration>, Wrong> {
    seconds(statement, 0.01..=86_400.0, report)
}

/// How often in a row. More than 255 is as good as 255.
fn count(statement: &Statement, report: &mut Report) -> Result<NonZeroU8, Wrong> {
    let count = |text: &str| {
        let number: u32 = text.parse().ok()?;
        NonZeroU8::new(u8::try_from(number).unwrap_or(u8::MAX))
    };
    let found = value(statement, "a whole number from 1 to 255", count, report)?;
    Ok(found.value)
}
