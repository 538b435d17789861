//! VRRP messages written and read from the text of RFC 9568 5.2 and RFC 3768 5.3.
//!
//! This uses the standard library only, and nothing of the crate that it judges: a mistake made
//! there is not made here again. Every field can be given a value that the RFCs forbid.

use std::net::IpAddr;

/// The IP protocol number of VRRP (RFC 9568 5.1.1.4, 5.1.2.4).
const PROTOCOL: u8 = 112;
/// The octets before the addresses (RFC 9568 5.2, RFC 3768 5.3).
const HEADER: usize = 8;
/// The authentication data behind the addresses of VRRPv2 (RFC 3768 5.3).
const AUTHENTICATION: usize = 8;

/// Where the checksum field comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checksum {
    /// Over the message alone: VRRPv2 (RFC 3768 5.3.8), and VRRPv3 over IPv4 (RFC 9568 5.2.8).
    MessageOnly,
    /// Over the pseudo-header and the message: VRRPv3 over IPv6, and over IPv4 as RFC 5798 was
    /// read.
    PseudoHeader,
    /// These sixteen bits, whatever the message is.
    Fixed(u16),
}

/// The fields in which the versions differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timing {
    /// RFC 3768 5.3.6, 5.3.7 and 5.3.10.
    V2 {
        /// Auth Type: 0 none, 1 a password (RFC 2338 5.3.6).
        authentication_type: u8,
        /// Adver Int, in seconds.
        seconds: u8,
        /// Authentication Data.
        authentication: [u8; AUTHENTICATION],
    },
    /// RFC 9568 5.2.6 and 5.2.7.
    V3 {
        /// The four bits before the interval.
        reserved: u8,
        /// Max Advertise Interval, twelve bits.
        centiseconds: u16,
    },
}

/// A message, field by field. Nothing keeps the fields legal or consistent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// The upper four bits of the first octet. What follows the header is laid out by `timing`
    /// instead.
    pub(crate) version: u8,
    /// The lower four bits of the first octet; 1 is an advertisement.
    pub(crate) kind: u8,
    pub(crate) vrid: u8,
    pub(crate) priority: u8,
    /// Count IPvX Addr.
    pub(crate) count: u8,
    pub(crate) timing: Timing,
    pub(crate) checksum: Checksum,
    pub(crate) addresses: Vec<IpAddr>,
    /// What follows the message, in the same datagram. The checksum covers it.
    pub(crate) trailing: Vec<u8>,
}

impl Message {
    /// A VRRPv2 advertisement without authentication.
    pub(crate) fn v2(vrid: u8, priority: u8, seconds: u8, addresses: &[IpAddr]) -> Self {
        let timing =
            Timing::V2 { authentication_type: 0, seconds, authentication: [0; AUTHENTICATION] };
        Self::new(2, vrid, priority, timing, addresses, Checksum::MessageOnly)
    }

    /// A VRRPv3 advertisement as RFC 9568 has it: over IPv4 the checksum covers the message alone.
    pub(crate) fn v3(vrid: u8, priority: u8, centiseconds: u16, addresses: &[IpAddr]) -> Self {
        let checksum = match addresses.first() {
            Some(IpAddr::V6(_)) => Checksum::PseudoHeader,
            Some(IpAddr::V4(_)) | None => Checksum::MessageOnly,
        };
        let timing = Timing::V3 { reserved: 0, centiseconds };
        Self::new(3, vrid, priority, timing, addresses, checksum)
    }

    fn new(
        version: u8,
        vrid: u8,
        priority: u8,
        timing: Timing,
        addresses: &[IpAddr],
        checksum: Checksum,
    ) -> Self {
        Self {
            version,
            kind: 1,
            vrid,
            priority,
            // The octet cannot say more.
            count: u8::try_from(addresses.len()).unwrap_or(u8::MAX),
            timing,
            checksum,
            addresses: addresses.to_vec(),
            trailing: Vec::new(),
        }
    }

