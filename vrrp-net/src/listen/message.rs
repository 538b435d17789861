//! [`Heard`]: one message, and how it came.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::SystemTime,
};

use etherparse::{IpAuthHeaderSlice, Ipv4HeaderSlice, Ipv6HeaderSlice};
use vrrp_core::{
    Advert, Authentication, Centiseconds, ChecksumForm, DecodeError, Decoded, Family, InterfaceId,
    Interval, MacAddr, Password, RxMeta, Seconds,
};

/// The IP protocol number (RFC 9568 5.1.1.4).
pub(super) const VRRP: u8 = 112;
/// That of the Authentication Header (RFC 4302), in which old nodes of VRRPv2 wrap their messages.
pub(super) const AH: u8 = 51;
/// What precedes the addresses, in either version (RFC 9568 5.2, RFC 3768 5.3).
const HEADER: usize = 8;

/// Where a message was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Way {
    /// It arrived at the interface.
    Arrived,
    /// This host sent it there.
    Sent,
    /// The kernel handed it on to programs: behind its firewall and its filter of reverse paths. Each
    /// of these has arrived, too.
    HandedOn,
}

/// A message that was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Heard {
    /// When the kernel saw it.
    pub at: SystemTime,
    /// The interface's name.
    pub interface: Arc<str>,
    /// Where it was met.
    pub way: Way,
    /// The sender's IP address.
    pub source: IpAddr,
    /// Whom it is for; `None` if that is not known, as of IPv6 messages that were handed on.
    pub destination: Option<IpAddr>,
    /// The sender's MAC address, of one that arrived on an Ethernet.
    pub mac: Option<MacAddr>,
    /// Its Time To Live or Hop Limit, if that is known.
    pub ttl: Option<u8>,
    /// What it says.
    pub message: Message,
}

/// What a message says, as far as that can be read. Nothing of it is to be believed if it has a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// The version; 2 and 3 are known.
    pub version: u8,
    /// The VRID; 0 is a fault.
    pub vrid: u8,
    /// The priority; 0 is a resignation, 255 the owner of the addresses.
    pub priority: u8,
    /// The advertisement interval, if there is one.
    pub interval: Option<Interval>,
    /// The virtual addresses.
    pub addresses: Vec<IpAddr>,
    /// How it is authenticated.
    pub authenticated: Authenticated,
    /// The checksum form that is right; `None` if both are, or none.
    pub form: Option<ChecksumForm>,
    /// Why no virtual router accepts it. Of a message whose destination is not known, the checksum
    /// counts as wrong.
    pub fault: Option<DecodeError>,
}

/// How a message is authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Authenticated {
    /// Not at all.
    No,
    /// By the simple text password of VRRPv2.
    Password(Password),
    /// By keepalived's auth_hmac, in VRRPv3.
    Signed,
    /// By this type of VRRPv2, which is not known here; 2 is the IP Authentication Header.
    Unknown(u8),
}

/// How an IP packet came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival<'a> {
    pub(super) at: SystemTime,
    pub(super) interface: &'a Arc<str>,
    pub(super) id: InterfaceId,
    pub(super) way: Way,
    pub(super) mac: Option<MacAddr>,
}

impl Heard {
    /// Reads an IP packet; `None` if there is no message in it that has a header.
    pub(super) fn packet(packet: &[u8], arrival: Arrival<'_>) -> Option<Self> {
        let (source, destination, ttl, payload): (IpAddr, IpAddr, _, _) = match packet.first()? >> 4
        {
            4 => {
                let header = Ipv4HeaderSlice::from_slice(packet).ok()?;
                // Further fragments have no header of VRRP; the kernel puts them together for a
                // virtual router.
                let is_first = header.fragments_offset().value() == 0;
                let end = packet.len().min(header.total_len().into());
                let payload = packet.get(header.slice().len()..end).filter(|_| is_first)?;
                let payload = match header.protocol().0 {
                    VRRP => payload,
                    AH => unwrapped(payload)?,
                    _ => return None,
                };
                (
                    header.source_addr().into(),
                    header.destination_addr().into(),
                    header.ttl(),
                    payload,
                )
            }
            6 => {
                let header = Ipv6HeaderSlice::from_slice(packet).ok()?;
                let length = usize::from(header.payload_length());
                let (_, rest) = packet.split_at_checked(header.slice().len())?;
                let payload = rest.get(..length).unwrap_or(rest);
                let payload = Some(payload).filter(|_| header.next_header().0 == VRRP)?;
                (
                    header.source_addr().into(),
                    header.destination_addr().into(),
                    header.hop_limit(),
                    payload,
                )
            }
            _ => return None,
        };
        Self::payload(payload, arrival, source, Some(destination), Some(ttl))
    }

