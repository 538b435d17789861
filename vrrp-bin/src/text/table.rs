//! Tables whose last column may have anything in it.

use super::{
    columns::{align, widest},
    wrap::{WIDTH, hanging},
};

/// A table, each line of which has a last cell that may not fit: that one stands below it then.
pub(crate) fn table<const N: usize>(
    header: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> String {
    rows_of(header, rows).concat()
}

/// The same, each row for itself, with its line feed; the first one is the header.
pub(crate) fn rows_of<const N: usize>(
    header: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> Vec<String> {
    let (mut cells, mut last) = (Vec::new(), Vec::new());
    for mut row in std::iter::once(header.map(str::to_owned)).chain(rows) {
        last.push(row.last_mut().map(std::mem::take).unwrap_or_default());
        cells.push(row);
    }
    let aligned = align(&cells);
    // What the columns before the last one take.
    let start = (0..N.saturating_sub(1)).map(|place| widest(&cells, place) + 2).sum();
    let lines = aligned.lines().zip(last).map(|(line, rest): (&str, String)| {
        let whole = format!("{line:<start$}{rest}");
        if whole.chars().count() <= WIDTH {
            return format!("{}\n", whole.trim_end());
        }
        format!("{line}\n{}", hanging("    ", 4, &rest))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_cell_that_does_not_fit_stands_below() {
        let rows = [["a", "short"], ["bc", &"word ".repeat(20)]];
        let text = table(["NAME", "REST"], rows.map(|row| row.map(str::to_owned)).into_iter());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[..3], ["NAME  REST", "a     short", "bc"]);
        assert!(lines[3].starts_with("    word word"), "{text}");
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{text}");
    }
}
