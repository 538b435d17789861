//! What is asked of a daemon, in the body of a request.

use std::{str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::config::duration;

/// The longest time that a drain can be given.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// The body of `POST /virtual-routers/NAME/drain`. An empty one asks for the defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Drain {
    /// How long it lasts; until it is resumed if that is not said.
    #[serde(rename = "for")]
    pub(crate) term: Option<Term>,
    /// Release the addresses even if nobody takes over.
    pub(crate) force: bool,
    /// Stay drained over restarts of the daemon and of the host.
    pub(crate) keep: bool,
}

impl Drain {
    /// Parses the body of a request.
    ///
    /// # Errors
    /// A sentence.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, String> {
        if body.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice(body).map_err(|error| {
            format!(
                "the body cannot be read: {error}; write for example {{ \"for\": \"10m\", \
                 \"force\": false, \"keep\": false }}, or nothing"
            )
        })
    }
}

/// How long a drain lasts: more than nothing, and a year at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Term(Duration);

impl Term {
    pub(crate) const fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for Term {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lasts = duration::parse(text).filter(|lasts| !lasts.is_zero() && *lasts <= LONGEST);
        lasts.map(Self).ok_or_else(|| {
            format!("{text:?} is not for how long; write a number and s, m or h, such as 10m, up to a year")
        })
    }
}

impl TryFrom<String> for Term {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Term> for String {
    fn from(Term(lasts): Term) -> Self {
        duration::format(lasts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_a_default() {
        let term = Some(Term(Duration::from_secs(600)));
        for (body, expected) in [
            ("", Drain::default()),
            (" \n", Drain::default()),
            ("{}", Drain::default()),
            (r#"{ "for": "10m" }"#, Drain { term, ..Drain::default() }),
            (r#"{ "for": null, "keep": true }"#, Drain { keep: true, ..Drain::default() }),
            (
                r#"{ "for": "10m", "force": true, "keep": false }"#,
                Drain { term, force: true, keep: false },
            ),
        ] {
            assert_eq!(Drain::parse(body.as_bytes()), Ok(expected), "{body}");
            let written = serde_json::to_vec(&expected).unwrap();
            assert_eq!(Drain::parse(&written), Ok(expected));
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_in_a_line() {
        for body in [
            "drain",
            r#"{ "fore": true }"#,
            r#"{ "for": 10 }"#,
            r#"{ "for": "0s" }"#,
            r#"{ "for": "8785h" }"#,
            r#"{ "for": "soon" }"#,
            r#"{ "force": "yes" }"#,
            "\u{feff}{}",
        ] {
            let sentence = Drain::parse(body.as_bytes()).unwrap_err();
            assert!(sentence.starts_with("the body cannot be read: "), "{sentence}");
            assert!(!sentence.contains('\n'), "{sentence}");
        }
        assert_eq!("8784h".parse(), Ok(Term(LONGEST)));
    }
}