    /// Reads what is in an IP packet.
    pub(super) fn payload(
        payload: &[u8],
        arrival: Arrival<'_>,
        source: IpAddr,
        destination: Option<IpAddr>,
        ttl: Option<u8>,
    ) -> Option<Self> {
        let Arrival { at, interface, id, way, mac } = arrival;
        // The checksum is over the destination, too. Where that is not known, nobody asks for it.
        let to = destination.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        let meta = RxMeta { interface: id, source, destination: to, ttl: ttl.unwrap_or_default() };
        let message = Message::read(&meta, payload)?;
        let interface = Arc::clone(interface);
        Some(Self { at, interface, way, source, destination, mac, ttl, message })
    }
}

/// What an Authentication Header precedes. It is not verified.
fn unwrapped(octets: &[u8]) -> Option<&[u8]> {
    let header = IpAuthHeaderSlice::from_slice(octets).ok()?;
    let payload = octets.get(header.slice().len()..);
    payload.filter(|_| header.next_header().0 == VRRP)
}

impl Message {
    fn read(meta: &RxMeta, octets: &[u8]) -> Option<Self> {
        match Advert::decode(meta, octets) {
            Ok(Decoded { advert, form }) => Some(Self {
                version: advert.interval.version().get(),
                vrid: advert.vrid.get(),
                priority: advert.claim.into(),
                interval: Some(advert.interval),
                addresses: advert.addresses.iter().collect(),
                authenticated: match advert.authentication {
                    Authentication::None => Authenticated::No,
                    Authentication::SimpleText(text) => password(&text),
                },
                form,
                fault: None,
            }),
            Err(fault) => Self::faulty(meta, octets, fault),
        }
    }

    /// As much as there is of a message that has a fault.
    fn faulty(meta: &RxMeta, octets: &[u8], fault: DecodeError) -> Option<Self> {
        let ([version_and_type, vrid, priority, count, fifth, sixth, _, _], body) =
            octets.split_first_chunk::<HEADER>()?;
        let version = version_and_type >> 4;
        let seconds = || Seconds::try_from(*sixth).map(Interval::V2).ok();
        let centiseconds = || {
            let interval = u16::from_be_bytes([fifth & 0x0f, *sixth]);
            Centiseconds::try_from(interval).map(Interval::V3).ok()
        };
        let addresses = addresses(Family::of(meta.source), body);
        Some(Self {
            version,
            vrid: *vrid,
            priority: *priority,
            interval: if version == 2 { seconds() } else { centiseconds() },
            addresses: addresses.take((*count).into()).collect(),
            authenticated: match (fault, version, fifth) {
                (DecodeError::Signature, _, _) => Authenticated::Signed,
                (DecodeError::AuthenticationType, _, kind) => Authenticated::Unknown(*kind),
                (_, 2, 1) => body.last_chunk().map_or(Authenticated::Unknown(1), password),
                (_, _, _) => Authenticated::No,
            },
            form: None,
            fault: Some(fault),
        })
    }
}

/// Eight octets are a password, whatever they are.
fn password(text: &[u8; 8]) -> Authenticated {
    Password::try_from(&text[..]).map_or(Authenticated::Unknown(1), Authenticated::Password)
}

