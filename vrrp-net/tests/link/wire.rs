//! Two hosts on a switch, and a way to put any packet on the wire.

use std::{net::IpAddr, time::Duration};

use nix::net::if_::if_nametoindex;
use tokio::runtime::Handle;
use vrrp_core::{Family, IPV4_GROUP, IPV6_GROUP, InterfaceId};
use vrrp_net::{
    lab::{Cable, Capture, Direction, Frame, Host, Injector, Switch, VrrpFrame, wait_until},
    link::{Interest, Link, Port, linux::Linux},
};

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A broadcast of an EtherType for experiments (IEEE 802, 88-B5).
const PROBE: &[u8] = b"\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\xfd\x88\xb5 is anybody there?";

/// The hosts: 192.0.2.N, fd00::N and fe80::N on `eth0`, N being 1 and 2.
pub(crate) struct Wire {
    pub(crate) a: Node,
    pub(crate) b: Node,
}

pub(crate) struct Node {
    pub(crate) host: Host,
    pub(crate) cable: Cable,
    number: u8,
}

impl Wire {
    pub(crate) fn new() -> Self {
        let switch = Switch::new().unwrap();
        let wire = Self { a: Node::new(&switch, 1), b: Node::new(&switch, 2) };
        wire.wait();
        wire
    }

    /// Waits until frames pass both ways: a new interface may drop what is sent until the kernel's
    /// work in the background has noticed its carrier.
    pub(crate) fn wait(&self) {
        for (from, to) in [(&self.a, &self.b), (&self.b, &self.a)] {
            let injector = Injector::new(&from.host, "eth0").unwrap();
            let capture = Capture::cable(&to.cable).unwrap();
            let passed = || {
                injector.send(PROBE).unwrap();
                capture
                    .frames()
                    .iter()
                    .any(|frame| frame.direction == Direction::ToHost && frame.bytes == PROBE)
            };
            assert!(wait_until(PATIENCE, passed), "no frame passes the wire");
        }
    }
}

impl Node {
    fn new(switch: &Switch, number: u8) -> Self {
        let host = Host::new(&format!("host{number}")).unwrap();
        let addresses = [
            format!("192.0.2.{number}/24"),
            format!("fd00::{number}/64"),
            format!("fe80::{number}/64"),
        ];
        let addresses = addresses.each_ref().map(String::as_str);
        let cable = Cable::new(&host, "eth0", switch, &addresses).unwrap();
        Self { host, cable, number }
    }

    /// The address that advertisements of `family` come from.
    pub(crate) fn primary(&self, family: Family) -> IpAddr {
        match family {
            Family::Ipv4 => format!("192.0.2.{}", self.number).parse().unwrap(),
            Family::Ipv6 => format!("fe80::{}", self.number).parse().unwrap(),
        }
    }

    pub(crate) fn routable(&self, family: Family) -> IpAddr {
        match family {
            Family::Ipv4 => self.primary(family),
            Family::Ipv6 => format!("fd00::{}", self.number).parse().unwrap(),
        }
    }

    pub(crate) fn port(&self, family: Family) -> Port {
        let index = self.host.run(|| if_nametoindex("eth0")).unwrap().unwrap();
        Port::new(eth0(), family, "eth0", index, self.cable.mac().unwrap())
    }

    /// Opens a port, or changes its interest.
    pub(crate) fn open(&self, link: &mut Linux, family: Family, interest: &Interest) {
        let (runtime, port) = (Handle::current(), self.port(family));
        let open = || {
            let _context = runtime.enter();
            link.open(&port, interest)
        };
        self.host.run(open).unwrap().unwrap();
    }

    pub(crate) fn forger(&self, family: Family) -> Forger {
        let injector = Injector::new(&self.host, "eth0").unwrap();
        Forger { injector, source: self.primary(family), group: group(family) }
    }
}

/// The interface of both hosts.
pub(crate) fn eth0() -> InterfaceId {
    InterfaceId::new(std::num::NonZeroU32::MIN)
}

pub(crate) fn group(family: Family) -> IpAddr {
    match family {
        Family::Ipv4 => IPV4_GROUP.into(),
        Family::Ipv6 => IPV6_GROUP.into(),
    }
}

/// A frame that `wanted` accepts.
pub(crate) fn find(capture: &Capture, wanted: impl FnMut(&Frame) -> bool) -> Frame {
    capture.wait_for(PATIENCE, wanted).expect("there was no such frame")
}

/// Sends any message to the group.
pub(crate) struct Forger {
    injector: Injector,
    source: IpAddr,
    group: IpAddr,
}

impl Forger {
    pub(crate) fn send(&self, ttl: u8, payload: &[u8]) {
        self.injector.send(&self.frame(ttl, payload)).unwrap();
    }

    /// Sends 50,000 a second, and returns how many.
    pub(crate) fn flood(&self, duration: Duration, payload: &[u8]) -> u64 {
        let frame = self.frame(255, payload);
        self.injector.inject(50_000, duration, |_| frame.clone()).unwrap().sent
    }

    /// Sends a message in an IPv4 packet with the Router Alert option.
    pub(crate) fn send_with_option(&self, payload: &[u8]) {
        let mut frame = self.frame(255, payload);
        let ip = 14;
        frame.splice(ip + 20..ip + 20, [0x94, 4, 0, 0]);
        frame[ip] += 1;
        frame[ip + 3] += 4;
        frame[ip + 10..ip + 12].fill(0);
        let sum = frame[ip..ip + 24]
            .chunks(2)
            .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]))
            .sum::<u32>();
        let checksum = !(((sum & 0xffff) + (sum >> 16)) as u16);
        frame[ip + 10..ip + 12].copy_from_slice(&checksum.to_be_bytes());
        self.injector.send(&frame).unwrap();
    }

    /// Sends a message in a frame to this MAC address.
    pub(crate) fn send_to(&self, mac: [u8; 6], payload: &[u8]) {
        let mut frame = self.frame(255, payload);
        frame[..6].copy_from_slice(&mac);
        self.injector.send(&frame).unwrap();
    }

    /// Sends a message in a frame of this VLAN (IEEE 802.1Q).
    pub(crate) fn send_in_vlan(&self, vlan: u8, payload: &[u8]) {
        let mut frame = self.frame(255, payload);
        frame.splice(12..12, [0x81, 0x00, 0, vlan]);
        self.injector.send(&frame).unwrap();
    }

    fn frame(&self, ttl: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = VrrpFrame::new(self.source, self.group, payload.to_vec());
        frame.ttl = ttl;
        frame.encode().unwrap()
    }
}
