//! The advertisement on the wire: [`Advert::decode`] and [`Advert::encode`].
//!
//! Decoding borrows and encoding fills the caller's buffer: nothing is allocated.

mod addresses;
mod checksum;

use core::{
    cmp::Ordering,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

pub use addresses::AddressList;

use self::checksum::Sum;
use crate::{Centiseconds, Claim, Family, InterfaceId, Interval, Seconds, Version, Vrid};

/// What the receiving socket reports about a datagram.
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
#[expect(
    clippy::exhaustive_enums,
    reason = "RFC 3768 kept type 0, RFC 2338 defined type 1 for text"
)]
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
    /// The message and the pseudo-header: VRRPv3 over IPv6, and over IPv4 as keepalived and FRR
    /// read RFC 5798.
    PseudoHeader,
}

/// The encoding in which an advertisement is sent, apart from its [`Timing`].
///
/// [`Timing`]: crate::Timing
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "one variant for each protocol version")]
pub enum Wire {
    /// VRRPv2.
    V2,
    /// VRRPv3, with one of two checksums.
    V3(ChecksumForm),
}

impl Wire {
    /// Returns the version of the message.
    #[must_use]
    pub const fn version(self) -> Version {
        match self {
            Self::V2 => Version::V2,
            Self::V3(_) => Version::V3,
        }
    }

    /// Returns what its checksum covers.
    #[must_use]
    pub const fn checksum_form(self) -> ChecksumForm {
        match self {
            Self::V2 => ChecksumForm::MessageOnly,
            Self::V3(form) => form,
        }
    }
}

/// The content of an advertisement, without its encoding.
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

/// A decoded advertisement and its checksum form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a named pair")]
pub struct Decoded<'a> {
    /// The advertisement.
    pub advert: Advert<'a>,
    /// The checksum form that was correct; `None` if both were, which reveals nothing about the
    /// sender.
    pub form: Option<ChecksumForm>,
}

/// Why octets are not an advertisement. The fault is the network's, and it changes nothing.
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
    /// Longer by the signature of keepalived's auth_hmac (draft-cassen-vrrp-auth-hmac).
    #[error("it is signed by keepalived's auth_hmac, which is not known here")]
    Signature,
    /// Source and destination are of different families: the driver's mistake.
    #[error("its source and destination are of different families")]
    Family,
}

/// The buffer is shorter than the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the buffer is shorter than the advertisement")]
#[expect(clippy::exhaustive_structs, reason = "there is no more to say")]
pub struct BufferTooSmall;

impl<'a> Advert<'a> {
    /// The longest message there is: 255 IPv6 addresses.
    pub const MAX_LEN: usize = HEADER_LEN + 255 * 16;

    /// Reads a VRRP message: the IP payload of a datagram of protocol 112.
    ///
    /// The length has to be exactly what the header says. The reserved bits of VRRPv3 and the
    /// authentication data of type 0 are covered by the checksum and otherwise ignored (RFC 9568
    /// 5.2.6, RFC 3768 5.3.6). The Time To Live is not checked.
    ///
    /// ```
    /// use core::num::NonZeroU32;
    /// use vrrp_core::{Advert, ChecksumForm, Claim, IPV4_GROUP, InterfaceId, RxMeta};
    ///
    /// let meta = RxMeta {
    ///     interface: InterfaceId::new(NonZeroU32::MIN),
    ///     source: "192.0.2.11".parse()?,
    ///     destination: IPV4_GROUP.into(),
    ///     ttl: 255,
    /// };
    /// let message = [0x31, 51, 200, 1, 0, 100, 0x44, 0x65, 192, 0, 2, 1];
    /// let decoded = Advert::decode(&meta, &message)?;
    /// assert_eq!(decoded.advert.claim, Claim::from(200));
    /// assert_eq!(decoded.form, Some(ChecksumForm::MessageOnly));
    ///
    /// let mut out = [0; Advert::MAX_LEN];
    /// let len = decoded.advert.encode(meta.source, meta.destination, ChecksumForm::MessageOnly, &mut out)?;
    /// assert_eq!(out[..len], message);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The first [`DecodeError`] of: family, header length, version, type, address count, length,
    /// authentication type, checksum, VRID, interval.
    pub fn decode(meta: &RxMeta, bytes: &'a [u8]) -> Result<Decoded<'a>, DecodeError> {
        let family = match (meta.source, meta.destination) {
            (IpAddr::V4(_), IpAddr::V4(_)) => Family::Ipv4,
            (IpAddr::V6(_), IpAddr::V6(_)) => Family::Ipv6,
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
                return Err(DecodeError::Family);
            }
        };
        let Some(([version_and_type, vrid, priority, count, fifth, sixth, _, _], body)) =
            bytes.split_first_chunk::<HEADER_LEN>()
        else {
            return Err(DecodeError::Truncated);
        };
        let version = Version::of(*version_and_type, family)?;
        if version_and_type & 0x0f != ADVERTISEMENT {
            return Err(DecodeError::Type);
        }
        if *count == 0 {
            return Err(DecodeError::ZeroCount);
        }
        let addresses_len = usize::from(*count).saturating_mul(address_len(family));
        let (addresses, trailer) = split_body(body, addresses_len, version)?;
        let authentication = version.authentication(*fifth, trailer)?;
        let form = judge_checksum(version, meta, bytes)?;
        let vrid = Vrid::try_from(*vrid).map_err(|_| DecodeError::ZeroVrid)?;
        let interval = version.interval(*fifth, *sixth)?;
        let advert = Advert {
            vrid,
            claim: Claim::from(*priority),
            interval,
            authentication,
            addresses: AddressList::wire(family, addresses),
        };
        Ok(Decoded { advert, form })
    }

