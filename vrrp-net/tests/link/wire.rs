//! Two hosts on a cable, each a network namespace, and a way to put anything on it.

use std::{
    fs::File,
    io::Read,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    os::fd::AsRawFd,
    process::{self, Command},
    thread,
    time::{Duration, Instant},
};

use nix::sched::{CloneFlags, setns, unshare};
use socket2::{Domain, Protocol, Socket, Type};
use vrrp_core::{Family, IPV4_GROUP, IPV6_GROUP, InterfaceId};
use vrrp_net::link::Port;

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Two hosts whose `eth0` are the ends of one cable: 192.0.2.N, fd00::N and fe80::N, N being 1 and 2.
pub struct Wire {
    pub a: Host,
    pub b: Host,
}

/// A network namespace.
pub struct Host {
    namespace: File,
    number: u8,
}

impl Wire {
    pub fn new() -> Self {
        let wire = Self { a: Host::new(1), b: Host::new(2) };
        wire.plug();
        wire
    }

    /// Makes the cable.
    pub fn plug(&self) {
        self.a.enter();
        let peer = format!("/proc/{}/fd/{}", process::id(), self.b.namespace.as_raw_fd());
        ip(&format!("link add eth0 address 02:00:00:00:00:01 type veth peer name eth0 address 02:00:00:00:00:02 netns {peer}"));
        self.a.configure();
        self.b.configure();
    }
}

impl Host {
    fn new(number: u8) -> Self {
        let namespace = thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace needs root");
            File::open("/proc/thread-self/ns/net").unwrap()
        });
        Self { namespace: namespace.join().unwrap(), number }
    }

    /// Moves the calling thread here. Sockets and commands that it makes from now on are here, too.
    pub fn enter(&self) {
        setns(&self.namespace, CloneFlags::CLONE_NEWNET).unwrap();
    }

    fn configure(&self) {
        self.enter();
        ip("link set lo up");
        ip("link set eth0 addrgenmode none up");
        ip(&format!("address add {}/24 dev eth0", self.ipv4()));
        ip(&format!("address add {}/64 dev eth0 nodad", self.ipv6()));
        ip(&format!("address add {}/64 dev eth0 nodad", self.link_local()));
    }

    pub fn ipv4(&self) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, self.number).into()
    }

    pub fn ipv6(&self) -> IpAddr {
        format!("fd00::{}", self.number).parse().unwrap()
    }

    pub fn link_local(&self) -> IpAddr {
        format!("fe80::{}", self.number).parse().unwrap()
    }

    /// The address that advertisements of `family` come from.
    pub fn primary(&self, family: Family) -> IpAddr {
        match family {
            Family::Ipv4 => self.ipv4(),
            Family::Ipv6 => self.link_local(),
        }
    }

    pub fn mac(&self) -> [u8; 6] {
        [2, 0, 0, 0, 0, self.number]
    }

    pub fn index(&self) -> u32 {
        self.enter();
        nix::net::if_::if_nametoindex("eth0").unwrap()
    }

    pub fn port(&self, family: Family) -> Port {
        Port::new(eth0(), family, "eth0", self.index(), self.mac())
    }

    /// Everything that passes this host's interfaces from now on.
    pub fn capture(&self) -> Capture {
        self.enter();
        let everything = i32::from((libc::ETH_P_ALL as u16).to_be());
        let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(everything))).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Capture(socket)
    }

    /// A way to send messages to the group with any TTL and, over IPv4, with IP options.
    pub fn forger(&self, family: Family) -> Forger {
        let index = self.index();
        let socket = match family {
            Family::Ipv4 => {
                let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(libc::IPPROTO_RAW))).unwrap();
                socket.set_header_included_v4(true).unwrap();
                socket.bind_device_by_index_v4(NonZeroU32::new(index)).unwrap();
                socket
            }
            Family::Ipv6 => {
                let socket = Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::from(112))).unwrap();
                socket.bind_device_by_index_v6(NonZeroU32::new(index)).unwrap();
                socket
            }
        };
        Forger { socket, family, source: self.primary(family) }
    }
}

/// The interface of both hosts.
pub fn eth0() -> InterfaceId {
    InterfaceId::new(NonZeroU32::MIN)
}

pub fn group(family: Family) -> IpAddr {
    match family {
        Family::Ipv4 => IPV4_GROUP.into(),
        Family::Ipv6 => IPV6_GROUP.into(),
    }
}

pub fn ip(arguments: &str) {
    let output = Command::new("ip").args(arguments.split(' ')).output().expect("iproute2 is installed");
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

pub struct Capture(Socket);

impl Capture {
    /// The next frame that `wanted` makes something of.
    pub fn find<T>(&mut self, wanted: impl Fn(&[u8]) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut frame = [0; 2048];
        while Instant::now() < deadline {
            let len = self.0.read(&mut frame).expect("no such frame was captured");
            if let Some(found) = wanted(&frame[..len]) {
                return found;
            }
        }
        panic!("no such frame was captured");
    }
}

pub struct Forger {
    socket: Socket,
    family: Family,
    source: IpAddr,
}

impl Forger {
    pub fn send(&self, ttl: u8, payload: &[u8]) {
        self.send_with_options(ttl, &[], payload);
    }

    pub fn send_with_options(&self, ttl: u8, options: &[u8], payload: &[u8]) {
        let (destination, packet) = match self.source {
            IpAddr::V4(source) => {
                let mut packet = vec![0x45 + options.len() as u8 / 4, 0xc0];
                packet.extend(((20 + options.len() + payload.len()) as u16).to_be_bytes());
                packet.extend([0, 0, 0, 0, ttl, 112, 0, 0]);
                packet.extend(source.octets());
                packet.extend(IPV4_GROUP.octets());
                packet.extend(options);
                packet.extend(payload);
                (SocketAddr::new(IPV4_GROUP.into(), 0), packet)
            }
            IpAddr::V6(_) => {
                self.socket.set_multicast_hops_v6(ttl.into()).unwrap();
                (SocketAddr::new(IPV6_GROUP.into(), 0), payload.to_vec())
            }
        };
        assert_eq!(Family::of(self.source), self.family);
        self.socket.send_to(&packet, &destination.into()).unwrap();
    }
}
