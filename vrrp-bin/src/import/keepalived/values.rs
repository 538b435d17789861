//! Values as keepalived writes them.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr, time::Duration};

use super::{blocks::Statement, report::Report, words::Word};
use crate::config::{Located, Wrong};

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

/// A whole number in this range, in the one word behind the keyword.
pub(super) fn number<T: FromStr + PartialOrd + Display>(
    statement: &Statement,
    range: RangeInclusive<T>,
    report: &mut Report,
) -> Result<Located<T>, Wrong> {
    let word = first(statement, report)?;
    only(statement, 1, report);
    let value = word.text.parse().ok().filter(|value| range.contains(value));
    let Some(value) = value else {
        let message = format!(
            "`{}` is {:?} and is left out; write a whole number from {} to {}",
            statement.keyword(),
            word.text,
            range.start(),
            range.end()
        );
        return report.skip(&word.place, message);
    };
    Ok(Located::new(word.place.clone(), value))
}

/// A time in seconds, whole or not, in the one word behind the keyword.
pub(super) fn seconds(
    statement: &Statement,
    range: RangeInclusive<f64>,
    report: &mut Report,
) -> Result<Located<Duration>, Wrong> {
    let word = first(statement, report)?;
    only(statement, 1, report);
    let value = duration(&word.text).filter(|value| range.contains(&value.as_secs_f64()));
    let Some(value) = value else {
        let message = format!(
            "`{}` is {:?} and is left out; write seconds from {} to {}",
            statement.keyword(),
            word.text,
            range.start(),
            range.end()
        );
        return report.skip(&word.place, message);
    };
    Ok(Located::new(word.place.clone(), value))
}

/// Seconds, whole or not.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let plain = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    let seconds: f64 = text.parse().ok().filter(|seconds| plain && *seconds <= LONGEST)?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// Yes or no. The keyword alone is yes.
pub(super) fn switch(statement: &Statement, report: &mut Report) -> Result<bool, Wrong> {
    let Some(word) = statement.arguments().first() else { return Ok(true) };
    only(statement, 1, report);
    let found = SWITCHES.iter().find(|(switch, _)| *switch == word.text);
    found.map_or_else(
        || {
            let message = format!(
                "`{}` is {:?} and is left out; write on or off",
                statement.keyword(),
                word.text
            );
            report.skip(&word.place, message)
        },
        |(_, value)| Ok(*value),
    )
}
