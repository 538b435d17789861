//! VRRP (RFC 9568, and RFC 3768 for VRRPv2) as a state machine: no I/O, no clock, no threads, no
//! `unsafe`.
//!
//! ```
//! use std::net::Ipv4Addr;
//! use vrrp_core::*;
//!
//! let addresses = Ipv4Addresses::new(["192.0.2.1".parse::<Ipv4Addr>()?])?;
//! let config = VirtualRouter::v3_ipv4(51.try_into()?, addresses, Centiseconds::ONE_SECOND)
//!     .with_look(Look::Off);
//! let eth0 = InterfaceId::new(1.try_into()?);
//! let (mut desired, mut router, now) = (Desired::new(), Router::new(), Instant::EPOCH);
//! let key = desired.insert(eth0, config)?;
//!
//! let own = "192.0.2.2".parse().ok();
//! let up = InterfaceStatus::Up(InterfaceDetails { ipv4: own, ..Default::default() });
//! router.handle(now, Input::Interface { id: eth0, status: up });
//! router.handle(now, Input::Configure(&desired));
//! // "Backup"; then the backend is asked for leftovers of a crash, and whether it would work.
//! for _ in 0..2 {
//!     let mut request = None;
//!     while let Some(output) = router.poll_output() {
//!         if let Output::Lease(lease) = output {
//!             request = Some((lease.generation, lease.want.done(Reach::OnLink)));
//!         }
//!     }
//!     let (generation, answer) = request.expect("a question");
//!     router.handle(now, Input::Answer { key, generation, answer: answer.expect("an answer") });
//! }
//! while router.poll_output().is_some() {} // nothing keeps it from becoming active any more
//! let silence = router.next_deadline().expect("Active_Down_Timer runs");
//! router.handle(silence, Input::Timeout);
//! assert!(matches!(router.poll_output(), Some(Output::Event(_)))); // "Acquiring"
//! assert!(matches!(router.poll_output(), Some(Output::Transmit(_)))); // the first advertisement
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The contract
//!
//! [`Router`] runs any number of virtual routers. A driver, real or simulated, repeats three steps:
//!
//! 1. give it **one** [`Input`] with the time, through [`Router::handle`];
//! 2. drain [`Router::poll_output`] until it is empty, and carry out each [`Output`] in the order
//!    given;
//! 3. wait for the next input, or for [`Router::next_deadline`], which is then an
//!    [`Input::Timeout`].
//!
//! Polling only drains: it moves no timer and changes no state. Before a driver acts on a deadline,
//! it hands over everything queued in its sockets: after a pause, an advertisement that has arrived
//! comes before the timer it would have restarted.
//!
//! # The promises
//!
//! * **Active means held.** [`Phase::Held`] is reported only after [`Answer::Held`]; a failed
//!   backend is an input of the protocol, and makes the node resign.
//! * **What is rejected changes nothing.** Every [`Rejected`] message has a name and a counter, and
//!   moves neither a state nor a timer.
//! * **It is total.** No input panics, nothing is allocated for a packet, pending output is bounded
//!   by one of each kind for each virtual router.
//! * **It is deterministic.** The same inputs at the same times give the same outputs.
//!
//! # Where to look
//!
//! | module | what |
//! |---|---|
//! | `error`, `lease`, `rejected` | the words that everything else uses: [`ConfigError`], [`Reach`], [`Loss`], [`LeaseFailure`], [`Rejected`] |
//! | `config` | [`VirtualRouter`] and what it is made of: nothing illegal can be built |
//! | `packet` | [`Advert`]: octets in, octets out |
//! | [`fsm`] | one virtual router: [`fsm::Machine`], with the RFC's paragraphs |
//! | `router` | many of them: [`Router`], [`Input`], [`Output`] |
//! | `claim`, `interval`, `addresses`, `id`, `time` | the values: [`Claim`], [`Interval`], [`Cidr`], [`Key`], [`Instant`] |
//! | [`play`] | inputs as values: replays, simulations, fuzz cases |
//! | `health` | what checks say: [`Health`], [`Condition`], [`Weight`] |
//! | `hold`, `phase`, `stats` | what users see: [`Hold`], [`Phase`], [`Counters`] |
#![no_std]
#![forbid(unsafe_code)]
// Whoever adds a public type decides whether it may grow.
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]
// Nothing that a packet or a caller can influence wraps, truncates or panics.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unreachable
    )
)]

extern crate alloc;

mod addresses;
mod claim;
mod config;
mod error;
pub mod fsm;
mod health;
mod hold;
mod id;
mod interval;
mod lease;
mod packet;
mod phase;
pub mod play;
mod rejected;
mod router;
#[cfg(feature = "serde")]
mod serde;
mod stats;
mod time;
mod version;

pub use addresses::{Address, Cidr, Ipv4Addresses, Ipv6Addresses};
pub use claim::{Claim, Preempt, Priority, Role};
pub use config::{
    Announcements, Checksum, Hear, Look, Password, Peer, Protocol, Transport, VirtualRouter,
};
pub use error::ConfigError;
pub use fsm::Want;
pub use health::{Condition, Health, Weight};
pub use hold::{Gate, Gates, Hold, Holds};
pub use id::{Family, InterfaceId, Key, MacAddr, Vrid};
pub use interval::{Centiseconds, Interval, Seconds, Timing};
pub use lease::{Answer, Generation, LeaseFailure, Loss, Reach};
pub use packet::{
    AddressList, Advert, Authentication, BufferTooSmall, ChecksumForm, DecodeError, Decoded,
    IPV4_GROUP, IPV6_GROUP, RxMeta, Wire,
};
pub use phase::{Phase, Reason};
pub use rejected::Rejected;
pub use router::{
    Announce, Desired, Differing, DuplicateKey, Event, Greet, GroupPolicy, Input, InterfaceDetails,
    InterfaceStatus, Jitter, LeaseRequest, LeftOut, Membership, NOBODYS, Notice, NoticeSet, Output,
    Packet, Probe, Rival, RivalCause, Router, Said, Sender, Sighting, Speaker, Status, Transmit,
    Ungroupable,
};
pub use stats::Counters;
pub use time::Instant;
pub use version::{Version, Versions};
