//! The addresses that a virtual router protects.

use alloc::{sync::Arc, vec::Vec};
use core::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use crate::ConfigError;

/// An address type that a [`Cidr`] can hold: [`Ipv4Addr`], [`Ipv6Addr`] or [`IpAddr`].
pub trait Address: Copy + Eq + fmt::Display + FromStr + Into<IpAddr> + sealed::Sealed {
    /// Returns the length of the address in bits, which is the longest prefix length.
    fn bits(self) -> u8;
}

mod sealed {
    use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    pub trait Sealed {}
    impl Sealed for Ipv4Addr {}
    impl Sealed for Ipv6Addr {}
    impl Sealed for IpAddr {}
}

impl Address for Ipv4Addr {
    fn bits(self) -> u8 {
        32
    }
}

impl Address for Ipv6Addr {
    fn bits(self) -> u8 {
        128
    }
}

impl Address for IpAddr {
    fn bits(self) -> u8 {
        match self {
            Self::V4(_) => 32,
            Self::V6(_) => 128,
        }
    }
}

/// An address with the prefix length of its subnet.
///
/// ```
/// use core::net::Ipv4Addr;
/// use vrrp_core::Cidr;
///
/// let with_prefix: Cidr<Ipv4Addr> = "192.0.2.10/24".parse()?;
/// let alone: Cidr<Ipv4Addr> = "192.0.2.10".parse()?;
/// assert_eq!((with_prefix.prefix_length(), alone.prefix_length()), (24, 32));
/// # Ok::<(), vrrp_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr<A = IpAddr> {
    address: A,
    prefix_length: u8,
}

impl<A: Address> Cidr<A> {
    /// Combines `address` with the prefix length of its subnet, in bits.
    ///
    /// # Errors
    /// [`ConfigError::PrefixLength`] when the address has fewer bits.
    pub fn new(address: A, prefix_length: u8) -> Result<Self, ConfigError> {
        if prefix_length > address.bits() {
            return Err(ConfigError::PrefixLength);
        }
        Ok(Self { address, prefix_length })
    }

    /// Returns the address.
    pub const fn address(&self) -> A {
        self.address
    }

    /// Returns the length of the prefix, in bits.
    pub const fn prefix_length(&self) -> u8 {
        self.prefix_length
    }
}

impl Cidr {
    /// Returns whether `address` is in the subnet of this one.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let length = u32::from(self.prefix_length());
        match (self.address(), address) {
            (IpAddr::V4(ours), IpAddr::V4(other)) => {
                let host = Ipv4Addr::BITS.saturating_sub(length);
                (ours.to_bits() ^ other.to_bits()).checked_shr(host).unwrap_or(0) == 0
            }
            (IpAddr::V6(ours), IpAddr::V6(other)) => {
                let host = Ipv6Addr::BITS.saturating_sub(length);
                (ours.to_bits() ^ other.to_bits()).checked_shr(host).unwrap_or(0) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    /// Returns whether the subnet of this one contains the whole subnet of `other`.
    #[must_use]
    pub fn covers(&self, other: Self) -> bool {
        self.prefix_length <= other.prefix_length && self.contains(other.address)
    }

    /// Returns the subnet of this one: its first address, with the same prefix length.
    #[must_use]
    pub fn subnet(&self) -> Self {
        let length = u32::from(self.prefix_length);
        let address = match self.address {
            IpAddr::V4(address) => {
                let host = Ipv4Addr::BITS.saturating_sub(length);
                let mask = u32::MAX.checked_shl(host).unwrap_or_default();
                Ipv4Addr::from_bits(address.to_bits() & mask).into()
            }
            IpAddr::V6(address) => {
                let host = Ipv6Addr::BITS.saturating_sub(length);
                let mask = u128::MAX.checked_shl(host).unwrap_or_default();
                Ipv6Addr::from_bits(address.to_bits() & mask).into()
            }
        };
        Self { address, ..*self }
    }
}

impl<A: Address> From<A> for Cidr<A> {
    /// Returns the address alone: /32 or /128.
    fn from(address: A) -> Self {
        Self { address, prefix_length: address.bits() }
    }
}

impl From<Cidr<Ipv4Addr>> for Cidr {
    fn from(cidr: Cidr<Ipv4Addr>) -> Self {
        Self { address: cidr.address.into(), prefix_length: cidr.prefix_length }
    }
}

impl From<Cidr<Ipv6Addr>> for Cidr {
    fn from(cidr: Cidr<Ipv6Addr>) -> Self {
        Self { address: cidr.address.into(), prefix_length: cidr.prefix_length }
    }
}

impl<A: Address> FromStr for Cidr<A> {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let (address, prefix_length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: A = address.parse().map_err(|_| ConfigError::Address)?;
        match prefix_length {
            None => Ok(Self::from(address)),
            Some(length) => {
                Self::new(address, length.parse().map_err(|_| ConfigError::PrefixLength)?)
            }
        }
    }
}

impl<A: Address> fmt::Display for Cidr<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_length)
    }
}

