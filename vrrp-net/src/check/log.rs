//! The lines of log about checks.

use std::sync::Arc;

use super::tally::State;

/// What is told of a check: once, when it changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// It changed its state.
    Changed { name: Arc<str>, from: State, to: State, text: String },
    /// It could not be run, for the first time since it could.
    NotRun { name: Arc<str>, state: State, description: Arc<str>, text: String },
    /// It can be run again.
    Runs { name: Arc<str>, state: State },
}

impl Line {
    pub(super) fn tell(&self) {
        match self {
            Self::Changed { name, from, to: to @ State::Bad, text } => {
                let (name, state) = (&**name, to.as_str());
                tracing::warn!(
                    event = "check",
                    name,
                    state,
                    text,
                    "{name}: {from} -> {to}: {text}"
                );
            }
            Self::Changed { name, from, to, text } => {
                let (name, state) = (&**name, to.as_str());
                tracing::info!(
                    event = "check",
                    name,
                    state,
                    text,
                    "{name}: {from} -> {to}: {text}"
                );
            }
            Self::NotRun { name, state, description, text } => {
                let (name, state) = (&**name, state.as_str());
                tracing::warn!(
                    event = "check",
                    name,
                    state,
                    text,
                    "{name}: whether {description} could not be looked at, so it stays {state}: \
                     {text}"
                );
            }
            Self::Runs { name, state } => {
                let (name, state) = (&**name, state.as_str());
                let text = "it can be looked at again";
                tracing::info!(event = "check", name, state, text, "{name}: {text}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::written::Written;

    #[test]
    fn each_line_has_the_fields_that_programs_read() {
        let (name, text): (Arc<str>, _) = ("http-ok".into(), "answers 503".to_owned());
        let description = "it answers".into();
        let (bad, unknown) = (State::Bad, State::Unknown);
        let lines = [
            Line::Changed { name: name.clone(), from: unknown, to: bad, text: text.clone() },
            Line::NotRun { name: name.clone(), state: unknown, description, text },
            Line::Runs { name, state: State::Good },
        ];
        for (line, level, state, text) in [
            (&lines[0], "WARN", "bad", "answers 503"),
            (&lines[1], "WARN", "unknown", "answers 503"),
            (&lines[2], "INFO", "good", "it can be looked at again"),
        ] {
            let (written, _guard) = Written::begin();
            line.tell();
            let value = &written.lines()[0];
            let fields = &value["fields"];
            assert_eq!((&value["level"], &fields["event"]), (&level.into(), &"check".into()));
            assert_eq!((&fields["name"], &fields["state"]), (&"http-ok".into(), &state.into()));
            assert_eq!(fields["text"], text);
            assert!(fields["message"].as_str().unwrap().starts_with("http-ok: "), "{fields}");
        }
    }
}