    /// The same with a password: Auth Type 1, zero padded to eight octets (RFC 2338 5.3.6, 5.3.10).
    pub(crate) fn password(mut self, password: &str) -> Self {
        if let Timing::V2 { authentication_type, authentication, .. } = &mut self.timing {
            *authentication_type = 1;
            *authentication = [0; AUTHENTICATION];
            authentication.iter_mut().zip(password.bytes()).for_each(|(octet, byte)| *octet = byte);
        }
        self
    }

    /// The payload of a datagram from `source` to `destination`.
    pub(crate) fn octets(&self, source: IpAddr, destination: IpAddr) -> Vec<u8> {
        let (fifth, sixth) = match self.timing {
            Timing::V2 { authentication_type, seconds, .. } => (authentication_type, seconds),
            Timing::V3 { reserved, centiseconds } => {
                let [high, low] = centiseconds.to_be_bytes();
                ((reserved << 4) | (high & 0x0f), low)
            }
        };
        let first = (self.version << 4) | (self.kind & 0x0f);
        let mut octets = vec![first, self.vrid, self.priority, self.count, fifth, sixth, 0, 0];
        self.addresses.iter().for_each(|address| octets.extend(octets_of(*address)));
        if let Timing::V2 { authentication, .. } = self.timing {
            octets.extend(authentication);
        }
        octets.extend(&self.trailing);
        let checksum = match self.checksum {
            Checksum::MessageOnly => !sum(&octets),
            Checksum::PseudoHeader => !sum(&with_pseudo_header(source, destination, &octets)),
            Checksum::Fixed(bits) => bits,
        };
        octets[6..8].copy_from_slice(&checksum.to_be_bytes());
        octets
    }
}

/// A message that was read, and which checksums it would be right by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    /// Its `checksum` is the field as it stands.
    pub(crate) message: Message,
    /// The field is right over the message alone.
    pub(crate) right_alone: bool,
    /// The field is right over the pseudo-header and the message.
    pub(crate) right_with_pseudo_header: bool,
}

/// Reads what a datagram carries, as far as it goes: a version other than 2 is laid out as 3, and
/// nothing is judged. `None` when it ends within the header, the addresses that its count promises,
/// or the authentication data.
pub(crate) fn read(source: IpAddr, destination: IpAddr, octets: &[u8]) -> Option<Received> {
    let (header, body) = octets.split_at_checked(HEADER)?;
    let (version, kind) = (header[0] >> 4, header[0] & 0x0f);
    let size = match source {
        IpAddr::V4(_) => 4,
        IpAddr::V6(_) => 16,
    };
    let (list, rest) = body.split_at_checked(size * usize::from(header[3]))?;
    let (timing, trailing) = if version == 2 {
        let (authentication, trailing) = rest.split_first_chunk()?;
        let (authentication_type, seconds) = (header[4], header[5]);
        (Timing::V2 { authentication_type, seconds, authentication: *authentication }, trailing)
    } else {
        let centiseconds = u16::from_be_bytes([header[4] & 0x0f, header[5]]);
        (Timing::V3 { reserved: header[4] >> 4, centiseconds }, rest)
    };
    let message = Message {
        version,
        kind,
        vrid: header[1],
        priority: header[2],
        count: header[3],
        timing,
        checksum: Checksum::Fixed(u16::from_be_bytes([header[6], header[7]])),
        addresses: list.chunks_exact(size).filter_map(address).collect(),
        trailing: trailing.to_vec(),
    };
    let right_alone = sum(octets) == 0xffff;
    let right_with_pseudo_header = sum(&with_pseudo_header(source, destination, octets)) == 0xffff;
    Some(Received { message, right_alone, right_with_pseudo_header })
}

/// The one's complement sum of the 16-bit words, a last single octet being padded with zero (RFC
/// 1071 1).
fn sum(octets: &[u8]) -> u16 {
    octets.chunks(2).fold(0, |sum: u16, word| {
        let word = u16::from_be_bytes([word[0], word.get(1).copied().unwrap_or(0)]);
        let (sum, carry) = sum.overflowing_add(word);
        sum + u16::from(carry)
    })
}

