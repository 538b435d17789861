//! Health checks: whether the service behind virtual addresses works, as a
//! [`Health`](vrrp_core::Health) of each virtual router.
//!
//! A [`Check`] looks once. A [`Schedule`] says how often, and how many results in a row it takes to
//! believe them; a [`Tally`] counts those. A [`Track`] says what a check means to a virtual router,
//! and [`Checks`] runs all of them on a thread of its own, so that no check ever delays an
//! advertisement.
//!
//! ```
//! use std::time::Duration;
//! use vrrp_core::{Condition, Weight};
//! use vrrp_net::check::{Checks, Effect, File, Planned, Schedule, Setup, Tcp, Track, Tracked};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let often = Schedule::default().interval(Duration::from_millis(100))?;
//! let setup = Setup::new(
//!     [
//!         Planned::new("database", Tcp::new("127.0.0.1:5432")?).schedule(often),
//!         Planned::new("maintenance", File::absent("/run/maintenance")),
//!     ],
//!     [Tracked::new("web")
//!         .track(Track::new("maintenance", Effect::Hold))
//!         .track(Track::new("database", Effect::Weight(Weight::try_from(-50)?)))],
//! )?;
//! let checks = Checks::start(setup)?;
//! let mut healths = checks.healths();
//! while let Some((router, health)) = healths.next().await {
//!     println!("{router}: {}, {}", health.condition, health.weight);
//!     if health.condition == Condition::Good {
//!         break;
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! # What there is
//!
//! [`Tcp`] and [`File`] everywhere; `Dns` with the feature `check-dns`, `Http` with `check-http`;
//! `Command`, `Process`, `Interface` and `Route` on Linux. They are made in the network
//! namespace of the thread that calls [`Checks::start`]. A check of one's own is one type and two
//! methods.

mod board;
mod checks;
#[cfg(target_os = "linux")]
mod command;
#[cfg(feature = "check-dns")]
pub mod dns;
mod file;
#[cfg(feature = "check-http")]
pub mod http;
#[cfg(target_os = "linux")]
mod interface;
mod log;
mod outcome;
mod plan;
#[cfg(target_os = "linux")]
mod process;
#[cfg(target_os = "linux")]
mod route;
mod runner;
mod schedule;
mod status;
mod tally;
mod target;
mod tcp;
mod track;

use std::any::Any;

use async_trait::async_trait;

use crate::blocking;
pub(crate) use board::Change;
pub use checks::{Checks, Healths};
#[cfg(target_os = "linux")]
pub use command::Command;
#[cfg(feature = "check-dns")]
pub use dns::Dns;
pub use file::File;
#[cfg(feature = "check-http")]
pub use http::Http;
#[cfg(target_os = "linux")]
pub use interface::Interface;
pub use outcome::Outcome;
pub use plan::{Planned, Setup, SetupError, Tracked};
#[cfg(target_os = "linux")]
pub use process::Process;
#[cfg(target_os = "linux")]
pub use route::Route;
pub use schedule::{Initial, NotRun, Schedule, ScheduleError, When};
pub use status::CheckStatus;
pub use tally::{State, Tally};
pub use target::TargetError;
pub use tcp::Tcp;
pub use track::{Effect, Last, Reading, Share, Track, health};

/// Looks once whether something works.
///
/// ```
/// use vrrp_net::{async_trait, check::{Check, Outcome}};
///
/// struct Replication(Database);
/// # struct Database;
/// # impl Database { async fn lag(&self) -> std::io::Result<u64> { Ok(0) } }
///
/// #[async_trait]
/// impl Check for Replication {
///     async fn run(&self) -> Outcome {
///         match self.0.lag().await {
///             Ok(lag) if lag < 10 => Outcome::Passed(format!("{lag} s behind")),
///             Ok(lag) => Outcome::Failed(format!("{lag} s behind")),
///             Err(error) => Outcome::NotRun(format!("the lag is not known: {error}")),
///         }
///     }
///
///     fn describe(&self) -> String {
///         "the replication is less than 10 s behind".to_owned()
///     }
/// }
/// ```
#[async_trait]
pub trait Check: Any + Send + Sync {
    /// Looks once, and returns what it found.
    ///
    /// Its future is dropped when the time of its [`Schedule`] is over, or when nobody wants it any
    /// more: whatever it began ends with it. Runs of one check never overlap. It must not block the
    /// thread, which all checks share: what blocks belongs into `tokio::task::spawn_blocking`. A
    /// panic counts as [`Outcome::NotRun`].
    async fn run(&self) -> Outcome;

    /// Returns what has to be so for the check to pass, as a sentence without its end: `10.0.0.1:80
    /// accepts a connection`.
    fn describe(&self) -> String;

    /// Reports whether this check looks for the same as `other`, so that what one found holds for
    /// the other; `false` unless overridden, where they are not one and the same `Arc`. A
    /// configuration that names a check which is the same keeps what is known of it.
    fn is_same(&self, _other: &dyn Check) -> bool {
        false
    }
}
