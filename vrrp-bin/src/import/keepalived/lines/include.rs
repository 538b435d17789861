//! [`Include`]: `include FILE`, with patterns, relative to the file that it stands in.

use std::path::{Path, PathBuf};

use super::super::line::Line;
use crate::config::Place;

/// The keywords, and whether a pattern that matches nothing is a mistake.
const KEYWORDS: &[(&str, Required)] = &[
    ("include", Required::Nothing),
    ("includer", Required::Nothing),
    ("includem", Required::Match),
    ("includew", Required::Match),
    ("includeb", Required::Match),
    ("includea", Required::Match),
];
/// How many patterns the braces of one may stand for.
const MOST: usize = 1000;

/// What has to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Required {
    /// It may be nothing, which is said.
    Nothing,
    /// A file.
    Match,
}

/// A line that names files.
#[derive(Debug)]
pub(super) struct Include {
    pub(super) place: Place,
    pub(super) pattern: String,
    pub(super) required: Required,
    folder: PathBuf,
}

impl Include {
    /// What the line names; `None` if it names no files.
    pub(super) fn of(line: &Line) -> Option<Self> {
        let text = line.text().trim();
        let (keyword, pattern) = text.split_once(char::is_whitespace)?;
        let (_, required) = KEYWORDS.iter().find(|(word, _)| *word == keyword)?;
        let pattern = pattern.trim().trim_matches('"').to_owned();
        let folder = line.file().parent().unwrap_or_else(|| Path::new("")).to_owned();
        Some(Self { place: line.start(), pattern, required: *required, folder })
    }

    /// The files, in the order of their names for each pattern.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for pattern in braces(&self.pattern) {
            let pattern = Path::new(&glob::Pattern::escape(&self.folder.to_string_lossy()))
                .join(&pattern)
                .to_string_lossy()
                .into_owned();
            files.extend(glob::glob(&pattern).into_iter().flatten().flatten());
        }
        files
    }
}

/// The patterns that the braces of one stand for: `a{b,c}d` is `abd` and `acd`.
fn braces(pattern: &str) -> Vec<String> {
    let mut whole = Vec::new();
    let mut open = vec![pattern.to_owned()];
    while let Some(pattern) = open.pop() {
        let Some((before, choices, after)) = innermost(&pattern) else {
            whole.push(pattern);
            continue;
        };
        let choices = choices.split(',').rev();
        open.extend(choices.map(|choice| format!("{before}{choice}{after}")));
        if open.len().saturating_add(whole.len()) > MOST {
            break;
        }
    }
    whole
}

/// What stands before, between and after the first pair of braces that has none within.
fn innermost(pattern: &str) -> Option<(&str, &str, &str)> {
    let close = pattern.find('}')?;
    let open = pattern.get(..close)?.rfind('{')?;
    let between = pattern.get(open.saturating_add(1)..close)?;
    Some((pattern.get(..open)?, between, pattern.get(close.saturating_add(1)..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_stand_for_choices() {
        for (pattern, expected) in [
            ("a", &["a"][..]),
            ("{foo/{,cat,dog},bar}", &["foo/", "bar", "foo/cat", "bar", "foo/dog", "bar"]),
            ("x{1,2}.{a,b}", &["x1.a", "x1.b", "x2.a", "x2.b"]),
            ("a}b{", &["a}b{"]),
        ] {
            let mut found = braces(pattern);
            found.sort();
            let mut expected: Vec<&str> = expected.to_vec();
            expected.sort_unstable();
            assert_eq!(found, expected, "{pattern}");
        }
        assert!(braces(&"{a,b}".repeat(64)).len() <= MOST + 1);
    }
}
