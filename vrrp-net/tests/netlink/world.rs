//! A host of its own for each test: a network namespace with the interfaces `eth0` and `eth1`,
//! joined by a cable, and nothing on them.

use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
    time::{Duration, Instant},
};

use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    address::{AddressAttribute, AddressFlags},
    link::{InfoData, InfoKind, InfoVeth, LinkAttribute, LinkInfo, LinkMessage},
    route::{RouteAttribute, RouteMessage, RouteProtocol},
};
use vrrp_core::{Cidr, Family, InterfaceId, Key, Vrid};
use vrrp_net::{
    Lease,
    lab::Host,
    netlink::{
        Error, Socket,
        addresses::{self, HostAddress, Manner, Mark, Put},
        links::{self, HostLink},
        routes::PrefixRoute,
    },
};

/// The longest that anything but the end of a lifetime may take.
pub(crate) const SOON: Duration = Duration::from_secs(5);

pub(crate) type Test = fn(&mut World);

/// Runs `test` on a host.
pub(crate) fn run(test: Test) {
    let host = Host::new("host").unwrap();
    host.run(|| test(&mut World::new())).unwrap();
}

pub(crate) struct World {
    pub(crate) socket: Socket,
}

impl World {
    fn new() -> Self {
        let socket = Socket::new().unwrap();
        let mut world = Self { socket };
        world.add_cable("eth0", "eth1");
        world
    }

    /// Two new interfaces, joined and up.
    pub(crate) fn add_cable(&mut self, one: &str, other: &str) {
        let mut peer = LinkMessage::default();
        peer.attributes = vec![LinkAttribute::IfName(other.to_owned())];
        let mut link = LinkMessage::default();
        link.attributes = vec![
            LinkAttribute::IfName(one.to_owned()),
            LinkAttribute::LinkInfo(vec![
                LinkInfo::Kind(InfoKind::Veth),
                LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
            ]),
        ];
        let message = RouteNetlinkMessage::NewLink(link);
        self.socket.request(message, NLM_F_CREATE | NLM_F_EXCL).unwrap();
        for name in [one, other] {
            self.set_up(name, true);
        }
        self.until("the carrier", |world| world.link(one).is_some_and(|link| link.is_up()));
    }

    pub(crate) fn set_up(&mut self, name: &str, up: bool) {
        let message = links::set_up(self.index(name), up);
        self.socket.request(message, 0).unwrap();
    }

    /// Deletes an interface.
    pub(crate) fn remove(&mut self, name: &str) {
        let message = links::delete(self.index(name));
        self.socket.request(message, 0).unwrap();
    }

    pub(crate) fn rename(&mut self, name: &str, to: &str) {
        let message = links::rename(self.index(name), to);
        self.socket.request(message, 0).unwrap();
    }

    pub(crate) fn link(&mut self, name: &str) -> Option<HostLink> {
        links::list(&mut self.socket).unwrap().into_iter().find(|link| link.name == name)
    }

    pub(crate) fn index(&mut self, name: &str) -> u32 {
        self.link(name).unwrap().index
    }

    /// Puts an address of the host's own.
    pub(crate) fn add_own(&mut self, interface: &str, text: &str) {
        let message = addresses::add_own(self.index(interface), cidr(text));
        self.socket.request(message, NLM_F_CREATE | NLM_F_EXCL).unwrap();
    }

    /// Puts so many addresses of the host's own, from 10.0.0.0 on.
    pub(crate) fn fill(&mut self, interface: &str, count: u32) {
        let index = self.index(interface);
        let first = u32::from(Ipv4Addr::new(10, 0, 0, 0));
        let message = |number| {
            addresses::add_own(index, Cidr::from(IpAddr::V4(Ipv4Addr::from(first + number))))
        };
        let messages = (0..count).map(|number| (message(number), NLM_F_CREATE | NLM_F_EXCL));
        for answer in self.socket.batch(messages.collect()).unwrap() {
            answer.unwrap();
        }
    }

