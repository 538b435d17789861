//! (crate docs come with the node)

pub mod backend;
pub mod clock;
pub mod frame;
#[cfg(feature = "lab")]
pub mod lab;
pub mod link;
pub mod netlink;

mod driver;
mod node;

pub use backend::{BackendError, Lease, Release, VipBackend};
pub use node::{ActiveUntil, Error, Handle, Node};
