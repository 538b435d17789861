//! A network in a box: hosts, a switch, cables and faults made of network namespaces, for tests and
//! demos.
//!
//! Nothing is bind-mounted or named in the file system: a lab lives as long as the values that
//! stand for it, and when the process dies, however it dies, the kernel takes everything away.
//! Several labs can exist at a time, in one process and in several. [`enter`] comes first: it makes
//! a process without the rights of root the root of a user namespace of its own.
//!
//! ```no_run
//! use std::{net::Ipv4Addr, time::Duration};
//! use vrrp_net::lab::{self, Cable, Capture, Client, Host, Switch};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     lab::enter()?;
//!     let switch = Switch::new()?;
//!     let (server, user) = (Host::new("server")?, Host::new("user")?);
//!     let cable = Cable::new(&server, "eth0", &switch, &["10.0.0.1/24", "fd00::1/64"])?;
//!     Cable::new(&user, "eth0", &switch, &["10.0.0.9/24"])?;
//!
//!     let capture = Capture::start(&switch)?;
//!     let client = Client::start(&user, Ipv4Addr::new(10, 0, 0, 1).into(), 1_000)?;
//!     let working = client.mark();
//!     client.wait_for_reply(working, Duration::from_secs(5));
//!
//!     let broken = client.mark();
//!     cable.cut()?;
//!     capture.wait_for(Duration::from_secs(1), |frame| frame.garp().is_some());
//!     cable.mend()?;
//!     let mended = client.mark();
//!     client.wait_for_reply(mended, Duration::from_secs(5));
//!     println!("{}", client.between(broken, mended));
//!     capture.write_pcap("lab.pcap")?;
//!     Ok(())
//! }
//! ```
//!
//! All times are since the Unix epoch, by `CLOCK_REALTIME` (see [`now`]): those of frames and
//! replies are the kernel's, taken when they arrived, so that they can be compared with each other.

mod cable;
mod capture;
mod client;
mod enter;
mod error;
mod frame;
mod host;
mod injector;
mod loss;
mod namespace;
mod peers;
mod process;
mod raw;
mod switch;
mod ticker;
mod watch;
mod wire;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub use cable::Cable;
pub use capture::Capture;
pub use client::{Client, Loss, Mark};
pub use enter::{Unavailable, enter};
pub use error::Error;
pub use frame::{Frame, NeighborAdvertisement, VrrpFrame};
pub use host::Host;
pub use injector::{Injected, Injector};
pub use loss::Direction;
pub use nix::sys::signal::Signal;
pub use peers::{Frr, Keepalived, Ospf};
pub use process::Process;
pub use switch::Switch;
pub use ticker::Ticker;
pub use watch::{Held, Watch};

/// How often [`wait_until`] looks.
const LOOK: Duration = Duration::from_millis(2);

/// The time since the Unix epoch, by the clock that the kernel stamps frames with.
#[must_use]
pub fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Waits until `done` says so, at most `within`, and returns whether it did.
pub fn wait_until(within: Duration, mut done: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    loop {
        if done() {
            return true;
        }
        if begun.elapsed() >= within {
            return false;
        }
        std::thread::sleep(LOOK);
    }
}
