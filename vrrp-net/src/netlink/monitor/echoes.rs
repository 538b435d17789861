//! Leaves out what the kernel tells about renewals of virtual addresses: with many of them it would be thousands
//! of notifications a second that say nothing new.

use std::io;

use libc::{
    BPF_ABS, BPF_B, BPF_H, BPF_IMM, BPF_IND, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_LDX, BPF_MEM, BPF_MISC,
    BPF_RET, BPF_ST, BPF_TAX, BPF_W, BPF_X, IFA_CACHEINFO, RTM_NEWADDR,
};
use socket2::{SockFilter, SockRef};

use crate::netlink::addresses::HELD;

/// `IFA_PROTO` of `linux/if_addr.h`.
const IFA_PROTO: u32 = 11;
/// `SKF_AD_OFF + SKF_AD_NLATTR` of `linux/filter.h`: the offset of the attribute of type X among those that begin
/// at offset A, or 0.
const FIND_ATTRIBUTE: u32 = (-0x1000_i32 + 12).cast_unsigned();
/// Behind `struct nlmsghdr` and `struct ifaddrmsg`.
const ATTRIBUTES: u32 = 16 + 8;
/// Where the value of an attribute is, behind its `struct nlattr`.
const VALUE: u32 = 4;
/// When the address was put there, and when it was last changed: in `struct ifa_cacheinfo`.
const CREATED: u32 = VALUE + 8;
const CHANGED: u32 = VALUE + 12;

/// Where the program below says that the message passes.
const PASS: u8 = 20;

/// Lets everything pass but news of an address that is [`HELD`] and was put there earlier. That an address is new,
/// was replaced by somebody else's, is about to be handed over or is gone is told.
pub(super) fn ignore(socket: &netlink_sys::Socket) -> io::Result<()> {
    SockRef::from(socket).attach_filter(&program())
}

fn program() -> [SockFilter; 21] {
    let always = |code: u32, operand: u32| instruction(code, 0, 0, operand);
    let pass_unless = |at: u8, value: u32| instruction(BPF_JMP | BPF_JEQ | BPF_K, 0, PASS - at - 1, value);
    let pass_if = |at: u8, value: u32| instruction(BPF_JMP | BPF_JEQ | BPF_K, PASS - at - 1, 0, value);
    [
        // The program loads in network order what the kernel wrote in its own.
        always(BPF_LD | BPF_H | BPF_ABS, 4),
        pass_unless(1, u32::from(RTM_NEWADDR.to_be())),
        always(BPF_LDX | BPF_IMM, IFA_PROTO),
        always(BPF_LD | BPF_IMM, ATTRIBUTES),
        always(BPF_LD | BPF_W | BPF_ABS, FIND_ATTRIBUTE),
        pass_if(5, 0),
        always(BPF_MISC | BPF_TAX, 0),
        always(BPF_LD | BPF_B | BPF_IND, VALUE),
        pass_unless(8, u32::from(HELD)),
        always(BPF_LDX | BPF_IMM, u32::from(IFA_CACHEINFO)),
        always(BPF_LD | BPF_IMM, ATTRIBUTES),
        always(BPF_LD | BPF_W | BPF_ABS, FIND_ATTRIBUTE),
        pass_if(12, 0),
        always(BPF_MISC | BPF_TAX, 0),
        always(BPF_LD | BPF_W | BPF_IND, CREATED),
        always(BPF_ST, 0),
        always(BPF_LD | BPF_W | BPF_IND, CHANGED),
        always(BPF_LDX | BPF_MEM, 0),
        instruction(BPF_JMP | BPF_JEQ | BPF_X, PASS - 19, 0, 0),
        always(BPF_RET | BPF_K, 0),
        always(BPF_RET | BPF_K, u32::MAX),
    ]
}

/// The operations are defined as `u32` and fit into the 16 bits that an instruction has for one.
fn instruction(code: u32, if_true: u8, if_false: u8, operand: u32) -> SockFilter {
    SockFilter::new(code as u16, if_true, if_false, operand)
}
