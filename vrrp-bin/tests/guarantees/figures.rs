//! What was measured, as a person reads it.

use std::{fmt, time::Duration};

use vrrp_net::lab::{Held, Loss, Ticker};

use crate::support::{Outcome, SLACK, check};

/// How many of 1,000 packets a second may be lost in a change that loses none by design.
const HANDOVER: u64 = 5;
/// What is allowed at most for a kernel that takes long to change an address.
const BUSY_KERNEL: Duration = Duration::from_millis(100);

/// A row's figures: ours, and those of keepalived where it was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    pub(crate) ours: String,
    pub(crate) theirs: String,
}

impl Figures {
    /// Without keepalived.
    pub(crate) fn alone(ours: impl fmt::Display) -> Self {
        Self { ours: ours.to_string(), theirs: String::new() }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ours, theirs } = self;
        write!(f, "here {ours}")?;
        if theirs.is_empty() { Ok(()) } else { write!(f, "; keepalived {theirs}") }
    }
}

/// A length of time in whole milliseconds, or in seconds when it is long.
pub(crate) fn short(time: Duration) -> String {
    match time.as_millis() {
        0..1000 => format!("{:.0} ms", time.as_secs_f64() * 1000.0),
        _ => format!("{:.2} s", time.as_secs_f64()),
    }
}

/// What one of many runs measured: the lowest, the one in the middle, the highest.
#[derive(Clone, Debug)]
pub(crate) struct Spread(Vec<Duration>);

impl Spread {
    pub(crate) fn of(times: impl IntoIterator<Item = Duration>) -> Self {
        let mut times: Vec<Duration> = times.into_iter().collect();
        times.sort_unstable();
        Self(times)
    }

    /// The higher one of the two in the middle.
    pub(crate) fn median(&self) -> Duration {
        self.0.get(self.0.len() / 2).copied().unwrap_or_default()
    }

    pub(crate) fn worst(&self) -> Duration {
        self.0.last().copied().unwrap_or_default()
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (runs, median, worst) = (self.0.len(), short(self.median()), short(self.worst()));
        write!(f, "median of {runs} {median}, worst {worst}")
    }
}

/// For how long two hosts had the address at the same time, between `since` and `until`.
pub(crate) fn overlap(one: &[Held], other: &[Held], since: Duration, until: Duration) -> Duration {
    let end = |held: &Held| held.until.unwrap_or(Duration::MAX).min(until);
    let pairs = one.iter().flat_map(|one| other.iter().map(move |other| (one, other)));
    let common = pairs.map(|(one, other)| {
        let from = one.from.max(other.from).max(since);
        end(one).min(end(other)).saturating_sub(from)
    });
    common.sum()
}

/// Fails when a change that loses nothing by design has lost more than the machine's own pauses
/// explain.
pub(crate) fn loses_nothing(what: &str, loss: &Loss, ticker: &Ticker) -> Outcome {
    let allowed = HANDOVER + milliseconds(late(ticker));
    check(loss.lost <= allowed, format!("{what}: {loss}, at most {allowed} lost are allowed"))
}

/// Fails when `actual` is more than `most`, with the slack and what the machine was late added.
pub(crate) fn at_most(what: &str, actual: Duration, most: Duration, ticker: &Ticker) -> Outcome {
    let allowed = most + SLACK + late(ticker);
    check(
        actual <= allowed,
        format!(
            "{what}: {}, allowed are {} and {} of slack",
            short(actual),
            short(most),
            short(allowed - most)
        ),
    )
}

/// How late the machine was at worst: its threads, and its kernel with a change of an address.
pub(crate) fn late(ticker: &Ticker) -> Duration {
    ticker.worst_gap().max(ticker.worst_answer().min(BUSY_KERNEL))
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}
