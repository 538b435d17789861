//! Durations as they are written in a file: one number and one unit, such as `1s`, `250ms`, `1.5s`,
//! `2m`.

use std::time::Duration;

/// Parses `text`: digits, perhaps a point and more digits, then `ms`, `s`, `m` or `h`. What is
/// finer than a millisecond is refused, and so is everything else that would have to be guessed or
/// rounded.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let unit_start = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit_start);
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) => (whole, fraction),
        None => (number, "0"),
    };
    let whole = digits(whole)?.checked_mul(unit_ms)?;
    let scale = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let fraction = digits(fraction)?.checked_mul(unit_ms)?;
    if fraction.checked_rem(scale)? != 0 {
        return None;
    }
    Some(Duration::from_millis(whole.checked_add(fraction.checked_div(scale)?)?))
}

fn digits(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// Writes `duration` so that [`parse`] reads it back, in milliseconds at the finest.
pub(crate) fn format(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{}s", duration.as_secs())
    } else {
        format!("{}ms", duration.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_and_one_unit() {
        let cases = [
            ("1s", 1000),
            ("250ms", 250),
            ("1.5s", 1500),
            ("2m", 120_000),
            ("0s", 0),
            ("1h", 3_600_000),
        ];
        for (text, ms) in cases {
            assert_eq!(parse(text), Some(Duration::from_millis(ms)), "{text}");
        }
    }

    #[test]
    fn nothing_is_guessed_or_rounded() {
        for text in [
            "",
            "1",
            "s",
            "1 s",
            " 1s",
            "-1s",
            "+1s",
            "1.s",
            ".5s",
            "1.0005s",
            "0.5ms",
            "1S",
            "1sec",
            "1m30s",
            "1,5s",
            "99999999999999999999s",
            "18446744073709551615h",
            "1e3s",
            "١s",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for ms in [0, 10, 250, 1000, 1500, 40_950, 120_000] {
            let duration = Duration::from_millis(ms);
            assert_eq!(parse(&format(duration)), Some(duration));
        }
    }
}
