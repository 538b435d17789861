//! Lines in words and braces.
//!
//! Space separates words. What stands between double quotes is one word, with its space. A brace
//! outside of them stands for itself, wherever it is. What stands behind a keyword that names a
//! program is read as [`command`] says.

mod command;

use super::line::Line;
use crate::config::Place;

/// A word, without its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) place: Place,
    pub(super) text: String,
    pub(super) is_quoted: bool,
}

/// What a line is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(Word),
    /// `{`.
    Open(Place),
    /// `}`.
    Close(Place),
}

/// A quote that nothing ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unterminated(pub(super) Place);

/// Where the comment of a line begins: at a `#` or `!` outside quotes.
pub(super) fn comment(text: &str) -> Option<usize> {
    let mut is_quoted = false;
    text.char_indices().find_map(|(at, c)| {
        is_quoted ^= c == '"';
        (!is_quoted && (c == '#' || c == '!')).then_some(at)
    })
}

/// The words and braces of a line.
///
/// # Errors
/// Where a quote begins that nothing ends, and what stands before it.
pub(super) fn tokens(line: &Line) -> (Vec<Token>, Result<(), Unterminated>) {
    let text = line.text();
    let mut tokens = Vec::new();
    let mut at = 0;
    // Whether the next word is a keyword, and which token is one whose command is being read.
    let (mut begins, mut command) = (true, None);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(first) = rest.chars().next() else { break };
        let place = || line.place(at);
        let length = match first {
            '{' => {
                tokens.push(Token::Open(place()));
                (begins, command) = (true, None);
                1
            }
            '}' => {
                tokens.push(Token::Close(place()));
                (begins, command) = (true, None);
                1
            }
            first if command.is_some() && !first.is_whitespace() => {
                let command::Found { text, length, is_quoted, is_open } = command::word(rest);
                if is_open {
                    // There is no command, as with keepalived.
                    tokens.truncate(command.unwrap_or_default());
                    return (tokens, Err(Unterminated(place())));
                }
                tokens.push(Token::Word(Word { place: place(), text, is_quoted }));
                length
            }
            '"' => {
                let inner = rest.get(1..).unwrap_or_default();
                let Some(length) = inner.find('"') else {
                    return (tokens, Err(Unterminated(place())));
                };
                let text = inner.get(..length).unwrap_or_default().to_owned();
                tokens.push(Token::Word(Word { place: place(), text, is_quoted: true }));
                length.saturating_add(2)
            }
            space if space.is_whitespace() => space.len_utf8(),
            _ => {
                let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '{' | '}');
                let length = rest.find(ends).unwrap_or(rest.len());
                let text = rest.get(..length).unwrap_or_default().to_owned();
                command = (begins && command::is_behind(&text)).then_some(tokens.len());
                begins = false;
                tokens.push(Token::Word(Word { place: place(), text, is_quoted: false }));
                length
            }
        };
        at = at.saturating_add(length);
    }
    (tokens, Ok(()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn shown(text: &str) -> String {
        let (tokens, end) = tokens(&Line::new(Path::new("F").into(), 3, text));
        let mut shown: Vec<String> = tokens.iter().map(show).collect();
        shown.extend(end.err().map(|Unterminated(place)| format!("open {place}")));
        shown.join(" ")
    }

    fn show(token: &Token) -> String {
        match token {
            Token::Word(Word { text, is_quoted: true, .. }) => format!("<{text}>"),
            Token::Word(Word { text, .. }) => text.clone(),
            Token::Open(_) => "{".to_owned(),
            Token::Close(_) => "}".to_owned(),
        }
    }

    #[test]
    fn a_line_is_words_and_braces() {
        for (text, expected) in [
            ("", ""),
            ("  priority\t100  ", "priority 100"),
            ("vrrp_instance VI_1{", "vrrp_instance VI_1 {"),
            ("virtual_ipaddress { 10.0.0.9 }}", "virtual_ipaddress { 10.0.0.9 } }"),
            ("auth_pass a{b", "auth_pass a { b"),
            ("script \"/bin/sh -c '{ a; }'\" b", "script </bin/sh -c '{ a; }'> b"),
            ("a\"b c\"d\"\"", "a <b c> d <>"),
            ("auth_pass 'a b'", "auth_pass 'a b'"),
            ("a \"b c", "a open F:3:3"),
            ("a { notify x \"b c", "a { open F:3:14"),
            ("script \"/bin/echo \\\"a\\\"\" b", "script </bin/echo \"a\"> b"),
            ("x { notify 'a b'} c 'd e'", "x { notify <a b> } c 'd e'"),
            ("auth_pass \"a\\\"b\"", "auth_pass <a\\> b open F:3:16"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn a_comment_begins_outside_quotes() {
        for (text, left) in [
            ("# all", ""),
            ("a # b", "a "),
            ("a!b", "a"),
            ("auth_pass \"a#b\" ! c", "auth_pass \"a#b\" "),
            ("auth_pass 'a#b'", "auth_pass 'a"),
            ("no comment", "no comment"),
        ] {
            let end = comment(text).unwrap_or(text.len());
            assert_eq!(&text[..end], left, "{text}");
        }
    }
}
