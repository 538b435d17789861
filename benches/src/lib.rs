//! What the micro-benchmarks measure: [`messages`], and a [`World`] of many virtual routers; and the
//! other end of checks, [`serve`].
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up has nothing to measure")]

pub mod messages;
pub mod serve;
mod world;

pub use world::{Datagram, World, traffic};
