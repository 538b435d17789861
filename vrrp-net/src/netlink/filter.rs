//! Filters in the kernel, so that nothing wakes a listener that says nothing new. Of virtual
//! addresses the kernel tells every renewal: with many of them that is thousands of notifications a
//! second. Of routes a router with the whole Internet in its table would hear as many; all those
//! have a gateway.

use std::io;

use libc::{
    BPF_ABS, BPF_B, BPF_H, BPF_IMM, BPF_IND, BPF_JEQ, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_LDX,
    BPF_MEM, BPF_MISC, BPF_RET, BPF_ST, BPF_TAX, BPF_W, BPF_X, IFA_CACHEINFO, IFA_F_DEPRECATED,
    IFA_FLAGS, RTA_GATEWAY, RTA_MULTIPATH, RTM_DELROUTE, RTM_NEWADDR, RTM_NEWROUTE, RTN_UNICAST,
};
use socket2::{SockFilter, SockRef};

use super::{addresses::Mark, routes::OURS};

/// `IFA_RT_PRIORITY` of `linux/if_addr.h`.
const IFA_RT_PRIORITY: u16 = 9;
/// `RTA_VIA` of `linux/rtnetlink.h`.
const RTA_VIA: u16 = 18;
/// `SKF_AD_OFF + SKF_AD_NLATTR` of `linux/filter.h`: the offset of the attribute of type X among
/// those that begin at offset A, or 0.
const FIND_ATTRIBUTE: u32 = (-0x1000_i32 + 12).cast_unsigned();
/// Where the message's type is in `struct nlmsghdr`.
const TYPE: u32 = 4;
/// Who made a route, and of which kind it is: in `struct rtmsg`, behind `struct nlmsghdr`.
const ROUTE_PROTOCOL: u32 = 16 + 5;
const ROUTE_KIND: u32 = 16 + 7;
/// Behind `struct nlmsghdr` and `struct rtmsg`.
const ROUTE_ATTRIBUTES: u32 = 16 + 12;
/// Behind `struct nlmsghdr` and `struct ifaddrmsg`.
const ADDRESS_ATTRIBUTES: u32 = 16 + 8;
/// Where the value of an attribute is, behind its `struct nlattr`.
const VALUE: u32 = 4;
/// When the address was put there, and when it was last changed: in `struct ifa_cacheinfo`.
const CREATED: u32 = VALUE + 8;
const CHANGED: u32 = VALUE + 12;

/// Lets everything pass but
///
/// - news of an address that is [`Mark::Held`] and was put there earlier. That an address is new,
///   was replaced by somebody else's, is about to be handed over or is gone is told;
/// - routes, unless one is removed that needed no gateway.
pub(super) fn attach_for_monitor(socket: &netlink_sys::Socket) -> io::Result<()> {
    SockRef::from(socket).attach_filter(&for_monitor())
}

/// Lets only routes pass that need no gateway and are not ours: what comes and goes with the host's
/// subnets.
pub(super) fn attach_for_routes(socket: &netlink_sys::Socket) -> io::Result<()> {
    SockRef::from(socket).attach_filter(&for_routes())
}

type Program = Vec<SockFilter>;

const PASS: SockFilter = op(BPF_RET | BPF_K, u32::MAX);
const DROP: SockFilter = op(BPF_RET | BPF_K, 0);

fn for_monitor() -> Program {
    let on_link = without_gateway();
    let behind = u8::try_from(on_link.len()).unwrap_or(u8::MAX);
    let mut program = vec![op(BPF_LD | BPF_H | BPF_ABS, TYPE)];
    program.extend([is(message(RTM_NEWROUTE), 0, 1), DROP]);
    program.push(is(message(RTM_DELROUTE), 0, behind));
    program.extend(on_link);
    program.extend([is(message(RTM_NEWADDR), 1, 0), PASS]);
    program.extend(is_renewal());
    program.push(DROP);
    program
}

fn for_routes() -> Program {
    let mut program = vec![op(BPF_LD | BPF_H | BPF_ABS, TYPE)];
    program.extend([is(message(RTM_NEWROUTE), 2, 0), is(message(RTM_DELROUTE), 1, 0), DROP]);
    program.extend([op(BPF_LD | BPF_B | BPF_ABS, ROUTE_PROTOCOL), is(OURS.into(), 0, 1), DROP]);
    program.extend(without_gateway());
    program
}

/// Returns whether a message tells of a route that needs no gateway.
fn without_gateway() -> Program {
    let kind = [op(BPF_LD | BPF_B | BPF_ABS, ROUTE_KIND), is(RTN_UNICAST.into(), 1, 0), DROP];
    let mut program = Vec::from(kind);
    for attribute in [RTA_GATEWAY, RTA_MULTIPATH, RTA_VIA] {
        program.extend(find(attribute, ROUTE_ATTRIBUTES));
        program.extend([is(0, 1, 0), DROP]);
    }
    program.push(PASS);
    program
}

/// Lets every RTM_NEWADDR pass that is no renewal of an address that is held; goes on behind it
/// with one.
fn is_renewal() -> Program {
    let value = |offset| [op(BPF_MISC | BPF_TAX, 0), op(BPF_LD | BPF_W | BPF_IND, offset)];
    let mut program = Vec::new();
    let found = |attribute: u16| {
        let mut program = Vec::from(find(attribute, ADDRESS_ATTRIBUTES));
        program.extend([is(0, 0, 1), PASS]);
        program
    };
    // The program loads in network order what the kernel wrote in its own.
    program.extend(found(IFA_RT_PRIORITY));
    program.extend(value(VALUE));
    program.extend([is(Mark::Held.metric().to_be(), 1, 0), PASS]);
    program.extend(found(IFA_FLAGS));
    program.extend(value(VALUE));
    program.extend([jump(BPF_JMP | BPF_JSET | BPF_K, IFA_F_DEPRECATED.to_be(), 1, 0), PASS]);
    program.extend(found(IFA_CACHEINFO));
    program.extend(value(CREATED));
    program.extend([
        op(BPF_ST, 0),
        op(BPF_LD | BPF_W | BPF_IND, CHANGED),
        op(BPF_LDX | BPF_MEM, 0),
    ]);
    program.extend([jump(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1), PASS]);
    program
}

/// Loads where the attribute is among those that begin at `start`, or 0.
const fn find(attribute: u16, start: u32) -> [SockFilter; 3] {
    [
        op(BPF_LDX | BPF_IMM, attribute as u32),
        op(BPF_LD | BPF_IMM, start),
        op(BPF_LD | BPF_W | BPF_ABS, FIND_ATTRIBUTE),
    ]
}

/// The type of a message, as the program loads it.
fn message(kind: u16) -> u32 {
    kind.to_be().into()
}

/// Skips so many instructions if the loaded value is this, and so many if it is not.
const fn is(value: u32, if_true: u8, if_false: u8) -> SockFilter {
    jump(BPF_JMP | BPF_JEQ | BPF_K, value, if_true, if_false)
}

const fn op(code: u32, operand: u32) -> SockFilter {
    jump(code, operand, 0, 0)
}

/// The operations are defined as `u32` and fit into the 16 bits that an instruction has for one.
const fn jump(code: u32, operand: u32, if_true: u8, if_false: u8) -> SockFilter {
    SockFilter::new(code as u16, if_true, if_false, operand)
}
