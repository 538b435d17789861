//! The kernel's packet filter (classic BPF) that sorts protocol 112 into what can be ours and the
//! rest.
//!
//! It says the same as [`Interest::hears`], which the tests hold it to.

use std::collections::BTreeMap;

use libc::{
    BPF_ABS, BPF_ADD, BPF_ALU, BPF_AND, BPF_B, BPF_IMM, BPF_IND, BPF_JA, BPF_JEQ, BPF_JGE, BPF_JMP,
    BPF_JSET, BPF_K, BPF_LD, BPF_LDX, BPF_LEN, BPF_LSH, BPF_MEM, BPF_MISC, BPF_MSH, BPF_RET,
    BPF_RSH, BPF_ST, BPF_SUB, BPF_TAX, BPF_W, BPF_X,
};
use socket2::SockFilter;
use vrrp_core::{Family, Version};

use crate::link::Interest;

/// One instruction: operation, how far to jump if true and if false, operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Instruction {
    code: u16,
    if_true: u8,
    if_false: u8,
    operand: u32,
}

/// A filter program.
pub(super) type Program = Vec<Instruction>;

/// Lets nothing through.
pub(super) fn nothing() -> Program {
    vec![op(BPF_RET | BPF_K, DROP)]
}

/// Lets through what `interest` hears.
pub(super) fn heard(interest: &Interest, family: Family) -> Program {
    program(interest, family, Verdicts { heard: PASS, other: DROP })
}

/// Lets through what [`heard`] does not.
pub(super) fn refused(interest: &Interest, family: Family) -> Program {
    program(interest, family, Verdicts { heard: DROP, other: PASS })
}

/// What the kernel takes.
pub(super) fn instructions(program: &[Instruction]) -> Vec<SockFilter> {
    program.iter().map(|i| SockFilter::new(i.code, i.if_true, i.if_false, i.operand)).collect()
}

const DROP: u32 = 0;
const PASS: u32 = u32::MAX;

struct Verdicts {
    heard: u32,
    other: u32,
}

// The filter's memory.
const LENGTH: u32 = 0;
const TTL: u32 = 1;
const VERSION_AND_TYPE: u32 = 2;
const VRID: u32 = 3;
/// Eight octets and the addresses: the message's length, but for VRRPv2's authentication data.
const SHORT_LENGTH: u32 = 4;
/// How much longer the message is.
const EXTRA_LENGTH: u32 = 5;
/// Which of the eight words of a set of VRIDs has this VRID's bit.
const WORD: u32 = 6;

/// Offsets from here on are in the network header (`SKF_NET_OFF` of linux/filter.h).
const NETWORK_HEADER: u32 = -0x10_0000_i32 as u32;

const fn op(code: u32, operand: u32) -> Instruction {
    jump(code, operand, 0, 0)
}

/// The operations are defined as `u32` and fit into the 16 bits that an instruction has for one.
const fn jump(code: u32, operand: u32, if_true: u8, if_false: u8) -> Instruction {
    Instruction { code: code as u16, if_true, if_false, operand }
}

fn program(interest: &Interest, family: Family, verdicts: Verdicts) -> Program {
    let other = op(BPF_RET | BPF_K, verdicts.other);
    let mut program = load(family, other);
    for version in [Version::V2, Version::V3] {
        let classes = classes(interest, version);
        let extra = match (version, family) {
            (Version::V2, Family::Ipv4) => 8,
            (Version::V3, _) => 0,
            (Version::V2, Family::Ipv6) => continue,
        };
        if classes.is_empty() {
            continue;
        }
        let mut body = vec![
            op(BPF_LD | BPF_MEM, EXTRA_LENGTH),
            jump(BPF_JMP | BPF_JEQ | BPF_K, extra, 1, 0),
            other,
        ];
        for (min_ttl, set) in classes {
            body.extend(class(min_ttl, &set, verdicts.heard));
        }
        body.push(other);
        program.push(op(BPF_LD | BPF_MEM, VERSION_AND_TYPE));
        program.push(jump(BPF_JMP | BPF_JEQ | BPF_K, u32::from(version.get() << 4 | 1), 1, 0));
        // Conditional jumps reach 255 instructions, this one any.
        program.push(op(BPF_JMP | BPF_JA, u32::try_from(body.len()).unwrap_or(u32::MAX)));
        program.extend(body);
    }
    program.push(other);
    program
}

