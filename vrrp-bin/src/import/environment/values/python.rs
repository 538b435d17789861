//! Python's notation for plain values, as far as it can stand after `#PYTHON2BASH:`. Nothing is
//! evaluated.

use super::literal::Literal;

/// How deep lists may stand in lists.
const DEEPEST: usize = 16;

/// Reads a text, a number, a list, a tuple, a set or a dict; `None` if Python would not.
pub(super) fn parse(text: &str) -> Option<Literal> {
    let mut parser = Parser { rest: text };
    let first = parser.value(0)?;
    parser.skip_space();
    if parser.rest.is_empty() {
        return Some(first);
    }
    // A tuple needs no parentheses.
    let mut items = vec![first];
    while !parser.rest.is_empty() {
        parser.take(",")?;
        if !parser.rest.is_empty() {
            items.push(parser.value(0)?);
            parser.skip_space();
        }
    }
    Some(Literal::List(items))
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn value(&mut self, depth: usize) -> Option<Literal> {
        if depth > DEEPEST {
            return None;
        }
        self.skip_space();
        match self.rest.chars().next()? {
            '[' => self.sequence("[", "]", depth).map(|(items, _)| Literal::List(items)),
            '(' => self.sequence("(", ")", depth).map(|(items, commas)| tuple(items, commas)),
            '{' => self.braces(depth),
            '0'..='9' | '-' | '+' => self.number(),
            _ => self.word().or_else(|| self.strings()),
        }
    }

    /// The values between two brackets, and the number of commas.
    fn sequence(&mut self, open: &str, close: &str, depth: usize) -> Option<(Vec<Literal>, usize)> {
        self.take(open)?;
        let (mut items, mut commas) = (Vec::new(), 0_usize);
        while self.take(close).is_none() {
            if items.len() > commas {
                self.take(",")?;
                commas = commas.saturating_add(1);
            } else {
                items.push(self.value(depth.saturating_add(1))?);
            }
        }
        Some((items, commas))
    }

    /// A set or a dict. What is in a dict does not matter, because nothing can be done with one.
    fn braces(&mut self, depth: usize) -> Option<Literal> {
        let start = self.rest;
        if let Some((items, _)) = self.sequence("{", "}", depth)
            && !items.is_empty()
        {
            return Some(Literal::List(items));
        }
        self.rest = start;
        self.take("{")?;
        while self.take("}").is_none() {
            self.value(depth.saturating_add(1))?;
            self.take(":")?;
            self.value(depth.saturating_add(1))?;
            self.skip_space();
            if !self.rest.starts_with('}') {
                self.take(",")?;
            }
        }
        Some(Literal::Map)
    }

    fn number(&mut self) -> Option<Literal> {
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-._".contains(c)));
        let (number, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        number.parse::<f64>().ok()?;
        Some(Literal::Text(number.to_owned()))
    }

    fn word(&mut self) -> Option<Literal> {
        let end =
            self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        let literal = match word {
            "None" => Literal::Nothing,
            "True" | "False" => Literal::Text(word.to_owned()),
            _ => return None,
        };
        self.rest = rest;
        Some(literal)
    }

    /// Texts in quotes; those that follow each other are one.
    fn strings(&mut self) -> Option<Literal> {
        let mut text = self.string()?;
        loop {
            self.skip_space();
            match self.string() {
                Some(more) => text.push_str(&more),
                None => return Some(Literal::Text(text)),
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let start = self.rest.find(['"', '\''])?;
        let (prefix, quoted) = self.rest.split_at(start);
        let raw = match prefix.to_ascii_lowercase().as_str() {
            "" | "b" | "u" => false,
            "r" | "br" | "rb" => true,
            _ => return None,
        };
        let mut chars = quoted.chars();
        let quote = chars.next()?;
        let mut text = String::new();
        loop {
            match chars.next()? {
                c if c == quote => break,
                '\n' => return None,
                '\\' if !raw => text.push_str(&escaped(chars.next()?)),
                c => text.push(c),
            }
        }
        self.rest = chars.as_str();
        Some(text)
    }

    fn take(&mut self, token: &str) -> Option<()> {
        self.skip_space();
        self.rest = self.rest.strip_prefix(token)?;
        Some(())
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }
}

/// Parentheses around one value without a comma mean nothing.
fn tuple(mut items: Vec<Literal>, commas: usize) -> Literal {
    match (commas, items.pop()) {
        (0, Some(item)) => item,
        (_, last) => {
            items.extend(last);
            Literal::List(items)
        }
    }
}

/// What stands for `\c`. Addresses and names need no others.
fn escaped(c: char) -> String {
    match c {
        'n' => "\n".to_owned(),
        't' => "\t".to_owned(),
        '\n' => String::new(),
        '\\' | '\'' | '"' => c.to_string(),
        other => format!("\\{other}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, proptest};

    use super::*;

    fn text(text: &str) -> Literal {
        Literal::Text(text.to_owned())
    }

    fn texts(items: &[&str]) -> Option<Literal> {
        Some(Literal::List(items.iter().map(|item| text(item)).collect()))
    }

    #[test]
    fn lists_are_read_in_every_notation() {
        for notation in [
            "['192.0.2.1', '192.0.2.2']",
            "[\"192.0.2.1\",\"192.0.2.2\",]",
            " ( u'192.0.2.1' , r'192.0.2.2' ) ",
            "'192.0.2.1', '192.0.2.2'",
            "'192.0.2.1', '192.0.2.2',",
            "{'192.0.2.1', '192.0.2.2'}",
            "['192.0.' '2.1', '''192.0.2.2''']",
            "[\n'192.0.2.1',\n'192.0.2.2'\n]",
        ] {
            assert_eq!(parse(notation), texts(&["192.0.2.1", "192.0.2.2"]), "{notation}");
        }
        assert_eq!(parse("[]"), texts(&[]));
        assert_eq!(parse("('a',)"), texts(&["a"]));
        assert_eq!(parse("('a')"), Some(text("a")));
        assert_eq!(parse("[5, -1, True]"), texts(&["5", "-1", "True"]));
        assert_eq!(parse("None"), Some(Literal::Nothing));
        assert_eq!(parse("{'a': ['b', 1], 'c': {}}"), Some(Literal::Map));
        assert_eq!(parse("{}"), Some(Literal::Map));
        assert_eq!(parse(r"'a\'\\\n\d'"), Some(text("a'\\\n\\d")));
        assert_eq!(
            parse("[['a'], []]"),
            Some(Literal::List(vec![texts(&["a"]).unwrap(), texts(&[]).unwrap()]))
        );
    }

    #[test]
    fn what_python_refuses_is_refused() {
        for wrong in [
            "",
            "[",
            "['a'",
            "['a' ",
            "'a",
            "['a',,]",
            "[,]",
            "(,)",
            "[192.0.2.1]",
            "192.0.2.1",
            "[a]",
            "{'a': }",
            "{'a' 'b': }",
            "'a'; 'b'",
            "__import__('os')",
            "['a'] x",
            "f'a'",
            "'a' + 'b'",
            "{'a', 'b': 1}",
            "'\n'",
            "é'a'",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert_eq!(parse(&"[".repeat(100_000)), None);
        assert_eq!(parse(&format!("{}{}", "[".repeat(40), "]".repeat(40))), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r#"[\[\](){},:'"\\ a0-9.\-_NoneTrué\n]{0,40}|\PC{0,40}"#) {
            drop(parse(&text));
        }

        #[test]
        fn what_python_writes_is_read(items in prop::collection::vec("[ -&(-\\[\\]-~é]{0,12}", 0..6)) {
            let written = items.iter().map(|item| format!("'{item}'")).collect::<Vec<_>>().join(", ");
            let items: Vec<&str> = items.iter().map(String::as_str).collect();
            prop_assert_eq!(parse(&format!("[{written}]")), texts(&items));
        }
    }
}
