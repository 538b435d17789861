//! (crate docs)

pub mod backend;
pub mod clock;
pub mod frame;
#[cfg(feature = "lab")]
pub mod lab;
pub mod link;
pub mod monitor;
pub mod netlink;

mod driver;
mod node;

pub use backend::{BackendError, Lease, Release, VipBackend};
pub use node::{
    ActiveUntil, Error, Handle, Member, Node, NodeEvent, NodeStatus, PortStatus, RouterStatus, SpeakerStatus,
};
