//! [`Schedule`]: how often a check runs, and how its results are believed.

use std::{num::NonZeroU8, time::Duration};

/// The shortest interval and timeout.
const SHORTEST: Duration = Duration::from_millis(10);
/// The longest interval, timeout and grace.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// How often a check runs, how long it may take, and how many results in a row it takes to believe
/// them.
///
/// ```
/// use std::{num::NonZeroU8, time::Duration};
/// use vrrp_net::check::Schedule;
///
/// let calm = Schedule::default().interval(Duration::from_secs(10))?.fall(NonZeroU8::MIN);
/// assert_eq!(calm.fall, NonZeroU8::MIN);
/// assert!(Schedule::default().interval(Duration::ZERO).is_err());
/// # Ok::<(), vrrp_net::check::ScheduleError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Schedule {
    /// From the begin of one run to the begin of the next: 2 s unless set. A run that takes longer
    /// is not followed by another before it has ended.
    pub interval: Duration,
    /// How long a run may take before it counts as failed: 1 s unless set. It may be longer than
    /// the interval.
    pub timeout: Duration,
    /// How many runs in a row have to pass until a check that was bad is good: 2 unless set.
    pub rise: NonZeroU8,
    /// How many runs in a row have to fail until a check that was good is bad: 3 unless set.
    pub fall: NonZeroU8,
    /// What it counts as before its first result.
    pub initial: Initial,
    /// When it counts.
    pub when: When,
    /// What a run that could not be made counts as.
    pub not_run: NotRun,
}

/// What a check counts as before its first result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a check is in one of these states")]
pub enum Initial {
    /// Nothing is known: the first result decides at once.
    #[default]
    Unknown,
    /// It is good until `fall` runs have failed.
    Good,
    /// It is bad until `rise` runs have passed.
    Bad,
}

/// When a check counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum When {
    /// All the time.
    #[default]
    Always,
    /// Only while the virtual router is active, from `grace` after it became so: for a service that
    /// is there only where the addresses are. At any other time it counts as good, so that the
    /// addresses do not wander between nodes neither of which can pass. It runs while it counts for
    /// any virtual router, and each time it begins to run it is good until `fall` runs have failed.
    Active {
        /// How long the service may take to begin.
        grace: Duration,
    },
}

/// What a run that could not be made counts as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "it counts, or it does not")]
pub enum NotRun {
    /// As nothing: the check stays what it was.
    #[default]
    Ignore,
    /// As failed.
    Fail,
}

/// Why a [`Schedule`] cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} of a check is {given:?}; it is {shortest:?} to {LONGEST:?}")]
#[non_exhaustive]
pub struct ScheduleError {
    what: &'static str,
    given: Duration,
    shortest: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(2),
            timeout: Duration::from_secs(1),
            rise: NonZeroU8::MIN.saturating_add(1),
            fall: NonZeroU8::MIN.saturating_add(2),
            initial: Initial::default(),
            when: When::default(),
            not_run: NotRun::default(),
        }
    }
}

impl Schedule {
    /// Sets the interval, 10 ms to a day.
    ///
    /// # Errors
    /// [`ScheduleError`] for any other.
    pub fn interval(self, interval: Duration) -> Result<Self, ScheduleError> {
        let interval = within("the interval", SHORTEST, interval)?;
        Ok(Self { interval, ..self })
    }

    /// Sets the timeout, 10 ms to a day.
    ///
    /// # Errors
    /// [`ScheduleError`] for any other.
    pub fn timeout(self, timeout: Duration) -> Result<Self, ScheduleError> {
        let timeout = within("the timeout", SHORTEST, timeout)?;
        Ok(Self { timeout, ..self })
    }

    /// Has it count only while the virtual router is active, from `grace` after it became so: up to
    /// a day.
    ///
    /// # Errors
    /// [`ScheduleError`] for a longer one.
    pub fn while_active(self, grace: Duration) -> Result<Self, ScheduleError> {
        let grace = within("the grace", Duration::ZERO, grace)?;
        Ok(Self { when: When::Active { grace }, ..self })
    }

    /// Sets how many runs in a row have to pass.
    #[must_use]
    pub const fn rise(self, rise: NonZeroU8) -> Self {
        Self { rise, ..self }
    }

    /// Sets how many runs in a row have to fail.
    #[must_use]
    pub const fn fall(self, fall: NonZeroU8) -> Self {
        Self { fall, ..self }
    }

    /// Sets what it counts as before its first result.
    #[must_use]
    pub const fn initial(self, initial: Initial) -> Self {
        Self { initial, ..self }
    }

    /// Sets what a run that could not be made counts as.
    #[must_use]
    pub const fn not_run(self, not_run: NotRun) -> Self {
        Self { not_run, ..self }
    }
}

fn within(
    what: &'static str,
    shortest: Duration,
    given: Duration,
) -> Result<Duration, ScheduleError> {
    if (shortest..=LONGEST).contains(&given) {
        Ok(given)
    } else {
        Err(ScheduleError { what, given, shortest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_cannot_be_is_told_with_its_bounds() {
        let error = Schedule::default().timeout(Duration::from_millis(5)).unwrap_err();
        let expected = "the timeout of a check is 5ms; it is 10ms to 86400s";
        assert_eq!(error.to_string(), expected);
        assert!(Schedule::default().while_active(Duration::ZERO).is_ok());
        let long = Schedule::default().timeout(Duration::from_secs(60)).unwrap();
        assert!(long.timeout > long.interval);
    }
}
