//! The driver on a network in memory, under paused time, with backends that fail on request.

mod backends;
mod lifecycle;
mod protocol;
mod world;
