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
