//! The kernel's interfaces and addresses, by netlink.

mod message;
pub mod socket;

pub use socket::{Error, Socket};
