//! Whether advertisements for a virtual router reach the interface at all: a packet socket sees
//! them ahead of any firewall of this host. It is there only while somebody asks.

use std::{
    io::{self, Read},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    task::{Context, Poll},
};

use libc::{
    BPF_ABS, BPF_B, BPF_H, BPF_IND, BPF_JEQ, BPF_JSET, BPF_K, BPF_LD, BPF_LDX, BPF_MSH,
    SKF_AD_PROTOCOL,
};
use socket2::{Domain, Socket, Type};
use tokio::io::{Interest as Readiness, unix::AsyncFd};
use vrrp_core::{Family, Key};

use super::{Pace, holders, rx, sys};
use crate::{
    bpf::{Assembler, DROP, PASS, Program, about},
    link::Port,
};

const EQUAL: u32 = BPF_JEQ | BPF_K;
const HAS_BITS: u32 = BPF_JSET | BPF_K;
const VRRP: u32 = 112;
const BUFFER: usize = 4 << 10;

/// A socket that sees the advertisements for one virtual router.
#[derive(Debug)]
pub(super) struct Overhearing {
    pub(super) key: Key,
    socket: AsyncFd<Socket>,
    pace: Pace,
}

impl Overhearing {
    pub(super) fn open(port: &Port, key: Key) -> io::Result<Self> {
        let socket = Socket::new(Domain::PACKET, Type::DGRAM, None)?;
        rx::attach(&socket, &program(key)?)?;
        socket.set_nonblocking(true)?;
        rx::set_buffer(&socket, BUFFER)?;
        // Of one protocol alone, it would come after what drops packets at their entrance.
        sys::bind_to_link(&socket, port.index, libc::ETH_P_ALL)?;
        Ok(Self { key, socket: sys::watch(socket)?, pace: Pace::default() })
    }

    pub(super) fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.pace.poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.socket.poll_read_ready(cx).map(drop)
    }

    /// Where the next advertisement comes from.
    pub(super) fn next(&mut self) -> Option<IpAddr> {
        if !self.pace.is_due() {
            return None;
        }
        let mut header = [0; 40];
        let read = self.socket.try_io(Readiness::READABLE, |mut socket| socket.read(&mut header));
        self.pace.take_if(read.is_ok());
        read.ok()?;
        match self.key.family {
            Family::Ipv4 => {
                let source = header.get(12..)?.first_chunk::<4>()?;
                Some(Ipv4Addr::from(*source).into())
            }
            Family::Ipv6 => {
                let source = header.get(8..)?.first_chunk::<16>()?;
                Some(Ipv6Addr::from(*source).into())
            }
        }
    }
}

/// Lets through the messages of protocol 112 with this VRID that others have sent. The filter begins
/// at the IP header; the VRID is the second octet behind it.
fn program(key: Key) -> io::Result<Program> {
    let octet = |offset| (BPF_LD | BPF_B | BPF_ABS, offset);
    let vrid = u32::from(key.vrid.get());
    let mut program = Assembler::default();
    holders::drop_own(&mut program);
    program.op(BPF_LD | BPF_H | BPF_ABS, about(SKF_AD_PROTOCOL));
    match key.family {
        Family::Ipv4 => {
            program.end_unless(EQUAL, libc::ETH_P_IP as u32, DROP);
            program.ops(&[octet(9)]);
            program.end_unless(EQUAL, VRRP, DROP);
            program.op(BPF_LD | BPF_H | BPF_ABS, 6);
            // A later fragment has no VRID.
            program.end_if(HAS_BITS, 0x1fff, DROP);
            program.ops(&[(BPF_LDX | BPF_B | BPF_MSH, 0), (BPF_LD | BPF_B | BPF_IND, 1)]);
        }
        Family::Ipv6 => {
            program.end_unless(EQUAL, libc::ETH_P_IPV6 as u32, DROP);
            program.ops(&[octet(6)]);
            program.end_unless(EQUAL, VRRP, DROP);
            program.ops(&[octet(41)]);
        }
    }
    program.end_if(EQUAL, vrid, PASS);
    program.end(DROP);
    program.finish()
}
