//! [`word`]: a word behind a keyword that names a program. keepalived reads those in another way: both
//! kinds of quotes keep space together, and a backslash begins an escape.

/// A word of a command, as it was found.
pub(super) struct Found {
    /// Without quotes and escapes.
    pub(super) text: String,
    /// How many octets it takes.
    pub(super) length: usize,
    /// Whether it begins with a quote.
    pub(super) is_quoted: bool,
    /// Whether nothing ends a quote of it.
    pub(super) is_open: bool,
}

/// Whether a program stands behind this keyword.
pub(super) fn is_behind(keyword: &str) -> bool {
    keyword == "script" || keyword == "notify" || keyword.starts_with("notify_")
}

/// The word that `rest` begins with.
pub(super) fn word(rest: &str) -> Found {
    let (mut text, mut quote) = (String::new(), None);
    let mut chars = rest.char_indices().peekable();
    let mut length = rest.len();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None | Some('"'), '\\') => {
                let (escaped, taken) = escape(rest.get(at.saturating_add(1)..).unwrap_or_default());
                text.extend(escaped);
                let end = at.saturating_add(taken);
                while chars.next_if(|(next, _)| *next <= end).is_some() {}
            }
            (None, c) if c.is_whitespace() || matches!(c, '{' | '}') => {
                length = at;
                break;
            }
            (_, c) => text.push(c),
        }
    }
    let is_quoted = rest.starts_with(['"', '\'']);
    Found { text, length, is_quoted, is_open: quote.is_some() }
}

/// What stands behind a backslash, and how many octets of it are the escape.
fn escape(rest: &str) -> (Option<char>, usize) {
    let Some(first) = rest.chars().next() else { return (None, 0) };
    let plain = match first {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'E' => '\u{1b}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        'x' => {
            return number(rest.get(1..).unwrap_or_default(), 16, 2)
                .map_or((Some('x'), 1), |(c, length)| (Some(c), length.saturating_add(1)));
        }
        '0'..='7' => return number(rest, 8, 3).map_or((None, 1), |(c, length)| (Some(c), length)),
        other => other,
    };
    (Some(plain), first.len_utf8())
}

/// The character of this number, of so many digits at most, and how many there are.
fn number(rest: &str, radix: u32, most: usize) -> Option<(char, usize)> {
    let length = rest.chars().take(most).take_while(|c| c.is_digit(radix)).count();
    let number = u8::from_str_radix(rest.get(..length)?, radix).ok()?;
    // No argument has a NUL.
    (number != 0).then_some((char::from(number), length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_escapes_are_those_of_a_command() {
        for (rest, expected, left) in [
            (r#""/bin/echo \"a b\" c" d"#, r#"/bin/echo "a b" c"#, " d"),
            (r#""/bin/echo a\\ b""#, r"/bin/echo a\ b", ""),
            (r#""\101 \x41g \t\x""#, "A Ag \tx", ""),
            (r"/bin/echo\ a b", "/bin/echo a", " b"),
            (r"'/bin/echo a\' b", r"/bin/echo a\", " b"),
            (r#"a"b c"d e"#, "ab cd", " e"),
            (r#""a { b }"}"#, "a { b }", "}"),
            ("a{", "a", "{"),
            (r"a\", "a", ""),
            (r"\400", "00", ""),
            (r"a\0b", "ab", ""),
        ] {
            let found = word(rest);
            assert_eq!((&*found.text, &rest[found.length..]), (expected, left), "{rest}");
            assert!(!found.is_open, "{rest}");
        }
        assert!(word("\"a b").is_open && word("'a").is_open);
    }
}
