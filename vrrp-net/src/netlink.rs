//! The kernel's interfaces and addresses, by netlink.

pub mod addresses;
mod error;
mod filter;
pub mod links;
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
