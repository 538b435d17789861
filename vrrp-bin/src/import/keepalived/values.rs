//! Values as keepalived writes them.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr, time::Duration};

use super::{blocks::Statement, report::Report, words::Word};
use crate::config::{Located, Wrong, is_name};

/// The words for yes and no.
const SWITCHES: &[(&str, bool)] =
    &[("on", true), ("true", true), ("yes", true), ("off", false), ("false", false), ("no", false)];
/// The longest time that is read: what is longer is a mistake.
const LONGEST: f64 = 1e9;

/// The word behind the keyword, without which keepalived does not start.
pub(super) fn first<'a>(statement: &'a Statement, report: &mut Report) -> Result<&'a Word, Wrong> {
    let Some(word) = statement.arguments().first() else {
        let keyword = statement.keyword();
        let message = format!("`{keyword}` has no value; write one behind it");
        report.refuse(&statement.place(), message);
        return Err(Wrong);
    };
    Ok(word)
}

/// What is at most `most` words behind the keyword. What follows those is told and left out.
pub(super) fn only(statement: &Statement, most: usize, report: &mut Report) {
    if let Some(word) = statement.arguments().get(most) {
        let message = format!(
            "{:?} and what follows it is left out: `{}` takes no more",
            word.text,
            statement.keyword()
        );
        report.warn(&word.place, message);
    }
}

/// The word behind the keyword, as it is.
pub(super) fn text(statement: &Statement, report: &mut Report) -> Result<Located<String>, Wrong> {
    let word = first(statement, report)?;
    Ok(Located::new(word.place.clone(), word.text.clone()))
}

/// The one word behind the keyword, a name.
pub(super) fn name(statement: &Statement, report: &mut Report) -> Result<Located<String>, Wrong> {
    let name = |text: &str| is_name(text).then(|| text.to_owned());
    value(statement, "a name of letters, digits, and . _ -", name, report)
}

/// What `parse` makes of the one word behind the keyword. `rule` says what can be written.
pub(super) fn value<T>(
    statement: &Statement,
    rule: &str,
    parse: impl FnOnce(&str) -> Option<T>,
    report: &mut Report,
) -> Result<Located<T>, Wrong> {
    let word = first(statement, report)?;
    only(statement, 1, report);
    let Some(value) = parse(&word.text) else {
        let (keyword, text) = (statement.keyword(), &word.text);
        let message = format!("`{keyword}` is {text:?} and is left out; write {rule}");
        return report.skip(&word.place, message);
    };
    Ok(Located::new(word.place.clone(), value))
}

/// A whole number in this range, in the one word behind the keyword.
pub(super) fn number<T: FromStr + PartialOrd + Display>(
    statement: &Statement,
    range: RangeInclusive<T>,
    report: &mut Report,
) -> Result<Located<T>, Wrong> {
    let rule = format!("a whole number from {} to {}", range.start(), range.end());
    let number = |text: &str| text.parse().ok().filter(|number| range.contains(number));
    value(statement, &rule, number, report)
}

/// A time in seconds, whole or not, in the one word behind the keyword.
pub(super) fn seconds(
    statement: &Statement,
    range: RangeInclusive<f64>,
    report: &mut Report,
) -> Result<Located<Duration>, Wrong> {
    let rule = format!("seconds from {} to {}", range.start(), range.end());
    let time = |text: &str| duration(text).filter(|time| range.contains(&time.as_secs_f64()));
    value(statement, &rule, time, report)
}

/// Seconds, whole or not.
fn duration(text: &str) -> Option<Duration> {
    let plain = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    let seconds: f64 = text.parse().ok().filter(|seconds| plain && *seconds <= LONGEST)?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// Yes or no. The keyword alone is yes.
pub(super) fn switch(statement: &Statement, report: &mut Report) -> Result<bool, Wrong> {
    if statement.arguments().is_empty() {
        return Ok(true);
    }
    let find = |text: &str| SWITCHES.iter().find(|(switch, _)| *switch == text);
    let found = value(statement, "on or off", find, report)?;
    Ok(found.value.1)
}
