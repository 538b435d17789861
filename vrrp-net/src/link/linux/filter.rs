//! The kernel's packet filter (classic BPF) that sorts protocol 112 into what can be ours and the
//! rest.
//!
//! It says the same as [`Interest::hears`], which the tests hold it to.

use std::{collections::BTreeMap, io};

use libc::{
    BPF_ABS, BPF_ADD, BPF_ALU, BPF_AND, BPF_B, BPF_IMM, BPF_IND, BPF_JEQ, BPF_JGE, BPF_JSET, BPF_K,
    BPF_LD, BPF_LDX, BPF_LEN, BPF_LSH, BPF_MEM, BPF_MISC, BPF_MSH, BPF_RSH, BPF_ST, BPF_SUB,
    BPF_TAX, BPF_W, BPF_X,
};
use vrrp_core::{Family, Version};

use crate::{
    bpf::{Assembler, DROP, PASS, Program, To},
    link::Interest,
};

/// Lets nothing through.
pub(super) fn nothing() -> io::Result<Program> {
    let mut program = Assembler::default();
    program.end(DROP);
    program.finish()
}

/// Lets through what `interest` hears.
pub(super) fn heard(interest: &Interest, family: Family) -> io::Result<Program> {
    program(interest, family, Verdicts { heard: PASS, other: DROP })
}

/// Lets through what [`heard`] does not.
pub(super) fn refused(interest: &Interest, family: Family) -> io::Result<Program> {
    program(interest, family, Verdicts { heard: DROP, other: PASS })
}

struct Verdicts {
    heard: u32,
    other: u32,
}

/// Comparisons of what was loaded.
const EQUAL: u32 = BPF_JEQ | BPF_K;
const AT_LEAST: u32 = BPF_JGE | BPF_K;
const HAS_BIT_OF_X: u32 = BPF_JSET | BPF_X;

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
pub(super) const NETWORK_HEADER: u32 = -0x10_0000_i32 as u32;

fn program(interest: &Interest, family: Family, verdicts: Verdicts) -> io::Result<Program> {
    let mut program = Assembler::default();
    load(&mut program, family, verdicts.other);
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
        let (this, another) = (program.label(), program.label());
        program.op(BPF_LD | BPF_MEM, VERSION_AND_TYPE);
        program.branch(EQUAL, u32::from(version.get() << 4 | 1), To::Place(this), To::Next);
        // Branches reach 255 instructions, a jump any.
        program.jump(another);
        program.place(this);
        program.op(BPF_LD | BPF_MEM, EXTRA_LENGTH);
        program.end_unless(EQUAL, extra, verdicts.other);
        for (min_ttl, set) in classes {
            class(&mut program, min_ttl, &set, verdicts.heard);
        }
        program.end(verdicts.other);
        program.place(another);
    }
    program.end(verdicts.other);
    program.finish()
}

/// Checks that a load can be made, and loads everything into the memory; X is the VRID's bit in its
/// word.
///
/// A load beyond the end would drop the packet from both sockets.
fn load(program: &mut Assembler, family: Family, other: u32) {
    // A raw IPv4 socket's filter starts at the IP header, an IPv6 one's behind it.
    let (payload, ttl, address_shift) = match family {
        Family::Ipv4 => ((BPF_LDX | BPF_B | BPF_MSH, 0), 8, 2),
        Family::Ipv6 => ((BPF_LDX | BPF_W | BPF_IMM, 0), 7, 4),
    };
    let octet = |offset| (BPF_LD | BPF_B | BPF_IND, offset);
    program.ops(&[
        payload,
        (BPF_LD | BPF_W | BPF_LEN, 0),
        (BPF_ALU | BPF_SUB | BPF_X, 0),
        (BPF_ST, LENGTH),
    ]);
    program.end_unless(AT_LEAST, 8, other);
    program.ops(&[
        (BPF_LD | BPF_B | BPF_ABS, NETWORK_HEADER.wrapping_add(ttl)),
        (BPF_ST, TTL),
        octet(0),
        (BPF_ST, VERSION_AND_TYPE),
        octet(1),
        (BPF_ST, VRID),
        octet(3),
    ]);
    program.end_if(EQUAL, 0, other);
    program.ops(&[
        // The length that the count of addresses asks for.
        (BPF_ALU | BPF_LSH | BPF_K, address_shift),
        (BPF_ALU | BPF_ADD | BPF_K, 8),
        (BPF_ST, SHORT_LENGTH),
        (BPF_LDX | BPF_MEM, SHORT_LENGTH),
        (BPF_LD | BPF_MEM, LENGTH),
        (BPF_ALU | BPF_SUB | BPF_X, 0),
        (BPF_ST, EXTRA_LENGTH),
        // The VRID as a word of 32 bits and a bit in it.
        (BPF_LD | BPF_MEM, VRID),
        (BPF_ALU | BPF_RSH | BPF_K, 5),
        (BPF_ST, WORD),
        (BPF_LD | BPF_MEM, VRID),
        (BPF_ALU | BPF_AND | BPF_K, 31),
        (BPF_MISC | BPF_TAX, 0),
        (BPF_LD | BPF_IMM, 1),
        (BPF_ALU | BPF_LSH | BPF_X, 0),
        (BPF_MISC | BPF_TAX, 0),
    ]);
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
fn class(program: &mut Assembler, min_ttl: u8, set: &[u32; 8], verdict: u32) {
    let after = program.label();
    program.op(BPF_LD | BPF_MEM, TTL);
    program.branch(AT_LEAST, u32::from(min_ttl), To::Next, To::Place(after));
    program.op(BPF_LD | BPF_MEM, WORD);
    for (word, bits) in (0..).zip(set.iter().copied()).filter(|(_, bits)| *bits != 0) {
        let another = program.label();
        program.branch(EQUAL, word, To::Next, To::Place(another));
        program.op(BPF_LD | BPF_IMM, bits);
        program.branch(HAS_BIT_OF_X, 0, To::Next, To::Place(after));
        program.end(verdict);
        program.place(another);
    }
    program.place(after);
}

#[cfg(test)]
mod tests;
