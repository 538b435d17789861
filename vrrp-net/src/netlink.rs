//! The kernel's interfaces and addresses, by netlink.

pub mod addresses;
pub mod links;
mod message;
pub mod socket;

pub use socket::{Error, Socket};
