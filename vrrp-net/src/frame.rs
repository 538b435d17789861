//! The frames that tell neighbours where an address lives now: gratuitous ARP and unsolicited
//! Neighbor Advertisements; and those that ask who has one.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use bytes::{BufMut, BytesMut};
use etherparse::{
    ArpEthIpv4Packet, ArpOperation, Icmpv6Type, PacketBuilder, icmpv6::NeighborAdvertisementHeader,
};
use vrrp_core::MacAddr;

const BROADCAST: MacAddr = MacAddr([0xff; 6]);
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_NODES_MAC: MacAddr = MacAddr([0x33, 0x33, 0, 0, 0, 1]);
/// Nodes ignore Neighbor Discovery that a router might have forwarded (RFC 4861 7.1.2).
const HOP_LIMIT: u8 = 255;

/// Writes the frame that announces `address` at `mac` into `frame`, in place of what was there.
///
/// `router` is the Router flag of a Neighbor Advertisement: whether the host forwards IPv6.
///
/// # Errors
/// None that this code knows of; the encoder could refuse a length.
pub(crate) fn announcement(
    address: IpAddr,
    mac: MacAddr,
    router: bool,
    frame: &mut BytesMut,
) -> io::Result<()> {
    frame.clear();
    match address {
        IpAddr::V4(address) => gratuitous_arp(address, mac, frame),
        IpAddr::V6(address) => neighbor_advertisement(address, mac, router, frame),
    }
}

/// A gratuitous ARP request (RFC 9568 8.1.2; RFC 5227 2.3): sender and target are the address.
/// Linux ignores the reply form for a second after an entry was learned.
fn gratuitous_arp(address: Ipv4Addr, mac: MacAddr, frame: &mut BytesMut) -> io::Result<()> {
    arp_request(address, address, mac, frame)
}

/// An ARP request of whoever has the address `sender`, for `target`.
fn arp_request(
    sender: Ipv4Addr,
    target: Ipv4Addr,
    mac: MacAddr,
    frame: &mut BytesMut,
) -> io::Result<()> {
    let arp = ArpEthIpv4Packet {
        operation: ArpOperation::REQUEST,
        sender_mac: mac.0,
        sender_ipv4: sender.octets(),
        target_mac: [0; 6],
        target_ipv4: target.octets(),
    };
    PacketBuilder::ethernet2(mac.0, BROADCAST.0)
        .arp(arp.into())
        .write(&mut frame.writer())
        .map_err(io::Error::other)
}

