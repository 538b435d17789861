//! [`Tap`]: a socket that sees frames as they pass the interfaces.

use std::{
    collections::BTreeMap,
    io::{self, IoSliceMut},
    num::NonZeroU32,
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    sync::Arc,
    time::{Duration, SystemTime},
};

use libc::{
    BPF_ABS, BPF_B, BPF_JEQ, BPF_K, BPF_LD, BPF_W, SKF_AD_IFINDEX, SKF_AD_PROTOCOL,
    SKF_AD_VLAN_TAG_PRESENT,
};
use nix::{
    cmsg_space,
    sys::{
        socket::{ControlMessageOwned, LinkAddr, MsgFlags, recvmsg, setsockopt, sockopt},
        time::TimeSpec,
    },
};
use socket2::{Domain, Protocol, Socket, Type};
use vrrp_core::{InterfaceId, MacAddr};

use super::{
    Look,
    message::{AH, Arrival, Heard, VRRP, Way},
};
use crate::bpf::{Assembler, DROP, PASS, Program, To, about};

/// All protocols (`ETH_P_ALL` of `linux/if_ether.h`): no other socket sees what this host sends.
const EVERYTHING: u16 = 3;
/// What the kernel calls a frame that is for another host, which a card in promiscuous mode passes on,
/// and one that leaves (`PACKET_OTHERHOST` and `PACKET_OUTGOING` of `linux/if_packet.h`).
const OTHER_HOST: u8 = 3;
const OUTGOING: u8 = 4;
/// The types of frames (`ETH_P_IP`, `ETH_P_IPV6`), and where their packets name what is in them.
const IPV4: (u32, u32) = (0x0800, 9);
const IPV6: (u32, u32) = (0x86dd, 6);
/// Where an Authentication Header names what is behind it, in an IPv4 packet without options.
const BEHIND_AH: u32 = 20;
/// The longest message, with IP options: more than that is no message.
const LONGEST: usize = 8 << 10;
/// What may wait to be read: some thousand messages.
const BUFFER: usize = 1 << 20;
const EQUAL: u32 = BPF_JEQ | BPF_K;

/// One packet socket for all interfaces, whatever their number, of which a filter in the kernel lets
/// through VRRP alone. It needs no promiscuous mode: what a card does not take for this host's is not
/// for this host.
#[derive(Debug)]
pub(super) struct Tap {
    socket: Socket,
    names: BTreeMap<u32, Arc<str>>,
    buffer: Box<[u8]>,
    control: Vec<u8>,
}

impl Tap {
    pub(super) fn open(names: BTreeMap<u32, Arc<str>>) -> io::Result<Self> {
        // Whole packets without the header of the frame, which differs between kinds of interface.
        let kind = Type::DGRAM.nonblocking();
        let protocol = Protocol::from(i32::from(EVERYTHING.to_be()));
        let socket = Socket::new(Domain::PACKET, kind, Some(protocol))?;
        socket.attach_filter(&filter(names.keys().copied())?.filters())?;
        // It heard everything until there was a filter.
        while socket.recv(&mut []).is_ok() {}
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
        socket.set_recv_buffer_size(BUFFER)?;
        let buffer = vec![0; LONGEST].into_boxed_slice();
        Ok(Self { socket, names, buffer, control: cmsg_space!(TimeSpec) })
    }

    pub(super) fn look(&mut self) -> io::Result<Look> {
        Look::of(self.read())
    }

    fn read(&mut self) -> io::Result<Option<Heard>> {
        let Self { socket, names, buffer, control } = self;
        let mut parts = [IoSliceMut::new(buffer)];
        let flags = MsgFlags::MSG_DONTWAIT;
        let received = recvmsg::<LinkAddr>(socket.as_raw_fd(), &mut parts, Some(control), flags)?;
        let at = received.cmsgs()?.find_map(|control| match control {
            ControlMessageOwned::ScmTimestampns(stamp) => {
                SystemTime::UNIX_EPOCH.checked_add(Duration::from(stamp))
            }
            _ => None,
        });
        let (length, from) = (received.bytes, received.address);
        let Some(from) = from.filter(|from| from.pkttype() != OTHER_HOST) else { return Ok(None) };
        let index = u32::try_from(from.ifindex()).unwrap_or_default();
        let (Some(interface), Some(id)) = (names.get(&index), NonZeroU32::new(index)) else {
            return Ok(None);
        };
        let is_ours = from.pkttype() == OUTGOING;
        let arrival = Arrival {
            at: at.unwrap_or_else(SystemTime::now),
            interface,
            id: InterfaceId::new(id),
            way: if is_ours { Way::Sent } else { Way::Arrived },
            mac: from.addr().filter(|_| from.halen() == 6).map(MacAddr),
        };
        Ok(buffer.get(..length).and_then(|packet| Heard::packet(packet, arrival)))
    }
}

impl AsFd for Tap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Lets through what is VRRP on one of these interfaces. Frames of a VLAN pass its parent, too, and
/// belong to the interface of the VLAN.
fn filter(interfaces: impl Iterator<Item = u32>) -> io::Result<Program> {
    let mut program = Assembler::default();
    program.op(BPF_LD | BPF_W | BPF_ABS, about(SKF_AD_VLAN_TAG_PRESENT));
    program.end_unless(EQUAL, 0, DROP);
    program.op(BPF_LD | BPF_W | BPF_ABS, about(SKF_AD_PROTOCOL));
    let (wanted, ipv6) = (program.label(), program.label());
    for ((kind, protocol), other) in [(IPV4, Some(ipv6)), (IPV6, None)] {
        let next = program.label();
        program.branch(EQUAL, kind, To::Next, To::Place(other.unwrap_or(next)));
        program.op(BPF_LD | BPF_B | BPF_ABS, protocol);
        let no = program.label();
        program.branch(EQUAL, VRRP.into(), To::Next, To::Place(no));
        program.jump(wanted);
        program.place(no);
        // VRRPv2 alone was ever wrapped, and it is of IPv4.
        if kind == IPV4.0 {
            program.end_unless(EQUAL, AH.into(), DROP);
            program.op(BPF_LD | BPF_B | BPF_ABS, BEHIND_AH);
            program.end_unless(EQUAL, VRRP.into(), DROP);
            program.jump(wanted);
        } else {
            program.end(DROP);
        }
        match other {
            Some(other) => program.place(other),
            None => program.place(next),
        }
    }
    program.end(DROP);
    program.place(wanted);
    program.op(BPF_LD | BPF_W | BPF_ABS, about(SKF_AD_IFINDEX));
    for index in interfaces {
        program.end_if(EQUAL, index, PASS);
    }
    program.end(DROP);
    program.finish()
}
