//! The Internet checksum (RFC 1071) of a VRRP message, with or without a pseudo-header.

use core::net::IpAddr;

/// The IP protocol number of VRRP (RFC 9568 5.1.1.4, 5.1.2.4).
const PROTOCOL: u32 = 112;

/// A one's complement sum that has not been folded to 16 bits yet.
///
/// Words are added in host order, 32 bits at a time: the folded sum has the same octets as a sum in
/// network order (RFC 1071 2 (B), (C)). 64 bits hold the sum of 2^32 such words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sum(u64);

impl Sum {
    /// Returns the sum of `octets`, as if followed by zeroes up to a multiple of four.
    pub(crate) fn of(octets: &[u8]) -> Self {
        let (words, rest) = octets.as_chunks::<4>();
        let mut last = [0; 4];
        for (padded, octet) in last.iter_mut().zip(rest) {
            *padded = *octet;
        }
        Self(words.iter().chain([&last]).map(|word| u64::from(u32::from_ne_bytes(*word))).sum())
    }

    /// Returns the sum of the pseudo-header of a message of `length` octets (RFC 9568 5.2.8, RFC
    /// 8200 8.1).
    pub(crate) fn pseudo_header(source: IpAddr, destination: IpAddr, length: u16) -> Self {
        let rest =
            Self(u64::from(u32::from(length).to_be()).wrapping_add(u64::from(PROTOCOL.to_be())));
        rest.plus(Self::of_address(source)).plus(Self::of_address(destination))
    }

    fn of_address(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::of(&v4.octets()),
            IpAddr::V6(v6) => Self::of(&v6.octets()),
        }
    }

    /// Returns the sum of both.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }

    /// Returns whether this can be the sum of a message with a correct checksum.
    pub(crate) fn is_right(self) -> bool {
        self.folded() == u64::from(u16::MAX)
    }

    /// Returns the checksum field for a message that has this sum while the field is zero.
    pub(crate) fn field(self) -> [u8; 2] {
        let [a, b, ..] = (!self.folded()).to_le_bytes();
        u16::from_le_bytes([a, b]).to_ne_bytes()
    }

    /// Adds the carries back in until 16 bits are left.
    fn folded(self) -> u64 {
        let mut sum = self.0;
        while sum > u64::from(u16::MAX) {
            sum = (sum & u64::from(u16::MAX)).wrapping_add(sum >> 16);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071_3_sums_to_ddf2() {
        let sum = Sum::of(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(sum.field(), [!0xdd, !0xf2]);
    }

    #[test]
    fn what_is_short_of_a_word_is_padded_with_zeroes() {
        for length in 0..12 {
            let octets = [0xa5; 12];
            let (start, _) = octets.split_at(length);
            let mut padded = [0; 12];
            padded[..length].copy_from_slice(start);
            assert_eq!(Sum::of(start).field(), Sum::of(&padded).field(), "{length}");
        }
    }

    #[test]
    fn carries_are_added_back_however_many_there_are() {
        assert_eq!(Sum::of(&[0xff; 4096]).field(), [0, 0]);
        assert!(Sum::of(&[0xff; 4096]).is_right());
        assert!(!Sum::of(&[0; 4096]).is_right());
    }

    #[test]
    fn a_message_with_its_field_is_right() {
        let mut octets = [0; 40];
        for (octet, value) in octets.iter_mut().zip(7..) {
            *octet = value;
        }
        octets[6..8].fill(0);
        let [a, b] = Sum::of(&octets).field();
        octets[6] = a;
        octets[7] = b;
        assert!(Sum::of(&octets).is_right());
        octets[20] ^= 1;
        assert!(!Sum::of(&octets).is_right());
    }
}
