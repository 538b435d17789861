//! The configuration: TOML, keepalived.conf or an environment in, the core's types out, or every mistake with its
//! place.
//!
//! Nothing is guessed. A key that is unknown, a value of the wrong type and a value that cannot
//! work are errors, and a configuration with an error starts nothing.
//!
//! A reader, such as `toml`, fills in a [`Plan`] of [`Draft`]s, and [`Plan::finish`] holds it to
//! the rules of `rules` and `unique`. A reader knows none of them, so that all readers have the
//! same.

mod backend;
mod brief;
mod broadcast;
mod check;
mod differences;
mod draft;
pub(crate) mod duration;
pub(crate) mod effective;
mod files;
mod found;
mod group;
mod load;
mod look;
mod names;
mod place;
mod plan;
mod problem;
mod programs;
mod router;
mod rules;
mod script;
mod sentence;
#[cfg(test)]
mod tests;
mod toml;
mod unique;
mod watch;

pub(crate) use backend::{Backend, Command};
pub(crate) use brief::brief;
pub(crate) use broadcast::broadcast;
pub(crate) use check::{CheckConfig, CheckDraft, LASTS};
pub(crate) use differences::differences;
pub(crate) use draft::{Draft, List, Rank, Version};
pub(crate) use files::{ReadFile, read_file};
pub(crate) use found::{Found, Wrong};
pub(crate) use group::{GroupConfig, GroupDraft};
pub(crate) use load::read_config;
pub(crate) use look::{Dns, Http, Look, ONE_OR_MORE, Program, Tcp, Wants, dns_server};
pub(crate) use names::{AUTO, interface_fault, is_name, nearest};
pub(crate) use place::{Located, Place, Position, one_line};
pub(crate) use plan::{CONTROL, Config, Plan, Prepare, anywhere};
pub(crate) use problem::{ConfigError, ConfigErrors, Problems};
pub(crate) use programs::{insecure, leave_out, missing, programs, unknown_user};
pub(crate) use router::{RouterConfig, RouterKey};
pub(crate) use rules::{password, preempt_after};
pub(crate) use script::{NOTIFY_LIMIT, Script, Scripts, Told};
pub(crate) use sentence::{Notation, describe, family_name, unfit};
pub(crate) use unique::conflicts;
pub(crate) use watch::{Watch, WatchDraft};
