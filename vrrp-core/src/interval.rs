//! Advertisement intervals and the timers that RFC 9568 6.1 and RFC 3768 6.1 derive from them.

use core::{fmt, num::NonZeroU8, time::Duration};

use crate::{Claim, ConfigError, Version};

/// A VRRPv2 Advertisement_Interval: 1 to 255 whole seconds (RFC 3768 5.3.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(NonZeroU8);

impl Seconds {
    /// One second, the default.
    pub const ONE: Self = Self(NonZeroU8::MIN);

    /// Returns the octet on the wire.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0.get()
    }

    /// Returns the interval as a duration.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_secs(u64::from(self.get()))
    }
}

impl TryFrom<u8> for Seconds {
    type Error = ConfigError;

    fn try_from(seconds: u8) -> Result<Self, ConfigError> {
        NonZeroU8::new(seconds).map(Self).ok_or(ConfigError::IntervalSeconds)
    }
}

impl TryFrom<Duration> for Seconds {
    type Error = ConfigError;

    fn try_from(duration: Duration) -> Result<Self, ConfigError> {
        let seconds = u8::try_from(duration.as_secs()).map_err(|_| ConfigError::IntervalSeconds)?;
        if duration.subsec_nanos() != 0 {
            return Err(ConfigError::IntervalSeconds);
        }
        Self::try_from(seconds)
    }
}

/// A VRRPv3 Max Advertise Interval: 1 to 4095 centiseconds (RFC 9568 5.2.7).
///
/// ```
/// use core::time::Duration;
/// use vrrp_core::Centiseconds;
///
/// assert_eq!(Centiseconds::try_from(Duration::from_millis(250))?.get(), 25);
/// assert!(Centiseconds::try_from(Duration::from_millis(255)).is_err());
/// # Ok::<(), vrrp_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Centiseconds(u16);

impl Centiseconds {
    /// One second, the default of RFC 9568 6.1.
    pub const ONE_SECOND: Self = Self(100);

    /// Returns the twelve bits on the wire.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Returns the interval as a duration.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_millis(u64::from(self.0).saturating_mul(10))
    }
}

impl TryFrom<u16> for Centiseconds {
    type Error = ConfigError;

    fn try_from(centiseconds: u16) -> Result<Self, ConfigError> {
        match centiseconds {
            1..=4095 => Ok(Self(centiseconds)),
            0 | 4096.. => Err(ConfigError::IntervalCentiseconds),
        }
    }
}

impl TryFrom<Duration> for Centiseconds {
    type Error = ConfigError;

    fn try_from(duration: Duration) -> Result<Self, ConfigError> {
        let millis =
            u16::try_from(duration.as_millis()).map_err(|_| ConfigError::IntervalCentiseconds)?;
        if millis % 10 != 0 || duration != Duration::from_millis(u64::from(millis)) {
            return Err(ConfigError::IntervalCentiseconds);
        }
        Self::try_from(millis / 10)
    }
}

/// An advertisement interval as its version encodes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "one variant per protocol version")]
pub enum Interval {
    /// VRRPv2: whole seconds.
    V2(Seconds),
    /// VRRPv3: centiseconds.
    V3(Centiseconds),
}

impl Interval {
    /// Returns the interval as a duration.
    #[must_use]
    pub fn duration(self) -> Duration {
        match self {
            Self::V2(seconds) => seconds.duration(),
            Self::V3(centiseconds) => centiseconds.duration(),
        }
    }

    /// Returns the version that encodes it.
    #[must_use]
    pub const fn version(self) -> Version {
        match self {
            Self::V2(_) => Version::V2,
            Self::V3(_) => Version::V3,
        }
    }

    /// Returns the timers that follow from it.
    ///
    /// ```
    /// use core::time::Duration;
    /// use vrrp_core::{Centiseconds, Claim, Interval};
    ///
    /// let timing = Interval::V3(Centiseconds::ONE_SECOND).timing();
    /// assert_eq!(timing.skew(Claim::from(200)), Duration::from_micros(218_750));
    /// ```
    #[must_use]
    pub fn timing(self) -> Timing {
        match self {
            // At most 25,500.
            Self::V2(seconds) => Timing {
                centiseconds: u16::from(seconds.get()).saturating_mul(100),
                rules: Version::V2,
            },
            Self::V3(centiseconds) => {
                Timing { centiseconds: centiseconds.get(), rules: Version::V3 }
            }
        }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.duration(), f)
    }
}

