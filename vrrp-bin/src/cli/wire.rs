//! The arguments of the command that listens to the network, and of others that do.

use std::{ops::RangeInclusive, time::Duration};

use clap::Args;

use crate::config::duration;

/// The arguments of `vrrp scan`.
#[derive(Debug, Args)]
pub(crate) struct Scan {
    /// Listen on this interface; it may be given several times. Otherwise on all that are up, but for
    /// the loopback.
    #[arg(short = 'i', long = "interface", value_name = "IFACE")]
    pub(crate) interfaces: Vec<String>,
    /// How long to listen, from 100ms to 1h.
    #[arg(long = "for", value_name = "TIME", default_value = "5s", value_parser = listening)]
    pub(crate) time: Duration,
    /// Print what was heard as one object of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How long one may listen.
const LISTENING: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(3600);

/// Parses how long to listen.
pub(super) fn listening(text: &str) -> Result<Duration, String> {
    let time = duration::parse(text).filter(|time| LISTENING.contains(time));
    time.ok_or_else(|| "write a time from 100ms to 1h, such as 3s".to_owned())
}
