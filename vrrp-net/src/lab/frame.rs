//! [`Frame`]: what a capture sees, and what it says.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use etherparse::{LaxNetSlice, LaxSlicedPacket, LinkSlice, PacketBuilder};
use vrrp_core::MacAddr;

use super::{Direction, Error};

/// VRRP's protocol number (RFC 9568 5.1.1.4).
const VRRP: u8 = 112;
/// ICMPv6's protocol number.
const ICMPV6: u8 = 58;
/// All nodes of the link (RFC 4291 2.7.1).
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// The Neighbor Advertisement's type (RFC 4861 4.4).
const NEIGHBOR_ADVERTISEMENT: u8 = 136;

/// A frame on a cable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame {
    /// When it passed the port, since the Unix epoch, by the kernel's `CLOCK_REALTIME`.
    pub at: Duration,
    /// The switch's port that it passed (see [`Cable::port`](super::Cable::port)).
    pub port: Arc<str>,
    /// Which way it passed.
    pub direction: Direction,
    /// The Ethernet frame, without its check sequence.
    pub bytes: Bytes,
}

/// A VRRP advertisement in its IP packet and frame.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "tests write it as a literal, to send what is wrong")]
pub struct VrrpFrame {
    /// The source of the frame.
    pub source_mac: MacAddr,
    /// The destination of the frame.
    pub destination_mac: MacAddr,
    /// The source of the packet.
    pub source: IpAddr,
    /// The destination of the packet.
    pub destination: IpAddr,
    /// The Time To Live or Hop Limit.
    pub ttl: u8,
    /// The VRRP message, which need not be a valid one.
    pub payload: Vec<u8>,
}

/// A Neighbor Advertisement that nobody asked for (RFC 4861 7.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NeighborAdvertisement {
    /// The address that is advertised.
    pub target: Ipv6Addr,
    /// The Target Link-Layer Address.
    pub mac: Option<MacAddr>,
    /// The Override flag.
    pub is_override: bool,
    /// The Router flag.
    pub is_router: bool,
}

impl Frame {
    /// The source MAC address.
    #[must_use]
    pub fn source_mac(&self) -> Option<MacAddr> {
        self.bytes.get(6..12)?.try_into().ok().map(MacAddr)
    }

    /// The VRRP message in it (IPv4 protocol or IPv6 Next Header 112), right or wrong.
    #[must_use]
    pub fn vrrp(&self) -> Option<VrrpFrame> {
        let packet = LaxSlicedPacket::from_ethernet(&self.bytes).ok()?;
        let Some(LinkSlice::Ethernet2(ethernet)) = &packet.link else { return None };
        let (source, destination, ttl, payload): (IpAddr, IpAddr, _, _) =
            match packet.net.as_ref()? {
                LaxNetSlice::Ipv4(ip) => {
                    let header = ip.header();
                    (
                        header.source_addr().into(),
                        header.destination_addr().into(),
                        header.ttl(),
                        ip.payload(),
                    )
                }
                LaxNetSlice::Ipv6(ip) => {
                    let header = ip.header();
                    (
                        header.source_addr().into(),
                        header.destination_addr().into(),
                        header.hop_limit(),
                        ip.payload(),
                    )
                }
                LaxNetSlice::Arp(_) => return None,
            };
        (payload.ip_number.0 == VRRP).then(|| VrrpFrame {
            source_mac: MacAddr(ethernet.source()),
            destination_mac: MacAddr(ethernet.destination()),
            source,
            destination,
            ttl,
            payload: payload.payload.to_vec(),
        })
    }

    /// The MAC address and the IPv4 address that a gratuitous ARP claims: a request or a reply
    /// whose target is its sender (RFC 5227 3).
    #[must_use]
    pub fn garp(&self) -> Option<(MacAddr, Ipv4Addr)> {
        let packet = LaxSlicedPacket::from_ethernet(&self.bytes).ok()?;
        let Some(LaxNetSlice::Arp(arp)) = packet.net else { return None };
        if arp.sender_protocol_addr() != arp.target_protocol_addr() {
            return None;
        }
        let mac = arp.sender_hw_addr().try_into().ok().map(MacAddr)?;
        let address: [u8; 4] = arp.sender_protocol_addr().try_into().ok()?;
        Some((mac, address.into()))
    }

    /// The Neighbor Advertisement in it, if it goes to all nodes and says that it is not solicited.
    #[must_use]
    pub fn unsolicited_na(&self) -> Option<NeighborAdvertisement> {
        let packet = LaxSlicedPacket::from_ethernet(&self.bytes).ok()?;
        let Some(LaxNetSlice::Ipv6(ip)) = &packet.net else { return None };
        let (number, message) = (ip.payload().ip_number.0, ip.payload().payload);
        let (kind, flags) = (*message.first()?, *message.get(4)?);
        let is_solicited = flags & 0x40 != 0;
        let is_for_all = ip.header().destination_addr() == ALL_NODES;
        if number != ICMPV6 || kind != NEIGHBOR_ADVERTISEMENT || is_solicited || !is_for_all {
            return None;
        }
        let target: [u8; 16] = message.get(8..24)?.try_into().ok()?;
        Some(NeighborAdvertisement {
            target: target.into(),
            mac: target_mac(message.get(24..)?),
            is_override: flags & 0x20 != 0,
            is_router: flags & 0x80 != 0,
        })
    }
}

