//! The filter against [`Interest::hears`], in an interpreter of the few instructions that it uses.

use libc::{BPF_JA, BPF_JMP, BPF_RET};
use vrrp_core::{Versions, Vrid};

use super::*;
use crate::{bpf::Instruction, link::VridInterest};

/// The longest program that the kernel takes (`BPF_MAXINSNS`).
const MAX_INSTRUCTIONS: usize = 4096;

/// Runs `program` on a packet whose socket sees it from `start` on. Panics where the kernel would
/// refuse the program or drop the packet.
fn run(program: &[Instruction], packet: &[u8], start: usize) -> u32 {
    let data = &packet[start..];
    let (mut a, mut x, mut memory, mut at) = (0_u32, 0_u32, [0_u32; 16], 0_usize);
    loop {
        let Instruction { code, if_true, if_false, operand } = program[at];
        at += 1;
        let mut branch = |taken: bool| at += usize::from(if taken { if_true } else { if_false });
        match u32::from(code) {
            c if c == BPF_LD | BPF_B | BPF_ABS => {
                a = packet[operand.wrapping_sub(NETWORK_HEADER) as usize].into()
            }
            c if c == BPF_LD | BPF_B | BPF_IND => a = data[(x + operand) as usize].into(),
            c if c == BPF_LD | BPF_W | BPF_LEN => a = data.len() as u32,
            c if c == BPF_LD | BPF_IMM => a = operand,
            c if c == BPF_LD | BPF_MEM => a = memory[operand as usize],
            c if c == BPF_LDX | BPF_B | BPF_MSH => x = u32::from(data[operand as usize] & 0xf) * 4,
            c if c == BPF_LDX | BPF_IMM => x = operand,
            c if c == BPF_LDX | BPF_MEM => x = memory[operand as usize],
            c if c == BPF_ST => memory[operand as usize] = a,
            c if c == BPF_MISC | BPF_TAX => x = a,
            c if c == BPF_ALU | BPF_SUB | BPF_X => a = a.wrapping_sub(x),
            c if c == BPF_ALU | BPF_LSH | BPF_X => a <<= x,
            c if c == BPF_ALU | BPF_LSH | BPF_K => a <<= operand,
            c if c == BPF_ALU | BPF_RSH | BPF_K => a >>= operand,
            c if c == BPF_ALU | BPF_ADD | BPF_K => a += operand,
            c if c == BPF_ALU | BPF_AND | BPF_K => a &= operand,
            c if c == BPF_JMP | BPF_JEQ | BPF_K => branch(a == operand),
            c if c == BPF_JMP | BPF_JGE | BPF_K => branch(a >= operand),
            c if c == BPF_JMP | BPF_JSET | BPF_X => branch(a & x != 0),
            c if c == BPF_JMP | BPF_JA => at += operand as usize,
            c if c == BPF_RET | BPF_K => return operand,
            c => panic!("no such instruction: {c:#x}"),
        }
    }
}

/// An IP packet as the network header of a socket buffer has it, and where the socket's data start.
fn packet(family: Family, ttl: u8, options: usize, payload: &[u8]) -> (Vec<u8>, usize) {
    let mut packet = vec![0; if family == Family::Ipv4 { 20 + options } else { 40 }];
    let start = match family {
        Family::Ipv4 => {
            packet[0] = 0x45 + (options / 4) as u8;
            packet[8] = ttl;
            0
        }
        Family::Ipv6 => {
            packet[0] = 0x60;
            packet[7] = ttl;
            40
        }
    };
    packet.extend(payload);
    (packet, start)
}

/// Both filters of an interest.
struct Sorter<'a> {
    interest: &'a Interest,
    family: Family,
    heard: Program,
    refused: Program,
}

impl<'a> Sorter<'a> {
    fn new(interest: &'a Interest, family: Family) -> Self {
        Self {
            interest,
            family,
            heard: heard(interest, family).unwrap(),
            refused: refused(interest, family).unwrap(),
        }
    }

    /// Checks both filters against the interest, and returns whether the packet is heard.
    fn sort(&self, ttl: u8, options: usize, payload: &[u8]) -> bool {
        let (packet, start) = packet(self.family, ttl, options, payload);
        let is_heard = run(&self.heard.0, &packet, start) == PASS;
        let is_refused = run(&self.refused.0, &packet, start) == PASS;
        let expected = self.interest.hears(self.family, ttl, payload);
        let said = format!("{} TTL {ttl} options {options} {payload:02x?}", self.family);
        assert_eq!((is_heard, is_refused), (expected, !expected), "{said}");
        is_heard
    }
}

/// In place of a version.
const BOTH: u8 = 23;

fn interest(vrids: impl IntoIterator<Item = (u8, u8, u8)>) -> Interest {
    let vrids = vrids
        .into_iter()
        .map(|(vrid, version, min_ttl)| {
            let versions = match version {
                2 => Version::V2.into(),
                3 => Version::V3.into(),
                _ => Versions::Both,
            };
            (Vrid::try_from(vrid).unwrap(), VridInterest { versions, min_ttl })
        })
        .collect();
    Interest { vrids, multicast: true, ..Interest::default() }
}