    /// Writes the message to the start of `out`, and returns its length. The rest of `out` is left
    /// unchanged.
    ///
    /// `form` is for VRRPv3 over IPv4 only. The checksum of VRRPv2 always covers the message alone
    /// (RFC 3768 5.3.8); that of VRRPv3 over IPv6 always includes the pseudo-header with `source`
    /// and `destination` (RFC 9568 5.2.8).
    ///
    /// # Errors
    /// [`BufferTooSmall`]: [`MAX_LEN`](Self::MAX_LEN) octets are always enough.
    pub fn encode(
        &self,
        source: IpAddr,
        destination: IpAddr,
        form: ChecksumForm,
        out: &mut [u8],
    ) -> Result<usize, BufferTooSmall> {
        let version = self.interval.version();
        let family = self.addresses.family();
        let addresses_len = self.addresses.len().saturating_mul(address_len(family));
        let length = HEADER_LEN.saturating_add(addresses_len).saturating_add(version.trailer_len());
        // Both conversions succeed: a list has at most 255 addresses.
        let count = u8::try_from(self.addresses.len()).map_err(|_| BufferTooSmall)?;
        let wire_length = u16::try_from(length).map_err(|_| BufferTooSmall)?;

        let message = out.get_mut(..length).ok_or(BufferTooSmall)?;
        let (header, body) = message.split_first_chunk_mut::<HEADER_LEN>().ok_or(BufferTooSmall)?;
        let (addresses, trailer) =
            body.split_at_mut_checked(addresses_len).ok_or(BufferTooSmall)?;
        let [fifth, sixth] = self.fifth_and_sixth();
        let first = (version.get() << 4) | ADVERTISEMENT;
        *header = [first, self.vrid.get(), self.claim.into(), count, fifth, sixth, 0, 0];
        self.addresses.write(addresses);
        self.write_trailer(trailer);

        let mut sum = Sum::of(message);
        let with_pseudo_header = match (version, family) {
            (Version::V2, _) => false,
            (Version::V3, Family::Ipv4) => form == ChecksumForm::PseudoHeader,
            (Version::V3, Family::Ipv6) => true,
        };
        if with_pseudo_header {
            sum = sum.plus(Sum::pseudo_header(source, destination, wire_length));
        }
        if let Some([.., high, low]) = message.first_chunk_mut::<HEADER_LEN>() {
            [*high, *low] = sum.field();
        }
        Ok(length)
    }

    /// Returns the two octets before the checksum: Auth Type and Adver Int (RFC 3768 5.3), or four
    /// reserved bits, which are zero, and Max Advertise Interval (RFC 9568 5.2).
    fn fifth_and_sixth(&self) -> [u8; 2] {
        match self.interval {
            Interval::V2(seconds) => [self.authentication.wire_type(), seconds.get()],
            Interval::V3(centiseconds) => centiseconds.get().to_be_bytes(),
        }
    }

    /// Writes the authentication data of VRRPv2, which is zero for type 0 (RFC 3768 5.3.10).
    fn write_trailer(&self, trailer: &mut [u8]) {
        let data = match self.authentication {
            Authentication::None => [0; AUTHENTICATION_LEN],
            Authentication::SimpleText(text) => text,
        };
        for (octet, value) in trailer.iter_mut().zip(data) {
            *octet = value;
        }
    }
}

impl Authentication {
    /// Returns the Auth Type (RFC 3768 5.3.6, RFC 2338 5.3.6).
    const fn wire_type(self) -> u8 {
        match self {
            Self::None => 0,
            Self::SimpleText(_) => 1,
        }
    }
}

/// Fixed octets before the addresses, in either version (RFC 9568 5.2, RFC 3768 5.3).
const HEADER_LEN: usize = 8;

/// Authentication data after the addresses, in VRRPv2 (RFC 3768 5.3.10).
const AUTHENTICATION_LEN: usize = 8;

