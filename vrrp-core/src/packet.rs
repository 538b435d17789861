//! The advertisement on the wire: [`Advert::decode`] and [`Advert::encode`].
//!
//! Decoding borrows and encoding fills the caller's buffer: nothing is allocated.

pub(crate) mod checksum;

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{Centiseconds, Cidr, Claim, InterfaceId, Interval, Seconds, Vrid};

/// What the receiving socket says about a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "written as a literal by drivers")]
pub struct RxMeta {
    /// Where it arrived.
    pub interface: InterfaceId,
    /// Its source address.
    pub source: IpAddr,
    /// Its destination address.
    pub destination: IpAddr,
    /// Its Time To Live or Hop Limit.
    pub ttl: u8,
}

/// How a VRRPv2 advertisement is authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 3768 kept type 0, RFC 2338 defined type 1 for text")]
pub enum Authentication {
    /// Type 0: none.
    None,
    /// Type 1: simple text, zero padded.
    SimpleText([u8; 8]),
}

/// Where IPv4 advertisements go: 224.0.0.18 (RFC 9568 5.1.1.2).
pub const IPV4_GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);

/// Where IPv6 advertisements go: ff02::12 (RFC 9568 5.1.2.2).
pub const IPV6_GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);

/// Which octets a checksum covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "two readings of RFC 5798")]
pub enum ChecksumForm {
    /// The message alone: VRRPv2, and VRRPv3 over IPv4 by RFC 9568.
    MessageOnly,
    /// The message and the pseudo-header: VRRPv3 over IPv6, and over IPv4 as keepalived and FRR read RFC 5798.
    PseudoHeader,
}

/// An advertisement: what it says, without the octets that only carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "RFC 9568 5.2 closes the list of fields")]
pub struct Advert<'a> {
    /// The virtual router.
    pub vrid: Vrid,
    /// The priority octet.
    pub claim: Claim,
    /// The advertisement interval, and with it the version.
    pub interval: Interval,
    /// Authentication; always `None` in VRRPv3.
    pub authentication: Authentication,
    /// The virtual addresses.
    pub addresses: AddressList<'a>,
}

/// The addresses of an advertisement, in wire order.
#[derive(Clone, Copy, Debug)]
pub struct AddressList<'a>(Repr<'a>);

#[derive(Clone, Copy, Debug)]
enum Repr<'a> {
    Ipv4(&'a [Cidr<Ipv4Addr>]),
    Ipv6(&'a [Cidr<Ipv6Addr>]),
    WireIpv4(&'a [[u8; 4]]),
    WireIpv6(&'a [[u8; 16]]),
}

/// A decoded advertisement and the checksum form that it came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a named pair")]
pub struct Decoded<'a> {
    /// The advertisement.
    pub advert: Advert<'a>,
    /// Which form of checksum was right; `None` when both were, which tells nothing about its sender.
    pub form: Option<ChecksumForm>,
}

/// Why octets are not an advertisement. The network made the mistake: nothing is changed by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Shorter than its header, or than its header says (RFC 9568 7.1).
    #[error("it is shorter than its header says")]
    Truncated,
    /// Longer than its header says.
    #[error("it is longer than its header says")]
    Oversized,
    /// Neither 2 nor 3, or 2 over IPv6.
    #[error("its version is neither 2 nor 3, or is 2 over IPv6")]
    Version,
    /// Not 1, the only type there is.
    #[error("its type is not 1, advertisement")]
    Type,
    /// VRID 0.
    #[error("its VRID is 0")]
    ZeroVrid,
    /// No address (RFC 9568 5.2.5).
    #[error("it names no address")]
    ZeroCount,
    /// Interval 0 (RFC 9568 5.2.7).
    #[error("its interval is 0")]
    ZeroInterval,
    /// Wrong in every accepted form.
    #[error("its checksum is wrong")]
    Checksum,
    /// A VRRPv2 authentication type other than 0 and 1.
    #[error("its authentication type is neither 0 nor 1")]
    AuthenticationType,
    /// Source and destination are of different families: the driver's mistake.
    #[error("its source and destination are of different families")]
    Family,
}

/// The buffer is shorter than the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the buffer is shorter than the advertisement")]
#[expect(clippy::exhaustive_structs, reason = "there is no more to say")]
pub struct BufferTooSmall;

#[allow(missing_docs, unused_variables, clippy::unimplemented)]
impl<'a> Advert<'a> {
    /// The longest message there is: 255 IPv6 addresses.
    pub const MAX_LEN: usize = 8 + 255 * 16;

    pub fn decode(meta: &RxMeta, bytes: &'a [u8]) -> Result<Decoded<'a>, DecodeError> {
        unimplemented!()
    }

    pub fn encode(
        &self,
        source: IpAddr,
        destination: IpAddr,
        form: ChecksumForm,
        out: &mut [u8],
    ) -> Result<usize, BufferTooSmall> {
        unimplemented!()
    }
}
#[allow(missing_docs, unused_variables, clippy::unimplemented)]
impl<'a> AddressList<'a> {
    pub(crate) fn ipv4(addresses: &'a [Cidr<Ipv4Addr>]) -> Self {
        Self(Repr::Ipv4(addresses))
    }
    pub(crate) fn ipv6(addresses: &'a [Cidr<Ipv6Addr>]) -> Self {
        Self(Repr::Ipv6(addresses))
    }
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> + 'a {
        core::iter::empty()
    }
    pub fn len(&self) -> usize {
        unimplemented!()
    }
    pub fn is_empty(&self) -> bool {
        unimplemented!()
    }
}
impl PartialEq for AddressList<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}
impl Eq for AddressList<'_> {}
