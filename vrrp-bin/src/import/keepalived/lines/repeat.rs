//! `~SEQ(VAR, START, STEP, END)` and `~LST(VAR, VALUE, ...)`: a line for each value.

use std::vec;

/// What a line is repeated with.
#[derive(Debug)]
pub(super) enum Repetition {
    /// Numbers.
    Sequence { name: String, next: Option<i64>, step: i64, end: i64, in_hexadecimal: bool },
    /// Values, for several variables at a time.
    List { names: Vec<String>, rows: vec::IntoIter<Vec<String>> },
}

/// How long the repetition is that `text` begins with; `None` if it does not begin with one.
pub(super) fn length(text: &str) -> Option<usize> {
    let starts = ["~SEQ(", "~SEQx(", "~LST("].iter().any(|start| text.starts_with(start));
    Some(text.find(')').filter(|_| starts)?.saturating_add(1))
}

/// Reads a repetition.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub(super) fn read(text: &str) -> Result<Repetition, String> {
    let (kind, arguments) = text.split_once('(').unwrap_or((text, ""));
    let arguments = arguments.trim_end().strip_suffix(')').unwrap_or(arguments);
    let fields = fields(arguments);
    let repetition = match kind {
        "~LST" => list(&fields),
        _ => sequence(&fields, kind == "~SEQx"),
    };
    repetition.ok_or_else(|| {
        format!("{text:?} repeats nothing; write for example ~SEQ(N, 1, 4) or ~LST(N, one, two)")
    })
}

/// What stands between commas, those within braces left out of account.
fn fields(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let separates = |c: char| {
        match c {
            '{' => depth = depth.saturating_add(1),
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    };
    text.split(separates).map(str::trim).collect()
}

fn sequence(fields: &[&str], in_hexadecimal: bool) -> Option<Repetition> {
    let (name, numbers) = fields.split_first()?;
    let numbers: Vec<i64> = numbers.iter().map(|text| number(text)).collect::<Option<_>>()?;
    let (start, step, end) = match *numbers.as_slice() {
        [end] => (if end < 0 { -1 } else { 1 }, None, end),
        [start, end] => (start, None, end),
        [start, step, end] => (start, Some(step), end),
        _ => return None,
    };
    let step = step.unwrap_or(if end < start { -1 } else { 1 });
    (step != 0 && super::variables::is_name(name)).then(|| Repetition::Sequence {
        name: (*name).to_owned(),
        next: Some(start),
        step,
        end,
        in_hexadecimal,
    })
}

fn number(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let number = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(digits) => i64::from_str_radix(digits, 16),
        None => digits.parse(),
    };
    number.ok()?.checked_mul(sign)
}

fn list(fields: &[&str]) -> Option<Repetition> {
    let (names, rows) = fields.split_first()?;
    let names = values(names);
    let rows: Vec<Vec<String>> = rows.iter().map(|row| values(row)).collect();
    let fits = names.iter().all(|name| super::variables::is_name(name))
        && rows.iter().all(|row| row.len() == names.len());
    (fits && !rows.is_empty()).then(|| Repetition::List { names, rows: rows.into_iter() })
}

/// One value, or several in braces.
fn values(text: &str) -> Vec<String> {
    match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
        Some(inner) => inner.split(',').map(|value| value.trim().to_owned()).collect(),
        None => vec![text.to_owned()],
    }
}

impl Iterator for Repetition {
    type Item = Vec<(String, String)>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Sequence { name, next, step, end, in_hexadecimal } => {
                let number =
                    next.filter(|next| if *step > 0 { next <= end } else { next >= end })?;
                *next = number.checked_add(*step);
                let value =
                    if *in_hexadecimal { format!("{number:x}") } else { number.to_string() };
                Some(vec![(name.clone(), value)])
            }
            Self::List { names, rows } => Some(names.iter().cloned().zip(rows.next()?).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let show = |values: Vec<(String, String)>| {
            let values: Vec<String> =
                values.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
            values.join("+")
        };
        match read(text) {
            Ok(repetition) => repetition.take(9).map(show).collect::<Vec<_>>().join(" "),
            Err(message) => message,
        }
    }

    #[test]
    fn repetitions_have_values() {
        for (text, expected) in [
            ("~SEQ(N, 0, 3)", "N=0 N=1 N=2 N=3"),
            ("~SEQ(N, 2)", "N=1 N=2"),
            ("~SEQ(N, -2)", "N=-1 N=-2"),
            ("~SEQ(N, 4, 2)", "N=4 N=3 N=2"),
            ("~SEQ(N,1,3,8)", "N=1 N=4 N=7"),
            ("~SEQ(N, 3, 1, 2)", ""),
            ("~SEQx(N, 0x90, 0x10, 0xc0)", "N=90 N=a0 N=b0 N=c0"),
            ("~SEQx(N, 0x12, -1, 0x10)", "N=12 N=11 N=10"),
            ("~LST(N, a, b)", "N=a N=b"),
            ("~LST({A, B}, {1,2}, {3, 4})", "A=1+B=2 A=3+B=4"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn what_repeats_nothing_is_told() {
        for text in [
            "~SEQ()",
            "~SEQ(N)",
            "~SEQ(N, 1, 0, 3)",
            "~SEQ(1N, 1, 3)",
            "~SEQ(N, 99999999999999999999)",
            "~LST(N)",
            "~LST({A,B}, {1,2}, 3)",
        ] {
            let expected = "repeats nothing; write for example ~SEQ(N, 1, 4) or ~LST(N, one, two)";
            assert!(shown(text).ends_with(expected), "{text}: {}", shown(text));
        }
        assert_eq!(shown("~SEQ(N, 9223372036854775806, 9223372036854775807)").len(), 43);
    }
}
