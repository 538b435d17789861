//! A filter in the kernel, so that nothing wakes the monitor that says nothing new. Of virtual addresses the kernel
//! tells every renewal: with many of them that is thousands of notifications a second. Of routes a router with the
//! whole Internet in its table would hear as many.

use std::io;

use libc::{
    BPF_ABS, BPF_B, BPF_H, BPF_IMM, BPF_IND, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_LDX, BPF_MEM, BPF_MISC,
    BPF_RET, BPF_ST, BPF_TAX, BPF_W, BPF_X, IFA_CACHEINFO, RTM_DELROUTE, RTM_NEWADDR, RTM_NEWROUTE,
    RTN_UNICAST, RTPROT_KERNEL,
};
use socket2::{SockFilter, SockRef};

use crate::netlink::addresses::HELD;

/// `IFA_PROTO` of `linux/if_addr.h`.
const IFA_PROTO: u32 = 11;
/// `SKF_AD_OFF + SKF_AD_NLATTR` of `linux/filter.h`: the offset of the attribute of type X among those that begin
/// at offset A, or 0.
const FIND_ATTRIBUTE: u32 = (-0x1000_i32 + 12).cast_unsigned();
/// Where the message's type is in `struct nlmsghdr`.
const TYPE: u32 = 4;
/// Who made a route, and of which kind it is: in `struct rtmsg`, behind `struct nlmsghdr`.
const ROUTE_PROTOCOL: u32 = 16 + 5;
const ROUTE_KIND: u32 = 16 + 7;
/// Behind `struct nlmsghdr` and `struct ifaddrmsg`.
const ATTRIBUTES: u32 = 16 + 8;
/// Where the value of an attribute is, behind its `struct nlattr`.
const VALUE: u32 = 4;
/// When the address was put there, and when it was last changed: in `struct ifa_cacheinfo`.
const CREATED: u32 = VALUE + 8;
const CHANGED: u32 = VALUE + 12;

/// Where the program below looks at a route that was removed, and at an address.
const ROUTE: u8 = 4;
const ADDRESS: u8 = 8;
/// Where it says that the message passes, and that it does not.
const PASS: u8 = 25;
const DROP: u8 = 26;

/// Lets everything pass but
///
/// - news of an address that is [`HELD`] and was put there earlier. That an address is new, was replaced by somebody
///   else's, is about to be handed over or is gone is told;
/// - routes, unless one is removed that the kernel made with an address.
pub(super) fn attach(socket: &netlink_sys::Socket) -> io::Result<()> {
    SockRef::from(socket).attach_filter(&program())
}

fn program() -> [SockFilter; 27] {
    let always = |code: u32, operand: u32| instruction(code, 0, 0, operand);
    // At `at`: goes to `then` if the loaded value is this, and otherwise to `or`.
    let is = |at: u8, value: u32, then: u8, or: u8| {
        instruction(BPF_JMP | BPF_JEQ | BPF_K, then - at - 1, or - at - 1, value)
    };
    [
        // The program loads in network order what the kernel wrote in its own.
        always(BPF_LD | BPF_H | BPF_ABS, TYPE),
        is(1, u32::from(RTM_NEWADDR.to_be()), ADDRESS, 2),
        is(2, u32::from(RTM_NEWROUTE.to_be()), DROP, 3),
        is(3, u32::from(RTM_DELROUTE.to_be()), ROUTE, PASS),
        // ROUTE
        always(BPF_LD | BPF_B | BPF_ABS, ROUTE_PROTOCOL),
        is(5, u32::from(RTPROT_KERNEL), 6, DROP),
        always(BPF_LD | BPF_B | BPF_ABS, ROUTE_KIND),
        is(7, u32::from(RTN_UNICAST), PASS, DROP),
        // ADDRESS
        always(BPF_LDX | BPF_IMM, IFA_PROTO),
        always(BPF_LD | BPF_IMM, ATTRIBUTES),
        always(BPF_LD | BPF_W | BPF_ABS, FIND_ATTRIBUTE),
        is(11, 0, PASS, 12),
        always(BPF_MISC | BPF_TAX, 0),
        always(BPF_LD | BPF_B | BPF_IND, VALUE),
        is(14, u32::from(HELD), 15, PASS),
        always(BPF_LDX | BPF_IMM, u32::from(IFA_CACHEINFO)),
        always(BPF_LD | BPF_IMM, ATTRIBUTES),
        always(BPF_LD | BPF_W | BPF_ABS, FIND_ATTRIBUTE),
        is(18, 0, PASS, 19),
        always(BPF_MISC | BPF_TAX, 0),
        always(BPF_LD | BPF_W | BPF_IND, CREATED),
        always(BPF_ST, 0),
        always(BPF_LD | BPF_W | BPF_IND, CHANGED),
        always(BPF_LDX | BPF_MEM, 0),
        instruction(BPF_JMP | BPF_JEQ | BPF_X, PASS - 25, DROP - 25, 0),
        always(BPF_RET | BPF_K, u32::MAX),
        always(BPF_RET | BPF_K, 0),
    ]
}

/// The operations are defined as `u32` and fit into the 16 bits that an instruction has for one.
fn instruction(code: u32, if_true: u8, if_false: u8, operand: u32) -> SockFilter {
    SockFilter::new(code as u16, if_true, if_false, operand)
}
