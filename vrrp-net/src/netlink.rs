//! The kernel's interfaces and addresses, by netlink.
//!
//! Public with the feature `lab` only, for this project's own tests and benchmarks: anything in it
//! may change in any version. What a program may ask of its host is in [`host`](crate::host).

pub mod addresses;
mod error;
mod filter;
pub mod links;
mod mark;
pub(crate) mod message;
pub mod monitor;
pub(crate) mod route_changes;
pub mod routes;
pub mod snapshot;
pub mod socket;

pub use error::Error;
pub use monitor::{Monitor, MonitorEvent};
pub use snapshot::{InterfaceSnapshot, OwnAddress};
pub use socket::Socket;