/// The Target Link-Layer Address (type 2) among the options of a Neighbor Advertisement (RFC 4861
/// 4.6).
fn target_mac(mut options: &[u8]) -> Option<MacAddr> {
    while let [kind, units @ 1..=u8::MAX, ..] = options {
        if *kind == 2 {
            return options.get(2..8)?.try_into().ok().map(MacAddr);
        }
        options = options.get(usize::from(*units) * 8..)?;
    }
    None
}

impl VrrpFrame {
    /// A message to a multicast group, with the group's MAC address and a TTL of 255. The source
    /// MAC is a made-up one. To send it to a single host set `destination_mac`.
    #[must_use]
    pub fn new(source: IpAddr, destination: IpAddr, payload: Vec<u8>) -> Self {
        let destination_mac = match destination {
            IpAddr::V4(group) => {
                let [_, b, c, d] = group.octets();
                MacAddr([0x01, 0x00, 0x5e, b & 0x7f, c, d])
            }
            IpAddr::V6(group) => {
                let [.., a, b, c, d] = group.octets();
                MacAddr([0x33, 0x33, a, b, c, d])
            }
        };
        let source_mac = MacAddr([0x02, 0, 0, 0, 0, 0xfe]);
        Self { source_mac, destination_mac, source, destination, ttl: 255, payload }
    }

    /// The bytes of the frame. The IPv4 header's checksum is made right; the payload is sent as it
    /// is.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the addresses are not of one family or the payload does not fit into
    /// a packet.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        let ethernet = PacketBuilder::ethernet2(self.source_mac.0, self.destination_mac.0);
        let packet = match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                ethernet.ipv4(source.octets(), destination.octets(), self.ttl)
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                ethernet.ipv6(source.octets(), destination.octets(), self.ttl)
            }
            (source, destination) => {
                return Err(Error::Invalid(format!(
                    "no packet goes from {source} to {destination}"
                )));
            }
        };
        let mut bytes = Vec::with_capacity(packet.size(self.payload.len()));
        let written = packet.write_to_vec(&mut bytes, VRRP.into(), &self.payload);
        written
            .map_err(|error| Error::Invalid(format!("the VRRP message does not fit: {error}")))?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(bytes: Vec<u8>) -> Frame {
        Frame {
            at: Duration::ZERO,
            port: "a-eth0".into(),
            direction: Direction::FromHost,
            bytes: bytes.into(),
        }
    }

    #[test]
    fn a_vrrp_frame_is_read_as_it_was_written() {
        for (source, destination) in [("10.0.0.1", "224.0.0.18"), ("fe80::1", "ff02::12")] {
            let mut sent = VrrpFrame::new(
                source.parse().unwrap(),
                destination.parse().unwrap(),
                vec![0x31, 51, 9],
            );
            sent.ttl = 254;
            let frame = frame(sent.encode().unwrap());
            assert_eq!(frame.vrrp(), Some(sent));
            assert_eq!((frame.garp(), frame.unsolicited_na()), (None, None));
        }
        let mixed =
            VrrpFrame::new("10.0.0.1".parse().unwrap(), "ff02::12".parse().unwrap(), Vec::new());
        assert!(mixed.encode().is_err());
    }

    #[test]
    fn only_an_arp_about_its_sender_is_gratuitous() {
        let arp = |target: u8| {
            let mut bytes = vec![0xff; 6];
            bytes.extend([
                2, 0, 0, 0, 0, 1, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1,
            ]);
            bytes.extend([0, 0, 0, 0, 0, 0, 10, 0, 0, target]);
            frame(bytes)
        };
        assert_eq!(arp(1).garp(), Some((MacAddr([2, 0, 0, 0, 0, 1]), Ipv4Addr::new(10, 0, 0, 1))));
        assert_eq!(arp(2).garp(), None);
    }

    #[test]
    fn an_advertisement_to_all_nodes_that_is_not_solicited_is_unsolicited() {
        let advertisement = |flags: u8| {
            let mut message = vec![136, 0, 0, 0, flags, 0, 0, 0];
            message.extend("fd00::100".parse::<Ipv6Addr>().unwrap().octets());
            message.extend([2, 1, 2, 0, 0, 0, 0, 1]);
            let mut bytes = Vec::new();
            PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [0x33, 0x33, 0, 0, 0, 1])
                .ipv6(Ipv6Addr::LOCALHOST.octets(), ALL_NODES.octets(), 255)
                .write_to_vec(&mut bytes, ICMPV6.into(), &message)
                .unwrap();
            frame(bytes).unsolicited_na()
        };
        let read = advertisement(0xa0).unwrap();
        assert_eq!(
            (read.target, read.mac),
            ("fd00::100".parse().unwrap(), Some(MacAddr([2, 0, 0, 0, 0, 1])))
        );
        assert!(read.is_override && read.is_router);
        assert_eq!(advertisement(0x60), None);
    }

    #[test]
    fn a_truncated_frame_says_nothing() {
        let whole =
            VrrpFrame::new("10.0.0.1".parse().unwrap(), "224.0.0.18".parse().unwrap(), vec![0; 8]);
        let whole = whole.encode().unwrap();
        for length in 0..34 {
            let part = frame(whole.get(..length).unwrap().to_vec());
            assert_eq!(
                (part.vrrp(), part.garp(), part.unsolicited_na()),
                (None, None, None),
                "{length}"
            );
        }
    }
}
