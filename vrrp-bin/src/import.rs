//! Configurations that were written for other programs.

pub(crate) mod environment;