/// The trailer of keepalived's auth_hmac, in VRRPv3.
const SIGNATURE_LEN: usize = 28;

/// The one message type (RFC 9568 5.2.2).
const ADVERTISEMENT: u8 = 1;

const fn address_len(family: Family) -> usize {
    match family {
        Family::Ipv4 => 4,
        Family::Ipv6 => 16,
    }
}

impl Version {
    /// Reads the version from the first octet of a message (RFC 9568 5.2.1). VRRPv2 is for IPv4
    /// only.
    const fn of(version_and_type: u8, family: Family) -> Result<Self, DecodeError> {
        match (version_and_type >> 4, family) {
            (2, Family::Ipv4) => Ok(Self::V2),
            (3, _) => Ok(Self::V3),
            _ => Err(DecodeError::Version),
        }
    }

    /// Returns how many octets follow the addresses.
    const fn trailer_len(self) -> usize {
        match self {
            Self::V2 => AUTHENTICATION_LEN,
            Self::V3 => 0,
        }
    }

    fn authentication(self, auth_type: u8, trailer: &[u8]) -> Result<Authentication, DecodeError> {
        match (self, auth_type, trailer.first_chunk()) {
            (Self::V3, _, _) | (Self::V2, 0, _) => Ok(Authentication::None),
            (Self::V2, 1, Some(text)) => Ok(Authentication::SimpleText(*text)),
            (Self::V2, _, _) => Err(DecodeError::AuthenticationType),
        }
    }

    fn interval(self, fifth: u8, sixth: u8) -> Result<Interval, DecodeError> {
        let interval = match self {
            Self::V2 => Seconds::try_from(sixth).map(Interval::V2),
            Self::V3 => {
                Centiseconds::try_from(u16::from_be_bytes([fifth & 0x0f, sixth])).map(Interval::V3)
            }
        };
        interval.map_err(|_| DecodeError::ZeroInterval)
    }
}

/// Splits the addresses from what follows them.
fn split_body(
    body: &[u8],
    addresses: usize,
    version: Version,
) -> Result<(&[u8], &[u8]), DecodeError> {
    match body.len().cmp(&addresses.saturating_add(version.trailer_len())) {
        Ordering::Less => Err(DecodeError::Truncated),
        Ordering::Greater if version == Version::V3 && is_signature(body.get(addresses..)) => {
            Err(DecodeError::Signature)
        }
        Ordering::Greater => Err(DecodeError::Oversized),
        Ordering::Equal => body.split_at_checked(addresses).ok_or(DecodeError::Truncated),
    }
}

/// Returns which key signed a message, if it looks like one of keepalived's auth_hmac.
pub(crate) fn signing_key(meta: &RxMeta, bytes: &[u8]) -> Option<u8> {
    let family = Family::of(meta.source);
    let (3, Some(count)) = (bytes.first()? >> 4, bytes.get(3)) else { return None };
    let addresses = usize::from(*count).saturating_mul(address_len(family));
    let trailer = bytes.get(HEADER_LEN.saturating_add(addresses)..);
    trailer.filter(|_| is_signature(trailer))?.get(1).copied()
}

/// Returns whether what follows the addresses looks like keepalived's auth_hmac: type 1, a key
/// identifier, two reserved octets, a time, a counter, and 16 octets of HMAC-SHA256. The signature
/// is not verified.
fn is_signature(trailer: Option<&[u8]>) -> bool {
    trailer.is_some_and(|trailer| {
        trailer.len() == SIGNATURE_LEN && matches!(trailer, [1, _, 0, 0, ..])
    })
}

/// Returns the checksum form that is correct (RFC 3768 5.3.8, RFC 9568 5.2.8); `None` if both are.
fn judge_checksum(
    version: Version,
    meta: &RxMeta,
    message: &[u8],
) -> Result<Option<ChecksumForm>, DecodeError> {
    let alone = Sum::of(message);
    if version == Version::V2 {
        return if alone.is_right() {
            Ok(Some(ChecksumForm::MessageOnly))
        } else {
            Err(DecodeError::Checksum)
        };
    }
    let length = u16::try_from(message.len()).map_err(|_| DecodeError::Oversized)?;
    let whole = alone.plus(Sum::pseudo_header(meta.source, meta.destination, length));
    match (meta.source, alone.is_right(), whole.is_right()) {
        (IpAddr::V6(_), _, true) | (IpAddr::V4(_), false, true) => {
            Ok(Some(ChecksumForm::PseudoHeader))
        }
        (IpAddr::V4(_), true, false) => Ok(Some(ChecksumForm::MessageOnly)),
        (IpAddr::V4(_), true, true) => Ok(None),
        (_, _, false) => Err(DecodeError::Checksum),
    }
}

#[cfg(test)]
mod tests;