/// The message behind the pseudo-header of RFC 8200 8.1 (RFC 9568 5.2.8), or that of RFC 793 3.1
/// for IPv4.
fn with_pseudo_header(source: IpAddr, destination: IpAddr, message: &[u8]) -> Vec<u8> {
    // A datagram is shorter than 64 KiB.
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut octets = octets_of(source);
    octets.extend(octets_of(destination));
    match source {
        IpAddr::V4(_) => octets.extend([0, PROTOCOL, length[0], length[1]]),
        IpAddr::V6(_) => octets.extend([0, 0, length[0], length[1], 0, 0, 0, PROTOCOL]),
    }
    octets.extend(message);
    octets
}

fn octets_of(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// Four octets or sixteen.
fn address(octets: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// The example of RFC 1071 3.
    #[test]
    fn the_words_sum_to_ddf2() {
        assert_eq!(sum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), 0xddf2);
        assert_eq!(sum(&[0x12]), 0x1200);
    }

    /// Computed by hand: 0x3133 + 0xc801 + 0x0064 + 0xc000 + 0x0201 = 0x1bb99, folded 0xbb9a.
    #[test]
    fn a_message_of_version_3_has_these_octets() {
        let message = Message::v3(51, 200, 100, &[ip("192.0.2.1")]);
        let octets = message.octets(ip("192.0.2.11"), ip("224.0.0.18"));
        assert_eq!(octets, [0x31, 51, 200, 1, 0, 100, 0x44, 0x65, 192, 0, 2, 1]);
    }

    /// 0x2133 + 0x6401 + 0x0101 + 0xc000 + 0x0201 + "pass" = 0x2_2c0a, folded 0x2c0c.
    #[test]
    fn a_message_of_version_2_ends_in_its_password() {
        let message = Message::v2(51, 100, 1, &[ip("192.0.2.1")]).password("pass");
        let octets = message.octets(ip("192.0.2.11"), ip("224.0.0.18"));
        let tail = [192, 0, 2, 1, b'p', b'a', b's', b's', 0, 0, 0, 0];
        assert_eq!(octets[..6], [0x21, 51, 100, 1, 1, 1]);
        assert_eq!(octets[8..], tail);
        assert_eq!(octets[6..8], [0xd3, 0xf3]);
    }

    #[test]
    fn what_is_written_is_read_and_only_its_own_checksum_is_right() {
        for (source, destination, list) in [
            ("192.0.2.11", "224.0.0.18", ["192.0.2.1", "192.0.2.4"]),
            ("fe80::11", "ff02::12", ["fe80::1", "2001:db8::1"]),
        ] {
            let (source, destination) = (ip(source), ip(destination));
            for checksum in [Checksum::MessageOnly, Checksum::PseudoHeader] {
                let message = Message { checksum, ..Message::v3(7, 1, 4095, &list.map(ip)) };
                let octets = message.octets(source, destination);
                let received = read(source, destination, &octets).unwrap();
                assert_eq!(received.right_alone, checksum == Checksum::MessageOnly);
                assert_eq!(received.right_with_pseudo_header, checksum == Checksum::PseudoHeader);
                assert_eq!(Message { checksum, ..received.message }, message);
            }
        }
    }

    #[test]
    fn what_ends_too_early_is_not_read_and_what_follows_is_kept() {
        let (source, destination) = (ip("192.0.2.11"), ip("224.0.0.18"));
        let message = Message { trailing: vec![1, 2], ..Message::v2(7, 1, 1, &[ip("192.0.2.1")]) };
        let octets = message.octets(source, destination);
        assert_eq!(octets.len(), 22);
        for length in 0..20 {
            assert_eq!(read(source, destination, &octets[..length]), None, "{length}");
        }
        assert_eq!(read(source, destination, &octets).unwrap().message.trailing, [1, 2]);
    }
}
