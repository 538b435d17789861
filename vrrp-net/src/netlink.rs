//! The kernel's interfaces and addresses, by netlink.

pub mod addresses;
pub mod links;
pub(crate) mod message;
pub mod monitor;
pub mod routes;
pub mod snapshot;
pub mod socket;

pub use monitor::{Monitor, MonitorEvent};
pub use snapshot::{InterfaceSnapshot, OwnAddress};
pub use socket::{Error, Socket};