/// An unsolicited Neighbor Advertisement to all nodes (RFC 9568 8.2.2; RFC 4861 7.2.6): Override
/// set, Solicited clear, the hardware address in the option.
fn neighbor_advertisement(
    address: Ipv6Addr,
    mac: MacAddr,
    router: bool,
    frame: &mut BytesMut,
) -> io::Result<()> {
    let header = NeighborAdvertisementHeader { router, solicited: false, r#override: true };
    // The option is the target link-layer address.
    let body = neighbor_body(address, 2, mac);

    PacketBuilder::ethernet2(mac.0, ALL_NODES_MAC.0)
        .ipv6(address.octets(), ALL_NODES.octets(), HOP_LIMIT)
        .icmpv6(Icmpv6Type::NeighborAdvertisement(header))
        .write(&mut frame.writer(), &body)
        .map_err(io::Error::other)
}

/// What follows the header of both: the target, and an option with a link-layer address, whose length
/// is in units of eight octets (RFC 4861 4.3, 4.4, 4.6.1).
fn neighbor_body(address: Ipv6Addr, option: u8, mac: MacAddr) -> [u8; 24] {
    let mut body = [0; 24];
    let (target, rest) = body.split_at_mut(16);
    target.copy_from_slice(&address.octets());
    let (head, link_layer) = rest.split_at_mut(2);
    head.copy_from_slice(&[option, 1]);
    link_layer.copy_from_slice(&mac.0);
    body
}

/// Writes the frame that asks who has `address` into `frame`, in place of what was there.
///
/// # Errors
/// For an address and a source of different families.
pub(crate) fn question(
    address: IpAddr,
    source: IpAddr,
    mac: MacAddr,
    frame: &mut BytesMut,
) -> io::Result<()> {
    frame.clear();
    match (address, source) {
        (IpAddr::V4(address), IpAddr::V4(_)) => arp_probe(address, mac, frame),
        (IpAddr::V6(address), IpAddr::V6(source)) => {
            neighbor_solicitation(address, source, mac, frame)
        }
        (IpAddr::V4(_) | IpAddr::V6(_), _) => Err(io::ErrorKind::InvalidInput.into()),
    }
}

/// An ARP probe (RFC 5227 2.1.1): the sender has no address, so that nobody learns anything.
fn arp_probe(address: Ipv4Addr, mac: MacAddr, frame: &mut BytesMut) -> io::Result<()> {
    arp_request(Ipv4Addr::UNSPECIFIED, address, mac, frame)
}

/// A Neighbor Solicitation to the group of the address (RFC 4861 7.2.2), from this node's own. With
/// no source, as for duplicate address detection, the answer would go to all nodes, and they would
/// take it for news.
fn neighbor_solicitation(
    address: Ipv6Addr,
    source: Ipv6Addr,
    mac: MacAddr,
    frame: &mut BytesMut,
) -> io::Result<()> {
    let [.., a, b, c] = address.octets();
    let group: Ipv6Addr = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c].into();
    // The option is the source link-layer address.
    let body = neighbor_body(address, 1, mac);

    PacketBuilder::ethernet2(mac.0, [0x33, 0x33, 0xff, a, b, c])
        .ipv6(source.octets(), group.octets(), HOP_LIMIT)
        .icmpv6(Icmpv6Type::NeighborSolicitation)
        .write(&mut frame.writer(), &body)
        .map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use etherparse::{
        Icmpv6Type, NetHeaders, PacketHeaders, SlicedPacket, TransportHeader, TransportSlice,
        icmpv6::NeighborAdvertisementHeader,
    };

    use super::*;

    const MAC: MacAddr = MacAddr([0x02, 0, 0, 0xaa, 0xbb, 0xcc]);

    #[test]
    fn gratuitous_arp_is_these_octets() {
        let mut frame = BytesMut::from(&b"what was there"[..]);
        announcement("192.0.2.10".parse().unwrap(), MAC, true, &mut frame).unwrap();
        #[rustfmt::skip]
        let expected = [
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 0, 0xaa, 0xbb, 0xcc, 0x08, 0x06,
            0, 1, 0x08, 0, 6, 4, 0, 1,
            0x02, 0, 0, 0xaa, 0xbb, 0xcc, 192, 0, 2, 10,
            0, 0, 0, 0, 0, 0, 192, 0, 2, 10,
        ];
        assert_eq!(frame.as_ref(), expected);
    }

    #[test]
    fn neighbor_advertisement_is_these_octets() {
        let mut frame = BytesMut::new();
        announcement("fd00::64".parse().unwrap(), MAC, true, &mut frame).unwrap();
        #[rustfmt::skip]
        let start = [
            0x33, 0x33, 0, 0, 0, 1, 0x02, 0, 0, 0xaa, 0xbb, 0xcc, 0x86, 0xdd,
            0x60, 0, 0, 0, 0, 32, 58, 255,
            0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x64,
            0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
            136, 0,
        ];
        #[rustfmt::skip]
        let end = [
            0xa0, 0, 0, 0,
            0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x64,
            2, 1, 0x02, 0, 0, 0xaa, 0xbb, 0xcc,
        ];
        assert_eq!(frame.len(), start.len() + 2 + end.len());
        assert_eq!(frame[..start.len()], start);
        assert_eq!(frame[start.len() + 2..], end);
    }

    #[test]
    fn an_independent_decoder_reads_what_was_meant() {
        let mut frame = BytesMut::new();
        announcement("192.0.2.10".parse().unwrap(), MAC, false, &mut frame).unwrap();
        let packet = PacketHeaders::from_ethernet_slice(&frame).unwrap();
        let Some(NetHeaders::Arp(arp)) = packet.net else { panic!("no ARP in {packet:?}") };
        let arp = arp.try_eth_ipv4().unwrap();
        assert_eq!(
            (arp.sender_mac, arp.sender_ipv4, arp.target_ipv4),
            (MAC.0, [192, 0, 2, 10], [192, 0, 2, 10])
        );

        for router in [false, true] {
            announcement("fd00::64".parse().unwrap(), MAC, router, &mut frame).unwrap();
            let packet = PacketHeaders::from_ethernet_slice(&frame).unwrap();
            let (Some(NetHeaders::Ipv6(ip, _)), Some(TransportHeader::Icmpv6(icmp))) =
                (packet.net, packet.transport)
            else {
                panic!("no Neighbor Advertisement");
            };
            let expected =
                NeighborAdvertisementHeader { router, solicited: false, r#override: true };
            assert_eq!(icmp.icmp_type, Icmpv6Type::NeighborAdvertisement(expected));
            let sliced = SlicedPacket::from_ethernet(&frame).unwrap();
            let Some(TransportSlice::Icmpv6(slice)) = sliced.transport else { panic!("no ICMPv6") };
            assert!(slice.is_checksum_valid(ip.source, ip.destination));
        }
    }
}
