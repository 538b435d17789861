//! The configuration: TOML or an environment in, the core's types out, or every mistake with its
//! place.
//!
//! Nothing is guessed. A key that is unknown, a value of the wrong type and a value that cannot
//! work are errors, and a configuration with an error starts nothing.
//!
//! A reader, such as `toml`, fills in a [`Plan`] of [`Draft`]s, and [`Plan::finish`] holds it to
//! every rule. No rule is in a reader, so that all of them have the same ones.

mod backend;
mod draft;
pub(crate) mod duration;
pub(crate) mod effective;
mod found;
mod load;
mod names;
mod place;
mod plan;
mod problem;
mod router;
mod sentence;
#[cfg(test)]
mod tests;
mod toml;
mod unique;

pub(crate) use backend::{Backend, Command};
pub(crate) use draft::{Draft, List, Rank, Version, password, preempt_after};
pub(crate) use found::{Found, Wrong};
pub(crate) use names::nearest;
pub(crate) use place::{Located, Place};
pub(crate) use plan::{CONTROL, Config, Plan};
pub(crate) use problem::{ConfigError, ConfigErrors, Problems};
pub(crate) use router::RouterConfig;
pub(crate) use sentence::{Notation, describe, family_name, unfit};
