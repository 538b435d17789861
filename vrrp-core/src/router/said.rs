//! What a message said, as far as it could be read: [`Said`]; how the addresses of a speaker differ
//! from ours: [`Differing`]; and how regularly a speaker advertises.

use core::{net::IpAddr, time::Duration};

use super::lists;
use crate::{
    Advert, Authentication, Centiseconds, Interval, RxMeta, Seconds, VirtualRouter, packet,
};

/// What the last message of a speaker said, as far as it could be read. Of a refused message it may
/// be forged, and the octets may be anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Said {
    /// Its version: four bits.
    pub version: u8,
    /// Its VRID.
    pub vrid: u8,
    /// Its Time To Live or Hop Limit.
    pub ttl: u8,
    /// Its advertisement interval, unless that is 0 or its version is unknown.
    pub interval: Option<Interval>,
    /// Its authentication type, of VRRPv2 (RFC 3768 5.3.6).
    pub authentication: Option<u8>,
    /// Which key signed it, if it has the trailer of keepalived's auth_hmac. The signature is not
    /// verified.
    pub key: Option<u8>,
}

impl Said {
    /// Returns what an accepted advertisement says.
    pub(super) const fn of(meta: &RxMeta, advert: &Advert<'_>) -> Self {
        let authentication = match (advert.interval, advert.authentication) {
            (Interval::V3(_), _) => None,
            (Interval::V2(_), Authentication::None) => Some(0),
            (Interval::V2(_), Authentication::SimpleText(_)) => Some(1),
        };
        Self {
            version: advert.interval.version().get(),
            vrid: advert.vrid.get(),
            ttl: meta.ttl,
            interval: Some(advert.interval),
            authentication,
            key: None,
        }
    }

    /// Reads what there is, whatever is wrong with the message.
    pub(super) fn read(meta: &RxMeta, bytes: &[u8]) -> Self {
        let octet = |place: usize| bytes.get(place).copied();
        let version = octet(0).unwrap_or_default() >> 4;
        let (fifth, sixth) = (octet(4), octet(5));
        let interval = match (version, fifth, sixth) {
            (2, _, Some(seconds)) => Seconds::try_from(seconds).ok().map(Interval::V2),
            (3, Some(high), Some(low)) => {
                let centiseconds = u16::from_be_bytes([high & 0x0f, low]);
                Centiseconds::try_from(centiseconds).ok().map(Interval::V3)
            }
            (_, _, _) => None,
        };
        Self {
            version,
            vrid: octet(1).unwrap_or_default(),
            ttl: meta.ttl,
            interval,
            authentication: fifth.filter(|_| version == 2),
            key: packet::signing_key(meta, bytes),
        }
    }
}

/// How the addresses that a speaker names differ from ours: an example of either kind, and how many
/// more there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Differing {
    /// The least address that it names, and we do not.
    pub theirs: Option<IpAddr>,
    /// How many more of those there are.
    pub more_theirs: u8,
    /// The least address of ours that it does not name.
    pub ours: Option<IpAddr>,
    /// How many more of those there are.
    pub more_ours: u8,
}

impl Differing {
    /// Compares the addresses of a message with ours.
    #[cold]
    #[inline(never)]
    pub(super) fn between(config: &VirtualRouter, advert: &Advert<'_>) -> Self {
        let mut differing = Self::default();
        lists::differences(config, advert.addresses, |address, is_theirs| {
            let (first, more) = if is_theirs {
                (&mut differing.theirs, &mut differing.more_theirs)
            } else {
                (&mut differing.ours, &mut differing.more_ours)
            };
            match first {
                None => *first = Some(address),
                Some(_) => *more = more.saturating_add(1),
            }
        });
        differing
    }
}

/// How many messages of speakers were counted without a place for their senders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct LeftOut {
    /// Accepted ones.
    pub heard: u64,
    /// Refused ones.
    pub refused: u64,
}

/// By how much the times between the advertisements of a speaker deviate from the interval that they
/// name, on average: of each deviation a sixteenth counts, as with the jitter of RFC 3550 6.4.1 and
/// A.8, in whole sixteenths of a microsecond.
///
/// ```
/// use std::time::Duration;
/// use vrrp_core::Jitter;
///
/// let (mut jitter, second) = (Jitter::NONE, Duration::from_secs(1));
/// assert_eq!(jitter.get(), None);
/// jitter.take(Duration::from_millis(1010), second);
/// assert_eq!(jitter.get(), Some(Duration::from_millis(10)));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Jitter(Option<u32>);

impl Jitter {
    /// Of a speaker that was heard once.
    pub const NONE: Self = Self(None);

    /// Takes the time from one advertisement to the next one, which names this interval.
    ///
    /// What comes after less than half of it is an answer to a weaker node, or the same again in the
    /// other form of checksum. After more than three of them the speaker was away.
    pub fn take(&mut self, gap: Duration, interval: Duration) {
        if gap.saturating_mul(2) < interval || gap > interval.saturating_mul(3) {
            return;
        }
        let deviation = u32::try_from(gap.abs_diff(interval).as_micros()).unwrap_or(u32::MAX);
        self.0 = Some(match self.0 {
            None => deviation.saturating_mul(16),
            Some(sixteenths) => {
                let fades = sixteenths.saturating_add(8) >> 4;
                sixteenths.saturating_sub(fades).saturating_add(deviation)
            }
        });
    }

    /// Returns the jitter; `None` before the first time that counts.
    #[must_use]
    pub fn get(self) -> Option<Duration> {
        self.0.map(|sixteenths| Duration::from_micros(u64::from(sixteenths >> 4)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn after(gaps: &[u64]) -> Option<u128> {
        let mut jitter = Jitter::default();
        for gap in gaps {
            jitter.take(Duration::from_millis(*gap), SECOND);
        }
        jitter.get().map(|jitter| jitter.as_millis())
    }

    #[test]
    fn a_speaker_on_time_has_no_jitter() {
        assert_eq!(after(&[]), None);
        assert_eq!(after(&[1000; 5]), Some(0));
    }

    #[test]
    fn what_comes_too_late_and_too_early_counts_alike_and_fades() {
        assert_eq!(after(&[1080]), Some(80));
        assert_eq!(after(&[920]), Some(80));
        assert_eq!(after(&[1080, 920, 1080, 920]), Some(80));
        assert_eq!(after(&[1080, 1000]), Some(75));
        let mut long = [1000; 200];
        long[0] = 1080;
        assert_eq!(after(&long), Some(0));
    }

    #[test]
    fn answers_and_absences_are_no_jitter() {
        assert_eq!(after(&[499, 1, 3001, 60_000]), None);
        assert_eq!(after(&[500]), Some(500));
        assert_eq!(after(&[3000]), Some(2000));
    }

    #[test]
    fn the_longest_gap_does_not_overflow() {
        let mut jitter = Jitter::default();
        let longest = Duration::from_millis(40_950);
        for _ in 0..1000 {
            jitter.take(longest * 3, longest);
        }
        assert_eq!(jitter.get().map(|jitter| jitter.as_secs()), Some(81));
    }
}
