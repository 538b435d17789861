//! What the micro-benchmarks measure: [`messages`], and a [`World`] of many virtual routers.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up has nothing to measure")]

pub mod messages;
mod world;

pub use world::{Datagram, World, traffic};