/// Returns whether this is a link-local IPv6 address.
pub(crate) const fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

/// The IPv4 addresses of a virtual router: 1 to 255, each once (RFC 9568 5.2.5).
///
/// Cloning shares the list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ipv4Addresses(Arc<[Cidr<Ipv4Addr>]>);

impl Ipv4Addresses {
    /// Creates the list in the given order, which is the order on the wire.
    ///
    /// # Errors
    /// [`ConfigError`] when there is none, when there are more than 255, when one is listed twice,
    /// or when one is unspecified, loopback, multicast or the limited broadcast.
    pub fn new<T: Into<Cidr<Ipv4Addr>>>(
        addresses: impl IntoIterator<Item = T>,
    ) -> Result<Self, ConfigError> {
        let addresses: Vec<Cidr<Ipv4Addr>> = addresses.into_iter().map(Into::into).collect();
        let unusable = |address: Ipv4Addr| {
            address.is_unspecified()
                || address.is_loopback()
                || address.is_multicast()
                || address.is_broadcast()
        };
        if addresses.iter().any(|cidr| unusable(cidr.address)) {
            return Err(ConfigError::UnusableAddress);
        }
        check_list(&addresses)?;
        Ok(Self(addresses.into()))
    }

    /// Returns the addresses, in wire order.
    #[must_use]
    pub fn as_slice(&self) -> &[Cidr<Ipv4Addr>] {
        &self.0
    }
}

/// The IPv6 addresses of a virtual router: 1 to 255, each once, link-local ones first (RFC 9568
/// 5.2.9).
///
/// A list without a link-local address is accepted, because common peers use such lists. RFC 9568
/// requires one, and a strict peer reports the advertisement.
///
/// Cloning shares the list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ipv6Addresses(Arc<[Cidr<Ipv6Addr>]>);

impl Ipv6Addresses {
    /// Creates the list in the given order, but with link-local addresses moved to the front.
    ///
    /// # Errors
    /// [`ConfigError`] when there is none, when there are more than 255, when one is listed twice,
    /// or when one is unspecified, loopback or multicast.
    pub fn new<T: Into<Cidr<Ipv6Addr>>>(
        addresses: impl IntoIterator<Item = T>,
    ) -> Result<Self, ConfigError> {
        let mut addresses: Vec<Cidr<Ipv6Addr>> = addresses.into_iter().map(Into::into).collect();
        let unusable = |address: Ipv6Addr| {
            address.is_unspecified() || address.is_loopback() || address.is_multicast()
        };
        if addresses.iter().any(|cidr| unusable(cidr.address)) {
            return Err(ConfigError::UnusableAddress);
        }
        check_list(&addresses)?;
        addresses.sort_by_key(|cidr| !cidr.address.is_unicast_link_local());
        Ok(Self(addresses.into()))
    }

    /// Returns the addresses, in wire order.
    #[must_use]
    pub fn as_slice(&self) -> &[Cidr<Ipv6Addr>] {
        &self.0
    }
}

