//! Filters in the kernel, so that a listener is woken only by news. The kernel reports every renewal
//! of a virtual address: with many of them that is thousands of notifications a second. A router
//! with the whole Internet in its table would hear as many of routes; all those have a gateway.

use std::io;

use libc::{
    BPF_ABS, BPF_B, BPF_H, BPF_IMM, BPF_IND, BPF_JEQ, BPF_JSET, BPF_K, BPF_LD, BPF_LDX, BPF_MEM,
    BPF_MISC, BPF_ST, BPF_TAX, BPF_W, BPF_X, IFA_CACHEINFO, IFA_F_DEPRECATED, IFA_FLAGS,
    RTA_GATEWAY, RTA_MULTIPATH, RTM_DELROUTE, RTM_NEWADDR, RTM_NEWROUTE, RTN_UNICAST,
};
use netlink_packet_core::NLM_F_REPLACE;
use socket2::SockRef;

use super::{addresses::Mark, routes::OURS};
use crate::bpf::{Assembler, DROP, PASS, Program, To};

/// `IFA_RT_PRIORITY` of `linux/if_addr.h`.
const IFA_RT_PRIORITY: u16 = 9;
/// `RTA_VIA` of `linux/rtnetlink.h`.
const RTA_VIA: u16 = 18;
/// `SKF_AD_OFF + SKF_AD_NLATTR` of `linux/filter.h`: the offset of the attribute of type X among
/// those that begin at offset A, or 0.
const FIND_ATTRIBUTE: u32 = (-0x1000_i32 + 12).cast_unsigned();
/// Where the message's type is in `struct nlmsghdr`.
const TYPE: u32 = 4;
/// Where its flags are.
const FLAGS: u32 = 6;
/// Offsets of a route's protocol and type in `struct rtmsg`, behind `struct nlmsghdr`.
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

/// Comparisons of what was loaded.
const EQUAL: u32 = BPF_JEQ | BPF_K;
const EQUAL_TO_X: u32 = BPF_JEQ | BPF_X;
const HAS_BIT_OF: u32 = BPF_JSET | BPF_K;

/// Lets everything pass but
///
/// - news of an address that is [`Mark::Held`] and was put there earlier. That an address is new,
///   was replaced by somebody else's, is about to be handed over or is gone passes;
/// - routes, unless one is removed that is ours, or that needed no gateway.
pub(super) fn attach_for_monitor(socket: &netlink_sys::Socket) -> io::Result<()> {
    SockRef::from(socket).attach_filter(&for_monitor()?.filters())
}

/// Lets only routes pass that need no gateway and are not ours: what comes and goes with the host's
/// subnets.
pub(super) fn attach_for_routes(socket: &netlink_sys::Socket) -> io::Result<()> {
    SockRef::from(socket).attach_filter(&for_routes()?.filters())
}

/// Lets only routes pass that are not ours and came in place of another one: the kernel does not
/// say that the other one is gone.
pub(super) fn attach_for_replacements(socket: &netlink_sys::Socket) -> io::Result<()> {
    SockRef::from(socket).attach_filter(&for_replacements()?.filters())
}

fn for_monitor() -> io::Result<Program> {
    let mut program = Assembler::default();
    let no_route = program.label();
    program.op(BPF_LD | BPF_H | BPF_ABS, TYPE);
    program.end_if(EQUAL, message(RTM_NEWROUTE), DROP);
    program.branch(EQUAL, message(RTM_DELROUTE), To::Next, To::Place(no_route));
    program.op(BPF_LD | BPF_B | BPF_ABS, ROUTE_PROTOCOL);
    program.end_if(EQUAL, OURS.into(), PASS);
    pass_without_gateway(&mut program);
    program.place(no_route);
    program.end_unless(EQUAL, message(RTM_NEWADDR), PASS);
    pass_unless_renewal(&mut program);
    program.end(DROP);
    program.finish()
}

fn for_routes() -> io::Result<Program> {
    let mut program = Assembler::default();
    let route = program.label();
    program.op(BPF_LD | BPF_H | BPF_ABS, TYPE);
    program.branch(EQUAL, message(RTM_NEWROUTE), To::Place(route), To::Next);
    program.end_unless(EQUAL, message(RTM_DELROUTE), DROP);
    program.place(route);
    program.op(BPF_LD | BPF_B | BPF_ABS, ROUTE_PROTOCOL);
    program.end_if(EQUAL, OURS.into(), DROP);
    pass_without_gateway(&mut program);
    program.finish()
}

fn for_replacements() -> io::Result<Program> {
    let mut program = Assembler::default();
    program.op(BPF_LD | BPF_H | BPF_ABS, TYPE);
    program.end_unless(EQUAL, message(RTM_NEWROUTE), DROP);
    program.op(BPF_LD | BPF_B | BPF_ABS, ROUTE_PROTOCOL);
    program.end_if(EQUAL, OURS.into(), DROP);
    program.op(BPF_LD | BPF_H | BPF_ABS, FLAGS);
    // Two octets in the message, as its type is.
    program.end_unless(HAS_BIT_OF, message(NLM_F_REPLACE), DROP);
    program.end(PASS);
    program.finish()
}

