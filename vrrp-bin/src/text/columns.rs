//! Columns, and times in them.

use std::{
    array,
    time::{Duration, SystemTime},
};

/// Pads every column to its widest cell.
pub(crate) fn align<const N: usize>(rows: &[[String; N]]) -> String {
    let widths: [usize; N] = array::from_fn(|column| widest(rows, column));
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    text
}

/// How wide the widest cell of a column is.
pub(super) fn widest<const N: usize>(rows: &[[String; N]], column: usize) -> usize {
    let cells = rows.iter().filter_map(|row| row.get(column));
    cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
}

/// How long ago that was, or the text itself if it is no time.
pub(crate) fn since(rfc3339: &str) -> String {
    let Ok(then) = humantime::parse_rfc3339(rfc3339) else { return rfc3339.to_owned() };
    age(SystemTime::now().duration_since(then).unwrap_or_default())
}

/// The age of what was so many seconds ago.
pub(crate) fn age_of(seconds: f64) -> String {
    age(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// The two greatest units of `duration`.
fn age(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, minutes) => format!("{minutes}m{}s", seconds % 60),
        (0, hours, minutes) => format!("{hours}h{minutes}m"),
        (days, hours, _) => format!("{days}d{hours}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_two_units() {
        let ages = [(5, "5s"), (65, "1m5s"), (3_700, "1h1m"), (90_061, "1d1h")];
        for (seconds, expected) in ages {
            assert_eq!(age(Duration::from_secs(seconds)), expected);
        }
    }
}
