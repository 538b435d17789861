//! What identifies a virtual router: [`Vrid`], [`Family`], [`InterfaceId`] and the [`Key`] made of
//! the three.

use core::{
    fmt,
    net::IpAddr,
    num::{NonZeroU8, NonZeroU32},
    str::FromStr,
};

use crate::ConfigError;

/// A virtual router identifier, 1 to 255 (RFC 9568 5.2.3).
///
/// ```
/// use vrrp_core::{Family, Vrid};
///
/// let vrid = Vrid::try_from(51)?;
/// assert_eq!(vrid.virtual_mac(Family::Ipv6).to_string(), "00:00:5e:00:02:33");
/// assert!(Vrid::try_from(0).is_err());
/// # Ok::<(), vrrp_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vrid(NonZeroU8);

impl Vrid {
    /// Returns the octet on the wire.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0.get()
    }

    /// Returns the virtual router MAC address: `00-00-5E-00-01-VRID` for IPv4,
    /// `00-00-5E-00-02-VRID` for IPv6 (RFC 9568 7.3).
    #[must_use]
    pub const fn virtual_mac(self, family: Family) -> MacAddr {
        let family = match family {
            Family::Ipv4 => 1,
            Family::Ipv6 => 2,
        };
        MacAddr([0x00, 0x00, 0x5e, 0x00, family, self.get()])
    }
}

impl TryFrom<u8> for Vrid {
    type Error = ConfigError;

    fn try_from(octet: u8) -> Result<Self, ConfigError> {
        NonZeroU8::new(octet).map(Self).ok_or(ConfigError::Vrid)
    }
}

impl FromStr for Vrid {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        text.parse::<u8>().map_err(|_| ConfigError::Vrid)?.try_into()
    }
}

impl fmt::Display for Vrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The address family of a virtual router's messages and addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there are two")]
pub enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl Family {
    /// Returns the family of `address`.
    #[must_use]
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Ipv4,
            IpAddr::V6(_) => Self::Ipv6,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
        })
    }
}

/// A network interface, identified by a number that the driver chose.
///
/// The number stands for the interface's *name*, not for its current kernel index: an interface
/// that is deleted and created again keeps its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct InterfaceId(NonZeroU32);

impl InterfaceId {
    /// Creates the identifier for the driver's `number`.
    #[must_use]
    pub const fn new(number: NonZeroU32) -> Self {
        Self(number)
    }

    /// Returns the driver's number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for InterfaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The identity of a virtual router on this node: VRIDs are unique per interface and family
/// (RFC 9568 1.6, "Virtual Router").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "RFC 9568 fixes what identifies a virtual router")]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Key {
    /// The interface.
    pub interface: InterfaceId,
    /// The address family.
    pub family: Family,
    /// The virtual router identifier.
    pub vrid: Vrid,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.interface, self.vrid, self.family)
    }
}

/// An IEEE 802 MAC-48 address; all zeros if there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "six octets")]
pub struct MacAddr(pub [u8; 6]);

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virtual_mac_is_the_one_of_rfc_9568_7_3() {
        let vrid = Vrid::try_from(0xfe).unwrap();
        assert_eq!(vrid.virtual_mac(Family::Ipv4), MacAddr([0, 0, 0x5e, 0, 1, 0xfe]));
        assert_eq!(vrid.virtual_mac(Family::Ipv6), MacAddr([0, 0, 0x5e, 0, 2, 0xfe]));
    }
}
