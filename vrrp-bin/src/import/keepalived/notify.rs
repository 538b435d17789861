//! `notify` and its companions.

use super::{blocks::Statement, report::Report, scripts::command};
use crate::config::{Found, Located, NOTIFY_LIMIT, Script, Scripts, Told};

/// The keywords, and what each is told.
const KEYWORDS: &[(&str, Told)] = &[
    ("notify", Told::All),
    ("notify_master", Told::Active),
    ("notify_backup", Told::Backup),
    ("notify_fault", Told::Fault),
    ("notify_stop", Told::Stop),
];

/// Which states a program behind this keyword is told.
pub(super) fn told(keyword: &str) -> Option<Told> {
    KEYWORDS.iter().find(|(word, _)| *word == keyword).map(|(_, told)| *told)
}

/// Adds a program that is told states.
pub(super) fn take(
    statement: &Statement,
    scripts: &mut Found<Scripts>,
    user: Option<&Located<String>>,
    report: &mut Report,
) {
    let Some(told) = told(statement.keyword()) else { return };
    let Ok(program) = command(statement, user, report) else { return };
    let mut all = std::mem::take(scripts).value().cloned().unwrap_or_default();
    all.set(told, program.map(|program| Script { program, timeout: NOTIFY_LIMIT }));
    *scripts = Found::Value(all);
}
