//! How long a command may listen to the network.

use std::{ops::RangeInclusive, time::Duration};

use crate::config::duration;

/// How long one may listen.
const LISTENING: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(3600);

/// Parses how long to listen.
pub(super) fn listening(text: &str) -> Result<Duration, String> {
    let time = duration::parse(text).filter(|time| LISTENING.contains(time));
    time.ok_or_else(|| "write a time from 100ms to 1h, such as 3s".to_owned())
}