/// The length of an interval and the timers that follow from it: an [`Interval`] without its
/// encoding, but with the version whose rules apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timing {
    /// The finer unit, for both versions: it keeps this as small as an [`Interval`].
    centiseconds: u16,
    rules: Version,
}

impl Timing {
    /// Returns the interval.
    #[must_use]
    pub fn interval(self) -> Duration {
        Duration::from_millis(u64::from(self.centiseconds).saturating_mul(10))
    }

    /// Returns the version whose rules apply.
    #[must_use]
    pub const fn rules(self) -> Version {
        self.rules
    }

    /// Returns Skew_Time: `(256 - Priority) / 256` of the interval (RFC 9568 6.1), or of one second
    /// in VRRPv2 (RFC 3768 6.1). It is exact to the nanosecond, so that backups with similar
    /// priorities do not fire together.
    #[must_use]
    pub fn skew(self, claim: Claim) -> Duration {
        self.skew_of(self.interval(), claim)
    }

    fn skew_of(self, interval: Duration, claim: Claim) -> Duration {
        let base = match self.rules {
            Version::V2 => Duration::from_secs(1),
            Version::V3 => interval,
        };
        let parts = 256_u32.saturating_sub(u32::from(u8::from(claim)));
        base.saturating_mul(parts) / 256
    }

    /// Returns Active_Down_Interval: three intervals and the Skew_Time (RFC 9568 6.1).
    #[must_use]
    pub fn active_down(self, claim: Claim) -> Duration {
        let interval = self.interval();
        interval.saturating_mul(3).saturating_add(self.skew_of(interval, claim))
    }

    /// Returns three intervals: how long an Active may go without an advertisement before any peer
    /// can take over.
    #[must_use]
    pub fn silence(self) -> Duration {
        self.interval().saturating_mul(3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v3(centiseconds: u16) -> Timing {
        Interval::V3(Centiseconds::try_from(centiseconds).unwrap()).timing()
    }

    #[test]
    fn v3_skew_scales_with_the_interval() {
        assert_eq!(v3(100).skew(Claim::from(100)), Duration::from_nanos(609_375_000));
        assert_eq!(v3(10).skew(Claim::from(254)), Duration::from_nanos(781_250));
        assert_eq!(v3(1).skew(Claim::Own), Duration::from_nanos(39_062));
        assert_eq!(v3(4095).active_down(Claim::from(1)), Duration::from_nanos(163_640_039_062));
    }

    #[test]
    fn v2_skew_is_a_share_of_one_second() {
        let interval = Interval::V2(Seconds::try_from(255).unwrap()).timing();
        assert_eq!(interval.skew(Claim::from(100)), Duration::from_nanos(609_375_000));
        assert_eq!(interval.active_down(Claim::from(100)), Duration::from_nanos(765_609_375_000));
    }

    #[test]
    fn greater_claims_have_shorter_skews() {
        for octet in 1..=u8::MAX {
            assert!(v3(1).skew(Claim::from(octet)) < v3(1).skew(Claim::from(octet - 1)));
        }
    }

    #[test]
    fn what_does_not_fit_the_field_is_refused() {
        assert!(Seconds::try_from(Duration::from_millis(1500)).is_err());
        assert!(Seconds::try_from(Duration::from_secs(256)).is_err());
        assert!(Seconds::try_from(Duration::ZERO).is_err());
        assert!(Centiseconds::try_from(Duration::from_millis(40_960)).is_err());
        assert!(Centiseconds::try_from(Duration::from_nanos(10_000_001)).is_err());
        assert!(Centiseconds::try_from(Duration::ZERO).is_err());
        assert_eq!(
            Centiseconds::try_from(Duration::from_millis(40_950)).map(Centiseconds::get),
            Ok(4095)
        );
    }
}
