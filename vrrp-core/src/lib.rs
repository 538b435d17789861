//! (crate docs come with the machine)
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod addresses;
mod claim;
mod config;
pub mod fsm;
mod id;
mod interval;
mod packet;
mod phase;
mod router;
mod stats;
mod time;

pub use addresses::{Address, Cidr, Ipv4Addresses, Ipv6Addresses};
pub use claim::{Claim, Preempt, Priority, Role};
pub use config::{
    Announcements, Checksum, ConfigError, Hear, Password, Peer, Protocol, Transport, VirtualRouter,
};
pub use id::{Family, InterfaceId, Key, MacAddr, Vrid};
pub use interval::{Centiseconds, Interval, Seconds};
pub use packet::{
    AddressList, Advert, Authentication, BufferTooSmall, ChecksumForm, DecodeError, Decoded, IPV4_GROUP,
    IPV6_GROUP, RxMeta,
};
pub use phase::{Hold, Phase, Reason};
pub use router::{
    Announce, Event, Generation, Input, InterfaceStatus, LeaseFailure, LeaseRequest, Notice, Output, Packet,
    Reach, Rejected, Router, Speaker, Status, Transmit, Want,
};
pub use stats::Counters;
pub use time::Instant;