fn check_list<A: Address>(addresses: &[Cidr<A>]) -> Result<(), ConfigError> {
    if addresses.is_empty() || addresses.len() > usize::from(u8::MAX) {
        return Err(ConfigError::AddressCount);
    }
    let mut rest = addresses;
    while let [first, others @ ..] = rest {
        if others.iter().any(|other| other.address == first.address) {
            return Err(ConfigError::AddressTwice);
        }
        rest = others;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_what_has_its_prefix() {
        for (network, address, expected) in [
            ("192.0.2.1/24", "192.0.2.255", true),
            ("192.0.2.1/24", "192.0.3.1", false),
            ("192.0.2.1/32", "192.0.2.1", true),
            ("192.0.2.1/32", "192.0.2.0", false),
            ("192.0.2.1/0", "198.51.100.1", true),
            ("2001:db8::1/64", "2001:db8::ffff:1", true),
            ("2001:db8::1/64", "2001:db8:0:1::1", false),
            ("0.0.0.0/0", "::1", false),
        ] {
            let network: Cidr = network.parse().unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), expected, "{network} {address}");
        }
    }

    #[test]
    fn a_subnet_is_what_the_prefix_leaves_of_an_address() {
        for (text, expected) in [
            ("192.0.2.10/24", "192.0.2.0/24"),
            ("192.0.2.130/25", "192.0.2.128/25"),
            ("192.0.2.10/32", "192.0.2.10/32"),
            ("192.0.2.10/0", "0.0.0.0/0"),
            ("2001:db8:0:1::10/64", "2001:db8:0:1::/64"),
            ("2001:db8::10/128", "2001:db8::10/128"),
            ("2001:db8::10/0", "::/0"),
        ] {
            let cidr: Cidr = text.parse().unwrap();
            assert_eq!(cidr.subnet(), expected.parse().unwrap(), "{text}");
        }
    }

    #[test]
    fn a_subnet_covers_itself_and_its_parts() {
        for (own, other, expected) in [
            ("192.0.2.1/24", "192.0.2.10/24", true),
            ("192.0.0.1/16", "192.0.2.10/24", true),
            ("192.0.2.1/25", "192.0.2.10/24", false),
            ("192.0.3.1/24", "192.0.2.10/24", false),
            ("192.0.2.1/24", "2001:db8::10/64", false),
            ("2001:db8::1/64", "2001:db8::10/128", true),
            ("2001:db8:0:1::1/64", "2001:db8::10/64", false),
        ] {
            let own: Cidr = own.parse().unwrap();
            assert_eq!(own.covers(other.parse().unwrap()), expected, "{own} {other}");
        }
    }

    #[test]
    fn prefix_lengths_are_bounded_by_the_family() {
        assert_eq!("192.0.2.1/33".parse::<Cidr<Ipv4Addr>>(), Err(ConfigError::PrefixLength));
        assert_eq!("192.0.2.1/".parse::<Cidr<Ipv4Addr>>(), Err(ConfigError::PrefixLength));
        assert_eq!("2001:db8::1/128".parse::<Cidr>().map(|c| c.prefix_length()), Ok(128));
        assert_eq!("2001:db8::1/129".parse::<Cidr>(), Err(ConfigError::PrefixLength));
        assert_eq!("192.0.2".parse::<Cidr>(), Err(ConfigError::Address));
    }

    #[test]
    fn lists_are_neither_empty_nor_too_long_nor_repetitive() {
        let none: [Ipv4Addr; 0] = [];
        assert_eq!(Ipv4Addresses::new(none), Err(ConfigError::AddressCount));
        let many = (0..=255).map(|last| Ipv4Addr::new(192, 0, 2, last));
        assert_eq!(Ipv4Addresses::new(many), Err(ConfigError::AddressCount));
        let one = Ipv4Addr::new(192, 0, 2, 1);
        assert_eq!(Ipv4Addresses::new([one, one]), Err(ConfigError::AddressTwice));
        assert_eq!(Ipv4Addresses::new([Ipv4Addr::BROADCAST]), Err(ConfigError::UnusableAddress));
        assert_eq!(Ipv6Addresses::new([Ipv6Addr::LOCALHOST]), Err(ConfigError::UnusableAddress));
    }

    #[test]
    fn link_local_comes_first_and_the_rest_keeps_its_order() {
        let list: Vec<Ipv6Addr> = ["2001:db8::2", "fe80::9", "2001:db8::1"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        let sorted = Ipv6Addresses::new(list.clone()).unwrap();
        let addresses: Vec<Ipv6Addr> =
            sorted.as_slice().iter().map(|cidr| cidr.address()).collect();
        assert_eq!(addresses, [list[1], list[0], list[2]]);
    }
}
