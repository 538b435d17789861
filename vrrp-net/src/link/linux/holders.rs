//! Who else says that it has an address: ARP messages and Neighbor Advertisements of other hosts,
//! sorted out by the kernel.

use std::{
    collections::BTreeSet,
    io::{self, Read},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    task::{Context, Poll},
};

use libc::{
    BPF_ABS, BPF_B, BPF_H, BPF_JEQ, BPF_JGE, BPF_K, BPF_LD, BPF_LEN, BPF_W, SKF_AD_PKTTYPE,
};
use nix::ifaddrs::getifaddrs;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{
    io::{Interest as Readiness, unix::AsyncFd},
    time::{Duration, Instant},
};
use vrrp_core::{Family, MacAddr, Sighting};

use super::{NETWORK_HEADER, Pace, rx, sys};
use crate::{
    bpf::{Assembler, DROP, PASS, Program, To, about},
    link::{Interest, Port},
};

const EQUAL: u32 = BPF_JEQ | BPF_K;
const AT_LEAST: u32 = BPF_JGE | BPF_K;
/// Packet types from here on are this host's own (`PACKET_OUTGOING` of linux/if_packet.h).
const OUTGOING: u32 = 4;
/// Beyond so many addresses the kernel lets all of them pass: it compares one after the other.
const COMPARED: usize = 512;
/// Answers and claims are few; a flood of them is to be lost.
const BUFFER: usize = 4 << 10;
/// The hop limit of what no router has forwarded (RFC 4861 7.1.2).
const FROM_THE_LINK: u32 = 255;
const NEIGHBOR_ADVERTISEMENT: u32 = 136;

/// A socket for one interface and family. It is read at most 64 times a second.
#[derive(Debug)]
pub(super) struct Holders {
    socket: AsyncFd<Socket>,
    port: Port,
    pace: Pace,
    own: Own,
}

impl Holders {
    pub(super) fn open(port: &Port, interest: &Interest) -> io::Result<Self> {
        let socket = match port.family {
            Family::Ipv4 => Socket::new(Domain::PACKET, Type::DGRAM, None)?,
            Family::Ipv6 => Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6))?,
        };
        rx::attach(&socket, &nothing()?)?;
        socket.set_nonblocking(true)?;
        while socket.recv(&mut []).is_ok() {}
        rx::set_buffer(&socket, BUFFER)?;
        match port.family {
            Family::Ipv4 => sys::bind_to_link(&socket, port.index, libc::ETH_P_ARP)?,
            Family::Ipv6 => rx::bind(&socket, port, Socket::bind_device_by_index_v6)?,
        }
        let socket = sys::watch(socket)?;
        let (pace, own) = (Pace::default(), Own::default());
        let mut holders = Self { socket, port: port.clone(), pace, own };
        holders.change(port, interest)?;
        Ok(holders)
    }

    /// Looks for other addresses, without losing what is queued.
    pub(super) fn change(&mut self, port: &Port, interest: &Interest) -> io::Result<()> {
        self.port = port.clone();
        let program = match port.family {
            Family::Ipv4 => arp(&interest.addresses, port.mac)?,
            Family::Ipv6 => neighbor_advertisements(&interest.addresses)?,
        };
        rx::attach(self.socket.get_ref(), &program)
    }

    pub(super) fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.pace.poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.socket.poll_read_ready(cx).map(drop)
    }

    /// The next sighting. An error of the socket says that the interface went down or away, which
    /// the monitor tells.
    pub(super) fn next(&mut self) -> Option<Sighting> {
        while self.pace.is_due() {
            let mut octets = [0; 128];
            let read =
                self.socket.try_io(Readiness::READABLE, |mut socket| socket.read(&mut octets));
            self.pace.take_if(read.is_ok());
            let message = octets.get(..read.ok()?)?;
            let seen = match self.port.family {
                Family::Ipv4 => read_arp(message),
                Family::Ipv6 => read_neighbor_advertisement(message),
            };
            if let Some((address, mac, solicited)) = seen
                && !self.own.has(mac)
            {
                let interface = self.port.interface;
                return Some(Sighting { interface, address, mac, solicited });
            }
        }
        None
    }
}

