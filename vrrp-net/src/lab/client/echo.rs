//! ICMP echo requests and replies.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use etherparse::{IcmpEchoHeader, Icmpv4Header, Icmpv4Type, Icmpv6Type};
use nix::sys::socket::SockaddrStorage;
use socket2::{Domain, Protocol, Socket, Type};

use crate::lab::raw;

/// The lengths of the header of an echo and of what follows it: whose it is and its number.
const HEADER: usize = 8;
const CONTENT: usize = 16;
/// The types of replies (RFC 792, RFC 4443 4.2).
const REPLY_V4: u8 = 0;
const REPLY_V6: u8 = 129;

/// Tells the replies of one client from those of others on the same host.
static NEXT_TOKEN: AtomicU64 = AtomicU64::new(0);

/// A raw socket for echo requests to one address. The sequence number is in the content, as that of
/// the header has only 16 bits.
#[derive(Debug)]
pub(super) struct Echo {
    socket: Socket,
    address: SocketAddr,
    token: u64,
}

impl Echo {
    pub(super) fn new(address: IpAddr) -> io::Result<Self> {
        let socket = match address {
            IpAddr::V4(_) => Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)),
            IpAddr::V6(_) => Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6)),
        }?;
        raw::prepare(&socket)?;
        raw::wait_for_stamps()?;
        // Processes that share a host differ in the upper half.
        let token =
            u64::from(std::process::id()) << 32 | NEXT_TOKEN.fetch_add(1, Ordering::Relaxed);
        Ok(Self { socket, address: SocketAddr::new(address, 0), token })
    }

    pub(super) fn send(&self, number: u64) -> io::Result<()> {
        let mut content = [0; CONTENT];
        let (token, sequence) = content.split_at_mut(CONTENT / 2);
        token.copy_from_slice(&self.token.to_be_bytes());
        sequence.copy_from_slice(&number.to_be_bytes());
        // Both are cut to 16 bits, and read by nobody but a person with a capture.
        let echo = IcmpEchoHeader { id: self.token as u16, seq: number as u16 };
        let mut packet = match self.address {
            SocketAddr::V4(_) => {
                Icmpv4Header::with_checksum(Icmpv4Type::EchoRequest(echo), &content)
                    .to_bytes()
                    .to_vec()
            }
            // The kernel computes the checksum of ICMPv6 (RFC 3542 3.1).
            SocketAddr::V6(_) => {
                etherparse::Icmpv6Header::new(Icmpv6Type::EchoRequest(echo)).to_bytes().to_vec()
            }
        };
        packet.extend(content);
        self.socket.send_to(&packet, &self.address.into()).map(drop)
    }

    /// The number of the next reply and when it arrived; `None` when none came in time or it is
    /// another's.
    pub(super) fn receive(&self) -> io::Result<Option<(u64, Duration)>> {
        let mut buffer = [0; 256];
        let Some(received) = raw::receive::<SockaddrStorage>(&self.socket, &mut buffer)? else {
            return Ok(None);
        };
        let packet = buffer.get(..received.length).unwrap_or_default();
        Ok(self.number(packet).map(|number| (number, received.at)))
    }

    fn number(&self, packet: &[u8]) -> Option<u64> {
        // A raw IPv4 socket receives the header too.
        let (message, reply) = match self.address {
            SocketAddr::V4(_) => (packet.get(usize::from(packet.first()? & 0xf) * 4..)?, REPLY_V4),
            SocketAddr::V6(_) => (packet, REPLY_V6),
        };
        let (token, number) = message.get(HEADER..HEADER + CONTENT)?.split_at(CONTENT / 2);
        let is_ours = *message.first()? == reply && token == self.token.to_be_bytes();
        is_ours.then_some(u64::from_be_bytes(number.try_into().ok()?))
    }
}
