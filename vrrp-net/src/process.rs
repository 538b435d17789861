//! Programs that this process runs: in a group of their own, bounded in time and in what is kept of
//! their words.

mod group;
mod program;
mod tail;

pub(crate) use program::{Ended, Running};