fn addresses(family: Family, octets: &[u8]) -> Box<dyn Iterator<Item = IpAddr> + '_> {
    match family {
        Family::Ipv4 => {
            Box::new(octets.as_chunks::<4>().0.iter().map(|octets| IpAddr::from(*octets)))
        }
        Family::Ipv6 => {
            Box::new(octets.as_chunks::<16>().0.iter().map(|octets| IpAddr::from(*octets)))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use proptest::prelude::*;

    use super::*;

    /// Reads an IPv4 packet of 192.0.2.7 with this payload.
    fn read(payload: &[u8]) -> Option<Heard> {
        let total = u8::try_from(20 + payload.len()).unwrap();
        let mut packet = vec![0x45, 0xc0, 0, total, 0, 0, 0, 0, 255, 112, 0, 0];
        packet.extend([192, 0, 2, 7, 224, 0, 0, 18]);
        packet.extend(payload);
        heard(&packet)
    }

    fn heard(packet: &[u8]) -> Option<Heard> {
        let interface: Arc<str> = "eth0".into();
        let arrival = Arrival {
            at: SystemTime::UNIX_EPOCH,
            interface: &interface,
            id: InterfaceId::new(NonZeroU32::MIN),
            way: Way::Arrived,
            mac: None,
        };
        Heard::packet(packet, arrival)
    }

    #[test]
    fn a_good_message_is_read_with_all_that_is_in_it() {
        let heard = read(&[0x31, 51, 200, 1, 0, 100, 0x44, 0x65, 192, 0, 2, 1]).unwrap();
        assert_eq!((heard.source, heard.ttl), ([192, 0, 2, 7].into(), Some(255)));
        assert_eq!(heard.destination, Some([224, 0, 0, 18].into()));
        let Message { version, vrid, priority, interval, addresses, fault, .. } = heard.message;
        assert_eq!((version, vrid, priority, fault), (3, 51, 200, None));
        assert_eq!(interval, Some(Interval::V3(Centiseconds::ONE_SECOND)));
        assert_eq!(addresses, [IpAddr::from([192, 0, 2, 1])]);
    }

    #[test]
    fn a_message_with_a_fault_is_read_as_far_as_there_is_something() {
        // Signed, and its checksum is not looked at.
        let mut signed = vec![0x31, 51, 200, 1, 0, 100, 0, 0, 192, 0, 2, 1, 1, 7, 0, 0];
        signed.extend([0x5a; 24]);
        let message = read(&signed).unwrap().message;
        assert_eq!(message.fault, Some(DecodeError::Signature));
        assert_eq!(message.authenticated, Authenticated::Signed);
        assert_eq!((message.vrid, message.priority), (51, 200));
        assert_eq!(message.addresses, [IpAddr::from([192, 0, 2, 1])]);

        let short = read(&[0x31, 51, 200, 9, 0, 100, 0, 0]).unwrap().message;
        assert_eq!((short.fault, short.addresses.len()), (Some(DecodeError::Truncated), 0));
        assert_eq!(read(&[0x31, 51, 200]), None);
    }

    #[test]
    fn a_message_behind_an_authentication_header_is_read() {
        // RFC 4302 2: 24 octets, of which the checksum is twelve.
        let mut wrapped = vec![112, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 7];
        wrapped.extend([0x5a; 12]);
        wrapped.extend([0x21, 51, 100, 1, 2, 1, 0, 0, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
        let total = u8::try_from(20 + wrapped.len()).unwrap();
        let mut packet = vec![0x45, 0xc0, 0, total, 0, 0, 0, 0, 255, 51, 0, 0];
        packet.extend([192, 0, 2, 7, 224, 0, 0, 18]);
        packet.extend(&wrapped);
        let message = heard(&packet).unwrap().message;
        assert_eq!((message.version, message.vrid, message.priority), (2, 51, 100));
        assert_eq!(message.authenticated, Authenticated::Unknown(2));
        assert_eq!(message.fault, Some(DecodeError::AuthenticationType));
        // Something else in it, and nothing whole.
        packet[20] = 6;
        assert_eq!(heard(&packet), None);
        assert_eq!(heard(&packet[..30]), None);
    }

    #[test]
    fn what_is_none_of_vrrp_is_nothing() {
        assert_eq!(heard(&[]), None);
        assert_eq!(heard(&[0x55; 64]), None);
        let mut other = vec![0x45, 0, 0, 28, 0, 0, 0, 0, 255, 17, 0, 0, 192, 0, 2, 7, 192, 0, 2, 1];
        other.extend([0x31; 8]);
        assert_eq!(heard(&other), None, "UDP");
        other[9] = 112;
        assert!(heard(&other).is_some());
        other[7] = 1;
        assert_eq!(heard(&other), None, "a second fragment");
    }

    proptest! {
        #[test]
        fn any_octets_are_read_without_harm(first in 0x40_u8..0x70, rest in any::<Vec<u8>>()) {
            let packet: Vec<u8> = std::iter::once(first).chain(rest).collect();
            let _ = heard(&packet);
            let _ = read(packet.get(..packet.len().min(200)).unwrap_or_default());
        }
    }
}