/// Checks that a load can be made, and loads everything into the memory; X is the VRID's bit in its
/// word.
///
/// A load beyond the end would drop the packet from both sockets.
fn load(family: Family, other: Instruction) -> Program {
    // A raw IPv4 socket's filter starts at the IP header, an IPv6 one's behind it.
    let (payload, ttl, address_shift) = match family {
        Family::Ipv4 => (op(BPF_LDX | BPF_B | BPF_MSH, 0), 8, 2),
        Family::Ipv6 => (op(BPF_LDX | BPF_W | BPF_IMM, 0), 7, 4),
    };
    let octet = |offset| op(BPF_LD | BPF_B | BPF_IND, offset);
    vec![
        payload,
        op(BPF_LD | BPF_W | BPF_LEN, 0),
        op(BPF_ALU | BPF_SUB | BPF_X, 0),
        op(BPF_ST, LENGTH),
        jump(BPF_JMP | BPF_JGE | BPF_K, 8, 1, 0),
        other,
        op(BPF_LD | BPF_B | BPF_ABS, NETWORK_HEADER.wrapping_add(ttl)),
        op(BPF_ST, TTL),
        octet(0),
        op(BPF_ST, VERSION_AND_TYPE),
        octet(1),
        op(BPF_ST, VRID),
        octet(3),
        jump(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
        other,
        op(BPF_ALU | BPF_LSH | BPF_K, address_shift),
        op(BPF_ALU | BPF_ADD | BPF_K, 8),
        op(BPF_ST, SHORT_LENGTH),
        op(BPF_LDX | BPF_MEM, SHORT_LENGTH),
        op(BPF_LD | BPF_MEM, LENGTH),
        op(BPF_ALU | BPF_SUB | BPF_X, 0),
        op(BPF_ST, EXTRA_LENGTH),
        op(BPF_LD | BPF_MEM, VRID),
        op(BPF_ALU | BPF_RSH | BPF_K, 5),
        op(BPF_ST, WORD),
        op(BPF_LD | BPF_MEM, VRID),
        op(BPF_ALU | BPF_AND | BPF_K, 31),
        op(BPF_MISC | BPF_TAX, 0),
        op(BPF_LD | BPF_IMM, 1),
        op(BPF_ALU | BPF_LSH | BPF_X, 0),
        op(BPF_MISC | BPF_TAX, 0),
    ]
}

/// The VRIDs of one version, as sets of bits by the TTL that they ask for.
fn classes(interest: &Interest, version: Version) -> BTreeMap<u8, [u32; 8]> {
    let mut classes = BTreeMap::<u8, [u32; 8]>::new();
    for (vrid, heard) in interest.vrids.iter().filter(|(_, heard)| heard.versions.contains(version))
    {
        let set = classes.entry(heard.min_ttl).or_default();
        if let Some(word) = set.get_mut(usize::from(vrid.get() / 32)) {
            *word |= 1 << (vrid.get() % 32);
        }
    }
    classes
}

/// Returns `verdict` when the TTL is at least `min_ttl` and the VRID is in `set`, else falls
/// through.
fn class(min_ttl: u8, set: &[u32; 8], verdict: u32) -> Program {
    let words: Vec<(u32, u32)> =
        (0..).zip(set.iter().copied()).filter(|(_, bits)| *bits != 0).collect();
    // At most 33, as there are at most eight words.
    let length = u8::try_from(1 + 4 * words.len()).unwrap_or(u8::MAX);
    let mut body = vec![
        op(BPF_LD | BPF_MEM, TTL),
        jump(BPF_JMP | BPF_JGE | BPF_K, u32::from(min_ttl), 0, length),
        op(BPF_LD | BPF_MEM, WORD),
    ];
    let mut after = length - 1;
    for (word, bits) in words {
        after -= 4;
        body.extend([
            jump(BPF_JMP | BPF_JEQ | BPF_K, word, 0, 3),
            op(BPF_LD | BPF_IMM, bits),
            jump(BPF_JMP | BPF_JSET | BPF_X, 0, 0, 1 + after),
            op(BPF_RET | BPF_K, verdict),
        ]);
    }
    body
}

#[cfg(test)]
mod tests;
