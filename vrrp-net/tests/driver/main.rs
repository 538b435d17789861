//! The driver on a network in memory, under paused time, with backends that fail on request.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod adoption;
mod announcing;
mod backends;
mod disagreement;
mod drains;
mod events;
mod groups;
mod handles;
mod health;
mod interfaces;
mod lateness;
mod lifecycle;
mod lingering;
mod outcomes;
mod places;
mod protocol;
mod reloads;
mod replacements;
mod rivals;
mod shutdowns;
mod slow;
mod surveys;
mod transitions;
mod why;
mod world;
