//! [`Announcements`]: when the addresses are announced.

use core::time::Duration;

use crate::ConfigError;

/// When the addresses are announced to neighbours (gratuitous ARP, unsolicited Neighbor
/// Advertisement).
///
/// One burst follows each reason: a promotion, a win against a weaker advertisement, a link that
/// came back, an address that was put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Announcements {
    repeat_ms: [u16; 6],
    steps: u8,
    refresh: Option<Duration>,
}

impl Announcements {
    /// Announces at each delay in `repeat` after a reason, then every `refresh` (never for `None`).
    ///
    /// # Errors
    /// [`ConfigError::Announcements`] for more than 6 repeats, one above 60 s, or out of order.
    pub fn new(repeat: &[Duration], refresh: Option<Duration>) -> Result<Self, ConfigError> {
        let mut repeat_ms = [0; 6];
        let mut previous = 0;
        for (index, delay) in repeat.iter().enumerate() {
            let step = repeat_ms.get_mut(index).ok_or(ConfigError::Announcements)?;
            *step = u16::try_from(delay.as_millis()).map_err(|_| ConfigError::Announcements)?;
            if *step > 60_000 || (index > 0 && *step <= previous) {
                return Err(ConfigError::Announcements);
            }
            previous = *step;
        }
        let steps = u8::try_from(repeat.len()).map_err(|_| ConfigError::Announcements)?;
        let refresh = refresh.map(|every| every.max(Duration::from_secs(1)));
        Ok(Self { repeat_ms, steps, refresh })
    }

    /// Returns how long after the reason announcement number `step` (from 0) is due; `None` when
    /// the burst is over.
    #[must_use]
    pub fn delay(&self, step: u8) -> Option<Duration> {
        if step >= self.steps {
            return None;
        }
        self.repeat_ms.get(usize::from(step)).map(|ms| Duration::from_millis(u64::from(*ms)))
    }

    /// Returns whether the addresses are ever announced.
    #[must_use]
    pub const fn are_any(&self) -> bool {
        self.steps > 0 || self.refresh.is_some()
    }

    /// Returns how often announcements are repeated after the burst.
    #[must_use]
    pub const fn refresh(&self) -> Option<Duration> {
        self.refresh
    }
}

impl Default for Announcements {
    /// Announces at once, after 1 s and after 5 s, then every 60 s.
    fn default() -> Self {
        Self {
            repeat_ms: [0, 1000, 5000, 0, 0, 0],
            steps: 3,
            refresh: Some(Duration::from_secs(60)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announcements_ascend() {
        let second = Duration::from_secs(1);
        assert_eq!(Announcements::new(&[second, second], None), Err(ConfigError::Announcements));
        assert_eq!(Announcements::new(&[second; 7], None), Err(ConfigError::Announcements));
        let policy = Announcements::new(&[Duration::ZERO, second], None).unwrap();
        assert_eq!((policy.delay(1), policy.delay(2)), (Some(second), None));
    }
}
