//! VRRP on Linux for programs: a virtual IP that is always on exactly one healthy node (RFC 9568).
//!
//! ```no_run
//! use vrrp_net::{Centiseconds, Cidr, Ipv4Addresses, Node, VirtualRouter, backend::Netlink};
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let addresses = Ipv4Addresses::new(["192.0.2.10/24".parse::<Cidr<_>>()?])?;
//!     let router = VirtualRouter::v3_ipv4(51.try_into()?, addresses, Centiseconds::ONE_SECOND);
//!     let node = Node::linux()?;
//!     let mut web = node.add("eth0", router, Netlink::new()?).await?;
//!     while !web.changed().await?.is_active() {}
//!     println!("active until {:?} from now", web.active().map(|until| until.remaining()));
//!     Ok(node.shutdown().await?)
//! }
//! ```
//!
//! A [`Node`] runs any number of virtual routers; a [`Handle`] is one of them. What makes the host
//! answer for the addresses is a [`VipBackend`]: the kernel's addresses with [`backend::Netlink`],
//! or a type of your own (a cloud's floating IP, a BGP speaker). The protocol is the one of
//! [`vrrp_core`]; this crate never decides it, and passes on the names that a program needs.
//!
//! # Examples
//!
//! In the repository's folder `examples`: `failover` (an address and its phases), `web_service` (an
//! axum service that refuses nobody on a planned leave, and a writer), `custom_backend` (a cloud's
//! floating IP), `async_loop` and `blocking_loop` (the core on smol, and with neither executor nor
//! runtime), `tests/logic` (how a program tests its own failover), `tests/cloud` (a cloud that
//! answers late). `docs/embedding.md` is the guide.
//!
//! # What is promised
//!
//! - **Active means held.** No handle, event or log line says Active before the backend has said
//!   that the addresses are held; a backend that fails, hangs or panics makes this node resign, so
//!   that a healthy peer takes over, and is asked to release.
//! - **[`Handle::active`] is true of this moment.** It compares the end of the lease with the clock
//!   at each call: a thread of a program whose driver does not get to run finds out by itself.
//! - **A stalled node does not take over by mistake.** Before a deadline is acted on, the sockets
//!   are drained.
//! - **Packets do not starve anything.** Under any flood deadlines, backends and commands have
//!   their turn.
//!
//! # Elsewhere than on Linux
//!
//! The driver, [`testing`], and the link and the backend in memory compile for other systems, so that
//! a program can be built and tested there. Sockets, netlink and programs are for Linux alone.
//!
//! # The seams
//!
//! A driver stands on three traits, each with an implementation for Linux and one in memory:
//! [`link::Link`] (packets), [`clock::Clock`] (time), [`monitor::Monitor`] (interfaces).
//! [`Node::with_parts`] takes any of them. [`testing`] has hosts on a wire in memory, which is how a
//! program tests its own failover without a network and without waiting.

// Whoever adds a public type decides whether it may grow.
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

pub mod backend;
pub mod check;
pub mod clock;
#[cfg(target_os = "linux")]
pub mod host;
#[cfg(all(feature = "lab", target_os = "linux"))]
pub mod lab;
pub mod link;
#[cfg(target_os = "linux")]
pub mod listen;
pub mod monitor;
#[cfg(all(feature = "lab", target_os = "linux"))]
pub mod netlink;
#[cfg(target_os = "linux")]
pub mod notify;
pub mod testing;

mod blocking;
#[cfg(target_os = "linux")]
mod bpf;
mod checking;
mod driver;
mod error;
mod event;
#[cfg(target_os = "linux")]
mod frame;
mod member;
#[cfg(all(not(feature = "lab"), target_os = "linux"))]
#[expect(dead_code, unreachable_pub, unused_imports, reason = "public with the feature `lab`")]
mod netlink;
mod node;
mod panics;
#[cfg(target_os = "linux")]
mod process;
#[cfg(target_os = "linux")]
mod realtime;
mod remedy;
#[cfg(feature = "serde")]
mod serde;
mod status;
#[cfg(all(test, target_os = "linux"))]
mod written;

/// For implementations of [`VipBackend`], whose methods are asynchronous.
pub use async_trait::async_trait;
/// The protocol: what the names here do not cover.
pub use vrrp_core;
// One dependency is enough for a program: these stand in the signatures of this crate, or make a
// `VirtualRouter`.
pub use vrrp_core::{
    Announcements, Centiseconds, Checksum, Cidr, Claim, Condition, ConfigError, Counters,
    Differing, Family, Gate, Gates, GroupPolicy, Health, Hear, Hold, Holds, InterfaceDetails,
    InterfaceId, InterfaceStatus, Interval, Ipv4Addresses, Ipv6Addresses, Key, LeaseFailure,
    LeftOut, Look, Loss, MacAddr, Notice, Password, Peer, Phase, Preempt, Priority, Probe, Reach,
    Reason, Rejected, RivalCause, Role, Said, Seconds, Sender, Sighting, Transport, Version,
    VirtualRouter, Vrid, Weight,
};

pub use backend::{
    Adopted, BackendError, Lease, Release, Renewed, VipBackend, VirtualAddress, VirtualRoute,
};
pub use error::Error;
pub use event::{Drained, NodeEvent, Released};
pub use member::{Group, Member};
#[cfg(target_os = "linux")]
pub use node::Builder;
pub use node::{ActiveUntil, Events, Handle, Inactive, Lagged, Node};
#[cfg(target_os = "linux")]
pub use process::Program;
#[cfg(target_os = "linux")]
pub use realtime::{Realtime, RealtimeError};
pub use remedy::remedy;
pub use status::{
    GroupStatus, Lateness, NodeStatus, NoticeStatus, PortStatus, Reasons, RivalStatus,
    RouterStatus, SpeakerStatus, Takeovers, TransitionStatus,
};
