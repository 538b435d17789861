//! The addresses of an advertisement: [`AddressList`].

use core::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use crate::{Cidr, Family, Ipv4Addresses, Ipv6Addresses};

/// The addresses of an advertisement, in wire order: 1 to 255 of one family (RFC 9568 5.2.9).
///
/// It borrows from the configuration or from the received message. Two lists are equal when they
/// hold the same addresses in the same order.
#[derive(Clone, Copy)]
pub struct AddressList<'a>(Repr<'a>);

#[derive(Clone, Copy)]
enum Repr<'a> {
    Ipv4(&'a [Cidr<Ipv4Addr>]),
    Ipv6(&'a [Cidr<Ipv6Addr>]),
    WireIpv4(&'a [[u8; 4]]),
    WireIpv6(&'a [[u8; 16]]),
}

impl<'a> AddressList<'a> {
    /// Returns the addresses in `octets`, which hold a whole number of them.
    pub(super) fn wire(family: Family, octets: &'a [u8]) -> Self {
        Self(match family {
            Family::Ipv4 => Repr::WireIpv4(octets.as_chunks().0),
            Family::Ipv6 => Repr::WireIpv6(octets.as_chunks().0),
        })
    }

    /// Returns their family.
    #[must_use]
    pub const fn family(&self) -> Family {
        match self.0 {
            Repr::Ipv4(_) | Repr::WireIpv4(_) => Family::Ipv4,
            Repr::Ipv6(_) | Repr::WireIpv6(_) => Family::Ipv6,
        }
    }

    /// Returns the addresses one by one.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> + use<'a> {
        let list = *self;
        (0..list.len()).map_while(move |index| list.get(index))
    }

    /// Returns the first address. An IPv6 list by RFC 9568 5.2.9 begins with a link-local one.
    #[must_use]
    pub fn first(&self) -> Option<IpAddr> {
        self.get(0)
    }

    /// Returns the number of addresses.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self.0 {
            Repr::Ipv4(list) => list.len(),
            Repr::Ipv6(list) => list.len(),
            Repr::WireIpv4(list) => list.len(),
            Repr::WireIpv6(list) => list.len(),
        }
    }

    /// Returns whether the list is empty: never, if it was configured or decoded.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn get(&self, index: usize) -> Option<IpAddr> {
        match self.0 {
            Repr::Ipv4(list) => list.get(index).map(|cidr| cidr.address().into()),
            Repr::Ipv6(list) => list.get(index).map(|cidr| cidr.address().into()),
            Repr::WireIpv4(list) => list.get(index).map(|octets| (*octets).into()),
            Repr::WireIpv6(list) => list.get(index).map(|octets| (*octets).into()),
        }
    }

    /// Writes the octets of the addresses to `out`, as far as `out` reaches.
    pub(super) fn write(&self, out: &mut [u8]) {
        match self.0 {
            Repr::Ipv4(list) => fill(out, list.iter().map(|cidr| cidr.address().octets())),
            Repr::Ipv6(list) => fill(out, list.iter().map(|cidr| cidr.address().octets())),
            Repr::WireIpv4(list) => fill(out, list.iter().copied()),
            Repr::WireIpv6(list) => fill(out, list.iter().copied()),
        }
    }
}

fn fill<const N: usize>(out: &mut [u8], addresses: impl Iterator<Item = [u8; N]>) {
    for (place, octets) in out.as_chunks_mut().0.iter_mut().zip(addresses) {
        *place = octets;
    }
}

impl<'a> From<&'a Ipv4Addresses> for AddressList<'a> {
    fn from(addresses: &'a Ipv4Addresses) -> Self {
        Self(Repr::Ipv4(addresses.as_slice()))
    }
}

impl<'a> From<&'a Ipv6Addresses> for AddressList<'a> {
    fn from(addresses: &'a Ipv6Addresses) -> Self {
        Self(Repr::Ipv6(addresses.as_slice()))
    }
}

impl PartialEq for AddressList<'_> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        // For every packet, a received list is compared with a configured one.
        match (self.0, other.0) {
            (Repr::Ipv4(ours), Repr::WireIpv4(wire)) | (Repr::WireIpv4(wire), Repr::Ipv4(ours)) => {
                ours.len() == wire.len()
                    && ours.iter().zip(wire).all(|(ours, wire)| ours.address().octets() == *wire)
            }
            (Repr::Ipv6(ours), Repr::WireIpv6(wire)) | (Repr::WireIpv6(wire), Repr::Ipv6(ours)) => {
                ours.len() == wire.len()
                    && ours.iter().zip(wire).all(|(ours, wire)| ours.address().octets() == *wire)
            }
            (_, _) => self.len() == other.len() && self.iter().eq(other.iter()),
        }
    }
}

impl Eq for AddressList<'_> {}

impl fmt::Debug for AddressList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_equal_by_their_contents_not_by_where_those_stand() {
        let configured =
            Ipv4Addresses::new([Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2)]).unwrap();
        let configured = AddressList::from(&configured);
        let received = AddressList::wire(Family::Ipv4, &[192, 0, 2, 1, 192, 0, 2, 2]);
        assert_eq!(configured, received);
        assert_eq!((received.len(), received.is_empty()), (2, false));
        assert_eq!(received.first(), Some(IpAddr::from([192, 0, 2, 1])));
        assert_ne!(configured, AddressList::wire(Family::Ipv4, &[192, 0, 2, 2, 192, 0, 2, 1]));
        assert_ne!(configured, AddressList::wire(Family::Ipv4, &[192, 0, 2, 1]));
    }

    #[test]
    fn lists_of_different_families_differ() {
        let octets = [0; 16];
        assert_ne!(
            AddressList::wire(Family::Ipv4, &octets[..4]),
            AddressList::wire(Family::Ipv6, &octets)
        );
    }
}
