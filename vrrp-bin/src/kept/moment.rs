//! [`Moment`]: a time that people and files read.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

/// The last second that RFC 3339 can write: the end of the year 9999.
const LAST: u64 = 253_402_300_799;

/// A second of the wall clock, written as RFC 3339 has it, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Moment(u64);

impl Moment {
    /// Now. The years before 1970 count as its first second.
    pub(crate) fn now() -> Self {
        Self::from(SystemTime::now())
    }

    /// `duration` later; a fraction of a second counts as a whole one.
    pub(crate) fn after(self, duration: Duration) -> Self {
        let seconds = duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0));
        Self(self.0.saturating_add(seconds).min(LAST))
    }

    /// How long after `earlier` this is; zero if it is not later.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }
}

impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self(since.as_secs().min(LAST))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(self.0);
        humantime::format_rfc3339_seconds(time).fmt(f)
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.to_string()
    }
}

impl TryFrom<String> for Moment {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let time = humantime::parse_rfc3339(&text)
            .map_err(|_| format!("{text:?} is not a time such as 2026-01-31T12:00:00Z"))?;
        Ok(Self::from(time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let text = "2026-01-31T12:00:00Z".to_owned();
        let moment = Moment::try_from(text.clone()).unwrap();
        assert_eq!(String::from(moment), text);
        assert_eq!(moment.after(Duration::from_millis(1_500)).to_string(), "2026-01-31T12:00:02Z");
        let last = moment.after(Duration::MAX);
        assert_eq!(last.to_string(), "9999-12-31T23:59:59Z");
        assert_eq!(Moment::try_from(last.to_string()), Ok(last));
        assert_eq!(moment.since(last), Duration::ZERO);
    }

    #[test]
    fn what_is_no_time_is_told() {
        for text in ["", "tomorrow", "2026-01-31", "2026-13-01T00:00:00Z", "10000-01-01T00:00:00Z"]
        {
            assert!(Moment::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
