//! The checks as people read them.

use super::columns::{align, since};
use crate::{config::one_line, report::Check};

const HEADER: [&str; 6] = ["CHECK", "STATE", "SINCE", "RUNS", "FAILED", "LAST"];

/// A table with a line for each check; nothing if there is none.
pub(super) fn table(checks: &[Check]) -> String {
    if checks.is_empty() {
        return String::new();
    }
    let mut rows = vec![HEADER.map(str::to_owned)];
    rows.extend(checks.iter().map(row));
    format!("\n{}", align(&rows))
}

fn row(check: &Check) -> [String; 6] {
    let last = match &check.text {
        Some(text) => format!("{} ({:.0} ms)", one_line(text), check.took_seconds * 1000.0),
        None => "-".to_owned(),
    };
    let idle = if check.runs_now { "" } else { " (idle)" };
    [
        check.name.clone(),
        format!("{}{idle}", check.state),
        since(&check.since),
        check.runs.to_string(),
        check.failures.to_string(),
        last,
    ]
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn a_line_for_each_check() {
        let then = SystemTime::now() - Duration::from_secs(200);
        let bad = Check {
            name: "http-ok".to_owned(),
            description: "it answers".to_owned(),
            state: "bad".to_owned(),
            since: humantime::format_rfc3339_millis(then).to_string(),
            runs_now: true,
            outcome: Some("failed".to_owned()),
            text: Some("status 503\n".to_owned()),
            last_run: None,
            took_seconds: 0.0123,
            runs: 12,
            failures: 3,
            not_run: 0,
            virtual_routers: vec!["web".to_owned()],
        };
        let new = Check {
            name: "new".to_owned(),
            state: "unknown".to_owned(),
            runs_now: false,
            text: None,
            runs: 0,
            failures: 0,
            ..bad.clone()
        };
        let expected = [
            "",
            "CHECK    STATE           SINCE  RUNS  FAILED  LAST",
            "http-ok  bad             3m20s  12    3       status 503\\n (12 ms)",
            "new      unknown (idle)  3m20s  0     0       -",
        ];
        assert_eq!(table(&[bad, new]).lines().collect::<Vec<_>>(), expected);
        assert_eq!(table(&[]), "");
    }
}