/// Ends the program: lets a message pass if it is of a route that needs no gateway.
fn pass_without_gateway(program: &mut Assembler) {
    program.op(BPF_LD | BPF_B | BPF_ABS, ROUTE_KIND);
    program.end_unless(EQUAL, RTN_UNICAST.into(), DROP);
    for attribute in [RTA_GATEWAY, RTA_MULTIPATH, RTA_VIA] {
        find(program, attribute, ROUTE_ATTRIBUTES);
        program.end_unless(EQUAL, 0, DROP);
    }
    program.end(PASS);
}

/// Lets every RTM_NEWADDR pass that is no renewal of an address that is held; goes on behind it
/// with one.
fn pass_unless_renewal(program: &mut Assembler) {
    let found = |program: &mut Assembler, attribute| {
        find(program, attribute, ADDRESS_ATTRIBUTES);
        program.end_if(EQUAL, 0, PASS);
    };
    let value = |offset| [(BPF_MISC | BPF_TAX, 0), (BPF_LD | BPF_W | BPF_IND, offset)];
    // The program loads in network order what the kernel wrote in its own.
    found(program, IFA_RT_PRIORITY);
    program.ops(&value(VALUE));
    program.end_unless(EQUAL, Mark::Held.metric().to_be(), PASS);
    found(program, IFA_FLAGS);
    program.ops(&value(VALUE));
    program.end_unless(HAS_BIT_OF, IFA_F_DEPRECATED.to_be(), PASS);
    // An address that was changed when it was created is new.
    found(program, IFA_CACHEINFO);
    program.ops(&value(CREATED));
    program.ops(&[(BPF_ST, 0), (BPF_LD | BPF_W | BPF_IND, CHANGED), (BPF_LDX | BPF_MEM, 0)]);
    program.end_if(EQUAL_TO_X, 0, PASS);
}

/// Loads where the attribute is among those that begin at `start`, or 0.
fn find(program: &mut Assembler, attribute: u16, start: u32) {
    program.ops(&[
        (BPF_LDX | BPF_IMM, attribute.into()),
        (BPF_LD | BPF_IMM, start),
        (BPF_LD | BPF_W | BPF_ABS, FIND_ATTRIBUTE),
    ]);
}

/// The type of a message, or flags of it, as the program loads them.
fn message(kind: u16) -> u32 {
    kind.to_be().into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use netlink_packet_route::RouteNetlinkMessage;

    use super::*;
    use crate::netlink::{
        message::append,
        routes::{EntryWay, PrefixRoute, RouteEntry},
    };

    /// Whether the kernel lets a datagram pass, on a socket of another kind with this filter.
    fn passes(program: &Program, datagram: &[u8]) -> bool {
        let (ours, others) = UnixDatagram::pair().unwrap();
        SockRef::from(&ours).attach_filter(&program.filters()).unwrap();
        ours.set_nonblocking(true).unwrap();
        others.send(datagram).unwrap();
        ours.recv(&mut [0; 1024]).is_ok()
    }

    fn datagram(message: RouteNetlinkMessage, flags: u16) -> Vec<u8> {
        let mut datagram = Vec::new();
        append(&mut datagram, message, flags, 1);
        datagram
    }

    fn routes() -> [RouteEntry; 2] {
        let gateway = "192.0.2.254".parse().unwrap();
        let via = EntryWay::Via { gateway, index: Some(7), on_link: false };
        [via, EntryWay::Blackhole].map(|way| RouteEntry {
            destination: "198.51.100.0/24".parse().unwrap(),
            table: 254,
            metric: 0,
            way,
            source: None,
        })
    }

    /// The same as somebody else makes it.
    fn of_another(mut datagram: Vec<u8>) -> Vec<u8> {
        datagram[usize::try_from(ROUTE_PROTOCOL).unwrap()] = 4;
        datagram
    }

    #[test]
    fn the_monitor_hears_that_a_route_of_ours_is_gone() {
        let program = for_monitor().unwrap();
        for route in routes() {
            let gone = datagram(route.delete(), 0);
            assert!(passes(&program, &gone), "{route:?}");
            assert!(!passes(&program, &of_another(gone)), "{route:?}");
            assert!(!passes(&program, &datagram(route.add(None), 0)), "{route:?}");
        }
        let prefix = PrefixRoute::of(7, "192.0.2.10/24".parse().unwrap());
        for passing in [datagram(prefix.delete(), 0), of_another(datagram(prefix.delete(), 0))] {
            assert!(passes(&program, &passing));
        }
    }

    #[test]
    fn only_a_route_of_another_in_place_of_one_is_a_replacement() {
        let program = for_replacements().unwrap();
        for route in routes() {
            let replacing = datagram(route.add(None), NLM_F_REPLACE);
            assert!(passes(&program, &of_another(replacing.clone())));
            assert!(!passes(&program, &replacing));
            assert!(!passes(&program, &of_another(datagram(route.add(None), 0))));
            assert!(!passes(&program, &of_another(datagram(route.delete(), NLM_F_REPLACE))));
        }
    }
}