fn message(version_and_type: u8, vrid: u8, count: u8, len: usize) -> Vec<u8> {
    let mut message = vec![0; len];
    for (to, from) in message.iter_mut().zip([version_and_type, vrid, 100, count]) {
        *to = from;
    }
    message
}

#[test]
fn what_the_interest_names_is_heard_and_nothing_else() {
    let ours = interest([(7, 3, 255), (8, 3, 64), (9, 2, 255)]);
    let (ipv4, ipv6) = (Sorter::new(&ours, Family::Ipv4), Sorter::new(&ours, Family::Ipv6));
    let v4 = |ttl, payload: &[u8]| ipv4.sort(ttl, 0, payload);
    assert!(v4(255, &message(0x31, 7, 1, 12)));
    assert!(v4(64, &message(0x31, 8, 2, 16)));
    assert!(v4(255, &message(0x21, 9, 1, 20)));
    assert!(ipv4.sort(255, 40, &message(0x31, 7, 255, 8 + 255 * 4)));
    assert!(ipv6.sort(255, 0, &message(0x31, 7, 2, 40)));

    assert!(!v4(254, &message(0x31, 7, 1, 12)), "TTL");
    assert!(!v4(63, &message(0x31, 8, 1, 12)), "TTL");
    assert!(!v4(255, &message(0x21, 7, 1, 20)), "version");
    assert!(!v4(255, &message(0x31, 9, 1, 12)), "version");
    assert!(!v4(255, &message(0x32, 7, 1, 12)), "type");
    assert!(!v4(255, &message(0x31, 6, 1, 12)), "VRID");
    assert!(!v4(255, &message(0x31, 0, 1, 12)), "VRID");
    assert!(!v4(255, &message(0x31, 7, 1, 13)), "oversized");
    assert!(!v4(255, &message(0x31, 7, 2, 12)), "truncated");
    assert!(!v4(255, &message(0x31, 7, 0, 8)), "no address");
    assert!(!ipv6.sort(255, 0, &message(0x21, 9, 1, 32)), "version 2 over IPv6");
    for len in 0..8 {
        assert!(!v4(255, &message(0x31, 7, 0, len)), "short");
        assert!(!ipv6.sort(255, 0, &message(0x31, 7, 0, len)), "short");
    }
}

#[test]
fn programs_fit_into_the_kernel_and_sort_every_vrid() {
    let everything_differs = (1..=255).map(|vrid| (vrid, 3, vrid));
    let one_class = (1..=255).map(|vrid| (vrid, 3, 255));
    let two_versions = (1..=255).map(|vrid| (vrid, 2 + vrid % 2, 255 - vrid / 16));
    let both_versions = (1..=255).map(|vrid| (vrid, BOTH, 255));
    let worlds = [
        interest([]),
        interest(everything_differs),
        interest(one_class),
        interest(two_versions),
        interest(both_versions),
    ];
    for world in &worlds {
        for family in [Family::Ipv4, Family::Ipv6] {
            let sorter = Sorter::new(world, family);
            let length = sorter.heard.0.len();
            assert!(length <= MAX_INSTRUCTIONS, "{length} instructions");
            for vrid in 0..=255 {
                for ttl in [1, 239, 240, vrid, 255] {
                    sorter.sort(ttl, 0, &message(0x31, vrid, 1, 8 + 4));
                    sorter.sort(ttl, 0, &message(0x31, vrid, 1, 8 + 16));
                    sorter.sort(ttl, 0, &message(0x21, vrid, 1, 16 + 4));
                }
            }
        }
    }
    assert!(Sorter::new(&worlds[2], Family::Ipv4).sort(255, 0, &message(0x31, 255, 1, 12)));
}

#[test]
fn any_packet_is_sorted_as_the_interest_says() {
    // Knuth's MMIX generator: the same packets in every run.
    let mut state = 1_u64;
    let mut random = move |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut times_heard = 0;
    for _ in 0..1_000 {
        // Few VRIDs, one in each word of the set and the limits of some.
        let vrids = [1, 31, 32, 63, 64, 97, 129, 161, 193, 225, 255];
        let names: Vec<_> = (0..random(12))
            .map(|_| (vrids[random(11) as usize], 2 + random(2) as u8, 252 + random(4) as u8))
            .collect();
        let world = interest(names);
        let family = if random(2) == 0 { Family::Ipv4 } else { Family::Ipv6 };
        let sorter = Sorter::new(&world, family);
        for _ in 0..20 {
            let kind = [0x21, 0x31, 0x31, 0x32, random(256) as u8][random(5) as usize];
            let count = random(4) as u8;
            let header = if kind == 0x21 { 16 } else { 8 };
            let address = if family == Family::Ipv4 { 4 } else { 16 };
            let right = header + usize::from(count) * address;
            let len = if random(3) == 0 { random(60) as usize } else { right };
            let payload = message(kind, vrids[random(11) as usize], count, len);
            times_heard +=
                usize::from(sorter.sort(252 + random(4) as u8, 4 * random(11) as usize, &payload));
        }
    }
    assert!(times_heard > 500, "only {times_heard} of 20,000 were heard: the test tests nothing");
}
