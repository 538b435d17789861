//! Files of many variables: a map of names to texts and lists, in YAML, which JSON is a part of.

use std::borrow::Cow;

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};

use super::literal::Literal;

/// How deep lists and maps may stand in each other.
const DEEPEST: usize = 16;

/// The variables of `text` in their order.
///
/// # Errors
/// What is wrong with it, and what to do.
pub(crate) fn variables(text: &str) -> Result<Vec<(String, Literal)>, String> {
    let mut events = Events(Parser::new_from_str(text));
    let mut variables = Vec::new();
    loop {
        match events.next()? {
            Event::StreamEnd => return Ok(variables),
            Event::MappingStart(..) => events.map(&mut variables)?,
            Event::Scalar(text, ScalarStyle::Plain, ..) if is_null(&text) => {}
            Event::Scalar(..) | Event::SequenceStart(..) | Event::Alias(_) => {
                return Err(
                    "this is not a map of variables; write NAME: value on each line".to_owned()
                );
            }
            _ => {}
        }
    }
}

struct Events<'t>(Parser<'t, StrInput<'t>>);

impl<'t> Events<'t> {
    fn next(&mut self) -> Result<Event<'t>, String> {
        match self.0.next() {
            Some(Ok((event, _))) => Ok(event),
            Some(Err(error)) => Err(format!("this is not YAML: {error}; correct or remove it")),
            None => Ok(Event::StreamEnd),
        }
    }

    /// Reads to the end of a map whose start was read.
    fn map(&mut self, variables: &mut Vec<(String, Literal)>) -> Result<(), String> {
        loop {
            let key = match self.next()? {
                Event::MappingEnd | Event::StreamEnd => return Ok(()),
                event => self.value(event, 0)?,
            };
            let event = self.next()?;
            let value = self.value(event, 0)?;
            if let Literal::Text(name) = key {
                variables.push((name, value));
            }
        }
    }

    /// The value that starts with `event`.
    fn value(&mut self, event: Event<'t>, depth: usize) -> Result<Literal, String> {
        if depth > DEEPEST {
            return Err(
                "its lists are nested too deeply; write NAME: value on each line".to_owned()
            );
        }
        let inner = depth.saturating_add(1);
        match event {
            Event::Scalar(text, ScalarStyle::Plain, ..) if is_null(&text) => Ok(Literal::Nothing),
            Event::Scalar(text, ..) => Ok(Literal::Text(Cow::into_owned(text))),
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        Event::SequenceEnd | Event::StreamEnd => return Ok(Literal::List(items)),
                        event => items.push(self.value(event, inner)?),
                    }
                }
            }
            Event::MappingStart(..) => loop {
                match self.next()? {
                    Event::MappingEnd | Event::StreamEnd => return Ok(Literal::Map),
                    event => drop(self.value(event, inner)?),
                }
            },
            Event::Alias(_) => {
                Err("it holds an alias (*name), which is not followed; write the value".to_owned())
            }
            _ => Ok(Literal::Nothing),
        }
    }
}

fn is_null(text: &str) -> bool {
    ["", "~", "null", "Null", "NULL"].contains(&text)
}

#[cfg(test)]
mod tests {
    use proptest::proptest;

    use super::*;

    fn text(text: &str) -> Literal {
        Literal::Text(text.to_owned())
    }

    #[test]
    fn maps_of_texts_and_lists_are_read() {
        let yaml = "---\n# a comment\nA: 192.0.2.1\nB: 0123\nC: \"~\"\nD: ~\nE:\nF: [a, \
            'b']\nG:\n  - c\n  - d\nH: {a: b}\n";
        let list = |items: [&str; 2]| Literal::List(items.map(text).to_vec());
        let expected = [
            ("A", text("192.0.2.1")),
            ("B", text("0123")),
            ("C", text("~")),
            ("D", Literal::Nothing),
            ("E", Literal::Nothing),
            ("F", list(["a", "b"])),
            ("G", list(["c", "d"])),
            ("H", Literal::Map),
        ];
        let expected: Vec<(String, Literal)> =
            expected.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        assert_eq!(variables(yaml).unwrap(), expected);
        assert_eq!(variables(r#"{"A": [1, "x"]}"#).unwrap(), [("A".to_owned(), list(["1", "x"]))]);
        assert_eq!(variables("").unwrap(), []);
        assert_eq!(variables("---\n").unwrap(), []);
    }

    #[test]
    fn what_is_no_such_map_is_refused() {
        for wrong in [
            "a",
            "- a",
            "A: [",
            "A: &x 1\nB: *x",
            "A: b: c",
            &format!("A: {}", "[".repeat(100_000)),
        ] {
            assert!(variables(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r#"[\[\]{}:,\-?&*!|>'" \n#a0~]{0,60}|\PC{0,40}"#) {
            drop(variables(&text));
        }
    }
}