    /// Makes an address that is there the host's own, as `ip address replace` does.
    pub(crate) fn claim(&mut self, interface: &str, text: &str) {
        let message = addresses::add_own(self.index(interface), cidr(text));
        self.socket.request(message, NLM_F_CREATE | NLM_F_REPLACE).unwrap();
    }

    /// Puts an address whose uniqueness the kernel checks first.
    pub(crate) fn add_tentative(&mut self, interface: &str, text: &str) {
        let mut message = addresses::add_own(self.index(interface), cidr(text));
        if let RouteNetlinkMessage::NewAddress(message) = &mut message {
            message.attributes.retain(|attribute| !matches!(attribute, AddressAttribute::Flags(_)));
        }
        self.socket.request(message, NLM_F_CREATE | NLM_F_EXCL).unwrap();
    }

    /// Deletes an address, as an operator would.
    pub(crate) fn delete(&mut self, interface: &str, text: &str) -> Result<(), Error> {
        let message = addresses::delete(self.index(interface), cidr(text));
        self.socket.request(message, 0)
    }

    /// Deletes the route to a subnet that somebody else than vrrp made.
    pub(crate) fn delete_route(&mut self, interface: &str, text: &str, protocol: RouteProtocol) {
        let message = PrefixRoute::of(self.index(interface), cidr(text)).delete();
        let RouteNetlinkMessage::DelRoute(mut message) = message else { panic!("no deletion") };
        message.header.protocol = protocol;
        message.attributes.retain(is_not_ours);
        self.socket.request(RouteNetlinkMessage::DelRoute(message), 0).unwrap();
    }

    /// Adds a route to a subnet that needs no gateway, for so many seconds, as `protocol` makes it.
    pub(crate) fn add_route(
        &mut self,
        interface: &str,
        text: &str,
        protocol: RouteProtocol,
        valid: Option<u32>,
    ) {
        let message = PrefixRoute::of(self.index(interface), cidr(text)).add(valid);
        let RouteNetlinkMessage::NewRoute(mut message) = message else { panic!("no new route") };
        message.header.protocol = protocol;
        message.attributes.retain(is_not_ours);
        self.socket
            .request(RouteNetlinkMessage::NewRoute(message), NLM_F_CREATE | NLM_F_APPEND)
            .unwrap();
    }

    /// The routes to a subnet: for each who made it, and whether it expires.
    pub(crate) fn routes(&mut self, text: &str) -> Vec<(u8, bool)> {
        let routes = self.lifetimes(text).into_iter();
        routes.map(|(protocol, expires)| (protocol, expires > 0)).collect()
    }

    /// The routes to a subnet: for each who made it, and for how many seconds it is there; 0: for
    /// ever.
    pub(crate) fn lifetimes(&mut self, text: &str) -> Vec<(u8, u32)> {
        let to = cidr(text);
        let mut request = RouteMessage::default();
        request.header.address_family =
            if to.address().is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        let mut found = Vec::new();
        for route in self.socket.dump(RouteNetlinkMessage::GetRoute(request)).unwrap() {
            let RouteNetlinkMessage::NewRoute(route) = route else { continue };
            let is_to = RouteAttribute::Destination(to.address().into());
            if route.header.destination_prefix_length != to.prefix_length()
                || !route.attributes.contains(&is_to)
            {
                continue;
            }
            let expires = route.attributes.iter().find_map(|attribute| match attribute {
                RouteAttribute::CacheInfo(info) => Some(info.expires / 100),
                _ => None,
            });
            found.push((route.header.protocol.into(), expires.unwrap_or_default()));
        }
        found
    }

