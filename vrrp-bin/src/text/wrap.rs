//! Lines of at most 80 characters, which no terminal breaks: text is broken at its blanks, and what
//! goes on is indented.

use crate::config::one_line;

/// The longest line.
pub(crate) const WIDTH: usize = 80;

/// `text` after `label`, and what goes on below it indented by as much as the label is wide, but by
/// `most` at most. The label is shorter than a line; control characters are escaped.
pub(crate) fn hanging(label: &str, most: usize, text: &str) -> String {
    let ended = lines(WIDTH, label, most, text).into_iter().map(|line| line + "\n");
    ended.collect()
}

/// The same in lines of at most `width` characters, as far as the label leaves room for them.
pub(crate) fn lines(width: usize, label: &str, most: usize, text: &str) -> Vec<String> {
    let indent = " ".repeat(label.chars().count().min(most));
    let mut lines = vec![label.to_owned()];
    let mut is_fresh = true;
    for word in
        one_line(text).split_whitespace().flat_map(|word| pieces(word, width.saturating_sub(most)))
    {
        let (space, length) = (usize::from(!is_fresh), word.chars().count());
        let used = lines.last().map_or(0, |line| line.chars().count());
        match lines.last_mut().filter(|_| used + space + length <= width) {
            Some(line) if is_fresh => line.push_str(&word),
            Some(line) => line.extend([" ", &word]),
            None => lines.push(format!("{indent}{word}")),
        }
        is_fresh = false;
    }
    lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
}

/// `text` in at most `most` characters: the middle of a longer one is left out.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    let text = one_line(text);
    let length = text.chars().count();
    if length <= most {
        return text.into_owned();
    }
    let tail = most / 3;
    let head = most.saturating_sub(tail + 1);
    let (start, end) = (text.chars().take(head), text.chars().skip(length - tail));
    start.chain(['…']).chain(end).collect()
}

/// A word in pieces that fit into a line.
fn pieces(word: &str, most: usize) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    letters.chunks(most.max(1)).map(|piece| piece.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_is_indented() {
        let text = "a sentence that is so long that there is no room for all of it in a line";
        let expected = "web: a sentence that is so long that there is no room for all of it in a \
                        line\n";
        assert_eq!(hanging("web: ", 12, text), expected);
        let longer = format!("{text}, and more");
        let lines = hanging("web: ", 12, &longer);
        assert_eq!(lines.lines().nth(1), Some("     and more"));
    }

    #[test]
    fn no_line_is_longer_than_eighty_characters_whatever_comes() {
        let long = "ü".repeat(300);
        let words = "word ".repeat(100);
        let lines = "one\ntwo\u{1b}[2J".repeat(40);
        for text in [&*long, &words, &lines, "", " "] {
            for label in ["", "a: ", &"n".repeat(70)] {
                for most in [0, 12, 40] {
                    let wrapped = hanging(label, most, text);
                    let longest = wrapped.lines().map(|line| line.chars().count()).max();
                    assert!(longest <= Some(WIDTH), "{wrapped}");
                    assert!(!wrapped.contains('\u{1b}'), "{wrapped}");
                }
            }
        }
        let joined: String = hanging("", 4, &long).split_whitespace().collect();
        assert_eq!(joined, long, "nothing is lost");
    }

    #[test]
    fn the_middle_of_a_long_name_is_left_out() {
        assert_eq!(shortened("web", 10), "web");
        assert_eq!(shortened("a-very-long-name/v6", 12), "a-very-…e/v6");
        assert_eq!(shortened(&"n".repeat(64), 12).chars().count(), 12);
    }
}
