//! A host of its own for each test: a network namespace with the interfaces `eth0` and `eth1`, joined by a
//! cable, and nothing on them.

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::{
    RouteNetlinkMessage,
    address::{AddressAttribute, AddressFlags},
    link::{InfoData, InfoKind, InfoVeth, LinkAttribute, LinkInfo, LinkMessage},
};
use vrrp_core::{Cidr, Family, InterfaceId, Key, Vrid};
use vrrp_net::{
    Lease,
    lab::Host,
    netlink::{
        Error, Socket,
        addresses::{self, HostAddress},
        links::{self, HostLink},
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

    /// The one address of an interface that bears our tag.
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
            let mut own = all.iter().filter(|address| address.index == index && is_link_local(address));
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

fn is_link_local(address: &HostAddress) -> bool {
    matches!(address.ip(), std::net::IpAddr::V6(ip) if ip.is_unicast_link_local())
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