/// The hardware addresses of this host: another of its interfaces on the same network may answer,
/// too.
#[derive(Debug, Default)]
struct Own {
    read_at: Option<Instant>,
    macs: BTreeSet<MacAddr>,
}

impl Own {
    /// For how long they are not read again.
    const FRESH: Duration = Duration::from_secs(1);

    fn has(&mut self, mac: MacAddr) -> bool {
        let now = Instant::now();
        if self.read_at.is_none_or(|at| at + Self::FRESH <= now) {
            self.read_at = Some(now);
            let all = getifaddrs().into_iter().flatten();
            let macs = all.filter_map(|one| one.address?.as_link_addr()?.addr());
            self.macs = macs.map(MacAddr).collect();
        }
        self.macs.contains(&mac)
    }
}

fn nothing() -> io::Result<Program> {
    let mut program = Assembler::default();
    program.end(DROP);
    program.finish()
}

/// ARP messages of other hosts whose sender has one of these addresses. The filter of such a socket
/// begins at the ARP header (RFC 826): types, lengths, operation, then the sender's hardware address
/// at 8 and its IP address at 14.
fn arp(addresses: &BTreeSet<IpAddr>, own: MacAddr) -> io::Result<Program> {
    let mut program = Assembler::default();
    let MacAddr([a, b, c, d, e, f]) = own;
    drop_own(&mut program);
    program.op(BPF_LD | BPF_W | BPF_LEN, 0);
    program.end_unless(AT_LEAST, 28, DROP);
    program.op(BPF_LD | BPF_W | BPF_ABS, 0);
    program.end_unless(EQUAL, 0x0001_0800, DROP);
    program.op(BPF_LD | BPF_H | BPF_ABS, 4);
    program.end_unless(EQUAL, 0x0604, DROP);
    let other = program.label();
    program.op(BPF_LD | BPF_W | BPF_ABS, 8);
    program.branch(EQUAL, u32::from_be_bytes([a, b, c, d]), To::Next, To::Place(other));
    program.op(BPF_LD | BPF_H | BPF_ABS, 12);
    program.end_if(EQUAL, u32::from_be_bytes([0, 0, e, f]), DROP);
    program.place(other);
    program.op(BPF_LD | BPF_W | BPF_ABS, 14);
    any_of(&mut program, addresses);
    program.finish()
}

/// Neighbor Advertisements from this link for one of these addresses. The filter of a raw IPv6
/// socket begins at the ICMPv6 header (RFC 4861 4.4): the type, and the target's last word at 20.
fn neighbor_advertisements(addresses: &BTreeSet<IpAddr>) -> io::Result<Program> {
    let mut program = Assembler::default();
    program.op(BPF_LD | BPF_W | BPF_LEN, 0);
    program.end_unless(AT_LEAST, 24, DROP);
    program.op(BPF_LD | BPF_B | BPF_ABS, 0);
    program.end_unless(EQUAL, NEIGHBOR_ADVERTISEMENT, DROP);
    program.op(BPF_LD | BPF_B | BPF_ABS, NETWORK_HEADER.wrapping_add(7));
    program.end_unless(EQUAL, FROM_THE_LINK, DROP);
    program.op(BPF_LD | BPF_W | BPF_ABS, 20);
    any_of(&mut program, addresses);
    program.finish()
}

/// Drops what this host itself sends.
pub(super) fn drop_own(program: &mut Assembler) {
    program.op(BPF_LD | BPF_B | BPF_ABS, about(SKF_AD_PKTTYPE));
    program.end_if(AT_LEAST, OUTGOING, DROP);
}

/// Lets pass what has one of these addresses, by its last four octets.
fn any_of(program: &mut Assembler, addresses: &BTreeSet<IpAddr>) {
    let words: BTreeSet<u32> = addresses.iter().map(last_word).collect();
    if words.len() > COMPARED {
        program.end(PASS);
        return;
    }
    for word in words {
        program.end_if(EQUAL, word, PASS);
    }
    program.end(DROP);
}

