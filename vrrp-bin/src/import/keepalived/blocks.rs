//! Words and braces as statements: a keyword, what follows it, and perhaps a block.

use super::{
    line::Line,
    report::Report,
    words::{Token, Unterminated, Word, tokens},
};
use crate::config::Place;

/// How deep blocks are read: keepalived's are four deep.
const DEEPEST: usize = 16;

/// A statement.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    /// Its words. Never empty.
    pub(super) words: Vec<Word>,
    /// What stands between its braces, if it has any.
    pub(super) block: Option<Block>,
}

/// What stands between two braces.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    pub(super) statements: Vec<Statement>,
}

impl Statement {
    /// Its first word.
    pub(super) fn keyword(&self) -> &str {
        self.words.first().map_or("", |word| &word.text)
    }

    /// Where it begins.
    pub(super) fn place(&self) -> Place {
        self.words.first().map_or(Place::CommandLine, |word| word.place.clone())
    }

    /// What follows its keyword.
    pub(super) fn arguments(&self) -> &[Word] {
        self.words.get(1..).unwrap_or_default()
    }

    /// The statements of its block.
    pub(super) fn inner(&self) -> &[Self] {
        self.block.as_ref().map_or(&[], |block| &block.statements)
    }
}

/// Reads the statements of `lines`.
pub(super) fn read(lines: &[Line], report: &mut Report) -> Vec<Statement> {
    let mut open = vec![Open { place: None, block: Block::default() }];
    for line in lines {
        let (tokens, end) = tokens(line);
        let mut words = Vec::new();
        for token in tokens {
            match token {
                Token::Word(word) => words.push(word),
                Token::Open(place) => begin(&mut open, std::mem::take(&mut words), place, report),
                Token::Close(place) => {
                    add(&mut open, std::mem::take(&mut words));
                    close(&mut open, &place, report);
                }
            }
        }
        if let Err(Unterminated(place)) = end {
            let message = "nothing ends this quote, and what it begins is left out; write the \
                second \" on the same line";
            report.warn(&place, message);
        }
        add(&mut open, words);
    }
    finish(open, report)
}

/// A block that is being read.
struct Open {
    /// Where its statement begins; `None`: it is the file.
    place: Option<(Place, String)>,
    block: Block,
}

/// Adds a statement to the innermost block.
fn add(open: &mut [Open], words: Vec<Word>) {
    if let (false, Some(innermost)) = (words.is_empty(), open.last_mut()) {
        innermost.block.statements.push(Statement { words, block: None });
    }
}

/// Begins the block of the statement with these words; or of the one before, where there are none:
/// a brace may stand on the next line.
fn begin(open: &mut Vec<Open>, words: Vec<Word>, place: Place, report: &mut Report) {
    add(open, words);
    let last = open.last().and_then(|innermost| innermost.block.statements.last());
    let owner = last.filter(|statement| statement.block.is_none());
    let name = owner.map(|owner| (owner.place(), owner.keyword().to_owned()));
    if name.is_none() {
        report.warn(&place, "this { belongs to no keyword; what is in it is skipped");
    }
    if open.len() > DEEPEST {
        report.refuse(&place, "blocks are nested too deep here; remove braces");
        return;
    }
    let name = name.unwrap_or((place, String::new()));
    open.push(Open { place: Some(name), block: Block::default() });
}

/// Ends the innermost block.
fn close(open: &mut Vec<Open>, place: &Place, report: &mut Report) {
    if open.len() < 2 {
        report.warn(place, "this } is one too many; remove it");
        return;
    }
    end_innermost(open);
}

/// Gives the innermost block to its statement.
fn end_innermost(open: &mut Vec<Open>) {
    let Some(ended) = open.pop() else { return };
    let is_owned = ended.place.is_some_and(|(_, name)| !name.is_empty());
    let outer = open.last_mut().and_then(|outer| outer.block.statements.last_mut());
    if let (true, Some(owner)) = (is_owned, outer) {
        owner.block = Some(ended.block);
    }
}

/// The statements of the file. Blocks that nothing ends, end there.
fn finish(mut open: Vec<Open>, report: &mut Report) -> Vec<Statement> {
    for (place, name) in open.iter().filter_map(|open| open.place.as_ref()) {
        report.warn_of_half(place, format!("nothing ends the block of `{name}`; a }} is missing"));
    }
    while open.len() > 1 {
        end_innermost(&mut open);
    }
    open.pop().map(|file| file.block.statements).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn shown(statements: &[Statement]) -> String {
        let show = |statement: &Statement| {
            let words: Vec<&str> = statement.words.iter().map(|word| &*word.text).collect();
            let block = statement.block.as_ref();
            let block = block.map(|block| format!(" {{ {}}}", shown(&block.statements)));
            format!("{}{}; ", words.join(" "), block.unwrap_or_default())
        };
        statements.iter().map(show).collect()
    }

    fn read_text(text: &str) -> (String, Vec<String>) {
        let file = Path::new("F").into();
        let line = |(number, text): (usize, &str)| {
            Line::new(std::sync::Arc::clone(&file), number + 1, text)
        };
        let lines: Vec<Line> = text.lines().enumerate().map(line).collect();
        let mut report = Report::default();
        let statements = read(&lines, &mut report);
        (shown(&statements), report.sentences())
    }

    #[test]
    fn statements_have_blocks() {
        for (text, expected) in [
            ("a 1\nb 2 {\n c 3\n}\n", "a 1; b 2 { c 3; }; "),
            ("a\n{ b 1 }\nc", "a { b 1; }; c; "),
            ("a { b { c 1 } d }", "a { b { c 1; }; d; }; "),
            ("a { }", "a { }; "),
            ("a b{ c d}e", "a b { c d; }; e; "),
        ] {
            let (shown, notes) = read_text(text);
            assert_eq!((shown.as_str(), notes), (expected, Vec::new()), "{text}");
        }
    }

    #[test]
    fn braces_that_have_no_other_are_told() {
        for (text, expected, note) in [
            (
                "a {\n b {\n c\n}\n",
                "a { b { c; }; }; ",
                "F:1:1: warning: nothing ends the block of `a`; a } is missing",
            ),
            ("a\n}\nb", "a; b; ", "F:2:1: warning: this } is one too many; remove it"),
            (
                "{ a }\nb",
                "b; ",
                "F:1:1: warning: this { belongs to no keyword; what is in it is skipped",
            ),
            (
                "a { b } { c }",
                "a { b; }; ",
                "F:1:9: warning: this { belongs to no keyword; what is in it is skipped",
            ),
            (
                "a \"b\nc",
                "a; c; ",
                "F:1:3: warning: nothing ends this quote, and what it begins is left out; write the second \" on the same line",
            ),
        ] {
            let (shown, notes) = read_text(text);
            assert_eq!((shown.as_str(), notes), (expected, vec![note.to_owned()]), "{text}");
        }
    }

    #[test]
    fn a_depth_that_no_configuration_has_is_refused() {
        let (_, notes) = read_text(&"a {\n".repeat(100_000));
        assert!(notes.iter().any(|note| note.contains("nested too deep")), "{}", notes.len());
    }
}
