//! `vrrp_script` and its companions: what can be tracked.

use std::{num::NonZeroU8, ops::RangeInclusive, time::Duration};

use vrrp_core::Weight;
use vrrp_net::check::Initial;

use super::{
    blocks::Statement,
    keywords,
    meaning::{self, Meaning},
    names::Names,
    report::Report,
    scripts::command,
    values::{first, number, only, seconds, text, value},
    words::Word,
};
use crate::{
    config::{CheckDraft, Found, Located, Look, ONE_OR_MORE, Wants, Wrong},
    import::heard::{LOOK_EVERY, every},
};

/// How often a script runs unless the file says otherwise.
const EVERY: Duration = Duration::from_secs(1);

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
    let mut draft = every(EVERY, &block.place());
    let mut meaning = Meaning::HOLD;
    // keepalived counts a script as bad until it has passed once.
    draft.initial = Found::Value(Located::new(block.place(), Initial::Unknown));
    for statement in block.inner() {
        let read = match statement.keyword() {
            "weight" => weigh(statement, &mut meaning, report),
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
    if matches!(draft.timeout, Found::Absent) {
        draft.timeout = draft.interval.clone();
    }
    if let (true, Some(user)) = (matches!(draft.user, Found::Absent), user) {
        draft.user = Found::Value(user.clone());
    }
    names.add("track_script", name, meaning, draft, report);
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
    let mut draft = every(LOOK_EVERY, &block.place());
    let mut meaning = Weight::try_from(1).map_or(Meaning::HOLD, Meaning::of_weight);
    for statement in block.inner() {
        match statement.keyword() {
            "file" => {
                let Ok(word) = first(statement, report) else { continue };
                only(statement, 1, report);
                let look = Look::File { path: word.text.clone().into(), wants: Wants::Number };
                draft.looks = vec![("file", Found::Value(Located::new(word.place.clone(), look)))];
            }
            // Whatever is left out, the rest counts.
            "weight" => drop(weigh(statement, &mut meaning, report)),
            _ => keywords::other(statement, keywords::FILE, report),
        }
    }
    if draft.looks.is_empty() {
        let message = format!("the track file {:?} has no `file`, and is left out", name.text);
        return report.warn(&block.place(), message);
    }
    names.add("track_file", name, meaning, draft, report);
}

/// Reads a `vrrp_track_process`.
pub(super) fn process(block: &Statement, names: &mut Names, report: &mut Report) {
    let Some(name) = block.arguments().first() else {
        return report
            .warn(&block.place(), "a vrrp_track_process must have a name; it is left out");
    };
    let mut draft = every(LOOK_EVERY, &block.place());
    let (mut meaning, mut process, mut quorum) = (Meaning::HOLD, None, Quorum::default());
    for statement in block.inner() {
        let read = match statement.keyword() {
            "process" => {
                only(statement, 1, report);
                first(statement, report).map(|word| process = Some(word))
            }
            "quorum" | "quorum_max" => quorum.take(statement, report),
            "delay" | "fork_delay" | "terminate_delay" => delay(statement, &mut draft, report),
            "weight" => weigh(statement, &mut meaning, report),
            _ => {
                keywords::other(statement, keywords::PROCESS, report);
                Ok(())
            }
        };
        // Whatever is left out, the rest counts.
        let _ = read;
    }
    let Some(process) = process else {
        let message =
            format!("the track process {:?} has no `process`, and is left out", name.text);
        return report.warn(&block.place(), message);
    };
    let look = Look::Process { name: process_name(process, report), count: quorum.count() };
    draft.looks = vec![("process", Found::Value(Located::new(process.place.clone(), look)))];
    names.add("track_process", name, meaning, draft, report);
}

/// The name of a process: of a path its last part, which is what a process is known by.
fn process_name(word: &Word, report: &mut Report) -> String {
    let command = word.text.split_whitespace().next().unwrap_or_default();
    let last = command.rsplit('/').next().unwrap_or_default();
    let name: String = last.chars().filter(|c| !c.is_control()).collect();
    let name = if name.is_empty() { "unnamed".to_owned() } else { name };
    if name != word.text {
        let message = format!("a process {name} is looked for: a process is known by its name");
        report.warn(&word.place, message);
    }
    name
}

/// How long it has to last that a process is there, or is not, before it counts.
fn delay(statement: &Statement, draft: &mut CheckDraft, report: &mut Report) -> Result<(), Wrong> {
    let delay = seconds(statement, 0.0..=3600.0, report)?;
    let looks = delay.value.as_millis() / LOOK_EVERY.as_millis() + 1;
    let looks = u8::try_from(looks).ok().and_then(NonZeroU8::new).unwrap_or_else(|| {
        let longest = LOOK_EVERY * u32::from(u8::MAX);
        let message = format!("this is {} s at most here", longest.as_secs());
        report.warn(&delay.place, message);
        NonZeroU8::MAX
    });
    if statement.keyword() != "terminate_delay" {
        draft.rise = Found::Value(looks);
    }
    if statement.keyword() != "fork_delay" {
        draft.fall = Found::Value(looks);
    }
    Ok(())
}

/// How many processes are wanted.
#[derive(Default)]
struct Quorum {
    least: Option<u32>,
    most: Option<u32>,
}

impl Quorum {
    /// Takes one of its statements. What does not go with an earlier one is left out.
    fn take(&mut self, statement: &Statement, report: &mut Report) -> Result<(), Wrong> {
        let is_least = statement.keyword() == "quorum";
        let number = number(statement, u32::from(is_least)..=65_535, report)?;
        let new = if is_least {
            Self { least: Some(number.value), ..*self }
        } else {
            Self { most: Some(number.value), ..*self }
        };
        if new.least.zip(new.most).is_some_and(|(least, most)| least > most) {
            let message = "this is left out: `quorum_max` must not be less than `quorum`";
            return report.skip(&number.place, message);
        }
        *self = new;
        Ok(())
    }

    /// One or more, unless something else is said; a `quorum_max` of 0 alone wants none.
    fn count(&self) -> RangeInclusive<u32> {
        let most = self.most.unwrap_or(*ONE_OR_MORE.end());
        self.least.unwrap_or(*ONE_OR_MORE.start()).min(most)..=most
    }
}

/// `weight N [reverse]`.
fn weigh(statement: &Statement, meaning: &mut Meaning, report: &mut Report) -> Result<(), Wrong> {
    first(statement, report)?;
    *meaning = meaning::read(&statement.words, report).unwrap_or(*meaning);
    Ok(())
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