fn last_word(address: &IpAddr) -> u32 {
    match address {
        IpAddr::V4(address) => address.to_bits(),
        IpAddr::V6(address) => {
            let [.., a, b, c, d] = address.octets();
            u32::from_be_bytes([a, b, c, d])
        }
    }
}

type Seen = (IpAddr, MacAddr, bool);

/// The sender of an ARP message. An answer to a probe has the probe's sender as its target, which
/// has no address.
fn read_arp(message: &[u8]) -> Option<Seen> {
    let (head, rest) = message.split_first_chunk::<8>()?;
    let (mac, rest) = rest.split_first_chunk::<6>()?;
    let (sender, rest) = rest.split_first_chunk::<4>()?;
    let (target, _) = rest.get(6..)?.split_first_chunk::<4>()?;
    let solicited = head.ends_with(&[0, 2]) && *target == [0; 4];
    Some((Ipv4Addr::from(*sender).into(), MacAddr(*mac), solicited))
}

/// The target of a Neighbor Advertisement and its hardware address, where it is said (RFC 4861
/// 4.4): it is in each answer to a question to a group.
fn read_neighbor_advertisement(message: &[u8]) -> Option<Seen> {
    let (head, rest) = message.split_first_chunk::<8>()?;
    let (target, mut options) = rest.split_first_chunk::<16>()?;
    let solicited = head.get(4)? & 0x40 != 0;
    loop {
        let [kind, units, ..] = *options else { return None };
        let (option, others) = options.split_at_checked(usize::from(units) * 8)?;
        if let ([2, 1, a, b, c, d, e, f], true) = (option, kind == 2) {
            let mac = MacAddr([*a, *b, *c, *d, *e, *f]);
            return Some((Ipv6Addr::from(*target).into(), mac, solicited));
        }
        if units == 0 {
            return None;
        }
        options = others;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sender_of_an_arp_message_is_read_and_an_answer_to_a_probe_is_told_from_the_rest() {
        let mut message =
            *b"\0\x01\x08\0\x06\x04\0\x02\x02\0\0\0\0\x09\xc0\0\x02\x0a......\0\0\0\0";
        let expected = |solicited| {
            Some(("192.0.2.10".parse().unwrap(), MacAddr([2, 0, 0, 0, 0, 9]), solicited))
        };
        assert_eq!(read_arp(&message), expected(true));
        message[7] = 1;
        assert_eq!(read_arp(&message), expected(false));
        (message[7], message[27]) = (2, 1);
        assert_eq!(read_arp(&message), expected(false));
        for length in 0..message.len() {
            assert_eq!(read_arp(&message[..length]), None);
        }
    }

    #[test]
    fn a_neighbor_advertisement_says_where_its_target_is_or_nothing() {
        let mut message = vec![136, 0, 0, 0, 0x60, 0, 0, 0];
        let target: Ipv6Addr = "fe80::10".parse().unwrap();
        message.extend(target.octets());
        assert_eq!(read_neighbor_advertisement(&message), None, "it does not say where");
        message.extend([14, 1, 0, 0, 0, 0, 0, 0, 2, 1, 2, 0, 0, 0, 0, 9]);
        let expected = Some((target.into(), MacAddr([2, 0, 0, 0, 0, 9]), true));
        assert_eq!(read_neighbor_advertisement(&message), expected);
        for length in 0..message.len() {
            assert_eq!(read_neighbor_advertisement(&message[..length]), None);
        }
        message[25] = 0;
        assert_eq!(read_neighbor_advertisement(&message), None, "an option of no length");
    }

    #[test]
    fn many_addresses_are_not_compared_one_by_one() {
        let all = |count: u32| (0..count).map(|n| Ipv4Addr::from_bits(n).into()).collect();
        let length = |count| arp(&all(count), MacAddr::default()).unwrap().0.len();
        assert!(length(512) > 1024 && length(513) < 40);
    }
}
