//! [`Password`]: the simple text password of VRRPv2.

use core::fmt;

use crate::ConfigError;

/// A VRRPv2 simple text password (authentication type 1, RFC 2338 5.3.10): up to 8 octets, zero
/// padded.
///
/// It protects against accidents, not against attackers: it travels in clear text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Password([u8; 8]);

impl Password {
    /// Returns the eight octets on the wire.
    #[must_use]
    pub const fn octets(&self) -> [u8; 8] {
        self.0
    }

    /// Returns whether `received` is this password, in constant time.
    #[must_use]
    pub fn matches(&self, received: &[u8; 8]) -> bool {
        self.0
            .iter()
            .zip(received)
            .fold(0, |difference, (ours, theirs)| difference | (ours ^ theirs))
            == 0
    }
}

impl TryFrom<&[u8]> for Password {
    type Error = ConfigError;

    fn try_from(text: &[u8]) -> Result<Self, ConfigError> {
        let mut octets = [0; 8];
        match octets.get_mut(..text.len()) {
            Some(start) if !text.is_empty() => start.copy_from_slice(text),
            Some(_) | None => return Err(ConfigError::Password),
        }
        Ok(Self(octets))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_have_one_to_eight_octets_and_stay_out_of_logs() {
        assert_eq!(Password::try_from(&b""[..]), Err(ConfigError::Password));
        assert_eq!(Password::try_from(&b"123456789"[..]), Err(ConfigError::Password));
        let password = Password::try_from(&b"d0cker"[..]).unwrap();
        assert!(password.matches(b"d0cker\0\0"));
        assert!(!password.matches(b"d0cker\0x"));
        assert_eq!(alloc::format!("{password:?}"), "Password(..)");
    }
}