    /// Puts an address as version 0.1 did: told by `IFA_PROTO`, without a metric. It had the kernel
    /// make the route of an IPv6 address, if the host did not have the subnet.
    pub(crate) fn put_as_0_1(
        &mut self,
        interface: &str,
        text: &str,
        protocol: u8,
        valid: Option<u32>,
    ) {
        let put = Put {
            index: self.index(interface),
            cidr: cidr(text),
            mark: Mark::Held,
            valid,
            manner: Manner::default(),
        };
        let RouteNetlinkMessage::NewAddress(mut message) = put.message() else {
            panic!("no new address")
        };
        message
            .attributes
            .retain(|attribute| !matches!(attribute, AddressAttribute::RoutePriority(_)));
        for attribute in &mut message.attributes {
            match attribute {
                AddressAttribute::Protocol(number) => *number = protocol.into(),
                AddressAttribute::Flags(flags) if put.cidr.address().is_ipv6() => {
                    flags.remove(AddressFlags::Noprefixroute);
                }
                _ => {}
            }
        }
        self.socket
            .request(RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | NLM_F_EXCL)
            .unwrap();
    }

    /// The addresses of an interface, without the link-local ones that come by themselves.
    pub(crate) fn addresses(&mut self, interface: &str) -> Vec<HostAddress> {
        let index = self.index(interface);
        let mut all = addresses::list(&mut self.socket).unwrap();
        all.retain(|address| address.index == index && !is_link_local(address));
        all
    }

    /// The same, as text.
    pub(crate) fn texts(&mut self, interface: &str) -> Vec<String> {
        self.addresses(interface).iter().map(|address| address.cidr.to_string()).collect()
    }

    /// The one address of an interface that has our mark.
    pub(crate) fn held(&mut self, interface: &str) -> HostAddress {
        let mut ours = self.addresses(interface);
        ours.retain(HostAddress::is_ours);
        assert_eq!(ours.len(), 1, "{ours:?}");
        ours.remove(0)
    }

    /// How long ago the youngest of an interface's addresses was put or renewed.
    pub(crate) fn held_since(&mut self, interface: &str) -> Duration {
        self.addresses(interface).iter().map(HostAddress::renewed_ago).min().unwrap()
    }

    /// Waits until the link-local address of an interface is there and usable.
    pub(crate) fn settle(&mut self, interface: &str) {
        let index = self.index(interface);
        self.until("the link-local address", |world| {
            let all = addresses::list(&mut world.socket).unwrap();
            let mut own =
                all.iter().filter(|address| address.index == index && is_link_local(address));
            own.any(|address| !address.flags.contains(AddressFlags::Tentative))
        });
    }

    pub(crate) fn until(&mut self, what: &str, done: impl FnMut(&mut Self) -> bool) {
        self.until_within(SOON, what, done);
    }

    pub(crate) fn until_within(
        &mut self,
        within: Duration,
        what: &str,
        mut done: impl FnMut(&mut Self) -> bool,
    ) {
        let begun = Instant::now();
        while !done(self) {
            assert!(begun.elapsed() < within, "waited {within:?} for {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// What a route of ours has that one of the host's need not have.
fn is_not_ours(attribute: &RouteAttribute) -> bool {
    !matches!(attribute, RouteAttribute::Priority(_) | RouteAttribute::PrefSource(_))
}

fn is_link_local(address: &HostAddress) -> bool {
    matches!(address.ip(), IpAddr::V6(ip) if ip.is_unicast_link_local())
}

pub(crate) fn cidr(text: &str) -> Cidr {
    text.parse().unwrap()
}

/// A lease on `eth0` that lasts so many seconds without a renewal.
pub(crate) fn lease(addresses: &[&str], lasts: u64) -> Lease {
    let key = Key {
        interface: InterfaceId::new(NonZeroU32::MIN),
        family: Family::Ipv4,
        vrid: Vrid::try_from(51).unwrap(),
    };
    let addresses: Vec<Cidr> = addresses.iter().map(|text| cidr(text)).collect();
    Lease::new(key, "eth0", &addresses, Duration::from_secs(lasts))
}

/// Runs `work` on a thread without any capability.
pub(crate) fn without_capabilities(work: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            // `_LINUX_CAPABILITY_VERSION_3` of `linux/capability.h`, and this thread.
            let header: [u32; 2] = [0x2008_0522, 0];
            let none = [0_u32; 6];
            // SAFETY: capset(2) reads a header of two words and two sets of three words each.
            let result = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) };
            assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
            work();
        });
        thread.join().unwrap_or_else(|panicked| std::panic::resume_unwind(panicked));
    });
}
