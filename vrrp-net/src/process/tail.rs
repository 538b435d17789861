//! The end of what a program wrote.

/// How much of it is kept.
const KEPT: usize = 4096;
/// How many characters of its last line are repeated.
const REPEATED: usize = 300;

/// The last [`KEPT`] octets.
#[derive(Debug, Default)]
pub(super) struct Tail(Vec<u8>);

impl Tail {
    pub(super) fn push(&mut self, octets: &[u8]) {
        self.0.extend_from_slice(octets);
        let surplus = self.0.len().saturating_sub(KEPT);
        self.0.drain(..surplus);
    }

    /// The last line that holds anything, fit for a line of a log.
    pub(super) fn last_line(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.0);
        let line = text.lines().map(str::trim).rfind(|line| !line.is_empty())?;
        let printable = |c: char| if c.is_control() { ' ' } else { c };
        Some(line.chars().take(REPEATED).map(printable).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_the_last_one_with_something_in_it() {
        let mut tail = Tail::default();
        assert_eq!(tail.last_line(), None);
        tail.push(b"\n \n");
        assert_eq!(tail.last_line(), None);
        tail.push(b"Traceback:\n  KeyError: \x1b[31m'x'\xff \r\n\n");
        assert_eq!(tail.last_line().as_deref(), Some("KeyError:  [31m'x'\u{fffd}"));
    }

    #[test]
    fn no_more_is_kept_than_is_needed() {
        let mut tail = Tail::default();
        for _ in 0..10_000 {
            tail.push(b"0123456789\n");
        }
        tail.push(&[b'x'; 1000]);
        assert_eq!(tail.0.len(), KEPT);
        assert_eq!(tail.last_line(), Some("x".repeat(REPEATED)));
    }
}
